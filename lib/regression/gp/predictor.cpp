#include "regression/gp/predictor.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::gp {
namespace {

/// Points that share one reading of the inverse factor: a multiple of 6 and of 8, which is how many the
/// kernels take at once.
constexpr Index block = 48;
/// Points whose rows of kernel values stay in the first cache together.
constexpr Index rows_together = 8;

/// Inputs in columns, from rows.
double* transposed(const double* x, Index count, Index d, Workspace& workspace) {
  double* columns = workspace.take(count * d);
  for (Index q = 0; q < count; ++q)
    for (Index i = 0; i < d; ++i) columns[i * count + q] = x[q * d + i];
  return columns;
}

double squared(const double* v, Index n) {
  double sum = 0.0;
  for (Index i = 0; i < n; ++i) sum += v[i] * v[i];
  return sum;
}

}  // namespace

GpPredictor::GpPredictor(GpState state) : state_(std::move(state)), trend_(state_.dimension(), state_.trend) {
  kernel_ = make_kernel(state_.kernel, state_.dimension());
  members_.resize(state_.correlations.size());
  for (Index o = 0; o < outputs(); ++o)
    if (const Index c = output(o).correlation; c >= 0) members_[static_cast<std::size_t>(c)].push_back(o);
  for (const Correlation& r : state_.correlations) has_factors_ = has_factors_ && r.panels.size() > 0;
}

Points GpPredictor::training() const { return {state_.points.data(), size(), size(), state_.dimension()}; }

double* GpPredictor::scaled(ConstMatrixRef X, Workspace& workspace) const {
  const auto d = state_.dimension();
  double* x = workspace.take(X.rows() * d);
  for (Index q = 0; q < X.rows(); ++q) state_.scale(X.row(q).data(), x + q * d);
  return x;
}

void GpPredictor::set_means(std::size_t c, const double* k, Index stride, const double* f, Index count,
                            MatrixRef mean, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Index terms = trend_.size();
  double* internal = workspace.take(count * outputs());
  for_neighbours(members_[c], [&](Index first, Index many) {
    kernels::table().dots(state_.weights.row(first).data(), many, size(), k, count, stride, size(), internal,
                          many);
    for (Index q = 0; q < count; ++q)
      for (Index m = 0; m < many; ++m) {
        const Index o = first + m;
        double value = internal[q * many + m];
        for (Index j = 0; j < terms; ++j) value += state_.trends(o, j) * f[q * terms + j];
        mean(q, o) = output(o).centre + output(o).scale * value;
      }
  });
}

/// missing = L_A⁻¹ (f - Fᵀ R⁻¹ k), L_A the factor of A: its square is what not knowing the mean's
/// coefficients adds to the variance.
void GpPredictor::whiten_trend(const Correlation& r, const double* k, const double* f,
                               double* missing) const {
  for (Index i = 0; i < trend_.size(); ++i) {
    double left = f[i] - kernels::table().dot(r.solved_trend.col(i).data(), k, size());
    for (Index j = 0; j < i; ++j) left -= r.trend_factor(i, j) * missing[j];
    missing[i] = left / r.trend_factor(i, i);
  }
}

void GpPredictor::mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const {
  check_points(*this, X, mean);
  const Points points = training();
  for (Index o = 0; o < outputs(); ++o)
    if (output(o).correlation < 0) mean.col(o).setConstant(output(o).centre);
  for (Index begin = 0; begin < X.rows(); begin += rows_together) {
    const Workspace::Frame frame(workspace);
    const Index count = std::min(rows_together, X.rows() - begin), terms = trend_.size();
    const double* x = scaled(X.middleRows(begin, count), workspace);
    double* k = workspace.take(count * size());
    double* f = workspace.take(count * terms);
    for (Index q = 0; q < count; ++q) trend_.evaluate(x + q * points.inputs, f + q * terms, workspace);
    for (std::size_t c = 0; c < members_.size(); ++c) {
      for (Index q = 0; q < count; ++q)
        kernel_->row(x + q * points.inputs, points, state_.correlations[c].coefficients.data(),
                     k + q * size(), workspace);
      set_means(c, k, size(), f, count, mean.middleRows(begin, count), workspace);
    }
  }
  check_predictions(*this, mean);
}

