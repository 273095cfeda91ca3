#pragma once
// Factorisations of dense matrices as statistics need them. Eigen's templates behind them are slow to
// compile: here they are compiled once. Not installed.

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// A lower Cholesky factor in the place of a symmetric matrix (whose lower triangle is read), zeros above;
/// false where it is not positive definite. O(n³ / 3).
bool cholesky(Matrix& matrix);

/// In the place of b, for L from cholesky(): L⁻¹ b and L⁻ᵀ b. O(n²) for each column.
void solve_lower(const Matrix& lower, Eigen::Ref<Vector> b);
void solve_lower(const Matrix& lower, Matrix& b);
void solve_lower_transposed(const Matrix& lower, Eigen::Ref<Vector> b);

/// ln |L Lᵀ|
double log_determinant(const Matrix& lower);

/// The lower triangle of 1 + a aᵀ, zeros above: as cholesky() takes it. n × n from n × k.
Matrix one_plus_square(const Matrix& a);

struct SymmetricEigen {
  Vector values;   ///< ascending
  Matrix vectors;  ///< in columns
};
/// Throws NumericalError where the iteration does not converge. O(n³).
SymmetricEigen symmetric_eigen(const Matrix& symmetric);

/// A = Q R with k = min(m, p) orthonormal columns: `a` (m × p) becomes R (k × p), `b` (m) becomes Qᵀ b (k).
/// Gives back the square of what of b lies outside of A's columns. O(m p²).
double reduce_by_qr(Matrix& a, Vector& b);

}  // namespace ersatz
