#include "regression/sparse_expansion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ersatz/core/blas.hpp"

namespace ersatz {
namespace {

constexpr double collinear = 1e-7;

// y = op(A) x over the first `cols` columns.
Vector multiply(bool transpose, const Eigen::MatrixXd& A, Index cols, const Vector& x) {
  const int n = static_cast<int>(A.rows()), m = static_cast<int>(cols), step = 1;
  Vector y = Vector::Zero(transpose ? m : n);
  const double one = 1.0, zero = 0.0;
  if (n > 0 && m > 0)
    dgemv_(transpose ? "T" : "N", &n, &m, &one, A.data(), &n, x.data(), &step, &zero, y.data(), &step);
  return y;
}

// Least squares with a constant by a QR decomposition that grows. Q is orthogonal to the constant.
class GrowingFit {
 public:
  GrowingFit(const Eigen::MatrixXd& columns, const Vector& y)
      : columns_(columns),
        means_(columns.colwise().mean().transpose()),
        count_(static_cast<double>(columns.rows())),
        residual_(y),
        left_(Vector::Constant(columns.rows(), 1.0 - 1.0 / count_)),
        trace_(1.0 / count_),
        q_(columns.rows(), 0) {}

  /// False: depends on the columns that are in.
  bool add(Index column, double norm) {
    const Index k = size();
    if (k == q_.cols()) {
      const Index room = std::max<Index>(2 * k, 32);
      q_.conservativeResize(columns_.rows(), room);
      const Eigen::MatrixXd old = root_;
      root_.setZero(room, room);
      root_.topLeftCorner(k, k) = old.topLeftCorner(k, k);
    }
    Vector v = columns_.col(column).array() - means_[column];
    Vector r = Vector::Zero(k);
    for (int pass = 0; pass < 2; ++pass) {  // twice is enough (Kahan, Parlett)
      const Vector part = multiply(true, q_, k, v);
      v -= multiply(false, q_, k, part);
      r += part;
    }
    const double rest = v.norm();
    if (!(rest > collinear * norm)) return false;
    v /= rest;
    q_.col(k) = v;
    root_.col(k).head(k) = root_.topLeftCorner(k, k).triangularView<Eigen::Upper>() * r / -rest;
    root_(k, k) = 1.0 / rest;
    terms_.push_back(column);
    projections_.push_back(v.dot(residual_));
    residual_ -= projections_.back() * v;
    left_ -= v.cwiseAbs2();
    double mean = 0.0;  // of the new column of Ψ (ΨᵀΨ)⁻¹ᐟ², for the constant's part of the trace
    for (Index t = 0; t <= k; ++t) mean += means_[terms_[static_cast<std::size_t>(t)]] * root_(t, k);
    trace_ += root_.col(k).head(k + 1).squaredNorm() + mean * mean;
    return true;
  }

  Index size() const { return static_cast<Index>(terms_.size()); }
  const std::vector<Index>& terms() const { return terms_; }
  const Vector& residual() const { return residual_; }
  double correction() const { return count_ / (count_ - static_cast<double>(size() + 1)) * (1.0 + trace_); }
  // Infinite where a point is fitted whatever its value: leaving it out would not be determined.
  double error() const {
    if (left_.minCoeff() < 1e-10) return std::numeric_limits<double>::infinity();
    return correction() * (residual_.array() / left_.array()).square().mean();
  }

  // Q g, the direction with Fᵀ u = b for the columns in use.
  Vector direction(const Vector& b) const {
    const Index k = size();
    return multiply(false, q_, k, root_.topLeftCorner(k, k).triangularView<Eigen::Upper>().transpose() * b);
  }

  /// Of the first k columns that came in.
  SparseExpansion expansion(Index k, const Vector& y) const {
    SparseExpansion e;
    e.terms.assign(terms_.begin(), terms_.begin() + static_cast<std::ptrdiff_t>(k));
    const Eigen::Map<const Vector> projections(projections_.data(), k);
    e.root = root_.topLeftCorner(k, k);
    e.coefficients = e.root.triangularView<Eigen::Upper>() * projections;
    e.left = 1.0 - 1.0 / count_ - q_.leftCols(k).rowwise().squaredNorm().array();
    e.leave_one_out = (y - multiply(false, q_, k, projections)).cwiseQuotient(e.left);
    return e;
  }

 private:
  const Eigen::MatrixXd& columns_;
  Vector means_;
  double count_;
  Vector residual_, left_;
  double trace_;  // of (ΨᵀΨ)⁻¹, the constant among the columns
  Eigen::MatrixXd q_, root_;
  std::vector<Index> terms_;
  std::vector<double> projections_;
};

// Which column comes next: least angle regression (Efron et al. 2004) on columns centred and of norm 1. No
// column leaves again.
class LeastAngle {
 public:
  LeastAngle(const Eigen::MatrixXd& columns, const Vector& y)
      : columns_(columns), norms_(columns.cols()), open_(static_cast<std::size_t>(columns.cols()), 1) {
    for (Index t = 0; t < columns.cols(); ++t) {
      const double mean = columns.col(t).mean();
      norms_[t] = (columns.col(t).array() - mean).matrix().norm();
      if (norms_[t] <= 1e-12 * columns.col(t).norm()) open_[static_cast<std::size_t>(t)] = 0;
    }
    correlations_ = correlations(y);
  }

