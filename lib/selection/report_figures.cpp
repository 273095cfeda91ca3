#include "selection/report_figures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "selection/report_html.hpp"
#include "selection/report_text.hpp"
#include "selection/svg_chart.hpp"

namespace ersatz::report {
namespace {

using chart::Colour;
using chart::Dash;
using chart::Style;

constexpr Index kFewBins = 40;  ///< up to here every bin gets a dot

chart::Axis axis_of(std::string label, bool log = false) {
  chart::Axis axis;
  axis.label = std::move(label);
  axis.log = log;
  return axis;
}

bool any_positive(const Vector& v) {
  return std::any_of(v.begin(), v.end(), [](double x) { return std::isfinite(x) && x > 0; });
}

/// Log, where positive values lie more evenly so (and span enough for it to matter).
bool prefers_log(const Vector& v, double ratio) {
  if (v.size() < 3) return false;
  double low = std::numeric_limits<double>::infinity(), high = 0, mean = 0, mean_log = 0;
  for (const double x : v) {
    if (!(x > 0) || !std::isfinite(x)) return false;
    low = std::min(low, x);
    high = std::max(high, x);
    mean += x / static_cast<double>(v.size());
    mean_log += std::log(x) / static_cast<double>(v.size());
  }
  if (high < ratio * low) return false;
  const double centre_linear = (mean - low) / (high - low);
  const double centre_log = (mean_log - std::log(low)) / std::log(high / low);
  return std::abs(centre_log - 0.5) < std::abs(centre_linear - 0.5);
}

/// Bins of the output: its axis, or their numbers where the axis does not fit.
struct Bins {
  Vector x;
  chart::Axis axis;
  explicit Bins(const OutputDiagnostics& d, Index n) {
    if (d.axis.size() == n && d.axis.allFinite()) {
      x = d.axis;
      axis = axis_of(with_unit(d.spec.axis.empty() ? "bin" : d.spec.axis, d.axis_unit), prefers_log(x, 50));
    } else {
      x = Vector::LinSpaced(n, 1.0, static_cast<double>(n));
      axis = axis_of("bin");
    }
  }
};

/// Per bin also for complex outputs whose figures came by real and imaginary part.
Vector per_bin(const Vector& v, const OutputDiagnostics& d) {
  if (!d.spec.complex || d.spec.size == 0 || v.size() != 2 * d.spec.size) return v;
  Vector joined(d.spec.size);
  for (Index i = 0; i < d.spec.size; ++i) joined[i] = std::hypot(v[2 * i], v[2 * i + 1]);
  return joined;
}

Vector part(const Vector& interleaved, Index offset) {
  Vector v(interleaved.size() / 2);
  for (Index i = 0; i < v.size(); ++i) v[i] = interleaved[2 * i + offset];
  return v;
}

Vector amplitude(const Vector& interleaved) {
  Vector v(interleaved.size() / 2);
  for (Index i = 0; i < v.size(); ++i) v[i] = std::hypot(interleaved[2 * i], interleaved[2 * i + 1]);
  return v;
}

struct Window {
  Index first, count;
};

/// Around the largest amplitude of a complex series, 16 half cycles before it and 6 after; everything where
/// there are not many more.
Window window_of_peak(const Vector& interleaved) {
  const Index n = interleaved.size() / 2;
  const auto turns = [&](Index i) { return (interleaved[2 * i] < 0) != (interleaved[2 * i + 2] < 0); };
  Index all = 0;
  for (Index i = 0; i + 1 < n; ++i) all += turns(i) ? 1 : 0;
  if (all < 40) return {0, n};
  Index peak = 0;
  const Vector size = amplitude(interleaved);
  for (Index i = 0; i < n; ++i)
    if (size[i] > size[peak]) peak = i;
  Index first = peak, last = peak;
  for (Index left = 16; first > 0 && left > 0; --first) left -= turns(first - 1) ? 1 : 0;
  for (Index left = 6; last + 1 < n && left > 0; ++last) left -= turns(last) ? 1 : 0;
  return {first, last - first + 1};
}

std::string instead(const std::string& title, const std::string& text) {
  return "<figure><figcaption><strong>" + escape(title) + "</strong><span>" + escape(text) +
         "</span></figcaption></figure>\n";
}

Style truth_style(bool few) { return {Colour::grey, Dash::solid, 3.2, few}; }
Style emulator_style(bool few) { return {Colour::blue, Dash::solid, 1.4, few}; }

}  // namespace

std::string parameters_of(const HeldOutCase& c, const ParameterSpace& space) {
  if (c.parameters.size() != space.size()) return {};
  std::string s;
  for (Index i = 0; i < space.size(); ++i) {
    s += (i == 0 ? "" : ", ") + space[i].name + "\u00a0=\u00a0" + number(c.parameters[i], 4);
    if (!space[i].unit.empty()) s += "\u00a0" + space[i].unit;
  }
  return s;
}

std::string error_over_axis(const OutputDiagnostics& d, const Canvas& canvas) {
  const Vector rmse = per_bin(d.rmse, d), spread = per_bin(d.spread, d), predicted = per_bin(d.mean_std, d);
  const Bins bins(d, rmse.size());
  const std::string title = "Error along " + (d.spec.axis.empty() ? "the bins" : d.spec.axis);
  if (rmse.size() == 0) return instead(title, "It was not kept.");
  if (!any_positive(rmse) && !any_positive(spread))
    return instead(title, "Every bin is reproduced exactly; there is no error to draw.");
  chart::Figure f;
  f.id = canvas.id + "-axis";
  f.title = title + " of " + d.spec.name;
  f.description =
      "Root mean square error per bin against the predicted error and the spread of the simulations, log "
      "scale.";
  f.thinning = canvas.thinning;
  f.axis = bins.axis;
  chart::Panel panel;
  panel.height = 230;
  panel.axis = axis_of(with_unit("error of " + d.spec.name, d.spec.unit), true);
  panel.axis.decades = 8;
  const bool few = rmse.size() <= kFewBins;
  panel.marks.emplace_back(chart::Line{bins.x, rmse, {Colour::blue, Dash::solid, 1.6, few}, "error made"});
  if (predicted.size() == rmse.size() && any_positive(predicted))
    panel.marks.emplace_back(
        chart::Line{bins.x, predicted, {Colour::orange, Dash::dashed, 1.8, few}, "error predicted"});
  if (spread.size() == rmse.size())
    panel.marks.emplace_back(chart::Line{bins.x, spread, {Colour::grey, Dash::solid, 2.0, few}, "spread"});
  f.panels = {std::move(panel)};
  return figure(
      title,
      std::string(
          "Root mean square per bin. The error made should lie far below the spread of the simulations") +
          (d.mean_std.size() > 0 ? ", and the error predicted close to it." : "."),
      render(f));
}

std::string predicted_against_true(const OutputDiagnostics& d, const Canvas& canvas) {
  const std::string title = "Predicted against true";
  chart::Extent extent(false);
  for (const double v : d.scatter_truth) extent.add(v);
  for (const double v : d.scatter_mean) extent.add(v);
  if (d.scatter_truth.size() == 0 || d.scatter_truth.size() != d.scatter_mean.size() || extent.empty())
    return instead(title, "No bin of this output varies, so there is nothing to plot against each other.");
  chart::Figure f;
  f.id = canvas.id + "-scatter";
  f.title = title + ", " + d.spec.name;
  f.description = "Predicted values over true values of held-out runs, with the diagonal.";
  const bool log = prefers_log(d.scatter_truth, 50) && (d.scatter_mean.array() > 0).all();
  chart::Extent range(log);
  for (const double v : d.scatter_truth) range.add(v);
  for (const double v : d.scatter_mean) range.add(v);
  const chart::Scale both = chart::scale_for(axis_of("", log), range, 0.04);
  f.axis = axis_of(with_unit("true " + d.spec.name, d.spec.unit), log);
  f.axis.lower = both.lower;
  f.axis.upper = both.upper;
  chart::Panel panel;
  panel.height = 230;
  panel.axis = f.axis;
  panel.axis.label = with_unit("predicted " + d.spec.name, d.spec.unit);
  Vector ends(2);
  ends << both.lower, both.upper;
  const bool bars = d.scatter_std.size() == d.scatter_truth.size() && any_positive(d.scatter_std);
  panel.marks.emplace_back(chart::Line{ends, ends, {Colour::grey, Dash::solid, 1.2, false}, "perfect"});
  panel.marks.emplace_back(chart::Points{d.scatter_truth, d.scatter_mean, bars ? d.scatter_std : Vector(),
                                         Colour::blue, bars ? "prediction ± 1σ" : "prediction"});
  f.panels = {std::move(panel)};
  return figure(title,
                number(static_cast<double>(d.scatter_truth.size()), 6) +
                    (d.spec.size > 1 ? " values drawn over held-out runs and bins." : " held-out values.") +
                    " On the diagonal they are right.",
                render(f));
}

std::string held_out_case(const OutputDiagnostics& d, const HeldOutCase& c, const std::string& which,
                          const ParameterSpace& space, const Canvas& canvas) {
  const std::string title = which + " held-out run";
  if (c.truth.size() == 0 || c.truth.size() != c.mean.size()) return instead(title, "It was not kept.");
  std::string caption = "Run " + std::to_string(c.row) + ", relative error " + percent(c.error);
  if (!c.inside_domain) caption += ", outside of the domain learnt";
  const std::string parameters = parameters_of(c, space);
  if (!parameters.empty()) caption += ". " + parameters;

  const bool complex = d.spec.complex && c.truth.size() % 2 == 0;
  const Vector truth = complex ? part(c.truth, 0) : c.truth;
  const Vector mean = complex ? part(c.mean, 0) : c.mean;
  const bool bars = c.std.size() == c.truth.size();
  const Vector std = !bars ? Vector() : complex ? part(c.std, 0) : c.std;
  const Bins bins(d, truth.size());
  const bool few = truth.size() <= kFewBins;

  chart::Figure f;
  f.id = canvas.id + (which == "Worst" ? "-worst" : "-median");
  f.title = title + " of " + d.spec.name;
  f.description = std::string("Truth and emulator ") + (complex ? "(real part and amplitude) " : "") +
                  "above their difference" +
                  (bars ? ", with the predicted deviation of one sigma as a band." : ".");
  f.axis = bins.axis;
  f.thinning = canvas.thinning;
  const auto overlay = [&](const Vector& x, const Vector& t, const Vector& m, const Vector& sigma) {
    chart::Panel panel;
    panel.height = complex ? 130 : 170;
    panel.axis = axis_of(with_unit((complex ? "real part of " : "") + d.spec.name, d.spec.unit));
    panel.marks.emplace_back(chart::Line{x, t, truth_style(few), "simulator"});
    if (sigma.size() > 0)
      panel.marks.emplace_back(chart::Band{x, m - sigma, m + sigma, Colour::blue, "± 1σ"});
    panel.marks.emplace_back(chart::Line{x, m, emulator_style(few), "emulator"});
    return panel;
  };
  // Hundreds of cycles are a smear: their real part is shown around the peak, in a drawing of its own.
  const Window peak = complex ? window_of_peak(c.truth) : Window{0, truth.size()};
  std::string close_up;
  if (peak.count < truth.size()) {
    chart::Figure near = f;
    near.id += "-peak";
    near.title += ", around the peak";
    near.description = "Real parts of truth and emulator around the largest amplitude.";
    const auto cut = [&](const Vector& v) { return Vector(v.segment(peak.first, peak.count)); };
    near.panels = {overlay(cut(bins.x), cut(truth), cut(mean), bars ? cut(std) : Vector())};
    close_up = render(near);
  } else {
    f.panels.push_back(overlay(bins.x, truth, mean, std));
  }
  if (complex) {
    chart::Panel size;
    size.height = 80;
    size.axis = axis_of("amplitude");
    size.axis.lower = 0.0;
    size.marks.emplace_back(chart::Line{bins.x, amplitude(c.truth), truth_style(few), "simulator"});
    size.marks.emplace_back(chart::Line{bins.x, amplitude(c.mean), emulator_style(few), "emulator"});
    f.panels.push_back(std::move(size));
  }
  chart::Panel residual;
  residual.height = 76;
  residual.axis = axis_of(complex ? "emulator − simulator, real part" : "emulator − simulator");
  if (bars) residual.marks.emplace_back(chart::Band{bins.x, -std, std, Colour::blue, "± 1σ"});
  residual.marks.emplace_back(chart::Rule{false, 0.0, {Colour::grey, Dash::solid, 1.0, false}, ""});
  residual.marks.emplace_back(
      chart::Line{bins.x, mean - truth, {Colour::vermillion, Dash::solid, 1.1, few}, "difference"});
  f.panels.push_back(std::move(residual));
  return figure(title, caption, close_up + render(f));
}

namespace {

/// The last 24 half cycles before a complex series falls below a hundredth of its largest amplitude for good;
/// everything where there are not many more.
Window window_of_end(const Vector& interleaved) {
  const Index n = interleaved.size() / 2;
  const Vector size = amplitude(interleaved);
  Index last = n - 1;
  while (last > 0 && !(size[last] > 0.01 * size.maxCoeff())) --last;
  Index first = last;
  for (Index left = 24; first > 0 && left > 0; --first)
    left -= (interleaved[2 * first] < 0) != (interleaved[2 * first - 2] < 0) ? 1 : 0;
  last = std::min(n - 1, last + (last - first) / 12);
  return {first, last - first + 1};
}

}  // namespace

std::string worst_waveform(const GroupScores& g, const OutputDiagnostics& d, const ParameterSpace& space,
                           const Canvas& canvas) {
  const std::string title = "Worst waveform";
  const HeldOutCase& c = g.worst;
  if (c.truth.size() < 4 || c.truth.size() % 2 != 0 || c.truth.size() != c.mean.size())
    return instead(title, "It was not kept.");
  const Vector truth = part(c.truth, 0), mean = part(c.mean, 0);
  const Bins bins(d, truth.size());
  std::string caption = "Run " + std::to_string(c.row) + ", mismatch " + number(c.error, 2) +
                        ", real part of " + g.dominant + ", its largest mode";
  if (!c.inside_domain) caption += "; outside of the domain learnt";
  const std::string parameters = parameters_of(c, space);
  if (!parameters.empty()) caption += ". " + parameters;
  const auto drawing = [&](const Window& w, const std::string& suffix, const std::string& where) {
    const auto cut = [&](const Vector& v) { return Vector(v.segment(w.first, w.count)); };
    chart::Figure f;
    f.id = canvas.id + suffix;
    f.title = title + " of " + g.name + where;
    f.description = "Real parts of truth and emulator above their difference.";
    f.axis = bins.axis;
    f.thinning = canvas.thinning;
    const bool few = w.count <= kFewBins;
    chart::Panel overlay, residual;
    overlay.height = 130;
    overlay.axis = axis_of(with_unit("real part of " + g.dominant, d.spec.unit));
    overlay.marks.emplace_back(chart::Line{cut(bins.x), cut(truth), truth_style(few), "simulator"});
    overlay.marks.emplace_back(chart::Line{cut(bins.x), cut(mean), emulator_style(few), "emulator"});
    residual.height = 70;
    residual.axis = axis_of("emulator − simulator");
    residual.marks.emplace_back(chart::Rule{false, 0.0, {Colour::grey, Dash::solid, 1.0, false}, ""});
    residual.marks.emplace_back(chart::Line{
        cut(bins.x), cut(mean - truth), {Colour::vermillion, Dash::solid, 1.1, few}, "difference"});
    f.panels = {std::move(overlay), std::move(residual)};
    return render(f);
  };
  std::string s = figure(title, caption, drawing({0, truth.size()}, "-whole", ""));
  const Window end = window_of_end(c.truth);
  if (2 * end.count < truth.size())
    s += figure(title + ", near its end", "The same run.", drawing(end, "-end", ", near its end"));
  return s;
}

std::string error_histogram(const Vector& errors, const std::string& title, const std::string& label,
                            const std::string& id) {
  chart::Extent extent(true);
  Index counted = 0;
  for (const double e : errors) {
    extent.add(e);
    counted += std::isfinite(e) ? 1 : 0;
  }
  if (counted == 0) return instead(title, "It does not exist for these runs.");
  if (extent.empty()) return instead(title, "Zero for every held-out run.");
  if (counted == 1) return instead(title, "One held-out run: " + number(extent.upper()) + ".");
  chart::Axis axis = axis_of(label, true);
  axis.decades = 8;
  const chart::Scale range = chart::scale_for(axis, extent, 0.0);
  const Index n = std::clamp<Index>(static_cast<Index>(2.0 * std::sqrt(static_cast<double>(counted))), 6, 30);
  chart::Bars bars;
  bars.edges.resize(n + 1);
  bars.heights = Vector::Zero(n);
  bars.colour = Colour::blue;
  const double step = std::log(range.upper / range.lower) / static_cast<double>(n);
  for (Index i = 0; i <= n; ++i) bars.edges[i] = range.lower * std::exp(step * static_cast<double>(i));
  for (const double e : errors) {
    if (!std::isfinite(e)) continue;
    const double place = e > 0 ? std::log(e / range.lower) / step : 0.0;
    bars.heights[std::clamp<Index>(static_cast<Index>(std::floor(place)), 0, n - 1)] += 1.0;
  }
  chart::Figure f;
  f.id = id;
  f.title = title;
  f.description = "Histogram over held-out runs, log scale, median and 95% quantile marked.";
  f.small = true;
  f.axis = axis;
  f.axis.lower = range.lower;
  f.axis.upper = range.upper;
  const double median = quantile(errors, 0.5), tail = quantile(errors, 0.95);
  chart::Panel panel;
  panel.height = 190;
  panel.axis = axis_of("held-out runs");
  // Room above the bars for the labels.
  panel.axis.upper = 1.2 * bars.heights.maxCoeff();
  panel.marks.emplace_back(std::move(bars));
  if (median > 0)
    panel.marks.emplace_back(chart::Rule{true, median, {Colour::ink, Dash::solid, 1.4, false}, "median"});
  if (tail > 0)
    panel.marks.emplace_back(chart::Rule{true, tail, {Colour::vermillion, Dash::dashed, 1.6, false}, "95%"});
  f.panels = {std::move(panel)};
  return figure(title,
                "Over " + number(static_cast<double>(counted), 6) + " held-out runs: half are below " +
                    number(median, 2) + ", 95% below " + number(tail, 2) + ".",
                render(f));
}

std::string calibration_curve(const OutputDiagnostics& d, const Canvas& canvas) {
  const std::string title = "Calibration of the error bars";
  if (d.nominal.size() == 0 || d.nominal.size() != d.observed.size() || !d.observed.array().isFinite().any())
    return instead(title, "No bin varies, so error bars cannot be checked.");
  chart::Figure f;
  f.id = canvas.id + "-calibration";
  f.title = title + " of " + d.spec.name;
  f.description =
      "Share of the truth inside of the interval over the level of the interval, with the diagonal.";
  f.small = true;
  f.axis = axis_of("level of the interval, %");
  f.axis.lower = 0;
  f.axis.upper = 100;
  chart::Panel panel;
  panel.height = 190;
  panel.axis = f.axis;
  panel.axis.label = "truth inside of it, %";
  Vector ends(2);
  ends << 0, 100;
  panel.marks.emplace_back(chart::Line{ends, ends, {Colour::grey, Dash::solid, 1.2, false}, "ideal"});
  panel.marks.emplace_back(chart::Note{0.04, 0.9, "too wide"});
  panel.marks.emplace_back(chart::Note{0.96, 0.1, "too narrow"});
  panel.marks.emplace_back(chart::Line{100.0 * d.nominal,
                                       100.0 * d.observed,
                                       {Colour::blue, Dash::solid, 2.0, d.nominal.size() <= kFewBins},
                                       "found"});
  f.panels = {std::move(panel)};
  return figure(title, "On the diagonal the error bars can be taken at their word.", render(f));
}

std::string pit_histogram(const OutputDiagnostics& d, const Canvas& canvas) {
  const std::string title = "Where the truth falls";
  if (d.pit.size() == 0 || !d.pit.allFinite() || d.pit.sum() <= 0)
    return instead(title, "No bin varies, so error bars cannot be checked.");
  chart::Figure f;
  f.id = canvas.id + "-pit";
  f.title = title + " in the predicted distribution of " + d.spec.name;
  f.description = "Histogram of the probability integral transform; uniform when calibrated.";
  f.small = true;
  f.axis = axis_of("predicted probability of lower values");
  f.axis.lower = 0;
  f.axis.upper = 1;
  chart::Panel panel;
  panel.height = 190;
  panel.axis = axis_of("share, 1 = uniform");
  const double n = static_cast<double>(d.pit.size());
  const Vector heights = d.pit * (n / d.pit.sum());
  panel.axis.upper = std::max(1.6, 1.1 * heights.maxCoeff());
  panel.marks.emplace_back(
      chart::Bars{Vector::LinSpaced(d.pit.size() + 1, 0.0, 1.0), heights, Colour::blue, ""});
  panel.marks.emplace_back(chart::Rule{false, 1.0, {Colour::ink, Dash::dashed, 1.2, false}, ""});
  f.panels = {std::move(panel)};
  return figure(title, "Flat is right; a U means error bars too narrow, a hill too wide, a slope a bias.",
                render(f));
}

}  // namespace ersatz::report
