#include "core/factorisations.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>

#include "ersatz/core/error.hpp"

namespace ersatz {

using Columns = Eigen::MatrixXd;

bool cholesky(Matrix& matrix) {
  const Eigen::LLT<Columns> llt(matrix);
  if (llt.info() != Eigen::Success) return false;
  matrix = llt.matrixL();
  return matrix.allFinite();
}

void solve_lower(const Matrix& lower, Eigen::Ref<Vector> b) {
  lower.triangularView<Eigen::Lower>().solveInPlace(b);
}

void solve_lower(const Matrix& lower, Matrix& b) { lower.triangularView<Eigen::Lower>().solveInPlace(b); }

void solve_lower_transposed(const Matrix& lower, Eigen::Ref<Vector> b) {
  lower.transpose().triangularView<Eigen::Upper>().solveInPlace(b);
}

double log_determinant(const Matrix& lower) { return 2.0 * lower.diagonal().array().log().sum(); }

Matrix one_plus_square(const Matrix& a) {
  Matrix result = Matrix::Identity(a.rows(), a.rows());
  result.selfadjointView<Eigen::Lower>().rankUpdate(a);
  return result;
}

SymmetricEigen symmetric_eigen(const Matrix& symmetric) {
  const Eigen::SelfAdjointEigenSolver<Columns> eigen(symmetric);
  if (eigen.info() != Eigen::Success)
    throw NumericalError(text("the eigenvalues of a symmetric matrix of ", symmetric.rows(),
                              " rows do not converge; are all of its entries finite?"));
  return {eigen.eigenvalues(), eigen.eigenvectors()};
}

double reduce_by_qr(Matrix& a, Vector& b) {
  const Index k = std::min(a.rows(), a.cols());
  const Eigen::HouseholderQR<Columns> qr(a);
  b.applyOnTheLeft(qr.householderQ().adjoint());
  const double outside = b.tail(b.size() - k).squaredNorm();
  b = b.head(k).eval();
  a = qr.matrixQR().topRows(k).triangularView<Eigen::Upper>();
  return outside;
}

}  // namespace ersatz
