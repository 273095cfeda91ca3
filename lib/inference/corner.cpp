#include "inference/corner.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "inference/contours.hpp"
#include "selection/quantile.hpp"
#include "selection/report_text.hpp"
#include "selection/svg_axis.hpp"
#include "selection/svg_pen.hpp"

namespace ersatz {
namespace {

using chart::Colour;
using chart::Dash;
using chart::Pen;
using chart::Place;

constexpr double cell = 128.0, gap = 10.0, top = 10.0, font = 12.0;
constexpr Index bins = 40;
constexpr double normal_68 = 0.158655253931457;

/// One parameter: what is shown of it, and where on a cell.
struct Range {
  std::string label;
  double lower, upper;
  chart::Ticks ticks;

  double share(double v) const { return (v - lower) / (upper - lower); }
};

Range range_of(const Vector& draws, const DensityParameter& parameter) {
  const std::vector<double> values(draws.begin(), draws.end());
  chart::Extent extent(false);
  extent.add(quantile(values, 0.002));
  extent.add(quantile(values, 0.998));
  chart::Scale s = chart::scale_for({}, extent, 0.08);
  // A bound shows as the end of the cell.
  s.lower = std::max(s.lower, parameter.lower);
  s.upper = std::min(s.upper, parameter.upper);
  if (!(s.upper > s.lower)) s.upper = s.lower + std::max(1e-12, 1e-12 * std::abs(s.lower));
  Range r{report::with_unit(parameter.name, parameter.unit), s.lower, s.upper, {}};
  for (int target = 3; target > 0; --target) {
    r.ticks = chart::ticks_for(s, target);
    double width = 0.0;
    for (const auto& label : r.ticks.labels)
      width += 0.62 * font * static_cast<double>(report::length(label));
    if (width < cell || target == 1) break;
  }
  if (!r.ticks.multiplier.empty()) r.label += "  (" + r.ticks.multiplier + ")";
  return r;
}

class Corner {
 public:
  Corner(const Matrix& draws, const std::vector<DensityParameter>& parameters, const Vector& maximum)
      : draws_(draws), maximum_(maximum) {
    for (Index i = 0; i < draws.cols(); ++i) {
      ranges_.push_back(range_of(draws.col(i), parameters[static_cast<std::size_t>(i)]));
      for (const auto& label : ranges_.back().ticks.labels)
        left_ = std::max(left_, 0.6 * font * static_cast<double>(report::length(label)) + 30.0);
    }
  }

  std::string draw() {
    const Index d = draws_.cols();
    const double width = left_ + static_cast<double>(d) * (cell + gap);
    const double height = top + static_cast<double>(d) * (cell + gap) + 2.0 * font + 16.0;
    pen_.open("corner", "Marginal distributions",
              "On the diagonal histograms of each parameter with the 68% interval, below it regions of two "
              "parameters that hold 68% and 95% of the draws",
              width, height, false);
    for (Index row = 0; row < d; ++row)
      for (Index column = 0; column <= row; ++column) draw_cell(row, column);
    pen_.close();
    return text("<div style=\"max-width:", std::lround(1.25 * width), "px\">\n", pen_.result(), "</div>\n");
  }

 private:
  double x_of(Index column) const { return left_ + static_cast<double>(column) * (cell + gap); }
  double y_of(Index row) const { return top + static_cast<double>(row) * (cell + gap); }

  void draw_cell(Index row, Index column) {
    const double x = x_of(column), y = y_of(row);
    const Range& across = ranges_[static_cast<std::size_t>(column)];
    const Range& up = ranges_[static_cast<std::size_t>(row)];
    for (const double at : across.ticks.at) {
      const double place = x + cell * across.share(at);
      pen_.segment(place, y, place, y + cell, "grid");
    }
    if (row != column)
      for (const double at : up.ticks.at) {
        const double place = y + cell * (1.0 - up.share(at));
        pen_.segment(x, place, x + cell, place, "grid");
      }
    pen_.enter(x, y, cell, cell);
    if (row == column)
      draw_histogram(column, x, y);
    else
      draw_regions(row, column, x, y);
    pen_.leave();
    pen_.segment(x, y + cell, x + cell, y + cell, "tick");
    pen_.segment(x, y, x, y + cell, "tick");
    if (row + 1 == draws_.cols()) draw_labels_below(across, x, y + cell);
    if (column == 0 && row > 0) draw_labels_beside(up, y);
  }

