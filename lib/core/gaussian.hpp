#pragma once
// What one Gaussian prediction promises, and how it scores. Not installed.

#include <algorithm>
#include <cmath>

namespace ersatz {

/// How often a Gaussian variable lies within one deviation of its mean.
constexpr double one_deviation = 0.68268949213708590;
/// Levels at which error bars are held against truth, and calibrated.
constexpr double coverage_levels[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, one_deviation, 0.8, 0.9, 0.95, 0.99};

inline double normal_cdf(double z) { return 0.5 * std::erfc(-z * 0.70710678118654752440); }

/// The expected amount by which a Gaussian variable falls short of `best`: Jones, Schonlau & Welch, J. Global
/// Optim. 13, 455 (1998), Eq. 15. deviation 0: what is certain.
inline double expected_improvement(double best, double mean, double deviation) {
  if (!(deviation > 0.0)) return std::max(best - mean, 0.0);
  const double z = (best - mean) / deviation;
  const double density = 0.39894228040143268 * std::exp(-0.5 * z * z);
  return std::max(0.0, (best - mean) * normal_cdf(z) + deviation * density);
}

/// A deviation of zero claims certainty; it is held against rounding, no more.
inline double usable_deviation(double deviation, double mean) {
  return std::max(deviation, 1e-15 * std::abs(mean) + 1e-300);
}

/// Continuous ranked probability score (Gneiting & Raftery 2007, eq. 21), z = (truth - mean) / deviation.
inline double gaussian_crps(double z, double deviation) {
  return deviation * (z * (2.0 * normal_cdf(z) - 1.0) + 0.79788456080286536 * std::exp(-0.5 * z * z) -
                      0.56418958354775629);
}

/// Negative log density.
inline double gaussian_log_score(double z, double deviation) {
  return 0.5 * z * z + std::log(deviation) + 0.91893853320467274;
}

}  // namespace ersatz
