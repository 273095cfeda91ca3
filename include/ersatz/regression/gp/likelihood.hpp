#pragma once
// The likelihood of hyperparameters, and conditioning on data once they are chosen: two steps, two results.

#include "ersatz/regression/gp/covariance_objective.hpp"

namespace ersatz::gp {

/// Minus the log likelihood (priors subtracted) of m outputs that share a correlation matrix R. The mean is
/// at its generalised least squares optimum (profile) or integrated out (restricted), the process variance
/// at its optimum unless noise is known; R's log determinant and, restricted, log det Fᵀ R⁻¹ F count m times
/// (Harville 1974 without the constant ½ log det FᵀF: values compare within one mean, not between means).
/// With a gradient an evaluation costs n³ flops (Cholesky factor and inverse) and one pass over the gram
/// matrix' derivatives; without, n³/3.
class Likelihood final : public CovarianceObjective {
 public:
  /// x: n × d, inputs spanning about [0, 1]; y: n × m. Both are copied. Throws DataError on a mean that n
  /// points cannot determine.
  Likelihood(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y, const ObjectiveOptions& options);

 private:
  bool criterion(Eigen::MatrixXd& r, LeastSquares& squares, std::vector<double>& variance, double* value,
                 double* slope) override;
};

/// What prediction needs, given hyperparameters.
struct Conditioned {
  std::vector<double> coefficients;
  double nugget = 0.0, jitter = 0.0;
  Concentrated concentrated;
  Matrix weights;        ///< m × n: R⁻¹ (y - mean)
  Vector solved_ones;    ///< n: R⁻¹ 1
  double information;    ///< 1ᵀ R⁻¹ 1
  Vector inverse_lower;  ///< lower triangle of L⁻¹, R = L Lᵀ, row by row: n (n + 1) / 2
  /// Leave-one-out in closed form, the mean estimated anew without the point (Dubrule 1983): residual
  /// y_i - y_(-i) and its deviation, that of an observed value (n × m each). Empty for n = 1.
  Matrix leave_one_out_residual, leave_one_out_deviation;
  /// The same with the mean held fixed.
  Matrix fixed_mean_residual, fixed_mean_deviation;
};

/// One factorisation and one triangular inverse. Throws NumericalError when R is not positive definite.
Conditioned condition(const Kernel& kernel, ConstMatrixRef x, ConstMatrixRef y, const double* theta,
                      double nugget, double jitter, Estimator estimator);

}  // namespace ersatz::gp
