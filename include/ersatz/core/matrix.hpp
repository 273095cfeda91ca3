#pragma once
// The array types of every interface: double precision, one row per point, row major, so that HDF5, C and
// NumPy see the same memory without a copy.

#include <Eigen/Core>
#include <complex>

namespace ersatz {

using Index = Eigen::Index;
using Complex = std::complex<double>;
using Vector = Eigen::VectorXd;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ComplexVector = Eigen::VectorXcd;
using ComplexMatrix = Eigen::Matrix<Complex, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Arguments. Rows may be strided, elements of a row are adjacent.
using ConstMatrixRef = Eigen::Ref<const Matrix, 0, Eigen::OuterStride<>>;
using MatrixRef = Eigen::Ref<Matrix, 0, Eigen::OuterStride<>>;
using ConstVectorRef = Eigen::Ref<const Vector>;
using VectorRef = Eigen::Ref<Vector>;

/// A complex row seen as interleaved real and imaginary parts (n × 2m), and back. No copy is saved by being
/// clever here: both return a new matrix.
inline Matrix interleaved(const ComplexMatrix& z) {
  return Eigen::Map<const Matrix>(reinterpret_cast<const double*>(z.data()), z.rows(), 2 * z.cols());
}
inline ComplexMatrix deinterleaved(const Matrix& y) {
  return Eigen::Map<const ComplexMatrix>(reinterpret_cast<const Complex*>(y.data()), y.rows(), y.cols() / 2);
}

}  // namespace ersatz
