#pragma once
// Snapshots with known singular values, and what a basis leaves of them.

#include <Eigen/Dense>
#include <cmath>

#include "ersatz/basis/basis.hpp"
#include "ersatz/core/random.hpp"

namespace ersatz::testing {

inline Matrix random_matrix(Index n, Index m, std::uint64_t seed) {
  RandomStream random(seed);
  Matrix a(n, m);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) a(i, j) = random.normal();
  return a;
}

/// Random rows with these singular values (as many as fit).
inline Matrix with_values(Index n, Index m, const Vector& values, bool complex, std::uint64_t seed) {
  const Index k = std::min({n, complex ? m / 2 : m, values.size()});
  const Matrix left = random_matrix(n, complex ? 2 * k : k, seed),
               right = random_matrix(complex ? m / 2 : m, complex ? 2 * k : k, seed + 1000);
  const auto orthonormal = [k](const auto& a) {
    using M = Eigen::Matrix<typename std::decay_t<decltype(a)>::Scalar, Eigen::Dynamic, Eigen::Dynamic>;
    const Eigen::HouseholderQR<M> qr(a);
    return M(qr.householderQ() * M::Identity(a.rows(), k));
  };
  const Vector s = values.head(k);
  if (complex) {
    const ComplexMatrix u = orthonormal(deinterleaved(left)), v = orthonormal(deinterleaved(right));
    return interleaved(ComplexMatrix(u * s.asDiagonal() * v.adjoint()));
  }
  return orthonormal(left) * s.asDiagonal() * orthonormal(right).transpose();
}

inline Vector powers(double ratio, Index count) {
  Vector s(count);
  for (Index i = 0; i < count; ++i) s[i] = std::pow(ratio, static_cast<double>(i));
  return s;
}

/// Random rows whose singular values fall by `ratio` from one to the next.
inline Matrix decaying(Index n, Index m, double ratio, bool complex, std::uint64_t seed) {
  return with_values(n, m, powers(ratio, std::min(n, m)), complex, seed);
}

inline Matrix compressed(const Basis& basis, ConstMatrixRef rows) {
  Matrix back(rows.rows(), rows.cols());
  Vector c(basis.coefficients());
  for (Index i = 0; i < rows.rows(); ++i) {
    basis.project(rows.row(i).data(), c.data());
    basis.reconstruct(c.data(), back.row(i).data());
  }
  return back;
}

/// Relative Frobenius error of the rows behind the basis.
inline double error(const Basis& basis, ConstMatrixRef rows) {
  return (compressed(basis, rows) - rows).norm() / rows.norm();
}

}  // namespace ersatz::testing
