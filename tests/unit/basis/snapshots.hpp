#pragma once
// Snapshots with known singular values, and what a basis leaves of them. Compiled once: decompositions of
// real and complex matrices are what takes long.

#include <Eigen/Core>
#include <cmath>
#include <cstdint>

#include "ersatz/basis/basis.hpp"

namespace ersatz::testing {

Matrix random_matrix(Index n, Index m, std::uint64_t seed);

/// Random rows with these singular values (as many as fit).
Matrix with_values(Index n, Index m, const Vector& values, bool complex, std::uint64_t seed);

inline Vector powers(double ratio, Index count) {
  Vector s(count);
  for (Index i = 0; i < count; ++i) s[i] = std::pow(ratio, static_cast<double>(i));
  return s;
}

/// Random rows whose singular values fall by `ratio` from one to the next.
Matrix decaying(Index n, Index m, double ratio, bool complex, std::uint64_t seed);

/// Random rows whose norms differ, n × m (complex interleaved), in directions that matter less by `ratio`
/// from one to the next.
Matrix combinations(Index n, Index m, double ratio, bool complex, std::uint64_t seed);

struct SingularVectors {
  Vector values;
  Eigen::MatrixXcd right;  ///< columns; rows are combinations of their transposes
};
/// By Eigen's Jacobi method.
SingularVectors by_jacobi(const Matrix& rows, bool complex);

Matrix compressed(const Basis& basis, ConstMatrixRef rows);

/// Relative Frobenius error of the rows behind the basis.
double error(const Basis& basis, ConstMatrixRef rows);

}  // namespace ersatz::testing
