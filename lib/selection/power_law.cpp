#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/selection/learning_curve.hpp"

namespace ersatz {
namespace {

struct Trial {
  PowerLaw law;
  double misfit = HUGE_VAL;
};

/// Floor and scale for one exponent: minimises Σ ((floor + scale t) / e - 1)² with both from 0 on, where
/// t = (n / n₀)^(-exponent).
Trial at_exponent(const std::vector<double>& n, const std::vector<double>& e, double exponent) {
  double aa = 0.0, ab = 0.0, bb = 0.0, ay = 0.0, by = 0.0;
  for (std::size_t i = 0; i < n.size(); ++i) {
    const double a = 1.0 / e[i], b = std::pow(n[i] / n[0], -exponent) / e[i];
    aa += a * a;
    ab += a * b;
    bb += b * b;
    ay += a;
    by += b;
  }
  const auto misfit = [&](double floor, double scale) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n.size(); ++i) {
      const double r = (floor + scale * std::pow(n[i] / n[0], -exponent)) / e[i] - 1.0;
      sum += r * r;
    }
    return sum;
  };
  Trial best;
  const auto offer = [&](double floor, double scale) {
    if (!(floor >= 0.0 && scale >= 0.0)) return;
    const double m = misfit(floor, scale);
    if (m < best.misfit) best = {{floor, scale, exponent}, m};
  };
  const double determinant = aa * bb - ab * ab;
  if (determinant > 1e-14 * aa * bb)
    offer((ay * bb - by * ab) / determinant, (by * aa - ay * ab) / determinant);
  offer(0.0, by / bb);
  offer(ay / aa, 0.0);
  best.law.scale *= std::pow(n[0], exponent);
  return best;
}

}  // namespace

double PowerLaw::at(double n) const { return floor + scale * std::pow(n, -exponent); }

double PowerLaw::runs_for(double tolerance) const {
  if (!(tolerance > floor) || exponent <= 0.0) return HUGE_VAL;
  return scale > 0.0 ? std::pow(scale / (tolerance - floor), 1.0 / exponent) : 0.0;
}

PowerLaw fit_power_law(const std::vector<double>& sizes, const std::vector<double>& errors) {
  if (sizes.size() != errors.size() || sizes.size() < 3)
    throw DataError(text("a power law with a floor needs errors at 3 sizes or more, got ", sizes.size()));
  for (std::size_t i = 0; i < sizes.size(); ++i)
    if (!(sizes[i] > 0.0 && errors[i] > 0.0 && std::isfinite(sizes[i]) && std::isfinite(errors[i])))
      throw UsageError(text("power law: the error at ", sizes[i], " runs is ", errors[i],
                            "; both must be positive numbers"));
  const auto exponent_at = [](int i) { return 0.05 * std::pow(160.0, i / 80.0); };
  Trial best;
  int at = 0;
  for (int i = 0; i <= 80; ++i)
    if (const Trial t = at_exponent(sizes, errors, exponent_at(i)); t.misfit < best.misfit) {
      best = t;
      at = i;
    }
  double low = exponent_at(std::max(at - 1, 0)), high = exponent_at(std::min(at + 1, 80));
  const double golden = 0.61803398874989485;
  for (int step = 0; step < 60 && high - low > 1e-10 * high; ++step) {
    const double a = high - golden * (high - low), b = low + golden * (high - low);
    const Trial left = at_exponent(sizes, errors, a), right = at_exponent(sizes, errors, b);
    const Trial& better = left.misfit <= right.misfit ? left : right;
    if (better.misfit < best.misfit) best = better;
    (left.misfit <= right.misfit ? high : low) = left.misfit <= right.misfit ? b : a;
  }
  return best.law;
}

}  // namespace ersatz
