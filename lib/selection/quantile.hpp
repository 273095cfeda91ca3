#pragma once

#include <algorithm>
#include <limits>
#include <vector>

namespace ersatz {

/// The value below which the share q lies, by linear interpolation as NumPy's default; NaN of nothing.
inline double quantile(std::vector<double> values, double q) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const double position = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(position);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  // Infinities (an error relative to a row of zeros) must not meet a factor of zero or each other.
  if (position == static_cast<double>(low) || values[low] == values[high]) return values[low];
  return values[low] + (position - static_cast<double>(low)) * (values[high] - values[low]);
}

}  // namespace ersatz
