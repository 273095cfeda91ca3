#pragma once
// Densities whose moments are known.

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/inference/log_density.hpp"

namespace ersatz::testing {

constexpr double infinite = std::numeric_limits<double>::infinity();

inline std::vector<DensityParameter> free_parameters(Index d) {
  std::vector<DensityParameter> list;
  for (Index i = 0; i < d; ++i) list.push_back({"p" + std::to_string(i), "", -infinite, infinite});
  return list;
}

/// A log density by value and gradient, with bounds; log_prior is 0 inside of them.
template <class Function>
class Density final : public LogDensity {
 public:
  Density(std::vector<DensityParameter> parameters, Function function, bool gradient = true)
      : parameters_(std::move(parameters)), function_(std::move(function)), gradient_(gradient) {}
  const std::vector<DensityParameter>& parameters() const override { return parameters_; }
  bool has_gradient() const override { return gradient_; }
  LogDensityValue evaluate(const double* theta, double* gradient, Workspace&) const override {
    if (gradient && !gradient_) throw UsageError("no gradient here");
    LogDensityValue value;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (theta[i] < parameters_[i].lower || theta[i] > parameters_[i].upper) {
        value.log_prior = -infinite;
        return value;
      }
    value.log_likelihood = function_(theta, gradient);
    value.inside_domain = theta[0] < 0.5;
    return value;
  }

 private:
  std::vector<DensityParameter> parameters_;
  Function function_;
  bool gradient_;
};

/// Normal with this mean and covariance.
inline auto normal_density(const Vector& mean, const Matrix& covariance, bool gradient = true) {
  const Matrix precision =
      Eigen::LLT<Eigen::MatrixXd>(covariance).solve(Eigen::MatrixXd::Identity(mean.size(), mean.size()));
  const auto function = [mean, precision](const double* x, double* g) {
    const Vector apart = Eigen::Map<const Vector>(x, mean.size()) - mean;
    const Vector slope = precision * apart;
    if (g) Eigen::Map<Vector>(g, mean.size()) = -slope;
    return -0.5 * apart.dot(slope);
  };
  return Density<decltype(function)>(free_parameters(mean.size()), function, gradient);
}

/// x ~ N(0, 1), y given x ~ N(x², s²): mean (0, 1), var y = 2 + s², cov(x, y) = 0.
inline auto banana_density(double s = 0.3) {
  const auto function = [s](const double* x, double* g) {
    const double off = (x[1] - x[0] * x[0]) / (s * s);
    if (g) {
      g[0] = -x[0] + 2.0 * x[0] * off;
      g[1] = -off;
    }
    return -0.5 * x[0] * x[0] - 0.5 * (x[1] - x[0] * x[0]) * off;
  };
  return Density<decltype(function)>(free_parameters(2), function);
}

/// Normal(0.2, 1) cut to above 0, exponential of mean 3, uniform between -1 and 2, normal(1, 2) below 0: a
/// parameter of each kind of bounds.
inline auto bounded_density() {
  const auto function = [](const double* x, double* g) {
    if (g) {
      g[0] = 0.2 - x[0];
      g[1] = -1.0 / 3.0;
      g[2] = 0.0;
      g[3] = (1.0 - x[3]) / 4.0;
    }
    return -0.5 * (x[0] - 0.2) * (x[0] - 0.2) - x[1] / 3.0 - 0.125 * (x[3] - 1.0) * (x[3] - 1.0);
  };
  return Density<decltype(function)>({{"normal", "", 0.0, infinite},
                                      {"exponential", "s", 0.0, infinite},
                                      {"uniform", "", -1.0, 2.0},
                                      {"below", "", -infinite, 0.0}},
                                     function);
}

inline Matrix correlated(Index d) {
  Matrix c(d, d);
  for (Index i = 0; i < d; ++i)
    for (Index j = 0; j < d; ++j)
      c(i, j) = std::pow(0.7, std::abs(static_cast<double>(i - j))) *
                std::pow(3.0, 0.5 * static_cast<double>(i + j));
  return c;
}

}  // namespace ersatz::testing
