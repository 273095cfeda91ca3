#pragma once
// Drawings as inline SVG: panels that share one horizontal axis, with lines, bands, points, bars and rules.
// Colours are class names that the page's style sheet fills in (light, dark, print). Long lines are thinned
// to what a screen can show; values that are not finite (on a log axis: not positive) leave a gap.

#include <string>
#include <variant>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "selection/svg_axis.hpp"

namespace ersatz::chart {

enum class Colour { ink, grey, blue, vermillion, green, orange, purple };
enum class Dash { solid, dashed, dotted };

struct Style {
  Colour colour = Colour::ink;
  Dash dash = Dash::solid;
  double width = 1.5;
  bool markers = false;  ///< a dot at every value
};

struct Line {
  Vector x, y;
  Style style;
  std::string legend;
};
struct Band {
  Vector x, lower, upper;
  Colour colour;
  std::string legend;
};
struct Points {
  Vector x, y;
  Vector error;  ///< half the length of the error bars; empty: none
  Colour colour;
  std::string legend;
};
struct Bars {
  Vector edges;    ///< one more than heights
  Vector heights;  ///< from zero
  Colour colour;
  std::string legend;
};
struct Rule {
  bool vertical;
  double at;
  Style style;
  std::string label;
};
/// A text at a place given as shares of the panel, from the lower left corner.
struct Note {
  double x, y;
  std::string text;
};
using Mark = std::variant<Line, Band, Points, Bars, Rule, Note>;

struct Panel {
  Axis axis;  ///< vertical
  double height = 200;
  std::vector<Mark> marks;
};

struct Figure {
  std::string id;     ///< unique on the page
  std::string title;  ///< what a screen reader says first
  std::string description;
  bool small = false;  ///< 360 units wide and meant for three columns; otherwise 460, for two
  Axis axis;           ///< horizontal, shared
  std::vector<Panel> panels;
  double thinning = 1.0;  ///< width of the columns, in units, that lines are thinned to
};
std::string render(const Figure& figure);

/// Values of named things, one below the other, each with its name above a dot (and a bar of ± error).
struct Ranking {
  struct Row {
    std::string label;
    double value;
    double error;      ///< NaN or 0: none
    std::string text;  ///< the value, written
    bool highlight;
  };
  std::string id, title, description;
  bool small = false;
  Axis axis;
  std::vector<Row> rows;
};
std::string render(const Ranking& ranking);

}  // namespace ersatz::chart