  void draw_labels_below(const Range& range, double x, double y) {
    for (std::size_t k = 0; k < range.ticks.at.size(); ++k) {
      const double place = x + cell * range.share(range.ticks.at[k]);
      pen_.segment(place, y, place, y + 4.0, "tick");
      pen_.text(place, y + font + 5.0, "middle", "", range.ticks.labels[k]);
    }
    pen_.text(x + 0.5 * cell, y + 2.0 * font + 10.0, "middle", "axis", range.label);
  }

  void draw_labels_beside(const Range& range, double y) {
    for (std::size_t k = 0; k < range.ticks.at.size(); ++k) {
      const double place = y + cell * (1.0 - range.share(range.ticks.at[k]));
      pen_.segment(left_ - 4.0, place, left_, place, "tick");
      pen_.text(left_ - 6.0, place + 0.35 * font, "end", "", range.ticks.labels[k]);
    }
    // The name stands over its row's first cell: turned text is hard to read.
    pen_.text(x_of(0) + 5.0, y + font + 1.0, "start", "halo axis", range.label);
  }

  void draw_histogram(Index column, double x, double y) {
    const Range& range = ranges_[static_cast<std::size_t>(column)];
    std::vector<double> counts(static_cast<std::size_t>(bins), 0.0);
    for (const double v : draws_.col(column)) {
      const auto bin = static_cast<Index>(std::floor(range.share(v) * static_cast<double>(bins)));
      if (bin >= 0 && bin < bins) counts[static_cast<std::size_t>(bin)] += 1.0;
    }
    const double highest = std::max(1.0, *std::max_element(counts.begin(), counts.end()));
    std::vector<Place> corners;
    for (std::size_t k = 0; k < counts.size(); ++k) {
      const double step = cell / static_cast<double>(bins);
      corners.push_back({x + step * static_cast<double>(k), y + cell - 0.86 * cell * counts[k] / highest});
      corners.push_back({x + step * static_cast<double>(k + 1), y + cell});
    }
    pen_.rectangles(corners, Colour::blue);
    const Vector column_draws = draws_.col(column);
    const std::vector<double> values(column_draws.begin(), column_draws.end());
    for (const double p : {normal_68, 0.5, 1.0 - normal_68}) {
      const double place = x + cell * range.share(quantile(values, p));
      pen_.path({{place, y}, {place, y + cell}},
                {Colour::ink, p == 0.5 ? Dash::solid : Dash::dashed, 1.0, false});
    }
    if (maximum_.size() > 0) {
      const double place = x + cell * range.share(maximum_[column]);
      pen_.path({{place, y}, {place, y + cell}}, {Colour::vermillion, Dash::solid, 1.4, false});
    }
  }

  void draw_regions(Index row, Index column, double x, double y) {
    const Range& across = ranges_[static_cast<std::size_t>(column)];
    const Range& up = ranges_[static_cast<std::size_t>(row)];
    const Matrix density = smoothed_histogram(draws_.col(column), draws_.col(row), across.lower, across.upper,
                                              up.lower, up.upper, bins, 1.3);
    for (const double mass : {0.954499736103642, 0.682689492137086}) {
      for (const auto& loop : contours(density, height_of_mass(density, mass))) {
        std::vector<Place> outline;
        for (const GridPoint& p : loop)
          outline.push_back({x + cell * (p.column + 0.5) / static_cast<double>(bins),
                             y + cell * (1.0 - (p.row + 0.5) / static_cast<double>(bins))});
        pen_.area(outline, Colour::blue, "b");
        outline.push_back(outline.front());
        pen_.path(outline, {Colour::blue, Dash::solid, 1.2, false});
      }
    }
    if (maximum_.size() > 0)
      pen_.dots({{x + cell * across.share(maximum_[column]), y + cell * (1.0 - up.share(maximum_[row]))}},
                Colour::vermillion, 5.0, 1.0);
  }

  const Matrix& draws_;
  const Vector& maximum_;
  std::vector<Range> ranges_;
  double left_ = 40.0;
  Pen pen_;
};

}  // namespace

std::string corner_plot(const Matrix& draws, const std::vector<DensityParameter>& parameters,
                        const Vector& maximum) {
  return Corner(draws, parameters, maximum).draw();
}

}  // namespace ersatz
