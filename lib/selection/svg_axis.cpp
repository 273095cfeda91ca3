#include "selection/svg_axis.hpp"

#include <algorithm>
#include <cmath>

#include "selection/report_text.hpp"

namespace ersatz::chart {
namespace {

Ticks linear_ticks(const Scale& s, int target) {
  const double span = s.upper - s.lower;
  const double raw = span / std::max(1, target);
  const double decade = std::pow(10.0, std::floor(std::log10(raw)));
  // The nearest of 1, 2, 5, 10 in the logarithm.
  const double lead = raw / decade;
  const double step = (lead < 1.41 ? 1.0 : lead < 3.16 ? 2.0 : lead < 7.07 ? 5.0 : 10.0) * decade;
  Ticks ticks;
  const double first = std::ceil(s.lower / step - 1e-9);
  const double last = std::floor(s.upper / step + 1e-9);
  double largest = 0.0;
  for (double k = first; k <= last; k += 1.0) {
    ticks.at.push_back(k * step);
    largest = std::max(largest, std::abs(k * step));
  }
  double unit = 1.0;
  // Times and the like (1 126 259 462.4) are better written out.
  if (largest > 0.0 && step / largest > 1e-4 && (largest >= 1e5 || largest < 1e-3 * (1 - 1e-9))) {
    const int exponent = static_cast<int>(std::floor(std::log10(largest) + 1e-9));
    unit = std::pow(10.0, exponent);
    ticks.multiplier = "×" + report::power_of_ten(exponent);
  }
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step / unit) + 1e-9)));
  for (const double at : ticks.at) ticks.labels.push_back(report::fixed(at / unit, decimals));
  return ticks;
}

/// "2×10⁻⁵"; 1 and 10 stay themselves.
std::string power_label(int m, int e) {
  if (e == 0 || e == 1) return std::to_string(e == 0 ? m : 10 * m);
  return (m > 1 ? std::to_string(m) + "×" : "") + report::power_of_ten(e);
}

Ticks log_ticks(const Scale& s, int target) {
  const double low = std::log10(s.lower), high = std::log10(s.upper);
  const double decades = high - low;
  Ticks ticks;
  if (decades < 0.5) {
    ticks = linear_ticks(s, target);
    return ticks;
  }
  const int first = static_cast<int>(std::floor(low)), last = static_cast<int>(std::ceil(high));
  const bool plain = s.lower >= 0.9e-3 && s.upper <= 1.1e5;
  const int every = std::max(1, static_cast<int>(std::ceil(decades / std::max(2, target))));
  const std::vector<int> between = decades < 1.2   ? std::vector<int>{1, 2, 3, 5}
                                   : decades < 2.5 ? std::vector<int>{1, 2, 5}
                                                   : std::vector<int>{1};
  for (int e = first; e <= last; ++e)
    for (int m = 1; m <= 9; ++m) {
      const double at = m * std::pow(10.0, e);
      if (at < s.lower * (1 - 1e-9) || at > s.upper * (1 + 1e-9)) continue;
      const bool labelled =
          std::find(between.begin(), between.end(), m) != between.end() && (m > 1 || e % every == 0);
      if (!labelled && (m > 1 ? decades > 5 : every > 4)) continue;
      ticks.at.push_back(at);
      ticks.labels.push_back(!labelled ? "" : plain ? report::number(at) : power_label(m, e));
    }
  return ticks;
}

}  // namespace

void Extent::add(double v) {
  if (!std::isfinite(v) || (log_ && v <= 0.0)) return;
  lower_ = std::min(lower_, v);
  upper_ = std::max(upper_, v);
}

double Scale::operator()(double v) const {
  if (!std::isfinite(v) || (log && v <= 0.0)) return Axis::unset;
  const double share = log ? std::log(v / lower) / std::log(upper / lower) : (v - lower) / (upper - lower);
  return start + share * (end - start);
}

Scale scale_for(const Axis& axis, const Extent& data, double margin) {
  Scale s;
  s.log = axis.log;
  s.lower = data.empty() ? (axis.log ? 1.0 : 0.0) : data.lower();
  s.upper = data.empty() ? (axis.log ? 10.0 : 1.0) : data.upper();
  if (axis.log) {
    s.lower = std::max(s.lower, s.upper * std::pow(10.0, -axis.decades));
    if (s.upper < 1.5 * s.lower) {
      s.lower /= 2;
      s.upper *= 2;
    } else {
      const double factor = std::pow(s.upper / s.lower, margin);
      s.lower /= factor;
      s.upper *= factor;
    }
  } else {
    const double size = std::max(std::abs(s.lower), std::abs(s.upper));
    if (s.upper - s.lower <= 1e-12 * size || size == 0.0) {
      const double half = size > 0.0 ? 0.05 * size : 1.0;
      s.lower -= half;
      s.upper += half;
    } else {
      const double extra = margin * (s.upper - s.lower);
      s.lower -= extra;
      s.upper += extra;
    }
  }
  if (std::isfinite(axis.lower)) s.lower = axis.lower;
  if (std::isfinite(axis.upper)) s.upper = axis.upper;
  if (s.upper <= s.lower) s.upper = axis.log ? 10.0 * s.lower : s.lower + 1.0;
  return s;
}

Ticks ticks_for(const Scale& scale, int target) {
  return scale.log ? log_ticks(scale, target) : linear_ticks(scale, target);
}

}  // namespace ersatz::chart
