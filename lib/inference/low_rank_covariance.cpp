#include "inference/low_rank_covariance.hpp"

#include <cmath>

#include "core/factorisations.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {

LowRankCovariance::LowRankCovariance(const Vector& variances, Matrix factors)
    : inverse_root_(variances.cwiseSqrt().cwiseInverse()), factors_(std::move(factors)) {
  factors_ *= inverse_root_.asDiagonal();
  factorise(variances.array().log().sum());
}

LowRankCovariance::LowRankCovariance(const Matrix& lower, double scale, Matrix factors)
    : lower_(&lower), scale_(scale), factors_(std::move(factors)) {
  if (factors_.rows() > 0) {
    Matrix columns = factors_.transpose() / scale_;
    solve_lower(*lower_, columns);
    factors_ = columns.transpose();
  }
  factorise(ersatz::log_determinant(lower) + 2.0 * static_cast<double>(lower.rows()) * std::log(scale_));
}

void LowRankCovariance::factorise(double log_determinant_of_noise) {
  log_determinant_ = log_determinant_of_noise;
  if (directions() == 0) return;
  core_ = one_plus_square(factors_);
  if (!cholesky(core_))
    throw NumericalError("likelihood: the covariance is not positive definite; are the data's errors tiny?");
  log_determinant_ += ersatz::log_determinant(core_);
}

void LowRankCovariance::whiten(Vector& v) const {
  if (!lower_) {
    v.array() *= inverse_root_.array();
    return;
  }
  v /= scale_;
  solve_lower(*lower_, v);
}

void LowRankCovariance::unwhiten(Vector& v) const {
  if (!lower_) {
    v.array() *= inverse_root_.array();
    return;
  }
  v /= scale_;
  solve_lower_transposed(*lower_, v);
}

LowRankCovariance::Solution LowRankCovariance::solve(const Vector& residual) const {
  Solution s{0.0, residual, Vector(directions()), 0.0};
  whiten(s.alpha);
  if (directions() > 0) {
    s.xi.noalias() = factors_ * s.alpha;
    solve_lower(core_, s.xi);
    solve_lower_transposed(core_, s.xi);
    s.alpha.noalias() -= factors_.transpose() * s.xi;
  }
  s.whitened_square = s.alpha.squaredNorm();
  s.chi2 = s.whitened_square + s.xi.squaredNorm();
  unwhiten(s.alpha);
  return s;
}

Vector LowRankCovariance::inverse_diagonal() const {
  Matrix reduced = factors_;
  if (directions() > 0) solve_lower(core_, reduced);
  if (!lower_) {
    Vector diagonal = Vector::Ones(inverse_root_.size());
    if (directions() > 0) diagonal -= reduced.colwise().squaredNorm().transpose();
    return (diagonal.array() * inverse_root_.array().square()).matrix();
  }
  const Index m = lower_->rows();
  Matrix inverse = Matrix::Identity(m, m);
  solve_lower(*lower_, inverse);
  Vector diagonal = inverse.colwise().squaredNorm().transpose();
  if (directions() > 0) diagonal -= (reduced * inverse).colwise().squaredNorm().transpose();
  return diagonal / (scale_ * scale_);
}

Vector LowRankCovariance::inverse_core() const {
  Matrix inverse = Matrix::Identity(directions(), directions());
  if (directions() > 0) solve_lower(core_, inverse);
  return inverse.colwise().squaredNorm().transpose();
}

}  // namespace ersatz