  double norm(Index t) const { return norms_[t]; }
  void close(Index t) { open_[static_cast<std::size_t>(t)] = 0; }

  /// -1: none is left.
  Index next(const GrowingFit& fit) { return fit.size() == 0 ? largest() : next_by_angle(fit); }

 private:
  // Correlations with the centred columns of norm 1; `v` has mean 0.
  Vector correlations(const Vector& v) const {
    Vector c = multiply(true, columns_, columns_.cols(), v);
    for (Index t = 0; t < c.size(); ++t) c[t] = open_[static_cast<std::size_t>(t)] ? c[t] / norms_[t] : 0.0;
    return c;
  }

  Index largest() const {
    Index best = -1;
    for (Index t = 0; t < correlations_.size(); ++t)
      if (open_[static_cast<std::size_t>(t)] &&
          (best < 0 || std::abs(correlations_[t]) > std::abs(correlations_[best])))
        best = t;
    return best;
  }

  // Eq. 2.13 there: along the direction that lowers all correlations in use at the same rate,
  // up to where another one is as large.
  Index next_by_angle(const GrowingFit& fit) {
    const auto& terms = fit.terms();
    while (signs_.size() < terms.size()) {
      const Index t = terms[signs_.size()];
      if (signs_.empty()) level_ = std::abs(correlations_[t]);
      signs_.push_back(correlations_[t] < 0.0 ? -1.0 : 1.0);
    }
    Vector target(fit.size());
    for (Index t = 0; t < target.size(); ++t)
      target[t] = signs_[static_cast<std::size_t>(t)] * norms_[terms[static_cast<std::size_t>(t)]];
    const Vector slopes = correlations(fit.direction(target));
    Index best = -1;
    double step = std::numeric_limits<double>::infinity();
    for (Index t = 0; t < slopes.size(); ++t) {
      if (!open_[static_cast<std::size_t>(t)]) continue;
      for (const double sign : {1.0, -1.0}) {
        const double gap = std::max(level_ - sign * correlations_[t], 0.0), closing = 1.0 - sign * slopes[t];
        if (closing > 1e-12 && gap / closing < step) {
          step = gap / closing;
          best = t;
        }
      }
    }
    if (best < 0) return -1;
    correlations_ -= step * slopes;
    level_ -= step;
    return best;
  }

  const Eigen::MatrixXd& columns_;
  Vector norms_;
  std::vector<char> open_;
  Vector correlations_;
  std::vector<double> signs_;
  double level_ = 0.0;
};

}  // namespace

SparseExpansion sparse_expansion(const Eigen::MatrixXd& columns, const Vector& y, Index max_terms) {
  const SingleThreadedBlas single;
  const Index n = columns.rows();
  Index most = std::min<Index>(columns.cols(), std::max<Index>(n - 2, 0));
  if (max_terms > 0) most = std::min(most, max_terms);
  const Index patience = std::max<Index>(10, most / 10);
  const double exact = 1e-28 * y.squaredNorm();
  GrowingFit fit(columns, y);
  LeastAngle order(columns, y);
  Index best = 0;
  double error = fit.error(), correction = fit.correction();
  while (fit.size() < most && fit.size() - best < patience && fit.residual().squaredNorm() > exact) {
    const Index t = order.next(fit);
    if (t < 0) break;
    const bool added = fit.add(t, order.norm(t));
    order.close(t);
    if (!added) continue;
    const double now = fit.error();
    if (!std::isfinite(now)) break;
    if (now < error * (1.0 - 1e-10)) {
      best = fit.size();
      error = now;
      correction = fit.correction();
    }
  }
  SparseExpansion expansion = fit.expansion(best, y);
  expansion.error = error;
  expansion.correction = correction;
  expansion.steps = fit.size();
  return expansion;
}

Bytes to_bytes(const SparseExpansion& e) {
  std::vector<double> values = {e.correction, e.error, static_cast<double>(e.steps),
                                static_cast<double>(e.terms.size())};
  for (const Index t : e.terms) values.push_back(static_cast<double>(t));
  const auto append = [&](const auto& part) {
    values.insert(values.end(), part.data(), part.data() + part.size());
  };
  append(e.coefficients);
  append(e.root);
  append(e.leave_one_out);
  append(e.left);
  return to_bytes(values);
}

SparseExpansion expansion_from_bytes(const Bytes& bytes, Index points) {
  const std::vector<double> values = doubles_from_bytes(bytes);
  SparseExpansion e;
  e.correction = values[0];
  e.error = values[1];
  e.steps = static_cast<Index>(values[2]);
  const auto k = static_cast<Index>(values[3]);
  const double* at = values.data() + 4;
  for (Index t = 0; t < k; ++t) e.terms.push_back(static_cast<Index>(*at++));
  const auto take = [&](Index rows, Index cols) {
    const Eigen::Map<const Eigen::MatrixXd> part(at, rows, cols);
    at += rows * cols;
    return part;
  };
  e.coefficients = take(k, 1);
  e.root = take(k, k);
  e.leave_one_out = take(points, 1);
  e.left = take(points, 1);
  return e;
}

}  // namespace ersatz