void GpPredictor::set_constants(MatrixRef mean, MatrixRef variance, bool observed) const {
  for (Index o = 0; o < outputs(); ++o) {
    if (output(o).correlation >= 0) continue;
    mean.col(o).setConstant(output(o).centre);
    variance.col(o).setConstant(output(o).process_variance + (observed ? output(o).noise_variance : 0.0));
  }
}

void GpPredictor::set_row(std::size_t c, const double* u, const double* k, double prior, double explained,
                          Index row, MatrixRef mean, MatrixRef variance, bool observed,
                          Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  double* f = workspace.take(trend_.size());
  double* missing = workspace.take(trend_.size());
  trend_.evaluate(u, f, workspace);
  whiten_trend(state_.correlations[c], k, f, missing);
  const double correlation = std::max(prior - explained, 0.0) + squared(missing, trend_.size());
  set_means(c, k, size(), f, 1, mean.middleRows(row, 1), workspace);
  for (const Index o : members_[c])
    variance(row, o) = output(o).process_variance * correlation + (observed ? output(o).noise_variance : 0.0);
}

void GpPredictor::mean_and_variance_from(ConstMatrixRef explained, ConstMatrixRef X, MatrixRef mean,
                                         MatrixRef variance, Noise noise, Workspace& workspace) const {
  check_points(*this, X, mean);
  check_points(*this, X, variance);
  const Points points = training();
  const bool observed = noise == Noise::observed;
  set_constants(mean, variance, observed);
  for (Index q = 0; q < X.rows(); ++q) {
    const Workspace::Frame frame(workspace);
    const double* u = scaled(X.middleRows(q, 1), workspace);
    double* k = workspace.take(size());
    for (std::size_t c = 0; c < members_.size(); ++c) {
      const double* coefficients = state_.correlations[c].coefficients.data();
      double prior = 0.0;
      kernel_->diagonal({u, 1, 1, points.inputs}, coefficients, &prior);
      kernel_->row(u, points, coefficients, k, workspace);
      set_row(c, u, k, prior, explained(q, static_cast<Index>(c)), q, mean, variance, observed, workspace);
    }
  }
  check_predictions(*this, mean);
  check_predictions(*this, variance);
}

void GpPredictor::mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                                    Workspace& workspace) const {
  if (!has_factors_) return Predictor::mean_and_variance(X, mean, variance, noise, workspace);
  check_points(*this, X, mean);
  check_points(*this, X, variance);
  const auto& table = kernels::table();
  const Points points = training();
  const Index n = size(), padded = kernels::panels_rounded(n), d = points.inputs;
  const bool observed = noise == Noise::observed;
  set_constants(mean, variance, observed);
  for (Index begin = 0; begin < X.rows(); begin += block) {
    const Workspace::Frame frame(workspace);
    const Index count = std::min(block, X.rows() - begin);
    const double* x = scaled(X.middleRows(begin, count), workspace);
    const double* columns = transposed(x, count, d, workspace);
    double* k = workspace.take(padded * count);
    double* y = workspace.take(padded * count);
    double* prior = workspace.take(count);
    for (Index q = 0; q < count; ++q) std::fill(k + q * padded + n, k + (q + 1) * padded, 0.0);
    for (std::size_t c = 0; c < members_.size(); ++c) {
      const Correlation& r = state_.correlations[c];
      kernel_->diagonal({columns, count, count, d}, r.coefficients.data(), prior);
      for (Index q = 0; q < count; ++q)
        kernel_->row(x + q * d, points, r.coefficients.data(), k + q * padded, workspace);
      table.panels_product(r.panels.data(), k, padded, n, count, y);
      for (Index q = 0; q < count; ++q) {
        const double explained = table.dot(y + q * padded, y + q * padded, padded);
        set_row(c, x + q * d, k + q * padded, prior[q], explained, begin + q, mean, variance, observed,
                workspace);
      }
    }
  }
  check_predictions(*this, mean);
  check_predictions(*this, variance);
}

