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

/// Kernels by their textbook formulas, one pair at a time.
inline double correlation(const std::string& name, const double* a, const double* b, const Vector& lengths) {
  double r2 = 0.0, m1 = 1.0, m3 = 1.0, m5 = 1.0;
  const auto g3 = [](double h) { return (1 + std::sqrt(3.0) * h) * std::exp(-std::sqrt(3.0) * h); };
  const auto g5 = [](double h) {
    return (1 + std::sqrt(5.0) * h + 5.0 / 3.0 * h * h) * std::exp(-std::sqrt(5.0) * h);
  };
  for (Index k = 0; k < lengths.size(); ++k) {
    const double h = std::abs(a[k] - b[k]) / lengths[k];
    r2 += h * h;
    m1 *= std::exp(-h);
    m3 *= g3(h);
    m5 *= g5(h);
  }
  if (name == "squared-exponential") return std::exp(-r2 / 2);
  if (name == "matern12") return std::exp(-std::sqrt(r2));
  if (name == "matern12-product") return m1;
  if (name == "matern32") return g3(std::sqrt(r2));
  if (name == "matern52") return g5(std::sqrt(r2));
  return name == "matern32-product" ? m3 : m5;
}

inline Eigen::MatrixXd correlation_matrix(const std::string& name, const Matrix& x, const Vector& lengths) {
  Eigen::MatrixXd k(x.rows(), x.rows());
  for (Index i = 0; i < x.rows(); ++i)
    for (Index j = 0; j < x.rows(); ++j)
      k(i, j) = correlation(name, x.row(i).data(), x.row(j).data(), lengths);
  return k;
}

}  // namespace gp_test
