#include "basis/greedy_fit.hpp"

#include <cmath>

#include "basis/linear_basis.hpp"
#include "ersatz/basis/greedy.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr Index folds = 5;
constexpr Index most_modes = 10;  ///< of what is lost, kept as it is correlated
constexpr double enough = 0.9;    ///< or as many as carry this part of it

LinearBasisParts parts_of(const GreedyBasis& greedy, Index snapshots) {
  LinearBasisParts parts;
  parts.name = "greedy";
  parts.complex = greedy.complex;
  parts.elements = greedy.elements;
  parts.weights = greedy.weights;
  parts.snapshots = snapshots;
  return parts;
}

/// What the basis leaves of each row.
Matrix left_over(const LinearBasis& basis, ConstMatrixRef rows) {
  Matrix rest(rows.rows(), rows.cols());
  Vector coefficients(basis.coefficients());
  for (Index i = 0; i < rows.rows(); ++i) {
    basis.project(rows.row(i).data(), coefficients.data());
    basis.reconstruct(coefficients.data(), rest.row(i).data());
    rest.row(i) = rows.row(i) - rest.row(i);
  }
  return rest;
}

/// Squared norms of rows in the inner product of the basis.
Vector squared_norms(ConstMatrixRef rows, const Vector& weights) {
  if (weights.size() == 0) return rows.rowwise().squaredNorm();
  Vector per_entry(rows.cols());
  const Index unit = rows.cols() / weights.size();
  for (Index j = 0; j < rows.cols(); ++j) per_entry[j] = weights[j / unit];
  return rows.cwiseAbs2() * per_entry;
}

/// Leading eigenvectors of restᵀ rest / n, times their roots, as modes; the rest of the diagonal as variance.
void keep_correlated(const Matrix& rest, LinearBasisParts& parts) {
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
    throw NumericalError(text("basis greedy: LAPACK's dsyevd failed on the residuals (info ", info, ")"));
  Index k = 0;
  for (double held = 0.0; k < std::min<Index>(most_modes, size) && held < enough; ++k)
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

}  // namespace

BasisPtr fit_greedy_basis(const Settings& settings, ConstMatrixRef rows, bool complex) {
  settings.check_known("basis greedy", {"tolerance", "max_rank", "normalise", "weights"});
  const double tolerance = settings.get("tolerance", 1e-7);
  GreedyOptions options;
  options.tolerance = tolerance * tolerance;
  options.max_rank = settings.get("max_rank", Index{50});
  options.normalise = settings.get("normalise", false);
  const auto weights = settings.get("weights", std::vector<double>{});
  options.weights = Eigen::Map<const Vector>(weights.data(), static_cast<Index>(weights.size()));
  if (!(tolerance >= 0.0 && tolerance < 1.0))
    throw UsageError(text("basis greedy: 'tolerance' must be from 0 to below 1, got ", tolerance));
  if (options.max_rank < 1)
    throw UsageError(text("basis greedy: 'max_rank' must be at least 1, got ", options.max_rank));
  const Index n = rows.rows();
  if (rows.isZero(0.0)) {  // one element that nothing uses, as with pod
    LinearBasisParts parts;
    parts.name = "greedy";
    parts.complex = complex;
    parts.elements = Matrix::Zero(1, rows.cols());
    parts.elements(0, 0) = 1.0;
    parts.snapshots = n;
    parts.errors = {0.0, 0.0, 0.0, 0.0};
    return std::make_shared<LinearBasis>(std::move(parts));
  }
  SerialExecutor serial;
  const GreedyBasis greedy = greedy_basis(rows, complex, options, serial);
  LinearBasisParts parts = parts_of(greedy, n);
  const Vector norms = squared_norms(rows, options.weights);
  const Matrix rest = left_over(LinearBasis(parts), rows);
  const Vector lost = squared_norms(rest, options.weights);
  const double whole = norms.mean();
  parts.errors.training_mean = std::sqrt(lost.mean() / whole);
  parts.errors.training_worst = std::sqrt(lost.maxCoeff() / whole);
  if (n < 2 * folds) {
    keep_correlated(rest, parts);
    return std::make_shared<LinearBasis>(std::move(parts));
  }
  // What new rows lose: elements from four fifths of the rows, residuals of the other fifth.
  Matrix held_out(n, rows.cols());
  options.max_rank = greedy.rank();
  for (Index f = 0; f < folds; ++f) {
    const Index out = (n - f + folds - 1) / folds;
    Matrix kept(n - out, rows.cols()), held(out, rows.cols());
    for (Index i = 0, a = 0, b = 0; i < n; ++i)
      if (i % folds == f)
        held.row(b++) = rows.row(i);
      else
        kept.row(a++) = rows.row(i);
    Matrix left = held;
    if (!kept.isZero(0.0))
      left = left_over(LinearBasis(parts_of(greedy_basis(kept, complex, options, serial), n - out)), held);
    for (Index b = 0; b < out; ++b) held_out.row(f + b * folds) = left.row(b);
  }
  const Vector lost_new = squared_norms(held_out, options.weights);
  parts.errors.validation_mean = std::sqrt(lost_new.mean() / whole);
  parts.errors.validation_worst = std::sqrt(lost_new.maxCoeff() / whole);
  keep_correlated(held_out, parts);
  return std::make_shared<LinearBasis>(std::move(parts));
}

}  // namespace ersatz