void GpPredictor::covariance(ConstMatrixRef X, Index output, MatrixRef covariance, Noise noise,
                             Workspace& workspace) const {
  if (!has_factors_) return Predictor::covariance(X, output, covariance, noise, workspace);
  check_covariance(*this, X, output, covariance);
  const Index q = X.rows(), n = size(), terms = trend_.size();
  const Output& o = this->output(output);
  const double noise_variance = noise == Noise::observed ? o.noise_variance : 0.0;
  if (o.correlation < 0) {
    covariance.setConstant(o.process_variance);
    covariance.diagonal().array() += noise_variance;
    return;
  }
  const auto& table = kernels::table();
  const Correlation& r = state_.correlations[static_cast<std::size_t>(o.correlation)];
  const Points points = training();
  const Index d = points.inputs, padded = kernels::panels_rounded(n);
  const Workspace::Frame frame(workspace);
  const double* x = scaled(X, workspace);
  const double* columns = transposed(x, q, d, workspace);
  double* y = workspace.take(padded * q);
  double* f = workspace.take(terms);
  double* missing = workspace.take(terms * q);
  double* k = workspace.take(padded * std::min(block, q));
  double* prior = workspace.take(q);
  for (Index v = 0; v < std::min(block, q); ++v) std::fill(k + v * padded + n, k + (v + 1) * padded, 0.0);
  for (Index first = 0; first < q; first += block) {
    const Index together = std::min(block, q - first);
    for (Index v = 0; v < together; ++v) {
      kernel_->row(x + (first + v) * d, points, r.coefficients.data(), k + v * padded, workspace);
      trend_.evaluate(x + (first + v) * d, f, workspace);
      whiten_trend(r, k + v * padded, f, missing + (first + v) * terms);
    }
    table.panels_product(r.panels.data(), k, padded, n, together, y + first * padded);
  }
  for (Index a = 0; a < q; ++a) {
    kernel_->row(x + a * d, {columns, q, q, d}, r.coefficients.data(), prior, workspace);
    for (Index b = 0; b <= a; ++b) {
      double left = prior[b] - table.dot(y + a * padded, y + b * padded, padded);
      if (a == b) left = std::max(left, 0.0);
      for (Index j = 0; j < terms; ++j) left += missing[a * terms + j] * missing[b * terms + j];
      covariance(a, b) = covariance(b, a) = o.process_variance * left;
    }
    covariance(a, a) += noise_variance;
  }
  check_predictions(*this, covariance);
}

void GpPredictor::jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const {
  check_derivatives(*this, x, jacobian);
  const Workspace::Frame frame(workspace);
  const Points points = training();
  const Index d = points.inputs, terms = trend_.size();
  const double* u = scaled(Eigen::Map<const Matrix>(x, 1, inputs()), workspace);
  double* gradients = workspace.take(outputs() * d);
  double* slopes = workspace.take(d * terms);
  trend_.derivatives(u, slopes, workspace);
  jacobian.setZero();
  std::fill(gradients, gradients + outputs() * d, 0.0);
  for (std::size_t c = 0; c < members_.size(); ++c)
    for_neighbours(members_[c], [&](Index first, Index count) {
      kernel_->jacobians(u, points, state_.correlations[c].coefficients.data(),
                         state_.weights.row(first).data(), size(), count, gradients + first * d, workspace);
    });
  for (Index o = 0; o < outputs(); ++o) {
    if (output(o).correlation < 0) continue;
    double* gradient = gradients + o * d;
    for (Index k = 0; k < d; ++k)
      for (Index j = 0; j < terms; ++j) gradient[k] += state_.trends(o, j) * slopes[k * terms + j];
    state_.unscale(gradient, output(o).scale, jacobian.row(o));
  }
}

}  // namespace ersatz::gp
