#pragma once
// Scores of one Gaussian prediction. Not installed.

#include <algorithm>
#include <cmath>

namespace ersatz {

inline double normal_cdf(double z) { return 0.5 * std::erfc(-z * 0.70710678118654752440); }

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
