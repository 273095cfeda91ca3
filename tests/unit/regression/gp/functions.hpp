#pragma once
// Functions and designs that the tests of Gaussian processes share.

#include <cmath>

#include "ersatz/core/random.hpp"
#include "ersatz/regression/regressor.hpp"

namespace gp_test {

using namespace ersatz;

/// Latin hypercube in the unit cube.
inline Matrix design(Index n, Index d, std::uint64_t seed) {
  RandomStream random(seed);
  Matrix x(n, d);
  for (Index k = 0; k < d; ++k) {
    const auto order = random.permutation(n);
    for (Index i = 0; i < n; ++i)
      x(i, k) = (static_cast<double>(order[static_cast<std::size_t>(i)]) + random.uniform()) /
                static_cast<double>(n);
  }
  return x;
}

inline double smooth(const double* u, Index d) {
  double sum = 0.0;
  for (Index k = 0; k < d; ++k) sum += std::sin((1.0 + 0.5 * static_cast<double>(k)) * u[k] + 0.3);
  return sum + u[0] * u[d - 1];
}

/// p outputs of a smooth function in d inputs, with noise of the given deviation.
inline TrainingData smooth_data(Index n, Index d, Index p, std::uint64_t seed, double noise = 0.0) {
  TrainingData data;
  data.x = design(n, d, seed);
  data.y.resize(n, p);
  RandomStream random(seed + 1000);
  for (Index i = 0; i < n; ++i)
    for (Index o = 0; o < p; ++o) {
      Vector u = data.x.row(i).transpose() * (1.0 + 0.3 * static_cast<double>(o));
      data.y(i, o) = smooth(u.data(), d) + noise * random.normal();
    }
  return data;
}

}  // namespace gp_test
