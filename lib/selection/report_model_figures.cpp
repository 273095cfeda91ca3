// Pictures of the model as a whole: bases, cost, baselines.

#include <cmath>

#include "selection/report_figures.hpp"
#include "selection/report_html.hpp"
#include "selection/report_text.hpp"
#include "selection/svg_chart.hpp"

namespace ersatz::report {
namespace {

using chart::Colour;
using chart::Dash;

chart::Axis axis_of(std::string label, bool log = false) {
  chart::Axis axis;
  axis.label = std::move(label);
  axis.log = log;
  return axis;
}

}  // namespace

std::string basis_elements(const ChannelSummary& channel, const std::string& id) {
  const BasisView& v = channel.basis_view;
  const Index n = v.bins.size();
  if (n < 2 || v.elements.rows() == 0 || v.elements.cols() != n || !v.elements.allFinite() ||
      !v.bins.allFinite())
    return {};
  const std::string title = "Elements of the basis of " + channel.name;
  chart::Figure f;
  f.id = id;
  f.title = title;
  f.description = "The first elements of the basis over the axis, and its nodes where it interpolates.";
  f.axis = axis_of(v.axis.empty() ? "bin" : with_unit(v.axis, v.axis_unit));
  f.thinning = 1.5;
  chart::Panel panel;
  panel.height = 190;
  panel.axis = axis_of("element");
  const Colour colours[] = {Colour::blue, Colour::vermillion, Colour::green};
  const Dash dashes[] = {Dash::solid, Dash::dashed, Dash::dotted};
  for (Index e = 0; e < std::min<Index>(v.elements.rows(), 3); ++e)
    panel.marks.emplace_back(chart::Line{v.bins,
                                         v.elements.row(e).transpose(),
                                         {colours[e], dashes[e], e == 2 ? 1.8 : 1.5, n <= 40},
                                         std::to_string(e + 1)});
  if (v.nodes.size() > 0)
    panel.marks.emplace_back(chart::Points{v.nodes, Vector::Zero(v.nodes.size()), {}, Colour::ink, "nodes"});
  f.panels = {std::move(panel)};
  std::string caption = "The first of " + number(static_cast<double>(channel.elements), 6);
  if (channel.coefficients == 2 * channel.elements) caption += ", real parts";
  caption += v.nodes.size() > 0 ? "; the regressors learn the values at the nodes." : ".";
  return figure(title, caption, render(f));
}

std::string basis_errors(const ChannelSummary& channel, const std::string& id) {
  const BasisView& v = channel.basis_view;
  chart::Extent extent(true);
  for (const double e : v.training_error) extent.add(e);
  if (v.rank.size() < 2 || v.training_error.size() != v.rank.size() || extent.empty()) return {};
  const std::string title = "Error against rank of " + channel.name;
  chart::Figure f;
  f.id = id;
  f.title = title;
  f.description =
      "Relative error that so many elements leave, log scale, of runs learnt from and of runs set aside.";
  f.small = true;
  f.axis = axis_of("elements");
  f.axis.lower = 0.0;
  f.axis.upper = v.rank[v.rank.size() - 1] + 1.0;
  chart::Panel panel;
  panel.height = 190;
  panel.axis = axis_of("relative L2 error", true);
  panel.axis.decades = 16;
  const bool few = v.rank.size() <= 40;
  panel.marks.emplace_back(
      chart::Line{v.rank, v.training_error, {Colour::blue, Dash::solid, 1.5, few}, "learnt from"});
  const bool aside = v.validation_error.size() == v.rank.size();
  if (aside)
    panel.marks.emplace_back(
        chart::Line{v.rank, v.validation_error, {Colour::orange, Dash::dashed, 1.8, false}, "set aside"});
  f.panels = {std::move(panel)};
  return figure(title,
                aside ? "The whole basis leaves " + number(v.training_error[v.rank.size() - 1], 2) +
                            " of the runs it was made from, " +
                            number(v.validation_error[v.rank.size() - 1], 2) + " of those set aside."
                      : "The whole basis leaves " + number(v.training_error[v.rank.size() - 1], 2) + ".",
                render(f));
}

std::string singular_values(const ChannelSummary& channel, const std::string& id) {
  const Vector& values = channel.singular_values;
  const std::string title = "Singular values of " + channel.name;
  chart::Extent extent(true);
  for (const double v : values) extent.add(v);
  if (extent.empty()) return {};
  const Index n = values.size();
  chart::Figure f;
  f.id = id;
  f.title = title;
  f.description = "Singular values relative to the largest, log scale, with the cut-off of the basis.";
  f.small = true;
  f.axis = axis_of("element of the basis");
  f.axis.lower = 0.0;
  f.axis.upper = static_cast<double>(n + 1);
  chart::Panel panel;
  panel.height = 190;
  panel.axis = axis_of("relative to the largest", true);
  panel.axis.decades = 16;
  const Vector relative = values / extent.upper();
  panel.marks.emplace_back(chart::Line{Vector::LinSpaced(n, 1.0, static_cast<double>(n)),
                                       relative,
                                       {Colour::blue, Dash::solid, 1.5, n <= 40},
                                       ""});
  const Index kept = channel.elements;
  if (kept > 0)
    panel.marks.emplace_back(chart::Rule{true,
                                         static_cast<double>(kept) + (kept < n ? 0.5 : 0.0),
                                         {Colour::vermillion, Dash::dashed, 1.6, false},
                                         std::to_string(kept) + " kept"});
  f.panels = {std::move(panel)};
  return figure(title,
                std::isfinite(channel.projection_error)
                    ? "What is cut off leaves a relative error of " + number(channel.projection_error, 2) +
                          " on runs held out in turn."
                    : "",
                render(f));
}

std::string cost(const ReportData& data) {
  chart::Ranking r;
  r.id = "cost-chart";
  r.title = "Cost of one run";
  r.description =
      "Seconds of a simulation, of one prediction, and of a prediction within a batch, log scale.";
  r.axis = axis_of("seconds", true);
  const auto add = [&](const std::string& label, double seconds, bool highlight) {
    if (seconds > 0 && std::isfinite(seconds))
      r.rows.push_back({label, seconds, 0.0, duration(seconds), highlight});
  };
  add("simulator, median", data.simulator_seconds, false);
  add("emulator, one at a time", data.validation.predict_seconds, true);
  add("emulator, in a batch, each", data.validation.batch_seconds, true);
  // Without the simulator there is nothing to compare with.
  if (r.rows.size() < 2 || r.rows.front().highlight) return {};
  return figure("Cost of one run", "Mean prediction without error bars, on one thread; logarithmic scale.",
                render(r));
}

std::string baselines(const std::vector<ComparisonRow>& rows) {
  chart::Ranking error, time;
  error.id = "baselines-error";
  error.title = "Error of every regressor";
  error.description = "Normalised root mean square error, mean over folds, with its standard error.";
  time.id = "baselines-time";
  time.title = "Cost of a prediction with every regressor";
  time.description = "Microseconds per point, one at a time, log scale.";
  chart::Extent errors(false), times(true);
  for (const ComparisonRow& row : rows) {
    errors.add(row.nrmse);
    times.add(row.predict_us);
    const std::string label = row.regressor + (row.settings.empty() ? "" : ", " + row.settings);
    const bool has_error = std::isfinite(row.nrmse_se) && row.nrmse_se > 0;
    error.rows.push_back({label, row.nrmse, has_error ? row.nrmse_se : 0.0,
                          number(row.nrmse) + (has_error ? " ± " + number(row.nrmse_se, 2) : ""),
                          row.chosen});
    time.rows.push_back({label, row.predict_us, 0.0, duration(1e-6 * row.predict_us), row.chosen});
  }
  std::string s;
  if (!errors.empty() && errors.upper() > 0) {
    error.axis = axis_of("NRMSE over folds", errors.lower() > 0 && errors.upper() > 20 * errors.lower());
    s += figure(error.title, "Mean over the same folds, with its standard error. Smaller is better.",
                render(error));
  }
  if (!times.empty()) {
    time.axis = axis_of("µs per prediction", true);
    s += figure(time.title, "One point at a time; logarithmic scale.", render(time));
  }
  return s;
}

}  // namespace ersatz::report
