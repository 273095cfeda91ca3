#include "ersatz/regression/gp/conditioning.hpp"

#include <cmath>

#include "ersatz/core/error.hpp"
#include "regression/gp/condition_on.hpp"
#include "regression/gp/factor.hpp"

namespace ersatz::gp {
namespace {

/// Diagonals of R⁻¹ and of Q = R⁻¹ - R⁻¹ F A⁻¹ Fᵀ R⁻¹; 0 for a point that alone determines a coefficient of
/// the mean.
struct Diagonals {
  Vector fixed, free;
};

Diagonals diagonals(Vector inverse, const Eigen::MatrixXd& solved_basis) {
  const Index n = inverse.size();
  Diagonals d{std::move(inverse), Vector(n)};
  for (Index i = 0; i < n; ++i) {
    d.free[i] = d.fixed[i] - solved_basis.row(i).squaredNorm();
    if (!(d.free[i] > 1e-12 * d.fixed[i])) d.free[i] = 0.0;
  }
  return d;
}

void leave_one_out(const Diagonals& diagonals, Conditioned& c) {
  const Index n = c.weights.cols(), m = c.weights.rows();
  for (Matrix* part : {&c.leave_one_out_residual, &c.leave_one_out_deviation, &c.fixed_mean_residual,
                       &c.fixed_mean_deviation})
    part->resize(n, m);
  for (Index i = 0; i < n; ++i) {
    const double fixed = diagonals.fixed[i], free = diagonals.free[i];
    for (Index o = 0; o < m; ++o) {
      c.fixed_mean_residual(i, o) = c.weights(o, i) / fixed;
      c.fixed_mean_deviation(i, o) = std::sqrt(c.process_variance[o] / fixed);
      c.leave_one_out_residual(i, o) = free > 0.0 ? c.weights(o, i) / free : 0.0;
      c.leave_one_out_deviation(i, o) = std::sqrt(c.process_variance[o] / free);
    }
  }
}

}  // namespace

Conditioned condition(const Kernel& kernel, const Trend& trend, ConstMatrixRef x, ConstMatrixRef y,
                      const ConditionOptions& options) {
  DenseCovariance matrix(x);
  return condition_on(matrix, kernel, trend, x, y, options);
}

Conditioned condition_on(CovarianceMatrix& r, const Kernel& kernel, const Trend& trend, ConstMatrixRef x,
                         ConstMatrixRef y, const ConditionOptions& options) {
  const Index n = x.rows(), m = y.cols(), q = trend.size();
  if (static_cast<Index>(options.theta.size()) != kernel.parameters())
    throw UsageError(text("kernel ", kernel.expression(), " has ", kernel.parameters(),
                          " hyperparameters, got ", options.theta.size()));
  if (y.rows() != n || (options.noise.size() > 0 && options.noise.size() != n))
    throw UsageError(text("x has ", n, " rows, y has ", y.rows(), ", noise has ", options.noise.size()));
  const Eigen::MatrixXd f = trend.matrix(x), columns = x;
  check_trend(trend, f, {});
  Conditioned c;
  c.nugget = options.nugget;
  c.noise = options.noise;
  c.coefficients.resize(options.theta.size());
  kernel.prepare(options.theta.data(), c.coefficients.data());

  const Points points{columns.data(), n, n, x.cols()};
  if (!r.factor(kernel, c.coefficients.data(), c.nugget, options.jitter,
                c.noise.size() > 0 ? c.noise.data() : nullptr))
    throw NumericalError(text("kernel ", kernel.expression(), " on ", n,
                              " points: the covariance matrix is not positive definite at nugget ",
                              brief(options.nugget), "; give a larger nugget, or nugget = \"estimated\""));
  if (options.jitter > 0.0) {
    Vector diagonal(n);
    kernel.diagonal(points, c.coefficients.data(), diagonal.data());
    c.jitter = options.jitter * diagonal.mean();
  }
  LeastSquares squares;
  if (!solve_least_squares(r, y, f, squares))
    throw NumericalError(text("kernel ", kernel.expression(), " on ", n,
                              " points: the mean explains an output without residual, or its coefficients "
                              "cannot be told apart at these hyperparameters"));
  c.trend = squares.coefficients.transpose();
  c.trend_factor = squares.triangle.transpose();

  r.solve(true, m + q, squares.work);
  c.weights = squares.work.leftCols(m).transpose();
  const Eigen::MatrixXd solved_basis = squares.basis();  // R⁻¹ F T⁻¹, A = Tᵀ T
  c.solved_trend.resize(n, q);
  if (q > 0) c.solved_trend = solved_basis * squares.triangle.triangularView<Eigen::Upper>();

  const Diagonals inverse = diagonals(r.invert_factor(), solved_basis);
  c.panels = r.panels();
  c.process_variance.resize(m);
  for (Index o = 0; o < m; ++o) {
    double& v = c.process_variance[o];
    if (options.process_variance)
      v = *options.process_variance;
    else if (options.estimator == Estimator::leave_one_out)
      v = (inverse.free.array() > 0.0)
              .select(c.weights.row(o).transpose().array().square() / inverse.free.array(), 0.0)
              .mean();
    else
      v = squares.squares[o] / static_cast<double>(options.estimator == Estimator::restricted ? n - q : n);
    if (!std::isfinite(v) || !(v > 0.0))
      throw NumericalError(text("kernel ", kernel.expression(), ": the process variance of output ", o,
                                " is ", v, ", expected a positive number"));
  }
  if (n > 1) leave_one_out(inverse, c);
  return c;
}

}  // namespace ersatz::gp
