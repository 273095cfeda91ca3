#include "inference/low_rank_covariance.hpp"

#include <Eigen/Cholesky>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {

bool cholesky(Matrix& matrix) {
  const Eigen::LLT<Eigen::MatrixXd> llt(matrix);
  if (llt.info() != Eigen::Success) return false;
  matrix = llt.matrixL();
  return matrix.allFinite();
}

LowRankCovariance::LowRankCovariance(const Vector& variances, Matrix factors)
    : inverse_root_(variances.cwiseSqrt().cwiseInverse()), factors_(std::move(factors)) {
  factors_ *= inverse_root_.asDiagonal();
  factorise(variances.array().log().sum());
}

LowRankCovariance::LowRankCovariance(const Matrix& lower, double scale, Matrix factors)
    : lower_(&lower), scale_(scale), factors_(std::move(factors)) {
  if (factors_.rows() > 0) {
    Matrix columns = factors_.transpose() / scale_;
    lower_->triangularView<Eigen::Lower>().solveInPlace(columns);
    factors_ = columns.transpose();
  }
  factorise(2.0 *
            (lower.diagonal().array().log().sum() + static_cast<double>(lower.rows()) * std::log(scale_)));
}

void LowRankCovariance::factorise(double log_determinant_of_noise) {
  log_determinant_ = log_determinant_of_noise;
  const Index k = directions();
  if (k == 0) return;
  core_ = Matrix::Identity(k, k);
  core_.selfadjointView<Eigen::Lower>().rankUpdate(factors_);
  if (!cholesky(core_))
    throw NumericalError("likelihood: the covariance is not positive definite; are the data's errors tiny?");
  log_determinant_ += 2.0 * core_.diagonal().array().log().sum();
}

void LowRankCovariance::whiten(Vector& v) const {
  if (!lower_) {
    v.array() *= inverse_root_.array();
    return;
  }
  v /= scale_;
  lower_->triangularView<Eigen::Lower>().solveInPlace(v);
}

void LowRankCovariance::unwhiten(Vector& v) const {
  if (!lower_) {
    v.array() *= inverse_root_.array();
    return;
  }
  v /= scale_;
  lower_->transpose().triangularView<Eigen::Upper>().solveInPlace(v);
}

LowRankCovariance::Solution LowRankCovariance::solve(const Vector& residual) const {
  Solution s{0.0, residual, Vector(directions()), 0.0};
  whiten(s.alpha);
  if (directions() > 0) {
    s.xi.noalias() = factors_ * s.alpha;
    core_.triangularView<Eigen::Lower>().solveInPlace(s.xi);
    core_.transpose().triangularView<Eigen::Upper>().solveInPlace(s.xi);
    s.alpha.noalias() -= factors_.transpose() * s.xi;
  }
  s.whitened_square = s.alpha.squaredNorm();
  s.chi2 = s.whitened_square + s.xi.squaredNorm();
  unwhiten(s.alpha);
  return s;
}

Vector LowRankCovariance::inverse_diagonal() const {
  Matrix reduced = factors_;
  if (directions() > 0) core_.triangularView<Eigen::Lower>().solveInPlace(reduced);
  if (!lower_) {
    Vector diagonal = Vector::Ones(inverse_root_.size());
    if (directions() > 0) diagonal -= reduced.colwise().squaredNorm().transpose();
    return (diagonal.array() * inverse_root_.array().square()).matrix();
  }
  const Index m = lower_->rows();
  Matrix inverse = Matrix::Identity(m, m);
  lower_->triangularView<Eigen::Lower>().solveInPlace(inverse);
  Vector diagonal = inverse.colwise().squaredNorm().transpose();
  if (directions() > 0) diagonal -= (reduced * inverse).colwise().squaredNorm().transpose();
  return diagonal / (scale_ * scale_);
}

Vector LowRankCovariance::inverse_core() const {
  Matrix inverse = Matrix::Identity(directions(), directions());
  if (directions() > 0) core_.triangularView<Eigen::Lower>().solveInPlace(inverse);
  return inverse.colwise().squaredNorm().transpose();
}

}  // namespace ersatz
