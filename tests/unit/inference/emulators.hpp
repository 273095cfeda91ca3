#pragma once
// Emulators and observations for tests of likelihoods.

#include "ersatz/inference/likelihood.hpp"
#include "unit/emulator/small.hpp"

namespace ersatz::testing {

/// Of small_archive: linear in its coefficients (identity, centered rows, two elements, so that something is
/// left out), or with logarithms, amplitude and phase.
inline Emulator small_emulator(bool linear, const std::string& regressor = "gp", Settings settings = {}) {
  Recipe recipe = recipe_with(regressor, std::move(settings));
  recipe.channel.basis = {"pod", {{"max_rank", 2.0}}};
  if (linear) {
    recipe.decoder = {"identity", {}};
    recipe.channel.transforms = {{"center", {}}};
  }
  recipe.channels["y"] = recipe.channel;
  recipe.channels["y"].basis = {"none", {}};
  return train_emulator(small_archive(25), recipe).emulator;
}

/// y, every second bin of flux, and all of wave, at the run `truth` with errors of 3% (and their noise).
inline Observation observe(const Emulator& emulator, const Matrix& truth, std::vector<std::string> outputs,
                           std::uint64_t seed = 11) {
  Archive archive = small_archive(1);
  const Prediction p = emulator.predict(truth, false);
  Observation o;
  std::vector<double> values, deviations;
  RandomStream random(seed);
  for (const std::string& name : outputs) {
    const auto k = static_cast<std::size_t>(archive.output_index(name));
    Observation::Part part{name, {}};
    const double size = p.mean[k].norm() / std::sqrt(static_cast<double>(p.mean[k].cols()));
    for (Index j = 0; j < p.mean[k].cols(); j += name == "flux" ? 2 : 1) {
      part.entries.push_back(j);
      deviations.push_back(0.03 * size * (1.0 + 0.5 * random.uniform()));
      values.push_back(p.mean[k](0, j) + deviations.back() * random.normal());
    }
    o.parts.push_back(part);
  }
  o.values = Eigen::Map<Vector>(values.data(), static_cast<Index>(values.size()));
  o.deviations = Eigen::Map<Vector>(deviations.data(), static_cast<Index>(values.size()));
  return o;
}

/// The same with errors that go together over about three values.
inline Observation correlated(Observation o) {
  const Index m = o.size();
  o.covariance.resize(m, m);
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < m; ++j)
      o.covariance(i, j) =
          o.deviations[i] * o.deviations[j] *
          ((i == j ? 0.3 : 0.0) + 0.7 * std::exp(-std::abs(static_cast<double>(i - j)) / 3.0));
  o.deviations.resize(0);
  return o;
}

/// The gradient by five-point differences of the value: steps may be wide, so that the rounding of small
/// variances does not matter.
inline Vector differences(const Likelihood& likelihood, const Vector& theta, const Vector& steps) {
  Workspace workspace;
  Vector result(theta.size());
  for (Index i = 0; i < theta.size(); ++i) {
    const auto at = [&](double shift) {
      Vector near = theta;
      near[i] += shift * steps[i];
      return likelihood.evaluate(near.data(), nullptr, workspace).log;
    };
    result[i] = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * steps[i]);
  }
  return result;
}

}  // namespace ersatz::testing
