#include "unit/basis/snapshots.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <type_traits>

#include "ersatz/core/random.hpp"

namespace ersatz::testing {

Matrix random_matrix(Index n, Index m, std::uint64_t seed) {
  RandomStream random(seed);
  Matrix a(n, m);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) a(i, j) = random.normal();
  return a;
}

namespace {

/// The first k columns of the orthogonal factor.
template <class M>
auto orthonormal(const M& a, Index k) {
  using Columns = Eigen::Matrix<typename M::Scalar, Eigen::Dynamic, Eigen::Dynamic>;
  const Eigen::HouseholderQR<Columns> qr(a);
  return Columns(qr.householderQ() * Columns::Identity(a.rows(), k));
}

}  // namespace

Matrix with_values(Index n, Index m, const Vector& values, bool complex, std::uint64_t seed) {
  const Index k = std::min({n, complex ? m / 2 : m, values.size()});
  const Matrix left = random_matrix(n, complex ? 2 * k : k, seed),
               right = random_matrix(complex ? m / 2 : m, complex ? 2 * k : k, seed + 1000);
  const Vector s = values.head(k);
  if (complex) {
    const ComplexMatrix u = orthonormal(deinterleaved(left), k), v = orthonormal(deinterleaved(right), k);
    return interleaved(ComplexMatrix(u * s.asDiagonal() * v.adjoint()));
  }
  return orthonormal(left, k) * s.asDiagonal() * orthonormal(right, k).transpose();
}

Matrix decaying(Index n, Index m, double ratio, bool complex, std::uint64_t seed) {
  return with_values(n, m, powers(ratio, std::min(n, m)), complex, seed);
}

Matrix combinations(Index n, Index m, double ratio, bool complex, std::uint64_t seed) {
  const Index bins = complex ? m / 2 : m, k = std::min(n, bins);
  const Vector s = powers(ratio, k);
  const Matrix left = random_matrix(n, complex ? 2 * k : k, seed),
               right = random_matrix(bins, complex ? 2 * k : k, seed + 100);
  if (!complex) return left * s.asDiagonal() * orthonormal(right, k).transpose();
  const ComplexMatrix q = orthonormal(deinterleaved(right), k);
  return interleaved(ComplexMatrix(deinterleaved(left) * s.asDiagonal() * q.adjoint()));
}

SingularVectors by_jacobi(const Matrix& rows, bool complex) {
  constexpr unsigned thin = Eigen::ComputeThinU | Eigen::ComputeThinV;
  if (!complex) {
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(rows, thin);
    return {svd.singularValues(), svd.matrixV().cast<Complex>()};
  }
  const Eigen::JacobiSVD<Eigen::MatrixXcd> svd(deinterleaved(rows), thin);
  return {svd.singularValues(), svd.matrixV().conjugate()};
}

Matrix compressed(const Basis& basis, ConstMatrixRef rows) {
  Matrix back(rows.rows(), rows.cols());
  Vector c(basis.coefficients());
  for (Index i = 0; i < rows.rows(); ++i) {
    basis.project(rows.row(i).data(), c.data());
    basis.reconstruct(c.data(), back.row(i).data());
  }
  return back;
}

double error(const Basis& basis, ConstMatrixRef rows) {
  return (compressed(basis, rows) - rows).norm() / rows.norm();
}

}  // namespace ersatz::testing
