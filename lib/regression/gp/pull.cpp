// Derivatives of a Gaussian process at one point that begin with its variance, or go backwards.

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "regression/gp/predictor.hpp"

namespace ersatz::gp {

double GpPredictor::spread(const Correlation& r, const double* k, const double* f, double prior,
                           double* by_row, double* by_trend, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const auto& table = kernels::table();
  const Index n = size(), padded = kernels::panels_rounded(n), terms = trend_.size();
  double* y = workspace.take(padded);
  double* z = workspace.take(padded);
  table.panels_twice(r.panels.data(), k, n, y, z);
  whiten_trend(r, k, f, by_trend);
  double value = std::max(prior - table.dot(y, y, padded), 0.0), missing = 0.0;
  for (Index j = 0; j < terms; ++j) missing += by_trend[j] * by_trend[j];
  value += missing;
  for (Index i = terms - 1; i >= 0; --i) {
    for (Index j = i + 1; j < terms; ++j) by_trend[i] -= r.trend_factor(j, i) * by_trend[j];
    by_trend[i] /= r.trend_factor(i, i);
  }
  table.add_rows(by_trend, r.solved_trend.data(), terms, n, z);
  for (Index i = 0; i < n; ++i) by_row[i] = -z[i];
  return value;
}

void GpPredictor::pull_row(std::size_t c, const double* u, const double* slopes, const double* by_row,
                           const double* by_trend, double* sum, Workspace& workspace) const {
  const Index terms = trend_.size();
  kernel_->jacobian(u, training(), state_.correlations[c].coefficients.data(), by_row, sum, workspace);
  for (Index k = 0; k < state_.dimension(); ++k)
    for (Index j = 0; j < terms; ++j) sum[k] += by_trend[j] * slopes[k * terms + j];
}

/// 2 d₁k(x, x) comes on top of what the row and the trend change, d₁ by the first argument.
void GpPredictor::variance_gradient(const double* x, MatrixRef result, Workspace& workspace) const {
  if (!has_factors_) return Predictor::variance_gradient(x, result, workspace);
  check_derivatives(*this, x, result);
  const Workspace::Frame frame(workspace);
  const Index n = size(), d = state_.dimension(), terms = trend_.size();
  const double* u = scaled(Eigen::Map<const Matrix>(x, 1, inputs()), workspace);
  double* tape = workspace.take(tape_size());
  double* values = workspace.take(2 * outputs());
  double* slopes = workspace.take(d * terms);
  double* sum = workspace.take(d);
  record(x, values, values + outputs(), tape, workspace);
  trend_.derivatives(u, slopes, workspace);
  result.setZero();
  for (std::size_t c = 0; c < members_.size(); ++c, tape += n + terms) {
    const double one = 1.0;
    std::fill(sum, sum + d, 0.0);
    pull_row(c, u, slopes, tape, tape + n, sum, workspace);
    kernel_->jacobian(u, {u, 1, 1, d}, state_.correlations[c].coefficients.data(), &one, sum, workspace);
    for (const Index o : members_[c]) state_.unscale(sum, 2.0 * output(o).process_variance, result.row(o));
  }
}

Index GpPredictor::tape_size() const {
  return has_factors_ ? static_cast<Index>(members_.size()) * (size() + trend_.size()) : 0;
}

void GpPredictor::record(const double* x, double* mean, double* variance, double* tape,
                         Workspace& workspace) const {
  if (!variance || !has_factors_) return Predictor::record(x, mean, variance, tape, workspace);
  const Eigen::Map<const Matrix> point(x, 1, inputs());
  check_points(*this, point);
  const Workspace::Frame frame(workspace);
  const Points points = training();
  const Index n = size(), padded = kernels::panels_rounded(n), d = points.inputs, terms = trend_.size();
  const double* u = scaled(point, workspace);
  double* k = workspace.take(padded);
  double* f = workspace.take(terms);
  trend_.evaluate(u, f, workspace);
  std::fill(k + n, k + padded, 0.0);
  Eigen::Map<Matrix> means(mean, 1, outputs()), variances(variance, 1, outputs());
  set_constants(means, variances, false);
  for (std::size_t c = 0; c < members_.size(); ++c, tape += n + terms) {
    const Correlation& r = state_.correlations[c];
    double prior = 0.0;
    kernel_->diagonal({u, 1, 1, d}, r.coefficients.data(), &prior);
    kernel_->row(u, points, r.coefficients.data(), k, workspace);
    set_means(c, k, padded, f, 1, means, workspace);
    const double spread = this->spread(r, k, f, prior, tape, tape + n, workspace);
    for (const Index o : members_[c]) variance[o] = output(o).process_variance * spread;
  }
  check_predictions(*this, means);
  check_predictions(*this, variances);
}

void GpPredictor::pull(const double* x, const double* tape, const double* by_mean, const double* by_variance,
                       double* gradient, Workspace& workspace) const {
  if (by_variance && !has_factors_)
    return Predictor::pull(x, tape, by_mean, by_variance, gradient, workspace);
  const Workspace::Frame frame(workspace);
  const Index n = size(), d = state_.dimension(), terms = trend_.size();
  const double* u = scaled(Eigen::Map<const Matrix>(x, 1, inputs()), workspace);
  double* slopes = workspace.take(d * terms);
  double* factors = workspace.take(outputs());
  double* by_row = workspace.take(n);
  double* by_trend = workspace.take(terms);
  double* sum = workspace.take(d);
  trend_.derivatives(u, slopes, workspace);
  for (Index o = 0; o < outputs(); ++o) factors[o] = by_mean[o] * output(o).scale;
  std::fill(sum, sum + d, 0.0);
  for (std::size_t c = 0; c < members_.size(); ++c) {
    std::fill(by_row, by_row + n, 0.0);
    std::fill(by_trend, by_trend + terms, 0.0);
    for_neighbours(members_[c], [&](Index first, Index count) {
      kernels::table().add_rows(factors + first, state_.weights.row(first).data(), count, n, by_row);
      kernels::table().add_rows(factors + first, state_.trends.row(first).data(), count, terms, by_trend);
    });
    double by_spread = 0.0;
    if (by_variance)
      for (const Index o : members_[c]) by_spread += 2.0 * by_variance[o] * output(o).process_variance;
    if (by_spread != 0.0) {
      const double* kept = tape + static_cast<Index>(c) * (n + terms);
      kernels::table().add_rows(&by_spread, kept, 1, n, by_row);
      kernels::table().add_rows(&by_spread, kept + n, 1, terms, by_trend);
      kernel_->jacobian(u, {u, 1, 1, d}, state_.correlations[c].coefficients.data(), &by_spread, sum,
                        workspace);
    }
    pull_row(c, u, slopes, by_row, by_trend, sum, workspace);
  }
  Eigen::Map<Eigen::RowVectorXd> result(gradient, inputs());
  result.setZero();
  state_.unscale(sum, 1.0, result);
}

Vector GpPredictor::variance_shares() const {
  if (members_.size() != 1 || static_cast<Index>(members_[0].size()) != outputs()) return {};
  Vector shares(outputs());
  for (Index o = 0; o < outputs(); ++o) shares[o] = output(o).process_variance;
  return shares;
}

}  // namespace ersatz::gp
