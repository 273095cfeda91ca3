#pragma once
// Conditioning a Gaussian process on data, once its hyperparameters are chosen.

#include <optional>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/regression/gp/covariance_objective.hpp"
#include "ersatz/regression/gp/kernel.hpp"
#include "ersatz/regression/gp/trend.hpp"

namespace ersatz::gp {

struct ConditionOptions {
  std::vector<double> theta;  ///< the kernel's hyperparameters, logarithms
  double nugget = 0.0;        ///< noise variance over process variance
  double jitter = 0.0;        ///< added to the diagonal, relative to its mean, and not seen as noise
  Estimator estimator = Estimator::restricted;
  Vector noise;  ///< n: further noise variance of each point over process variance; empty: none
  /// Given, instead of found by the estimator.
  std::optional<double> process_variance;
};

/// What prediction needs: y_o = F beta_o + a process with variance_o R + …, R = K + nugget I + jitter +
/// diag(noise) = L Lᵀ, for m outputs that share R; F is the trend's n × q columns.
struct Conditioned {
  std::vector<double> coefficients;  ///< what the kernel's loops take
  double nugget = 0.0;
  double jitter = 0.0;           ///< what was added to the diagonal
  Vector noise;                  ///< n, or empty
  Matrix trend;                  ///< m × q: beta, generalised least squares
  Vector process_variance;       ///< m
  Matrix weights;                ///< m × n: R⁻¹ (y - F beta)
  Eigen::MatrixXd solved_trend;  ///< n × q: R⁻¹ F
  Eigen::MatrixXd trend_factor;  ///< q × q: lower Cholesky factor of A = Fᵀ R⁻¹ F
  Vector panels;                 ///< L⁻¹, in the layout of lib/core/kernels.hpp
  /// Leave-one-out in closed form, the mean estimated anew without the point (Dubrule 1983): residual
  /// y_i - y_(-i) and its deviation, that of an observed value (n × m each); 0 and infinity for a point that
  /// alone determines a coefficient of the mean. Empty for n = 1.
  Matrix leave_one_out_residual, leave_one_out_deviation;
  /// The same with the mean's coefficients held fixed.
  Matrix fixed_mean_residual, fixed_mean_deviation;
};

/// x: n × d, y: n × m. One factorisation and one triangular inverse, 2/3 n³ flops. Throws DataError when the
/// trend has as many coefficients as there are points or cannot tell its columns apart, NumericalError when R
/// is not positive definite.
Conditioned condition(const Kernel& kernel, const Trend& trend, ConstMatrixRef x, ConstMatrixRef y,
                      const ConditionOptions& options);

}  // namespace ersatz::gp
