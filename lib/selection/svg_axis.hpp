#pragma once
// Axes of a drawing: which range, which ticks, how they are written.

#include <limits>
#include <string>
#include <vector>

namespace ersatz::chart {

/// What a caller asks of an axis.
struct Axis {
  static constexpr double unset = std::numeric_limits<double>::quiet_NaN();
  std::string label;
  bool log = false;
  double lower = unset;  ///< unset: from the data
  double upper = unset;
  double decades = 12;  ///< a log axis shows at most so many below its top
};

/// Collects the finite values that an axis has to show (on a log axis: the positive ones).
class Extent {
 public:
  explicit Extent(bool log) : log_(log) {}
  void add(double v);
  bool empty() const { return lower_ > upper_; }
  double lower() const { return lower_; }
  double upper() const { return upper_; }

 private:
  bool log_;
  double lower_ = std::numeric_limits<double>::infinity();
  double upper_ = -std::numeric_limits<double>::infinity();
};

/// A fixed range, and the map from values to places on the drawing.
struct Scale {
  bool log = false;
  double lower = 0.0, upper = 1.0;  ///< lower < upper; positive on a log axis
  double start = 0.0, end = 1.0;    ///< where they are drawn

  double operator()(double v) const;  ///< NaN where v cannot be drawn
};

/// The range to show: what `axis` fixes, the data elsewhere with `margin` (a share of the span) around them.
/// A single value gets a range around it, no values give 0..1 (1..10 on a log axis).
Scale scale_for(const Axis& axis, const Extent& data, double margin);

struct Ticks {
  std::vector<double> at;
  std::vector<std::string> labels;  ///< empty for an unlabelled tick
  std::string multiplier;           ///< "×10³⁸" where all labels have it taken out
};

/// About `target` ticks at 1, 2 or 5 times a power of ten; on a log axis at powers of ten, or between them
/// where the range is short.
Ticks ticks_for(const Scale& scale, int target);

}  // namespace ersatz::chart
