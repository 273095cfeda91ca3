#include "selection/svg_pen.hpp"

#include <algorithm>
#include <cmath>

#include "selection/report_text.hpp"

namespace ersatz::chart {
namespace {

std::string_view name_of(Colour colour) {
  switch (colour) {
    case Colour::ink:
      return "ink";
    case Colour::grey:
      return "grey";
    case Colour::blue:
      return "blue";
    case Colour::vermillion:
      return "vermillion";
    case Colour::green:
      return "green";
    case Colour::orange:
      return "orange";
    case Colour::purple:
      return "purple";
  }
  return "ink";
}

std::string integer(double v) { return std::to_string(std::lround(v)); }

bool drawable(const Place& p) { return std::isfinite(p.x) && std::isfinite(p.y); }

}  // namespace

void Pen::put(double v) {
  const long tenths = std::lround(10.0 * v);
  if (tenths < 0) out_ += '-';
  out_ += std::to_string(std::labs(tenths) / 10);
  if (tenths % 10 != 0) out_ += '.', out_ += static_cast<char>('0' + std::labs(tenths) % 10);
}

void Pen::open(const std::string& id, const std::string& title, const std::string& description, double width,
               double height, bool small) {
  out_ += "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" class=\"chart ";
  out_ += small ? "small" : "wide";
  out_ += "\" aria-labelledby=\"" + id + "-t " + id + "-d\" viewBox=\"0 0 ";
  put(width);
  out_ += ' ';
  put(height);
  out_ += "\">\n<title id=\"" + id + "-t\">" + report::escape(title) + "</title>\n<desc id=\"" + id +
          "-d\">" + report::escape(description) + "</desc>\n";
}

void Pen::close() { out_ += "</svg>\n"; }

void Pen::text(double x, double y, std::string_view anchor, std::string_view classes,
               std::string_view content) {
  out_ += "<text x=\"";
  put(x);
  out_ += "\" y=\"";
  put(y);
  out_ += '"';
  if (anchor != "start") out_.append(" text-anchor=\"").append(anchor) += '"';
  if (!classes.empty()) out_.append(" class=\"").append(classes) += '"';
  out_ += '>' + report::escape(content) + "</text>\n";
}

void Pen::segment(double x1, double y1, double x2, double y2, std::string_view classes) {
  out_.append("<path class=\"").append(classes).append("\" d=\"M");
  put(x1);
  out_ += ' ';
  put(y1);
  out_ += 'L';
  put(x2);
  out_ += ' ';
  put(y2);
  out_ += "\"/>\n";
}

void Pen::enter(double x, double y, double width, double height) {
  x0_ = x;
  y0_ = y;
  width_ = width;
  height_ = height;
  out_ += "<svg x=\"";
  put(x);
  out_ += "\" y=\"";
  put(y);
  out_ += "\" width=\"";
  put(width);
  out_ += "\" height=\"";
  put(height);
  out_ += "\" viewBox=\"0 0 " + integer(10 * width) + ' ' + integer(10 * height) + "\">\n";
}

void Pen::leave() { out_ += "</svg>\n"; }

long Pen::fine_x(double x) const { return std::lround(10.0 * std::clamp(x - x0_, -width_, 2 * width_)); }
long Pen::fine_y(double y) const { return std::lround(10.0 * std::clamp(y - y0_, -height_, 2 * height_)); }

void Pen::move_to(const Place& p) {
  at_x_ = fine_x(p.x);
  at_y_ = fine_y(p.y);
  out_ += 'M' + std::to_string(at_x_) + ' ' + std::to_string(at_y_);
}

void Pen::line_by(const Place& p, bool first) {
  const long x = fine_x(p.x), y = fine_y(p.y);
  if (first) out_ += 'l';
  if (!first && x >= at_x_) out_ += ' ';
  out_ += std::to_string(x - at_x_);
  if (y >= at_y_) out_ += ' ';
  out_ += std::to_string(y - at_y_);
  at_x_ = x;
  at_y_ = y;
}

void Pen::path(const std::vector<Place>& places, const Style& style) {
  out_.append("<path class=\"l ").append(name_of(style.colour)).append("\" stroke-width=\"");
  out_ += integer(10 * style.width) + '"';
  if (style.dash == Dash::dashed) out_ += " stroke-dasharray=\"60 40\"";
  if (style.dash == Dash::dotted) out_ += " stroke-dasharray=\"1 35\" stroke-linecap=\"round\"";
  out_ += " d=\"";
  bool pen_down = false, first = true;
  for (const Place& p : places) {
    if (!drawable(p)) {
      pen_down = false;
    } else if (!pen_down) {
      move_to(p);
      pen_down = first = true;
    } else {
      line_by(p, first);
      first = false;
    }
  }
  out_ += "\"/>\n";
}

void Pen::area(const std::vector<Place>& outline, Colour colour, std::string_view classes) {
  out_.append("<path class=\"").append(classes).append(" ").append(name_of(colour)).append("\" d=\"");
  bool first = true;
  for (std::size_t i = 0; i < outline.size(); ++i) {
    if (i == 0) {
      move_to(outline[i]);
    } else {
      line_by(outline[i], first);
      first = false;
    }
  }
  out_ += "z\"/>\n";
}

void Pen::rectangles(const std::vector<Place>& corners, Colour colour) {
  out_.append("<path class=\"f ").append(name_of(colour)).append("\" d=\"");
  for (std::size_t i = 0; i + 1 < corners.size(); i += 2) {
    move_to(corners[i]);
    const long right = fine_x(corners[i + 1].x), bottom = fine_y(corners[i + 1].y);
    out_ += 'H' + std::to_string(right) + 'V' + std::to_string(bottom) + 'H' + std::to_string(at_x_) + 'z';
  }
  out_ += "\"/>\n";
}

void Pen::dots(const std::vector<Place>& places, Colour colour, double size, double opacity) {
  out_.append("<path class=\"l ")
      .append(name_of(colour))
      .append("\" stroke-linecap=\"round\" stroke-width=\"");
  out_ += integer(10 * size) + '"';
  if (opacity < 1.0) out_ += " stroke-opacity=\"." + integer(10 * opacity) + '"';
  out_ += " d=\"";
  for (const Place& p : places)
    if (drawable(p)) {
      move_to(p);
      out_ += "h0";
    }
  out_ += "\"/>\n";
}

void Pen::error_bars(const std::vector<Place>& ends, Colour colour, double width) {
  out_.append("<path class=\"l ").append(name_of(colour)).append("\" stroke-opacity=\".35\" stroke-width=\"");
  out_ += integer(10 * width) + "\" d=\"";
  for (std::size_t i = 0; i + 1 < ends.size(); i += 2)
    if (drawable(ends[i]) && drawable(ends[i + 1])) {
      move_to(ends[i]);
      line_by(ends[i + 1], true);
    }
  out_ += "\"/>\n";
}

std::vector<Place> thinned(const std::vector<Place>& places, double column) {
  double left = 0, right = 0;
  bool any = false;
  for (const Place& p : places)
    if (drawable(p)) {
      left = any ? std::min(left, p.x) : p.x;
      right = any ? std::max(right, p.x) : p.x;
      any = true;
    }
  if (!any || static_cast<double>(places.size()) <= 2.5 * (right - left) / column) return places;
  std::vector<Place> kept;
  std::size_t i = 0;
  while (i < places.size()) {
    if (!drawable(places[i])) {
      if (!kept.empty() && drawable(kept.back())) kept.push_back(places[i]);
      ++i;
      continue;
    }
    const double cell = std::floor(places[i].x / column);
    std::size_t lowest = i, highest = i, last = i;
    for (std::size_t k = i; k < places.size() && drawable(places[k]); ++k) {
      if (std::floor(places[k].x / column) != cell) break;
      if (places[k].y < places[lowest].y) lowest = k;
      if (places[k].y > places[highest].y) highest = k;
      last = k;
    }
    kept.push_back(places[std::min(lowest, highest)]);
    if (lowest != highest) kept.push_back(places[std::max(lowest, highest)]);
    i = last + 1;
  }
  return kept;
}

}  // namespace ersatz::chart
