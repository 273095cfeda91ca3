#include "ersatz/regression/gp/conditioning.hpp"

#include <Eigen/QR>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "regression/gp/triangular.hpp"

namespace ersatz::gp {
namespace {

/// r's lower triangle: R, then its Cholesky factor.
bool factor(const Kernel& kernel, ConstMatrixRef x, Conditioned& c, double relative_jitter,
            Eigen::MatrixXd& r) {
  const Index n = x.rows();
  const Eigen::MatrixXd columns = x;
  Workspace workspace;
  r.setZero(n, n);
  gram_lower(kernel, {columns.data(), n, n, x.cols()}, c.coefficients.data(), r.data(), workspace);
  c.jitter = relative_jitter * r.diagonal().mean();
  r.diagonal().array() += c.nugget + c.jitter;
  if (c.noise.size() > 0) r.diagonal() += c.noise;
  const int size = static_cast<int>(n);
  int info = 0;
  dpotrf_("L", &size, r.data(), &size, &info);
  return info == 0;
}

void solve(const char* transposed, const Eigen::MatrixXd& l, Eigen::MatrixXd& b) {
  const int n = static_cast<int>(b.rows()), columns = static_cast<int>(b.cols());
  const double one = 1.0;
  if (columns > 0) dtrsm_("L", "L", transposed, "N", &n, &columns, &one, l.data(), &n, b.data(), &n);
}

/// beta and the factor of A from the whitened columns V = L⁻¹ F by QR (the condition of A is the square of
/// V's); the first m columns of `whitened` become L⁻¹ (y - F beta).
void least_squares(const Eigen::MatrixXd& v, Eigen::Ref<Eigen::MatrixXd> whitened, Conditioned& c) {
  const Index q = v.cols(), m = whitened.cols();
  c.trend.resize(m, q);
  c.trend_factor.resize(q, q);
  if (q == 0) return;
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(v);
  Eigen::MatrixXd upper = qr.matrixQR().topRows(q).triangularView<Eigen::Upper>();
  for (Index j = 0; j < q; ++j)
    if (!(std::abs(upper(j, j)) > 1e-10 * v.col(j).norm()))
      throw DataError(text("the mean of a Gaussian process: at the ", v.rows(), " points its column ", j,
                           " of ", q, " is a combination of those before it; use a lower degree"));
  const Eigen::MatrixXd projected = (qr.householderQ().adjoint() * whitened).topRows(q);
  c.trend = upper.triangularView<Eigen::Upper>().solve(projected).transpose();
  whitened.noalias() -= v * c.trend.transpose();
  for (Index j = 0; j < q; ++j)
    if (upper(j, j) < 0.0) upper.row(j) *= -1.0;
  c.trend_factor = upper.transpose();
}

/// With `set_variance`, process variances become those at which the deviations fit the residuals.
void leave_one_out(const Eigen::MatrixXd& inverse_lower, Conditioned& c, bool set_variance) {
  const Index n = inverse_lower.rows(), m = c.weights.rows(), q = c.trend_factor.rows();
  for (Matrix* part : {&c.leave_one_out_residual, &c.leave_one_out_deviation, &c.fixed_mean_residual,
                       &c.fixed_mean_deviation})
    part->resize(n, m);
  // Q = R⁻¹ - R⁻¹ F A⁻¹ Fᵀ R⁻¹, Q y = R⁻¹ (y - F beta).
  Eigen::MatrixXd of_mean = c.solved_trend.transpose();
  if (q > 0) c.trend_factor.triangularView<Eigen::Lower>().solveInPlace(of_mean);
  const Vector fixed = [&] {
    Vector diagonal(n);
    for (Index i = 0; i < n; ++i) diagonal[i] = inverse_lower.col(i).tail(n - i).squaredNorm();
    return diagonal;
  }();
  const Vector free = fixed - of_mean.colwise().squaredNorm().transpose();
  if (set_variance)
    for (Index o = 0; o < m; ++o)
      c.process_variance[o] =
          (c.weights.row(o).transpose().array().square() / free.array()).sum() / static_cast<double>(n);
  for (Index i = 0; i < n; ++i)
    for (Index o = 0; o < m; ++o) {
      c.fixed_mean_residual(i, o) = c.weights(o, i) / fixed[i];
      c.fixed_mean_deviation(i, o) = std::sqrt(c.process_variance[o] / fixed[i]);
      c.leave_one_out_residual(i, o) = c.weights(o, i) / free[i];
      c.leave_one_out_deviation(i, o) = std::sqrt(c.process_variance[o] / free[i]);
    }
}

}  // namespace

Conditioned condition(const Kernel& kernel, const Trend& trend, ConstMatrixRef x, ConstMatrixRef y,
                      const ConditionOptions& options) {
  const Index n = x.rows(), m = y.cols(), q = trend.size();
  if (static_cast<Index>(options.theta.size()) != kernel.parameters())
    throw UsageError(text("kernel ", kernel.expression(), " has ", kernel.parameters(),
                          " hyperparameters, got ", options.theta.size()));
  if (y.rows() != n || (options.noise.size() > 0 && options.noise.size() != n))
    throw UsageError(text("x has ", n, " rows, y has ", y.rows(), ", noise has ", options.noise.size()));
  if (q > 0 && q >= n)
    throw DataError(text("the mean of a Gaussian process has ", q, " coefficients, there are ", n,
                         " points; use a lower degree or more points"));
  Conditioned c;
  c.nugget = options.nugget;
  c.noise = options.noise;
  c.coefficients.resize(options.theta.size());
  kernel.prepare(options.theta.data(), c.coefficients.data());
  const auto singular = [&] {
    return NumericalError(text("kernel ", kernel.expression(), " on ", n,
                               " points: the covariance matrix is not positive definite at nugget ",
                               brief(options.nugget), "; give a larger nugget, or nugget = \"estimated\""));
  };
  Eigen::MatrixXd r;
  if (!factor(kernel, x, c, options.jitter, r)) throw singular();

  Eigen::MatrixXd right(n, m + q);
  right.leftCols(m) = y;
  right.rightCols(q) = trend.matrix(x);
  solve("N", r, right);
  if (!right.allFinite()) throw singular();
  least_squares(right.rightCols(q), right.leftCols(m), c);
  const double freedom = static_cast<double>(options.estimator == Estimator::restricted ? n - q : n);
  c.process_variance = right.leftCols(m).colwise().squaredNorm().transpose() / freedom;
  if (options.process_variance) c.process_variance.setConstant(*options.process_variance);
  if (!((c.process_variance.array() > 0.0).all() && c.process_variance.allFinite())) throw singular();
  solve("T", r, right);
  c.weights = right.leftCols(m).transpose();
  c.solved_trend = right.rightCols(q);

  invert_lower(static_cast<int>(n), r.data(), static_cast<int>(n));
  c.panels = Vector::Zero(kernels::panels_size(n));
  for (Index j = 0; j < n; ++j)
    for (Index i = j; i < n; ++i) c.panels[kernels::panels_index(i, j)] = r(i, j);
  if (n > 1) leave_one_out(r, c, options.estimator == Estimator::leave_one_out && !options.process_variance);
  return c;
}

}  // namespace ersatz::gp
