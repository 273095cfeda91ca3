#include "inference/compressed_data.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "inference/low_rank_covariance.hpp"

namespace ersatz {
namespace {

/// Turns `columns` (m × p) onto the directions that they span, the residual with them; what of the residual
/// lies outside is given back, squared.
double turn(Eigen::MatrixXd& columns, Vector& residual) {
  const Index k = std::min(columns.rows(), columns.cols());
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(columns);
  residual.applyOnTheLeft(qr.householderQ().adjoint());
  const double outside = residual.tail(residual.size() - k).squaredNorm();
  residual = residual.head(k).eval();
  columns = qr.matrixQR().topRows(k).triangularView<Eigen::Upper>();
  return outside;
}

}  // namespace

CompressedData::CompressedData(const LinearModel& form, const Vector& values, const Vector& variances,
                               const Matrix& covariance, bool with_error) {
  const Index r = form.coefficients(), m = values.size();
  const bool calibrated = with_error && form.error_rows.size() > 0;
  const Index modes = with_error ? form.modes.rows() : 0, width = calibrated ? 2 * r : r;
  // Columns: those of the mean, those of the error if they differ, the modes.
  Eigen::MatrixXd columns(m, width + modes);
  columns.leftCols(r) = form.rows.transpose();
  if (calibrated) columns.middleCols(r, r) = form.error_rows.transpose();
  if (modes > 0) columns.rightCols(modes) = form.modes.transpose();
  t_ = values - form.offset;
  if (covariance.size() > 0) {
    Matrix lower = covariance;
    if (with_error) lower.diagonal() += form.rest;
    if (!cholesky(lower))
      throw NumericalError("likelihood: the covariance of the data is not positive definite");
    lower.triangularView<Eigen::Lower>().solveInPlace(columns);
    lower.triangularView<Eigen::Lower>().solveInPlace(t_);
    log_determinant_ = 2.0 * lower.diagonal().array().log().sum();
  } else {
    const Vector root = (with_error ? Vector(variances + form.rest) : variances).cwiseSqrt();
    columns = root.cwiseInverse().asDiagonal() * columns;
    t_.array() /= root.array();
    log_determinant_ = 2.0 * root.array().log().sum();
  }
  remainder_ = turn(columns, t_);
  if (modes > 0) {
    const Index k = columns.rows();
    Eigen::MatrixXd fixed = Eigen::MatrixXd::Identity(k, k);
    fixed.selfadjointView<Eigen::Lower>().rankUpdate(columns.rightCols(modes));
    const Eigen::LLT<Eigen::MatrixXd> llt(fixed);
    log_determinant_ += 2.0 * llt.matrixLLT().diagonal().array().log().sum();
    columns = columns.leftCols(width).eval();
    llt.matrixL().solveInPlace(columns);
    llt.matrixL().solveInPlace(t_);
    remainder_ += turn(columns, t_);
  }
  mean_ = columns.leftCols(r);
  error_ = columns.rightCols(r);
  if (!with_error || form.shares.size() == 0) return;
  largest_share_ = form.shares.maxCoeff(&largest_);
  const Eigen::MatrixXd scaled = error_ * form.shares.cwiseSqrt().asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(scaled * scaled.transpose());
  if (eigen.info() != Eigen::Success)
    throw NumericalError("likelihood: the emulator's covariance of the data can not be diagonalised");
  spread_ = eigen.eigenvalues().cwiseMax(0.0);
  t_ = (eigen.eigenvectors().transpose() * t_).eval();
  mean_ = (eigen.eigenvectors().transpose() * mean_).eval();
}

double CompressedData::evaluate_shared(const double* c, double s, const ResidualDensity& density,
                                       double* by_mean, double* by_s) const {
  const Index r = mean_.cols();
  Vector residual = t_;
  residual.noalias() -= mean_ * Eigen::Map<const Vector>(c, r);
  double chi2 = remainder_, log_determinant = log_determinant_, along = 0.0, trace = 0.0;
  for (Index i = 0; i < residual.size(); ++i) {
    const double variance = 1.0 + s * spread_[i], alpha = residual[i] / variance;
    chi2 += residual[i] * alpha;
    log_determinant += std::log(variance);
    along += spread_[i] * alpha * alpha;
    trace += spread_[i] / variance;
    residual[i] = alpha;
  }
  const double weight = density.weight(chi2);
  if (by_mean) {
    Eigen::Map<Vector>(by_mean, r).noalias() = weight * (mean_.transpose() * residual);
    *by_s = 0.5 * (weight * along - trace);
  }
  return density.log(chi2) - 0.5 * log_determinant;
}

double CompressedData::evaluate(const double* c, const double* v, const ResidualDensity& density,
                                double* by_mean, double* by_variance) const {
  const Index r = mean_.cols(), k = t_.size();
  if (v && spread_.size() > 0) {
    if (!by_mean) return evaluate_shared(c, v[largest_] / largest_share_, density, nullptr, nullptr);
    double by_s = 0.0;
    const double value = evaluate_shared(c, v[largest_] / largest_share_, density, by_mean, &by_s);
    std::fill(by_variance, by_variance + r, 0.0);
    by_variance[largest_] = by_s / largest_share_;
    return value;
  }
  Vector reduced = t_;  // L⁻¹ (t - T_c c), L Lᵀ = 1 + T_v diag(v) T_vᵀ
  reduced.noalias() -= mean_ * Eigen::Map<const Vector>(c, r);
  Matrix lower;
  double log_determinant = log_determinant_;
  if (v) {
    const Eigen::MatrixXd scaled = error_ * Eigen::Map<const Vector>(v, r).cwiseSqrt().asDiagonal();
    lower = Matrix::Identity(k, k);
    lower.selfadjointView<Eigen::Lower>().rankUpdate(scaled);
    if (!cholesky(lower))
      throw NumericalError("likelihood: the covariance is not positive definite; are the errors tiny?");
    lower.triangularView<Eigen::Lower>().solveInPlace(reduced);
    log_determinant += 2.0 * lower.diagonal().array().log().sum();
  }
  const double chi2 = remainder_ + reduced.squaredNorm(), weight = density.weight(chi2);
  if (by_mean) {
    if (v) lower.transpose().triangularView<Eigen::Upper>().solveInPlace(reduced);
    Eigen::Map<Vector>(by_mean, r).noalias() = weight * (mean_.transpose() * reduced);
  }
  if (by_mean && v) {
    Eigen::MatrixXd whitened = error_;
    lower.triangularView<Eigen::Lower>().solveInPlace(whitened);
    const Vector along = error_.transpose() * reduced;
    Eigen::Map<Vector>(by_variance, r) =
        0.5 * (weight * along.array().square() - whitened.colwise().squaredNorm().transpose().array());
  }
  return density.log(chi2) - 0.5 * log_determinant;
}

}  // namespace ersatz
