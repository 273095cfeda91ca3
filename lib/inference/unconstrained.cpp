#include "ersatz/inference/unconstrained.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

/// How far within the bounds a point counts that stands on one; what is closer already stays as it is.
constexpr double inside = 1e-9;

/// 1 / (1 + exp(-u)), accurate at both ends.
double logistic(double u) {
  if (u >= 0.0) return 1.0 / (1.0 + std::exp(-u));
  const double e = std::exp(u);
  return e / (1.0 + e);
}

/// log(1 + exp(u)).
double softplus(double u) { return std::max(u, 0.0) + std::log1p(std::exp(-std::abs(u))); }

}  // namespace

UnconstrainedMap::UnconstrainedMap(const std::vector<DensityParameter>& parameters) {
  for (const DensityParameter& p : parameters) {
    if (!(p.lower < p.upper))
      throw UsageError(text("parameter '", p.name, "': its bounds ", p.lower, " and ", p.upper,
                            " leave no room between them"));
    bounds_.push_back({p.lower, p.upper, std::isfinite(p.lower), std::isfinite(p.upper)});
  }
}

void UnconstrainedMap::to_bounded(const double* u, double* theta) const {
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    const Bounds& b = bounds_[i];
    if (b.has_lower && b.has_upper)
      theta[i] = u[i] <= 0.0 ? b.lower + (b.upper - b.lower) * logistic(u[i])
                             : b.upper - (b.upper - b.lower) * logistic(-u[i]);
    else if (b.has_lower)
      theta[i] = b.lower + std::exp(u[i]);
    else if (b.has_upper)
      theta[i] = b.upper - std::exp(-u[i]);
    else
      theta[i] = u[i];
  }
}

void UnconstrainedMap::to_unbounded(const double* theta, double* u) const {
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    const Bounds& b = bounds_[i];
    if (b.has_lower && b.has_upper) {
      double below = (theta[i] - b.lower) / (b.upper - b.lower),
             above = (b.upper - theta[i]) / (b.upper - b.lower);
      if (!(below > 0.0)) below = inside, above = 1.0;
      if (!(above > 0.0)) above = inside, below = 1.0;
      u[i] = std::log(below) - std::log(above);
    } else if (b.has_lower) {
      const double room = theta[i] - b.lower;
      u[i] = std::log(room > 0.0 ? room : inside * std::max(1.0, std::abs(b.lower)));
    } else if (b.has_upper) {
      const double room = b.upper - theta[i];
      u[i] = -std::log(room > 0.0 ? room : inside * std::max(1.0, std::abs(b.upper)));
    } else {
      u[i] = theta[i];
    }
  }
}

void UnconstrainedMap::slopes(const double* u, double* slope) const {
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    const Bounds& b = bounds_[i];
    if (b.has_lower && b.has_upper)
      slope[i] = (b.upper - b.lower) * logistic(u[i]) * logistic(-u[i]);
    else if (b.has_lower)
      slope[i] = std::exp(u[i]);
    else
      slope[i] = b.has_upper ? std::exp(-u[i]) : 1.0;
  }
}

double UnconstrainedMap::log_jacobian(const double* u, double* gradient) const {
  double sum = 0.0;
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    const Bounds& b = bounds_[i];
    double slope = 0.0;
    if (b.has_lower && b.has_upper) {
      sum += std::log(b.upper - b.lower) - softplus(u[i]) - softplus(-u[i]);
      slope = logistic(-u[i]) - logistic(u[i]);
    } else if (b.has_lower) {
      sum += u[i];
      slope = 1.0;
    } else if (b.has_upper) {
      sum -= u[i];
      slope = -1.0;
    }
    if (gradient) gradient[i] += slope;
  }
  return sum;
}

UnconstrainedDensity::UnconstrainedDensity(const LogDensity& density, bool with_jacobian)
    : density_(density), map_(density.parameters()), with_jacobian_(with_jacobian) {}

bool UnconstrainedDensity::differences(const double* u, double* gradient, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Index d = size();
  double* moved = workspace.take(d);
  double* theta = workspace.take(d);
  std::copy(u, u + d, moved);
  for (Index i = 0; i < d; ++i) {
    const double step = 1e-5 * std::max(1.0, std::abs(u[i]));
    double ends[2];
    for (int side = 0; side < 2; ++side) {
      moved[i] = side == 0 ? u[i] - step : u[i] + step;
      map_.to_bounded(moved, theta);
      ends[side] = density_.evaluate(theta, nullptr, workspace).sum();
    }
    gradient[i] = (ends[1] - ends[0]) / (2.0 * step);
    if (!std::isfinite(gradient[i])) return false;
    moved[i] = u[i];
  }
  return true;
}

UnconstrainedValue UnconstrainedDensity::evaluate(const double* u, double* gradient,
                                                  Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Index d = size();
  double* theta = workspace.take(d);
  double* slope = workspace.take(d);
  double* own = workspace.take(d);
  map_.to_bounded(u, theta);
  UnconstrainedValue value;
  if (!std::all_of(theta, theta + d, [](double t) { return std::isfinite(t); })) {  // exp(u) overflows
    value.parts.log_prior = value.log_density = -std::numeric_limits<double>::infinity();
    return value;
  }
  const bool analytic = gradient != nullptr && density_.has_gradient();
  value.parts = density_.evaluate(theta, analytic ? own : nullptr, workspace);
  value.log_density = value.parts.sum();
  if (!std::isfinite(value.log_density)) return value;
  if (gradient != nullptr) {
    map_.slopes(u, slope);
    if (analytic) {
      for (Index i = 0; i < d; ++i) own[i] *= slope[i];
    } else if (!differences(u, own, workspace)) {
      value.log_density = -std::numeric_limits<double>::infinity();
      return value;
    }
    std::copy(own, own + d, gradient);
  }
  if (with_jacobian_) value.log_density += map_.log_jacobian(u, gradient);
  return value;
}

}  // namespace ersatz
