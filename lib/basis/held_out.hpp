#pragma once
// What a basis will lose of rows that it was not made from.

#include <functional>

#include "basis/linear_basis.hpp"

namespace ersatz {

/// Makes a basis of some of the rows.
using BasisFit = std::function<BasisPtr(ConstMatrixRef rows)>;

/// What the basis leaves of each row.
Matrix left_over(const Basis& basis, ConstMatrixRef rows);

/// What cross-validation leaves of each row, n × width: a basis from all folds
/// but one, applied to that one. Of fewer than two rows to a fold: what `whole`, made from all, leaves.
Matrix held_out_residuals(const Basis& whole, ConstMatrixRef rows, Index folds, const BasisFit& fit);
bool enough_to_hold_out(Index rows, Index folds);

/// Sets residual modes and variance to what was left of rows: the modes are the leading eigenvectors of
/// restᵀ rest / n times the roots of their eigenvalues, as many as carry nine tenths, at most ten.
void set_residual(const Matrix& rest, LinearBasisParts& parts);

/// Squared norms in the inner product of the weights (one per bin; empty: all 1).
Vector squared_norms(ConstMatrixRef rows, const Vector& weights);

}  // namespace ersatz
