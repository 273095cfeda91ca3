#include "ersatz/regression/gp/likelihood.hpp"

#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "regression/gp/factor.hpp"
#include "regression/gp/triangular.hpp"

namespace ersatz::gp {
namespace {

constexpr double log_two_pi = 1.837877066409345483561;

}  // namespace

Likelihood::Likelihood(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y, const ObjectiveOptions& options)
    : CovarianceObjective(std::move(kernel), x, y, options) {
  if (options.estimator == Estimator::leave_one_out)
    throw UsageError("a likelihood is restricted or profile; leave-one-out is PredictiveProbability");
}

bool Likelihood::criterion(Eigen::MatrixXd& r, LeastSquares& s, std::vector<double>& variance, double* value,
                           double* slope) {
  const int n = static_cast<int>(points()), m = static_cast<int>(outputs()),
            q = static_cast<int>(mean_coefficients());
  const bool restricted = options().estimator == Estimator::restricted;
  const double freedom = restricted ? n - q : n, half_outputs = 0.5 * m;

  double sum = 2.0 * m * r.diagonal().array().log().sum(), by_variance = 0.0;
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
  const double one = 1.0, minus_half = -0.5;
  dtrsm_("L", "L", "T", "N", &n, &k, &one, r.data(), &n, s.work.data(), &n);
  int info = 0;
  invert_lower(n, r.data(), n);
  dlauum_("L", &n, r.data(), &n, &info);  // L⁻ᵀ L⁻¹
  dsyrk_("L", "N", &n, &k, &minus_half, s.work.data(), &n, &half_outputs, r.data(), &n);
  return true;
}

Conditioned condition(const Kernel& kernel, ConstMatrixRef x, ConstMatrixRef y, const double* theta,
                      double nugget, double jitter, Estimator estimator) {
  const Index n = x.rows(), m = y.cols();
  const int size = static_cast<int>(n);
  Workspace workspace;
  const Eigen::MatrixXd columns = x;
  const Points points{columns.data(), n, n, x.cols()};
  Conditioned c;
  c.nugget = nugget;
  c.jitter = jitter;
  c.coefficients.resize(static_cast<std::size_t>(kernel.parameters()));
  kernel.prepare(theta, c.coefficients.data());

  Eigen::MatrixXd r = Eigen::MatrixXd::Zero(n, n);
  LeastSquares squares;
  if (!factor(kernel, points, c.coefficients.data(), nugget, jitter, nullptr, r, workspace) ||
      !solve_least_squares(r, y, Eigen::MatrixXd::Ones(n, 1), squares))
    throw NumericalError(text("kernel ", kernel.expression(), " on ", n,
                              " points: the covariance matrix is not positive definite at nugget ",
                              brief(nugget), "; give a larger nugget, or nugget = \"estimated\""));
  c.information = squares.triangle(0, 0) * squares.triangle(0, 0);
  c.concentrated.coefficients = squares.coefficients.transpose();
  const double freedom = static_cast<double>(estimator == Estimator::restricted ? n - 1 : n);
  for (Index o = 0; o < m; ++o) c.concentrated.variance.push_back(squares.squares[o] / freedom);
  Eigen::MatrixXd& work = squares.work;
  work.col(m) *= squares.triangle(0, 0);
  const int columns_count = static_cast<int>(m + 1);
  const double one = 1.0;
  dtrsm_("L", "L", "T", "N", &size, &columns_count, &one, r.data(), &size, work.data(), &size);
  c.weights = work.leftCols(m).transpose();
  c.solved_ones = work.col(m);

  int info = 0;
  dtrtri_("L", "N", &size, r.data(), &size, &info);
  if (info != 0)
    throw NumericalError(text("kernel ", kernel.expression(), ": the factor cannot be inverted"));
  c.inverse_lower.resize(n * (n + 1) / 2);
  Vector inverse_diagonal = Vector::Zero(n);  // of R⁻¹ = L⁻ᵀ L⁻¹
  for (Index i = 0, at = 0; i < n; ++i)
    for (Index j = 0; j <= i; ++j, ++at) {
      c.inverse_lower[at] = r(i, j);
      inverse_diagonal[j] += r(i, j) * r(i, j);
    }

  if (n > 1) {
    for (Matrix* part : {&c.leave_one_out_residual, &c.leave_one_out_deviation, &c.fixed_mean_residual,
                         &c.fixed_mean_deviation})
      part->resize(n, m);
    for (Index i = 0; i < n; ++i) {
      const double fixed = inverse_diagonal[i];
      // Q = R⁻¹ - s sᵀ / (1ᵀ R⁻¹ 1); Q y = R⁻¹ (y - mean).
      const double q = fixed - c.solved_ones[i] * c.solved_ones[i] / c.information;
      for (Index o = 0; o < m; ++o) {
        const double variance = c.concentrated.variance[static_cast<std::size_t>(o)];
        c.fixed_mean_residual(i, o) = c.weights(o, i) / fixed;
        c.fixed_mean_deviation(i, o) = std::sqrt(variance / fixed);
        c.leave_one_out_residual(i, o) = c.weights(o, i) / q;
        c.leave_one_out_deviation(i, o) = std::sqrt(variance / q);
      }
    }
  }
  return c;
}

}  // namespace ersatz::gp
