#include "inference/compressed_data.hpp"

#include <cmath>

#include "core/factorisations.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {

CompressedData::CompressedData(const LinearModel& form, const Vector& values, const Vector& variances,
                               const Matrix& covariance, bool with_error) {
  const Index r = form.coefficients(), m = values.size();
  const bool calibrated = with_error && form.error_rows.size() > 0;
  const Index modes = with_error ? form.modes.rows() : 0, width = calibrated ? 2 * r : r;
  // Columns: those of the mean, those of the error if they differ, the modes.
  Matrix columns(m, width + modes);
  columns.leftCols(r) = form.rows.transpose();
  if (calibrated) columns.middleCols(r, r) = form.error_rows.transpose();
  if (modes > 0) columns.rightCols(modes) = form.modes.transpose();
  t_ = values - form.offset;
  if (covariance.size() > 0) {
    Matrix lower = covariance;
    if (with_error) lower.diagonal() += form.rest;
    if (!cholesky(lower))
      throw NumericalError("likelihood: the covariance of the data is not positive definite");
    solve_lower(lower, columns);
    solve_lower(lower, t_);
    log_determinant_ = log_determinant(lower);
  } else {
    const Vector root = (with_error ? Vector(variances + form.rest) : variances).cwiseSqrt();
    columns = root.cwiseInverse().asDiagonal() * columns;
    t_.array() /= root.array();
    log_determinant_ = 2.0 * root.array().log().sum();
  }
  remainder_ = reduce_by_qr(columns, t_);
  if (modes > 0) {
    Matrix fixed = one_plus_square(columns.rightCols(modes));
    if (!cholesky(fixed))
      throw NumericalError(
          "likelihood: the covariance is not positive definite; are the data's errors tiny?");
    log_determinant_ += log_determinant(fixed);
    columns = columns.leftCols(width).eval();
    solve_lower(fixed, columns);
    solve_lower(fixed, t_);
    remainder_ += reduce_by_qr(columns, t_);
  }
  mean_ = columns.leftCols(r);
  error_ = columns.rightCols(r);
  if (!with_error || form.shares.size() == 0) return;
  largest_share_ = form.shares.maxCoeff(&largest_);
  const Matrix scaled = error_ * form.shares.cwiseSqrt().asDiagonal();
  const SymmetricEigen eigen = symmetric_eigen(scaled * scaled.transpose());
  spread_ = eigen.values.cwiseMax(0.0);
  t_ = (eigen.vectors.transpose() * t_).eval();
  mean_ = (eigen.vectors.transpose() * mean_).eval();
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
  const Index r = mean_.cols();
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
  double all = log_determinant_;
  if (v) {
    lower = one_plus_square(error_ * Eigen::Map<const Vector>(v, r).cwiseSqrt().asDiagonal());
    if (!cholesky(lower))
      throw NumericalError("likelihood: the covariance is not positive definite; are the errors tiny?");
    solve_lower(lower, reduced);
    all += log_determinant(lower);
  }
  const double chi2 = remainder_ + reduced.squaredNorm(), weight = density.weight(chi2);
  if (by_mean) {
    if (v) solve_lower_transposed(lower, reduced);
    Eigen::Map<Vector>(by_mean, r).noalias() = weight * (mean_.transpose() * reduced);
  }
  if (by_mean && v) {
    Matrix whitened = error_;
    solve_lower(lower, whitened);
    const Vector along = error_.transpose() * reduced;
    Eigen::Map<Vector>(by_variance, r) =
        0.5 * (weight * along.array().square() - whitened.colwise().squaredNorm().transpose().array());
  }
  return density.log(chi2) - 0.5 * all;
}

}  // namespace ersatz
