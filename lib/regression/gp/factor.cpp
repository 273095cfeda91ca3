#include "regression/gp/factor.hpp"

#include <Eigen/QR>
#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::gp {

bool factor(const Kernel& kernel, const Points& points, const double* coefficients, double nugget,
            double jitter, const double* noise, Eigen::MatrixXd& r, Workspace& workspace) {
  gram_lower(kernel, points, coefficients, r.data(), workspace);
  const double mean_diagonal = r.diagonal().mean();
  r.diagonal().array() += nugget + jitter * mean_diagonal;
  if (noise) r.diagonal() += Eigen::Map<const Vector>(noise, points.size);
  const int n = static_cast<int>(points.size);
  int info = 0;
  dpotrf_("L", &n, r.data(), &n, &info);
  return info == 0;
}

bool solve_least_squares(const Eigen::MatrixXd& factor, const Eigen::MatrixXd& y, const Eigen::MatrixXd& f,
                         LeastSquares& s) {
  const Index m = y.cols(), q = f.cols();
  s.work.resize(y.rows(), m + q);
  s.work.leftCols(m) = y;
  s.work.rightCols(q) = f;
  const int n = static_cast<int>(factor.rows()), columns = static_cast<int>(m + q);
  const double one = 1.0;
  dtrsm_("L", "L", "N", "N", &n, &columns, &one, factor.data(), &n, s.work.data(), &n);

  s.triangle.setZero(q, q);
  for (Index j = 0; j < q; ++j) {
    auto column = s.work.col(m + j);
    const double before = column.norm();
    for (int pass = 0; pass < 2; ++pass)
      for (Index i = 0; i < j; ++i) {
        const double along = s.work.col(m + i).dot(column);
        column -= along * s.work.col(m + i);
        s.triangle(i, j) += along;
      }
    const double left = column.norm();
    if (!std::isfinite(left) || !(left > 1e-13 * before)) return false;
    s.triangle(j, j) = left;
    column /= left;
  }

  s.coefficients.resize(q, m);
  s.squares.resize(m);
  for (Index o = 0; o < m; ++o) {
    auto residual = s.work.col(o);
    for (Index j = 0; j < q; ++j) {
      const double along = s.work.col(m + j).dot(residual);
      residual -= along * s.work.col(m + j);
      s.coefficients(j, o) = along;
    }
    s.squares[o] = residual.squaredNorm();
    if (!std::isfinite(s.squares[o]) || !(s.squares[o] > 0.0)) return false;
  }
  s.triangle.triangularView<Eigen::Upper>().solveInPlace(s.coefficients);
  return s.coefficients.allFinite();
}

void check_trend(const Trend& trend, const Eigen::MatrixXd& f, const std::vector<std::string>& input_names) {
  const Index n = f.rows(), q = f.cols();
  if (q == 0) return;
  if (q >= n)
    throw DataError(text("a mean of degree ", trend.degree(), " in ", trend.inputs(), " inputs has ", q,
                         " coefficients, which ", n, " points cannot determine: at least ", q + 1,
                         " are needed; lower the degree of the mean"));
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(f);
  qr.setThreshold(1e-10);
  if (qr.rank() == q) return;
  const auto names = trend.names(input_names);
  std::string which;
  for (Index j = qr.rank(); j < q; ++j)
    which += (which.empty() ? "" : ", ") + names[static_cast<std::size_t>(qr.colsPermutation().indices()[j])];
  throw DataError(text("a mean of degree ", trend.degree(), " has ", q, " terms, but at these ", n,
                       " points they depend on each other; without ", which,
                       " they would not (an input with few different values has no higher powers): lower "
                       "the degree of the mean"));
}

}  // namespace ersatz::gp
