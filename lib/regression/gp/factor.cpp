#include "regression/gp/factor.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "regression/gp/blocked.hpp"

namespace ersatz::gp {
namespace {

constexpr Index columns_together = 64;

Index pieces_of(Index n) { return (n + columns_together - 1) / columns_together; }

}  // namespace

void gram_lower_blocked(const Kernel& kernel, const Points& points, const double* coefficients,
                        double* matrix, Team& team) {
  const Index n = points.size;
  team.run(pieces_of(n), [&](Index piece, Workspace& workspace) {
    const Workspace::Frame frame(workspace);
    double* x = workspace.take(points.inputs);
    const Index end = std::min(n, (piece + 1) * columns_together);
    for (Index j = piece * columns_together; j < end; ++j) {
      points.gather(j, x);
      kernel.row(x, points.from(j), coefficients, matrix + j * n + j, workspace);
    }
  });
}

void gram_contract_blocked(const Kernel& kernel, const Points& points, const double* coefficients,
                           double* weights, double* gradient, Team& team) {
  const Index n = points.size, pieces = pieces_of(n);
  Eigen::MatrixXd halves = Eigen::MatrixXd::Zero(kernel.parameters(), pieces);
  team.run(pieces, [&](Index piece, Workspace& workspace) {
    const Workspace::Frame frame(workspace);
    double* x = workspace.take(points.inputs);
    const Index end = std::min(n, (piece + 1) * columns_together);
    for (Index j = piece * columns_together; j < end; ++j) {
      points.gather(j, x);
      double* w = weights + j * n + j;
      w[0] *= 0.5;
      kernel.contract(x, points.from(j), coefficients, w, halves.col(piece).data(), workspace);
    }
  });
  for (Index piece = 0; piece < pieces; ++piece)
    for (Index p = 0; p < halves.rows(); ++p) gradient[p] += 2.0 * halves(p, piece);
}

bool factor(const Kernel& kernel, const Points& points, const double* coefficients, double nugget,
            double jitter, const double* noise, Eigen::MatrixXd& r, Team& team) {
  gram_lower_blocked(kernel, points, coefficients, r.data(), team);
  const double mean_diagonal = r.diagonal().mean();
  r.diagonal().array() += nugget + jitter * mean_diagonal;
  if (noise) r.diagonal() += Eigen::Map<const Vector>(noise, points.size);
  return factor_blocked(r, team);
}

bool solve_least_squares(const CovarianceMatrix& factor, const Eigen::MatrixXd& y, const Eigen::MatrixXd& f,
                         LeastSquares& s) {
  const Index m = y.cols(), q = f.cols();
  s.work.resize(y.rows(), m + q);
  s.work.leftCols(m) = y;
  s.work.rightCols(q) = f;
  factor.solve(false, m + q, s.work);

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
