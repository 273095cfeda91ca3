#include "ersatz/inference/infer_report.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "inference/corner.hpp"
#include "selection/report_html.hpp"
#include "selection/report_text.hpp"
#include "selection/svg_chart.hpp"

namespace ersatz {
namespace {

using chart::Colour;
using chart::Dash;
using report::escape;
using report::Level;
using report::number;

constexpr Index most_in_corner = 10;

std::string interval(double low, double high) { return number(low, 4) + " … " + number(high, 4); }

std::string value_of(double mean, double deviation) {
  return number(mean, significant_digits(mean, deviation));
}

std::string posterior_table(const InferReport& r) {
  report::Table table;
  table.caption = "The posterior of each parameter";
  table.columns = {{"Parameter", "", false},
                   {"Mean", ""},
                   {"Deviation", "standard deviation"},
                   {"Median", ""},
                   {"68% interval", "central: as much of the posterior below as above"},
                   {"95% interval", "central"},
                   {"Maximum", "where the posterior is largest, all parameters together"},
                   {"R-hat", "how far the chains agree; at most 1.01 is good, 1.05 for walkers"},
                   {"Effective draws", "in the bulk and in the tails; 400 give usable intervals"},
                   {"At the edges", "share of the draws within 5% of the width of the emulator's box"}};
  for (std::size_t i = 0; i < r.summaries.size(); ++i) {
    const MarginalSummary& s = r.summaries[i];
    const DensityParameter& p = r.chains.parameters[i];
    const EdgeShare& share = r.shares[i];
    const bool converged = s.r_hat <= agreement(r.chains.options.method);
    table.rows.push_back(
        {{escape(report::with_unit(p.name, p.unit)), value_of(s.mean, s.deviation), number(s.deviation, 3),
          value_of(s.median, s.deviation), interval(s.lower68, s.upper68), interval(s.lower95, s.upper95),
          value_of(r.maximum.theta[static_cast<Index>(i)], s.deviation),
          report::mark(converged ? Level::good : Level::poor) + number(s.r_hat, 5),
          number(std::round(s.bulk_size), 4) + ", " + number(std::round(s.tail_size), 4),
          report::mark(share.leans() ? Level::care : Level::good) + report::percent(share.at_lower) + ", " +
              report::percent(share.at_upper)},
         false});
  }
  return report::to_html(table);
}

/// The position of a few chains over the steps, warm-up first.
std::string trace_plot(const Chains& chains, Index parameter) {
  const DensityParameter& p = chains.parameters[static_cast<std::size_t>(parameter)];
  chart::Figure figure;
  figure.id = text("trace-", parameter);
  figure.title = text("Chains of ", p.name);
  figure.description = text("Value of ", p.name, " against the step, from the end of the warm-up on");
  figure.axis.label = "step";
  figure.small = true;
  chart::Panel panel;
  panel.height = 130;
  panel.axis.label = report::with_unit(p.name, p.unit);
  const Colour colours[] = {Colour::blue, Colour::orange, Colour::green, Colour::purple};
  const Index shown = std::min<Index>(chains.chains(), 4);
  const Index stride = std::max<Index>(1, chains.steps() / 400);
  for (Index k = 0; k < shown; ++k) {
    const Trace& trace = chains.samples[static_cast<std::size_t>(k * (chains.chains() / shown))];
    const Index n = (chains.steps() + stride - 1) / stride;
    Vector x(n), y(n);
    for (Index i = 0; i < n; ++i) {
      x[i] = static_cast<double>(i * stride);
      y[i] = trace.theta(i * stride)[parameter];
    }
    panel.marks.push_back(chart::Line{x, y, {colours[k], Dash::solid, 0.8, false}, ""});
  }
  figure.panels.push_back(std::move(panel));
  return report::figure(p.name,
                        text(stride == 1 ? "Every step of " : text("One step in ", stride, " of "), shown,
                             chains.options.method == SamplingMethod::nuts ? " chains" : " walkers", "."),
                        chart::render(figure));
}

std::string predictive_plot(const PredictiveView& v, std::size_t index) {
  chart::Figure figure;
  figure.id = text("predictive-", index);
  figure.title = text("Data and posterior prediction of ", v.name);
  figure.description =
      text("Data with error bars over the 68% and 95% bands of the prediction, and residuals");
  figure.axis.label = report::with_unit(v.axis, v.axis_unit);
  chart::Panel above;
  above.height = 230;
  above.axis.label = report::with_unit(v.name, v.unit);
  above.marks.push_back(chart::Band{v.at, v.lower95, v.upper95, Colour::blue, "95% of predictions"});
  above.marks.push_back(chart::Band{v.at, v.lower68, v.upper68, Colour::blue, "68%"});
  above.marks.push_back(chart::Points{v.at, v.data, v.deviation, Colour::ink, "data"});
  above.marks.push_back(chart::Line{v.at, v.median, {Colour::blue, Dash::solid, 1.6, false}, "median"});
  chart::Panel below;
  below.height = 90;
  below.axis.label = "residual, in deviations";
  below.marks.push_back(chart::Rule{false, 0.0, {Colour::grey, Dash::solid, 1.0, false}, ""});
  below.marks.push_back(chart::Points{v.at, v.residual, {}, Colour::ink, ""});
  figure.panels = {above, below};
  const auto n = static_cast<double>(v.residual.size());
  const double beyond = (v.residual.array().abs() > 2.0).cast<double>().sum() / n;
  return report::figure(
      v.name,
      text("Mean square of the residuals ", number(v.residual.squaredNorm() / n), " (1 is expected), ",
           report::percent(beyond), " beyond two deviations (4.6% are expected). Bands are ",
           v.emulator_error ? "with" : "without", " the emulator's error."),
      chart::render(figure));
}

struct Verdict {
  Level level;
  std::string headline, sentence;
};

Verdict judge(const InferReport& r) {
  bool agree = !r.summaries.empty();
  for (const MarginalSummary& s : r.summaries) agree = agree && s.r_hat <= 1.05;
  if (!agree)
    return {Level::poor, "Not converged", "The chains do not agree: these draws are not the posterior yet."};
  if (!r.edges.empty())
    return {Level::care, "Leans on the edge of the training domain",
            "Within the emulator's domain the chains agree; what lies beyond its edge, nobody has learnt."};
  if (!r.warnings.empty()) return {Level::care, "Converged, with reservations", "See the warnings below."};
  return {Level::good, "Converged", "The chains agree, and the posterior lies within the emulator's domain."};
}

std::string list_of(const std::vector<std::string>& items) {
  std::string s = "<ul>\n";
  for (const std::string& item : items) s += "<li>" + escape(item) + ".</li>\n";
  return s + "</ul>\n";
}

}  // namespace

std::string render_html(const InferReport& r) {
  const std::string title = escape(r.title);
  const Verdict verdict = judge(r);
  std::string s =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>" +
      title + " · posterior</title>\n<style>" + report::kStyle +
      "</style>\n</head>\n<body>\n<header>\n<p class=\"eyebrow\">Posterior</p>\n<h1>" + title +
      "</h1>\n<section class=\"verdict " + report::name_of(verdict.level) +
      "\" aria-labelledby=\"verdict\">\n<h2 id=\"verdict\">" + escape(verdict.headline) + "</h2>\n<p>" +
      escape(verdict.sentence) + "</p>\n</section>\n";
  std::vector<std::string> warnings = r.edges;
  warnings.insert(warnings.end(), r.warnings.begin(), r.warnings.end());
  if (!warnings.empty())
    s += "<section class=\"warnings\" aria-labelledby=\"warnings\">\n<h2 id=\"warnings\">Warnings</h2>\n" +
         list_of(warnings) + "</section>\n";
  s += "</header>\n<main>\n<section aria-labelledby=\"parameters\">\n<h2 id=\"parameters\">Parameters</h2>\n"
       "<div class=\"card\">" +
       posterior_table(r) + "</div>\n";
  const Matrix draws = r.chains.all();
  const Index d = std::min<Index>(draws.cols(), most_in_corner);
  if (draws.rows() > 0) {
    const auto parameters =
        std::vector<DensityParameter>(r.chains.parameters.begin(), r.chains.parameters.begin() + d);
    s += report::figure(
        "Marginal distributions",
        text("Diagonal: histogram, median and 68% interval. Below: regions that hold 68% and 95% of the "
             "draws. The ",
             "other colour marks the maximum.",
             d < draws.cols() ? text(" The first ", d, " of ", draws.cols(), " parameters.") : std::string()),
        corner_plot(draws.leftCols(d), parameters, r.maximum.theta.head(d)));
  }
  s += "</section>\n";
  if (!r.predictive.empty()) {
    s += "<section aria-labelledby=\"data\">\n<h2 id=\"data\">Prediction and data</h2>\n<div "
         "class=\"halves\">";
    for (std::size_t k = 0; k < r.predictive.size(); ++k) s += predictive_plot(r.predictive[k], k);
    s += "</div>\n</section>\n";
  }
  if (r.chains.steps() > 0) {
    s += "<section aria-labelledby=\"traces\">\n<h2 id=\"traces\">Chains</h2>\n<div class=\"thirds\">";
    for (Index i = 0; i < r.chains.size(); ++i) s += trace_plot(r.chains, i);
    s += "</div>\n</section>\n";
  }
  std::vector<std::pair<std::string, std::string>> facts;
  for (const auto& [name, value] : r.facts) facts.emplace_back(name, escape(value));
  for (std::size_t i = 0; i < r.priors.size(); ++i)
    facts.emplace_back("prior of " + r.chains.parameters[i].name, escape(r.priors[i]));
  s += "<section aria-labelledby=\"made\">\n<h2 id=\"made\">How it was made</h2>\n" +
       report::definition_list(facts) + "</section>\n</main>\n</body>\n</html>\n";
  return s;
}

}  // namespace ersatz
