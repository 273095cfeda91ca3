#pragma once
// Writes SVG elements. Marks are drawn in a nested viewport with ten times finer units, so that coordinates
// are integers and everything outside of the panel is clipped.

#include <string>
#include <string_view>
#include <vector>

#include "selection/svg_chart.hpp"

namespace ersatz::chart {

struct Place {
  double x, y;  ///< units of the drawing; NaN: a gap
};

class Pen {
 public:
  void open(const std::string& id, const std::string& title, const std::string& description, double width,
            double height, bool small);
  void close();
  void text(double x, double y, std::string_view anchor, std::string_view classes, std::string_view content);
  /// Straight line of the frame (axes, ticks, grid), class as given.
  void segment(double x1, double y1, double x2, double y2, std::string_view classes);

  void enter(double x, double y, double width,
             double height);  ///< nested viewport; coordinates stay absolute
  void leave();
  void path(const std::vector<Place>& places, const Style& style);
  void area(const std::vector<Place>& outline, Colour colour, std::string_view classes);
  void rectangles(const std::vector<Place>& corners, Colour colour);  ///< pairs: upper left, lower right
  void dots(const std::vector<Place>& places, Colour colour, double size, double opacity);
  void error_bars(const std::vector<Place>& ends, Colour colour, double width);  ///< pairs of ends

  const std::string& result() const { return out_; }

 private:
  void put(double v);  ///< absolute, tenth of a unit
  std::string out_;
  double x0_ = 0, y0_ = 0;
  double width_ = 0, height_ = 0;
  long at_x_ = 0, at_y_ = 0;
  long fine_x(double x) const;
  long fine_y(double y) const;
  void move_to(const Place& p);
  void line_by(const Place& p, bool first);
};

/// At most two places per column of the given width: the lowest and the highest, in their order. Gaps stay.
std::vector<Place> thinned(const std::vector<Place>& places, double column);

}  // namespace ersatz::chart
