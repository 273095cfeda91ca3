#include "basis/held_out.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
bool enough_to_hold_out(Index rows, Index folds) { return rows >= 2 * folds; }

Matrix left_over(const Basis& basis, ConstMatrixRef rows) {
  Matrix rest(rows.rows(), rows.cols());
  Vector coefficients(basis.coefficients());
  for (Index i = 0; i < rows.rows(); ++i) {
    basis.project(rows.row(i).data(), coefficients.data());
    basis.reconstruct(coefficients.data(), rest.row(i).data());
    rest.row(i) = rows.row(i) - rest.row(i);
  }
  return rest;
}

Matrix held_out_residuals(const Basis& whole, ConstMatrixRef rows, Index folds, const BasisFit& fit) {
  const Index n = rows.rows();
  if (!enough_to_hold_out(n, folds)) return left_over(whole, rows);
  Matrix rest(n, rows.cols());
  for (Index f = 0; f < folds; ++f) {
    const FoldSplit<Matrix> split(rows, folds, f);
    const Matrix left = left_over(*fit(split.kept), split.held);
    for (Index b = 0; b < left.rows(); ++b) rest.row(f + b * folds) = left.row(b);
  }
  return rest;
}

Vector squared_norms(ConstMatrixRef rows, const Vector& weights) {
  if (weights.size() == 0) return rows.rowwise().squaredNorm();
  Vector per_entry(rows.cols());
  const Index unit = rows.cols() / weights.size();
  for (Index j = 0; j < rows.cols(); ++j) per_entry[j] = weights[j / unit];
  return rows.cwiseAbs2() * per_entry;
}

void set_errors(const Matrix& rest, const Vector& weights, double square, double& mean, double& worst) {
  const Vector lost = squared_norms(rest, weights);
  mean = square > 0.0 ? std::sqrt(lost.mean() / square) : 0.0;
  worst = square > 0.0 ? std::sqrt(lost.maxCoeff() / square) : 0.0;
}

void set_residual(const Matrix& rest, LinearBasisParts& parts) {
  const Index n = rest.rows(), width = rest.cols();
  parts.residual_variance = rest.cwiseAbs2().colwise().mean().transpose();
  parts.residual_modes.resize(0, width);
  const double total = rest.squaredNorm();
  if (!(total > 0.0)) return;
  // Eigenvectors of the smaller Gram matrix, by LAPACK.
  const bool by_rows = n <= width;
  Matrix gram = by_rows ? Matrix(rest * rest.transpose()) : Matrix(rest.transpose() * rest);
  gram /= total;
  const int size = static_cast<int>(gram.rows()), query = -1;
  Vector values(size), work(1);
  std::vector<int> iwork(1);
  int info = 0;
  dsyevd_("V", "U", &size, gram.data(), &size, values.data(), work.data(), &query, iwork.data(), &query,
          &info);
  const int lwork = static_cast<int>(work[0]), liwork = iwork[0];
  work.resize(lwork);
  iwork.resize(static_cast<std::size_t>(liwork));
  dsyevd_("V", "U", &size, gram.data(), &size, values.data(), work.data(), &lwork, iwork.data(), &liwork,
          &info);
  if (info != 0)
    throw NumericalError(text("basis: LAPACK's dsyevd failed on the residuals (info ", info, ")"));
  Index k = 0;
  for (double held = 0.0; k < std::min<Index>(most_residual_modes, size) && held < residual_in_modes; ++k)
    held += values[size - 1 - k];
  parts.residual_modes.resize(k, width);
  for (Index i = 0; i < k; ++i) {
    const auto vector = gram.row(size - 1 - i);  // column major of LAPACK: a column is our row
    if (by_rows)
      parts.residual_modes.row(i) = vector * rest;
    else
      parts.residual_modes.row(i) = vector * std::sqrt(std::max(0.0, values[size - 1 - i]) * total);
  }
  parts.residual_modes /= std::sqrt(static_cast<double>(n));
  parts.residual_variance -= parts.residual_modes.cwiseAbs2().colwise().sum().transpose();
  parts.residual_variance = parts.residual_variance.cwiseMax(0.0);
}

}  // namespace ersatz
