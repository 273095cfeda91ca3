#pragma once
// A small set of simulations with outputs of three kinds, for tests of emulators.

#include <cmath>
#include <vector>

#include "ersatz/core/random.hpp"
#include "ersatz/emulator/train.hpp"
#include "ersatz/storage/archive.hpp"

namespace ersatz::testing {

/// y (one value), flux (positive, 24 bins over two decades) and wave (complex, 30 bins) of a in 1 … 10 (log)
/// and b in -1 … 1.
inline Archive small_archive(Index n, std::uint64_t seed = 1) {
  Archive archive;
  archive.space = ParameterSpace({{"a", "", 1.0, 10.0, Scale::log}, {"b", "rad", -1.0, 1.0}});
  RandomStream random(seed);
  archive.parameters = archive.space.sample(n, random);
  archive.axes = {{"one", "", Vector::Zero(1)},
                  {"lambda", "Angstrom", Vector::LinSpaced(24, 1000.0, 3000.0)},
                  {"time", "s", Vector::LinSpaced(30, -3.0, 3.0)}};
  archive.outputs = {
      {"y", "", "one", 1, false}, {"flux", "", "lambda", 24, false}, {"wave", "", "time", 30, true}};
  for (const auto& o : archive.outputs) archive.values.emplace_back(n, o.width());
  for (Index i = 0; i < n; ++i) {
    const double a = archive.parameters(i, 0), b = archive.parameters(i, 1);
    archive.values[0](i, 0) = std::sin(a) + b * b;
    for (Index j = 0; j < 24; ++j) {
      const double s = static_cast<double>(j) / 23.0;
      archive.values[1](i, j) = std::exp(3.0 * s * b + 0.4 * std::sin(4.0 * s + a)) * a;
    }
    for (Index j = 0; j < 30; ++j) {
      const double t = archive.axes[2].values[j];
      const double amplitude = (1.0 + 0.3 * b) / (1.0 + 0.1 * t * t);
      const double phase = 3.0 + 0.8 * t + 0.1 * a * t + 0.2 * b * t * t;
      archive.values[2](i, 2 * j) = amplitude * std::cos(phase);
      archive.values[2](i, 2 * j + 1) = amplitude * std::sin(phase);
    }
    archive.status.push_back(RunStatus::done);
    archive.messages.emplace_back();
    archive.seconds.push_back(0.5);
  }
  return archive;
}

inline Recipe recipe_with(const std::string& regressor, Settings settings = {}) {
  Recipe recipe;
  recipe.channel.regressor = {regressor, std::move(settings)};
  return recipe;
}

}  // namespace ersatz::testing
