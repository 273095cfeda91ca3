#include "selection/svg_chart.hpp"

#include <algorithm>
#include <cmath>

#include "selection/report_text.hpp"
#include "selection/svg_pen.hpp"

namespace ersatz::chart {
namespace {

// Sizes in units of the drawing. On a phone the wide drawings are shrunk and their text is enlarged by the
// style sheet, so the layout reckons with the larger text.
struct Sizes {
  double width, font, top = 4;
  explicit Sizes(bool small) : width(small ? 360 : 460), font(small ? 13 : 15) {}
  double text(std::string_view s) const { return 0.55 * font * static_cast<double>(report::length(s)); }
  /// Cut off where it would be wider than `space`.
  std::string fitted(const std::string& s, double space) const {
    if (text(s) <= space) return s;
    std::size_t code_points = static_cast<std::size_t>(std::max(1.0, space / (0.55 * font) - 1));
    std::size_t end = 0;
    while (end < s.size() && code_points > 0) {
      ++end;
      while (end < s.size() && (s[end] & 0xC0) == 0x80) ++end;
      --code_points;
    }
    return s.substr(0, end) + "…";
  }
};

std::string legend_of(const Mark& mark) {
  if (const auto* line = std::get_if<Line>(&mark)) return line->legend;
  if (const auto* band = std::get_if<Band>(&mark)) return band->legend;
  if (const auto* points = std::get_if<Points>(&mark)) return points->legend;
  if (const auto* bars = std::get_if<Bars>(&mark)) return bars->legend;
  return {};
}

/// The swatch of a legend entry, 20 units wide, centred on y.
void draw_swatch(Pen& pen, const Mark& mark, double x, double y) {
  pen.enter(x, y - 6, 20, 12);
  if (const auto* line = std::get_if<Line>(&mark)) {
    pen.path({{x + 1, y}, {x + 19, y}}, line->style);
    if (line->style.markers) pen.dots({{x + 10, y}}, line->style.colour, 4.5, 1.0);
  } else if (const auto* band = std::get_if<Band>(&mark)) {
    pen.area({{x, y - 5}, {x + 20, y - 5}, {x + 20, y + 5}, {x, y + 5}}, band->colour, "b");
  } else if (const auto* points = std::get_if<Points>(&mark)) {
    if (points->error.size() > 0) pen.error_bars({{x + 10, y - 6}, {x + 10, y + 6}}, points->colour, 1.2);
    pen.dots({{x + 10, y}}, points->colour, 4.5, 1.0);
  } else if (const auto* bars = std::get_if<Bars>(&mark)) {
    pen.rectangles({{x + 4, y - 5}, {x + 16, y + 5}}, bars->colour);
  }
  pen.leave();
}

struct LegendItem {
  const Mark* mark;
  std::string text;
  double x, y;
};

/// Places the entries in rows; returns the height they take.
double lay_out_legend(const Figure& figure, const Sizes& sizes, std::vector<LegendItem>& items) {
  double x = 0, y = sizes.top + 8;
  for (const Panel& panel : figure.panels)
    for (const Mark& mark : panel.marks) {
      const std::string text = legend_of(mark);
      const bool known =
          std::any_of(items.begin(), items.end(), [&](const LegendItem& item) { return item.text == text; });
      if (text.empty() || known) continue;
      const double width = 26 + sizes.text(text) + 12;
      if (x > 0 && x + width > sizes.width + 12) {
        x = 0;
        y += sizes.font + 6;
      }
      items.push_back({&mark, text, x, y});
      x += width;
    }
  return items.empty() ? 0.0 : y + sizes.font / 2 + 2 - sizes.top;
}

Scale horizontal_scale(const Figure& figure) {
  Extent extent(figure.axis.log);
  double margin = 0.0;
  for (const Panel& panel : figure.panels)
    for (const Mark& mark : panel.marks) {
      const auto add = [&](const Vector& x) {
        for (const double v : x) extent.add(v);
      };
      if (const auto* line = std::get_if<Line>(&mark)) {
        add(line->x);
        if (line->style.markers) margin = std::max(margin, 0.02);
      }
      if (const auto* band = std::get_if<Band>(&mark)) add(band->x);
      if (const auto* bars = std::get_if<Bars>(&mark)) add(bars->edges);
      if (const auto* points = std::get_if<Points>(&mark)) {
        add(points->x);
        margin = std::max(margin, 0.03);
      }
    }
  return scale_for(figure.axis, extent, margin);
}

/// Bands and error bars count only up to half the span of lines and points beyond these, so that a wide error
/// bar does not squeeze the rest into a line.
Scale vertical_scale(const Panel& panel) {
  Extent core(panel.axis.log), wide(panel.axis.log);
  bool from_zero = false;
  for (const Mark& mark : panel.marks) {
    if (const auto* line = std::get_if<Line>(&mark))
      for (const double v : line->y) core.add(v);
    if (const auto* band = std::get_if<Band>(&mark)) {
      for (const double v : band->lower) wide.add(v);
      for (const double v : band->upper) wide.add(v);
    }
    if (const auto* points = std::get_if<Points>(&mark))
      for (Index i = 0; i < points->y.size(); ++i) {
        core.add(points->y[i]);
        if (points->error.size() != points->y.size()) continue;
        wide.add(points->y[i] - points->error[i]);
        wide.add(points->y[i] + points->error[i]);
      }
    if (const auto* bars = std::get_if<Bars>(&mark)) {
      for (const double v : bars->heights) core.add(v);
      from_zero = true;
    }
    if (const auto* rule = std::get_if<Rule>(&mark))
      if (!rule->vertical) core.add(rule->at);
  }
  if (core.empty()) core = wide;
  if (!core.empty() && !wide.empty() && !panel.axis.log) {
    const double reach = 0.5 * (core.upper() - core.lower());
    if (reach > 0) {
      const double low = core.lower() - reach, high = core.upper() + reach;
      core.add(std::max(wide.lower(), low));
      core.add(std::min(wide.upper(), high));
    } else {
      core = wide;
    }
  }
  Axis axis = panel.axis;
  if (from_zero && !axis.log && !std::isfinite(axis.lower)) axis.lower = 0.0;
  return scale_for(axis, core, 0.05);
}

std::vector<Place> places_of(const Vector& x, const Vector& y, const Scale& sx, const Scale& sy) {
  std::vector<Place> places;
  const Index n = std::min(x.size(), y.size());
  places.reserve(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) places.push_back({sx(x[i]), sy(y[i])});
  return places;
}

void draw_band(Pen& pen, const Band& band, const Scale& sx, const Scale& sy, double thinning) {
  // Runs without gaps, per column the outermost edges.
  std::vector<Place> upper, lower;
  const auto flush = [&] {
    if (upper.size() > 1) {
      std::vector<Place> outline = std::move(upper);
      outline.insert(outline.end(), lower.rbegin(), lower.rend());
      pen.area(outline, band.colour, "b");
    }
    upper.clear();
    lower.clear();
  };
  const Index n = std::min({band.x.size(), band.lower.size(), band.upper.size()});
  for (Index i = 0; i < n; ++i) {
    const double x = sx(band.x[i]), top = sy(band.upper[i]);
    double bottom = sy(band.lower[i]);
    if (sy.log && std::isfinite(band.lower[i]) && band.lower[i] <= 0) bottom = sy.start;
    if (!std::isfinite(x) || !std::isfinite(top) || !std::isfinite(bottom)) {
      flush();
    } else if (!upper.empty() && std::abs(x - upper.back().x) < 0.5 * thinning) {
      upper.back().y = std::min(upper.back().y, top);
      lower.back().y = std::max(lower.back().y, bottom);
    } else {
      upper.push_back({x, top});
      lower.push_back({x, bottom});
    }
  }
  flush();
}

void draw_mark(Pen& pen, const Mark& mark, const Scale& sx, const Scale& sy, double thinning) {
  if (const auto* line = std::get_if<Line>(&mark)) {
    const auto places = places_of(line->x, line->y, sx, sy);
    pen.path(thinned(places, thinning), line->style);
    if (line->style.markers) pen.dots(places, line->style.colour, 4.5, 1.0);
  } else if (const auto* band = std::get_if<Band>(&mark)) {
    draw_band(pen, *band, sx, sy, thinning);
  } else if (const auto* points = std::get_if<Points>(&mark)) {
    const bool many = points->x.size() > 60;
    if (points->error.size() == points->y.size() && points->y.size() > 0) {
      std::vector<Place> ends;
      for (Index i = 0; i < points->y.size(); ++i) {
        double low = sy(points->y[i] - points->error[i]);
        if (sy.log && points->y[i] <= points->error[i]) low = sy.start;
        ends.push_back({sx(points->x[i]), low});
        ends.push_back({sx(points->x[i]), sy(points->y[i] + points->error[i])});
      }
      pen.error_bars(ends, points->colour, many ? 1.0 : 1.4);
    }
    pen.dots(places_of(points->x, points->y, sx, sy), points->colour, many ? 3.2 : 5.0, many ? 0.7 : 1.0);
  } else if (const auto* bars = std::get_if<Bars>(&mark)) {
    std::vector<Place> corners;
    for (Index i = 0; i < bars->heights.size() && i + 1 < bars->edges.size(); ++i) {
      const double left = sx(bars->edges[i]), right = sx(bars->edges[i + 1]), top = sy(bars->heights[i]);
      if (!std::isfinite(left + right + top) || bars->heights[i] <= 0) continue;
      corners.push_back({left + 0.5, top});
      corners.push_back({std::max(right - 0.5, left + 1.0), sy.start});
    }
    pen.rectangles(corners, bars->colour);
  } else if (const auto* rule = std::get_if<Rule>(&mark)) {
    if (rule->vertical)
      pen.path({{sx(rule->at), sy.start}, {sx(rule->at), sy.end}}, rule->style);
    else
      pen.path({{sx.start, sy(rule->at)}, {sx.end, sy(rule->at)}}, rule->style);
  }
}

/// Labels of rules (each in a row of its own, to the right where there is room) and notes, over the marks.
void draw_texts(Pen& pen, const Panel& panel, const Sizes& sizes, const Scale& sx, const Scale& sy) {
  double row = sy.end + sizes.font;
  for (const Mark& mark : panel.marks) {
    if (const auto* rule = std::get_if<Rule>(&mark)) {
      if (rule->label.empty()) continue;
      if (rule->vertical) {
        const double x = sx(rule->at);
        const bool left = x + 8 + sizes.text(rule->label) > sx.end;
        pen.text(left ? x - 5 : x + 5, row, left ? "end" : "start", "halo", rule->label);
        row += sizes.font + 2;
      } else {
        pen.text(sx.end - 4, sy(rule->at) - 4, "end", "halo", rule->label);
      }
    } else if (const auto* note = std::get_if<Note>(&mark)) {
      const double x = sx.start + note->x * (sx.end - sx.start);
      const double y = sy.start + note->y * (sy.end - sy.start);
      pen.text(x, y + 0.35 * sizes.font,
               note->x < 0.34   ? "start"
               : note->x > 0.66 ? "end"
                                : "middle",
               "halo muted", note->text);
    }
  }
}

/// Labels at the right end move inwards to stay on the drawing.
double label_centre(double x, double half, const Sizes& sizes) { return std::min(x, sizes.width - half); }

/// Fewer ticks until their labels do not touch.
Ticks fitting_ticks(const Scale& s, const Sizes& sizes) {
  for (int target = 7; target > 1; --target) {
    const Ticks ticks = ticks_for(s, target);
    double end = -1e9;
    bool fits = true;
    for (std::size_t i = 0; i < ticks.at.size(); ++i) {
      if (ticks.labels[i].empty()) continue;
      const double half = 0.5 * sizes.text(ticks.labels[i]);
      const double centre = label_centre(s(ticks.at[i]), half, sizes);
      fits = fits && centre - half > end;
      end = centre + half + 10;
    }
    if (fits) return ticks;
  }
  return ticks_for(s, 1);
}

/// More ticks until two of them are labelled: one alone gives no scale.
Ticks readable_ticks(const Scale& s, int target) {
  Ticks ticks = ticks_for(s, target);
  for (int more = target + 1; more < target + 6; ++more) {
    if (ticks.labels.size() -
            static_cast<std::size_t>(std::count(ticks.labels.begin(), ticks.labels.end(), "")) >
        1)
      break;
    ticks = ticks_for(s, more);
  }
  return ticks;
}

/// "flux [erg/s]  (×10³⁸)", cut off where it is too long for the drawing.
std::string label_of(const Axis& axis, const Ticks& ticks, const Sizes& sizes, double space) {
  const std::string multiplier = ticks.multiplier.empty() ? "" : "  (" + ticks.multiplier + ")";
  return sizes.fitted(axis.label, space - sizes.text(multiplier)) + multiplier;
}

void draw_horizontal_axis(Pen& pen, const Axis& axis, const Scale& sx, const Ticks& ticks, double y,
                          const Sizes& sizes) {
  for (std::size_t i = 0; i < ticks.at.size(); ++i) {
    const double x = sx(ticks.at[i]);
    pen.segment(x, y, x, y + (ticks.labels[i].empty() ? 3 : 5), "tick");
    if (!ticks.labels[i].empty())
      pen.text(label_centre(x, 0.5 * sizes.text(ticks.labels[i]), sizes), y + sizes.font + 5, "middle", "",
               ticks.labels[i]);
  }
  pen.text(0.5 * (sx.start + sx.end), y + 2 * sizes.font + 10, "middle", "axis",
           label_of(axis, ticks, sizes, sx.end - sx.start));
}

}  // namespace

std::string render(const Figure& figure) {
  const Sizes sizes(figure.small);
  std::vector<LegendItem> legend;
  double y = sizes.top + lay_out_legend(figure, sizes, legend);

  std::vector<Scale> vertical;
  std::vector<Ticks> ticks;
  double left = 0;
  for (const Panel& panel : figure.panels) {
    Scale s = vertical_scale(panel);
    y += panel.axis.label.empty() ? 8 : sizes.font + 14;
    s.end = y;
    s.start = y += panel.height;
    ticks.push_back(readable_ticks(s, std::max(2, static_cast<int>(panel.height / (2.2 * sizes.font)))));
    for (const std::string& label : ticks.back().labels) left = std::max(left, sizes.text(label) + 10);
    vertical.push_back(s);
  }
  Scale sx = horizontal_scale(figure);
  sx.start = left;
  sx.end = sizes.width - 10;
  const double height = y + 2 * sizes.font + 16;

  Pen pen;
  pen.open(figure.id, figure.title, figure.description, sizes.width, height, figure.small);
  for (const LegendItem& item : legend) {
    draw_swatch(pen, *item.mark, item.x, item.y);
    pen.text(item.x + 26, item.y + 0.36 * sizes.font, "start", "", item.text);
  }
  const Ticks horizontal = fitting_ticks(sx, sizes);
  for (std::size_t k = 0; k < figure.panels.size(); ++k) {
    const Panel& panel = figure.panels[k];
    const Scale& sy = vertical[k];
    if (!panel.axis.label.empty())
      pen.text(0, sy.end - 10, "start", "axis", label_of(panel.axis, ticks[k], sizes, sizes.width));
    for (std::size_t i = 0; i < ticks[k].at.size(); ++i) {
      const double at = sy(ticks[k].at[i]);
      if (ticks[k].labels[i].empty()) {
        pen.segment(sx.start - 3, at, sx.start, at, "tick");
        continue;
      }
      pen.segment(sx.start, at, sx.end, at, "grid");
      pen.text(sx.start - 6, at + 0.35 * sizes.font, "end", "", ticks[k].labels[i]);
    }
    for (std::size_t i = 0; i < horizontal.at.size(); ++i)
      if (!horizontal.labels[i].empty())
        pen.segment(sx(horizontal.at[i]), sy.start, sx(horizontal.at[i]), sy.end, "grid");
    pen.enter(sx.start, sy.end, sx.end - sx.start, sy.start - sy.end);
    for (const Mark& mark : panel.marks) draw_mark(pen, mark, sx, sy, figure.thinning);
    pen.leave();
    pen.segment(sx.start, sy.start, sx.end, sy.start, "tick");
    draw_texts(pen, panel, sizes, sx, sy);
  }
  draw_horizontal_axis(pen, figure.axis, sx, horizontal, y, sizes);
  pen.close();
  return pen.result();
}

std::string render(const Ranking& ranking) {
  const Sizes sizes(ranking.small);
  Extent extent(ranking.axis.log);
  for (const Ranking::Row& row : ranking.rows) {
    extent.add(row.value);
    if (row.error > 0) extent.add(row.value - row.error), extent.add(row.value + row.error);
  }
  Axis axis = ranking.axis;
  if (!axis.log && !std::isfinite(axis.lower) && !extent.empty() && extent.lower() >= 0) axis.lower = 0.0;
  Scale s = scale_for(axis, extent, 0.06);
  s.start = 6;
  s.end = sizes.width - 14;
  const double step = 2 * sizes.font + 12;
  const double bottom = sizes.top + step * static_cast<double>(ranking.rows.size()) + 2;
  const Ticks ticks = fitting_ticks(s, sizes);

  Pen pen;
  pen.open(ranking.id, ranking.title, ranking.description, sizes.width, bottom + 2 * sizes.font + 16,
           ranking.small);
  double y = sizes.top;
  for (const Ranking::Row& row : ranking.rows) {
    pen.text(s.start, y + sizes.font, "start", row.highlight ? "strong" : "",
             sizes.fitted(row.label, s.end - s.start - sizes.text(row.text) - 16));
    pen.text(s.end, y + sizes.font, "end", row.highlight ? "strong" : "", row.text);
    const double at = y + sizes.font + 11;
    pen.segment(s.start, at, s.end, at, "grid");
    pen.enter(0, at - 8, sizes.width, 16);
    const Colour colour = row.highlight ? Colour::blue : Colour::grey;
    if (std::isfinite(row.value) && (!s.log || row.value > 0)) {
      if (row.error > 0) {
        const double low = s.log && row.value <= row.error ? s.start : s(row.value - row.error);
        pen.path({{low, at}, {s(row.value + row.error), at}}, {colour, Dash::solid, 3.0, false});
      }
      pen.dots({{s(row.value), at}}, colour, 10, 1.0);
    }
    pen.leave();
    y += step;
  }
  pen.segment(s.start, bottom, s.end, bottom, "tick");
  draw_horizontal_axis(pen, axis, s, ticks, bottom, sizes);
  pen.close();
  return pen.result();
}

}  // namespace ersatz::chart
