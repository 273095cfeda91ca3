#pragma once
// What a basis will lose of rows that it was not made from.

#include <functional>

#include "basis/linear_basis.hpp"

namespace ersatz {

/// Of what is lost, so many modes are kept as they are correlated, or as many as carry this part of it.
constexpr Index most_residual_modes = 10;
constexpr double residual_in_modes = 0.9;

/// Of the cross-validation of every basis that a recipe names.
constexpr Index cross_validation_folds = 5;

/// The rows of all folds but one, and those of that one: rows fold, fold + folds, …
template <class Rows>
struct FoldSplit {
  Rows kept, held;
  FoldSplit(const Rows& rows, Index folds, Index fold)
      : kept(rows.rows() - (rows.rows() - fold + folds - 1) / folds, rows.cols()),
        held(rows.rows() - kept.rows(), rows.cols()) {
    for (Index i = 0, a = 0, b = 0; i < rows.rows(); ++i)
      if (i % folds == fold)
        held.row(b++) = rows.row(i);
      else
        kept.row(a++) = rows.row(i);
  }
};

/// Makes a basis of some of the rows.
using BasisFit = std::function<BasisPtr(ConstMatrixRef rows)>;

/// What the basis leaves of each row.
Matrix left_over(const Basis& basis, ConstMatrixRef rows);

/// What cross-validation leaves of each row, n × width: a basis from all folds but one, applied to that one.
/// Of fewer than two rows to a fold: what `whole`, made from all, leaves.
Matrix held_out_residuals(const Basis& whole, ConstMatrixRef rows, Index folds, const BasisFit& fit);
bool enough_to_hold_out(Index rows, Index folds);

/// Sets residual modes and variance to what was left of rows: the modes are the leading eigenvectors of
/// restᵀ rest / n times the roots of their eigenvalues, as many as carry nine tenths, at most ten.
void set_residual(const Matrix& rest, LinearBasisParts& parts);

/// Root mean square and largest norm of what was left, in the inner product of the weights, relative to the
/// root of `square`, the mean squared norm of the rows; 0 where that is 0.
void set_errors(const Matrix& rest, const Vector& weights, double square, double& mean, double& worst);

/// Squared norms in the inner product of the weights (one per bin; empty: all 1).
Vector squared_norms(ConstMatrixRef rows, const Vector& weights);

}  // namespace ersatz
