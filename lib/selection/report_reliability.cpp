// Where error bars and the domain flag can be relied on: coverage over the output's axis, error against the
// domain score.

#include "selection/report_figures.hpp"
#include "selection/report_html.hpp"
#include "selection/report_text.hpp"
#include "selection/svg_chart.hpp"

namespace ersatz::report {

using chart::Colour;
using chart::Dash;

std::string coverage_over_axis(const OutputDiagnostics& d, const Canvas& canvas) {
  const Index n = d.coverage_95.size() > 0 ? d.coverage_95.size() : d.coverage_68.size();
  if (n < 2) return {};
  const bool known = d.axis.size() == n && d.axis.allFinite();
  const Vector x = known ? d.axis : Vector::LinSpaced(n, 1.0, static_cast<double>(n)).eval();
  chart::Figure f;
  f.id = canvas.id + "-reliability";
  f.title = "Reliability of the error bars over the axis of " + d.spec.name;
  f.description = "Share of the truth inside of 68% and 95% intervals in each bin, with both levels.";
  f.thinning = canvas.thinning;
  f.axis.label = known ? with_unit(d.spec.axis.empty() ? "bin" : d.spec.axis, d.axis_unit) : "bin";
  chart::Panel panel;
  panel.height = 190;
  panel.axis.label = "truth inside, %";
  panel.axis.lower = 0;
  panel.axis.upper = 100;
  const auto level = [&](const Vector& found, double nominal, Colour colour, const char* name) {
    if (found.size() != n) return;
    panel.marks.emplace_back(chart::Rule{false, nominal, {colour, Dash::dashed, 1.2, false}, ""});
    panel.marks.emplace_back(chart::Line{x, 100.0 * found, {colour, Dash::solid, 1.8, n <= 40}, name});
  };
  level(d.coverage_95, 95.0, Colour::vermillion, "95% intervals");
  level(d.coverage_68, 68.27, Colour::blue, "68% intervals");
  f.panels = {std::move(panel)};
  return figure("Reliability over the axis",
                "Where a line falls below its dashed level, error bars are too narrow.", render(f));
}

std::string error_by_domain_score(const OutputDiagnostics& d, const Vector& runs, const std::string& rule) {
  if (d.domain_error.size() == 0 || runs.size() != d.domain_error.size()) return {};
  Table t;
  t.compact = true;
  t.caption = "Error of " + d.spec.name + " against the domain score" + (rule.empty() ? "" : ": " + rule);
  t.columns = {{"Domain score", "distance to the nearest training run, 1 at the edge of the domain", false},
               {"Runs", "held-out runs with that score", true},
               {"NRMSE", "root mean square error over the variation of the truth", true}};
  const auto edges = static_cast<Index>(domain_edges.size());
  for (Index b = 0; b < runs.size(); ++b) {
    if (!(runs[b] > 0.0)) continue;
    const std::string place = b == edges       ? "outside of the box"
                              : b == edges - 1 ? "beyond 1: outside of the domain"
                                               : "up to " + number(domain_edges[static_cast<std::size_t>(b)]);
    t.rows.push_back({{place, number(runs[b], 6), percent(d.domain_error[b])}, b >= edges - 1});
  }
  return t.rows.size() < 2 ? "" : to_html(t);
}

}  // namespace ersatz::report
