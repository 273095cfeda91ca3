#include "ersatz/regression/gp/likelihood.hpp"

#include <cmath>

#include "ersatz/core/error.hpp"
#include "regression/gp/covariance_matrix.hpp"
#include "regression/gp/factor.hpp"

namespace ersatz::gp {
namespace {

constexpr double log_two_pi = 1.837877066409345483561;

}  // namespace

Likelihood::Likelihood(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y, const ObjectiveOptions& options,
                       std::shared_ptr<CovarianceMatrix> matrix)
    : CovarianceObjective(std::move(kernel), x, y, options, std::move(matrix)) {
  if (options.estimator == Estimator::leave_one_out)
    throw UsageError("a likelihood is restricted or profile; leave-one-out is PredictiveProbability");
}

bool Likelihood::criterion(CovarianceMatrix& r, LeastSquares& s, std::vector<double>& variance, double* value,
                           double* slope) {
  const int n = static_cast<int>(points()), m = static_cast<int>(outputs()),
            q = static_cast<int>(mean_coefficients());
  const bool restricted = options().estimator == Estimator::restricted;
  const double freedom = restricted ? n - q : n, half_outputs = 0.5 * m;

  double sum = m * r.log_determinant(), by_variance = 0.0;
  for (Index o = 0; o < m; ++o) {
    double& v = variance[static_cast<std::size_t>(o)];
    if (!variance_is_parameter()) v = s.squares[o] / freedom;
    if (!std::isfinite(v) || !(v > 0.0)) return false;
    sum += freedom * (log_two_pi + std::log(v)) + s.squares[o] / v;
    by_variance += freedom - s.squares[o] / v;
  }
  if (restricted) sum += m * s.log_information();
  *value = 0.5 * sum;
  if (!slope) return true;
  *slope = 0.5 * by_variance;

  // G = ½ (m R⁻¹ - Σ_o α_o α_oᵀ / variance_o - m S Sᵀ), α_o = R⁻¹ (y_o - F beta_o), S = R⁻¹ F T⁻¹; the last
  // term where the mean is integrated out.
  for (Index o = 0; o < m; ++o) s.work.col(o) /= std::sqrt(variance[static_cast<std::size_t>(o)]);
  s.work.rightCols(q) *= std::sqrt(static_cast<double>(m));
  const int k = restricted ? m + q : m;
  r.solve(true, k, s.work);
  r.invert();
  r.update(-0.5, s.work, k, half_outputs);
  return true;
}

}  // namespace ersatz::gp
