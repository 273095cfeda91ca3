#pragma once
// The likelihood of hyperparameters.

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
  Likelihood(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y, const ObjectiveOptions& options,
             std::shared_ptr<CovarianceMatrix> matrix = nullptr);

 private:
  bool criterion(CovarianceMatrix& r, LeastSquares& squares, std::vector<double>& variance, double* value,
                 double* slope) override;
};

}  // namespace ersatz::gp
