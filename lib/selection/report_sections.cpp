#include "selection/report_sections.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "selection/report_figures.hpp"
#include "selection/report_html.hpp"
#include "selection/report_text.hpp"

namespace ersatz::report {
namespace {

std::string integer(Index n) { return number(static_cast<double>(n), 6); }

const OutputScores* scores_of(const Validation& v, const std::string& name) {
  for (const OutputScores& o : v.outputs)
    if (o.name == name) return &o;
  return nullptr;
}

std::string unit_of(const Validation& v, const std::string& output) {
  for (const OutputDiagnostics& d : v.diagnostics)
    if (d.spec.name == output) return d.spec.unit;
  return {};
}

bool any_known(const std::vector<OutputScores>& outputs, double OutputScores::*score) {
  return std::any_of(outputs.begin(), outputs.end(),
                     [&](const OutputScores& o) { return std::isfinite(o.*score); });
}

Level level_of(Calibration c) {
  switch (c) {
    case Calibration::none:
      return Level::unknown;
    case Calibration::calibrated:
      return Level::good;
    case Calibration::narrow:
      return Level::poor;
    default:
      return Level::care;
  }
}

struct Term {
  const char* name;
  const char* meaning;
};
constexpr Term kTerms[] = {
    {"Typical error, 95% error",
     "Relative error of a held-out run: the length of prediction minus truth over the length of the truth "
     "(L2). Half of "
     "the runs lie below the first, 95% below the second."},
    {"RMSE", "Root mean square error over all held-out runs and bins, in the unit of the output."},
    {"NRMSE",
     "RMSE over the root mean square of what simulations differ from their mean. 0 is perfect; 1 is no "
     "better than "
     "always answering with the mean."},
    {"R²", "Share of the variance among simulations that the emulator explains: 1 − NRMSE²."},
    {"Largest error", "Largest absolute error in any bin of any held-out run."},
    {"68%, 95% coverage",
     "Share of true values inside of the central 68% and 95% intervals that the emulator predicts. Lower "
     "than the name: "
     "error bars too narrow."},
    {"CRPS",
     "Continuous ranked probability score: error and honesty of the error bars in one number, in the unit of "
     "the output. "
     "Smaller is better."},
    {"Log score",
     "Mean negative logarithm of the predicted probability density at the truth. Smaller is better."},
    {"Mismatch",
     "1 minus the normalised overlap of two complex series in the noise of a detector, made the smallest "
     "over "
     "shifts in time and phase; which noise, and what else it is made the smallest over, stands below the "
     "table."},
};

std::string glossary() {
  std::string s =
      "<details class=\"hint\"><summary>What the columns mean</summary>\n<dl class=\"glossary\">\n";
  for (const Term& term : kTerms)
    s += "<div><dt>" + escape(term.name) + "</dt><dd>" + escape(term.meaning) + "</dd></div>\n";
  return s + "</dl></details>\n";
}

/// "advanced-ligo noise, maximised over time and phase; 60 solar masses".
std::string in_words(const MismatchTerms& terms) {
  return terms.noise_curve + " noise, maximised over " + terms.maximised_over +
         (terms.settings.empty() ? "" : "; " + terms.settings);
}

/// "mismatch of a run, advanced-ligo noise".
std::string mismatch_label(const Validation& v) {
  return "mismatch of a run, " + v.mismatch.noise_curve + " noise";
}

std::string groups_section(const ReportData& data) {
  const Validation& v = data.validation;
  if (v.groups.empty()) return {};
  Table t;
  t.caption = "Mismatch of outputs that belong together";
  t.columns = {
      {"Group", "", false},       {"Members", "", false},     {"Typical mismatch", "median over runs", true},
      {"95% mismatch", "", true}, {"Noise curve", "", false}, {"Maximised over", "", false}};
  for (const GroupScores& g : v.groups)
    t.rows.push_back(
        {{escape(g.name), escape(listing(g.members, 12)), number(g.mismatch_median), number(g.mismatch_p95),
          escape(v.mismatch.noise_curve), escape(v.mismatch.maximised_over)},
         false});
  std::string s = "<h3>Outputs taken together</h3>\n<div class=\"card\">" + to_html(t);
  for (std::size_t i = 0; i < v.groups.size(); ++i) {
    const GroupScores& g = v.groups[i];
    if (!g.missing.empty())
      s += "<p class=\"hint\">" + escape(g.name) + " has no mismatch: " + escape(g.missing) + ".</p>\n";
    if (g.mismatch.size() == 0) continue;
    const std::string id = "group-" + std::to_string(i);
    const auto d = std::find_if(v.diagnostics.begin(), v.diagnostics.end(),
                                [&g](const OutputDiagnostics& o) { return o.spec.name == g.dominant; });
    s += "<div class=\"halves\">\n" +
         error_histogram(g.mismatch, "Mismatches of " + g.name, mismatch_label(v), id + "-mismatch") +
         "</div>\n";
    if (d != v.diagnostics.end())
      s += "<div class=\"halves\">\n" + worst_waveform(g, *d, data.space, {id, 1.0}) + "</div>\n";
  }
  return s + "</div>\n";
}

/// A complex number, or a plain one.
std::string value_text(const Vector& row, bool complex) {
  if (!complex) return number(row[0], 5);
  if (row.size() < 2) return "–";
  return number(row[0], 4) + (row[1] < 0 ? " − " : " + ") + number(std::abs(row[1]), 4) + "i";
}

/// Median and worst run of an output with a single bin.
std::string single_bin_cases(const OutputDiagnostics& d, const ParameterSpace& space) {
  Table t;
  t.caption = "Median and worst held-out run";
  t.columns = {{"Held-out run", "", false},
               {with_unit("Simulator", d.spec.unit), "", true},
               {with_unit("Emulator", d.spec.unit), "", true},
               {"Off by", "", true},
               {"Relative error", "", true},
               {"At", "", false}};
  const auto add = [&](const char* which, const HeldOutCase& c) {
    const Index width = d.spec.complex ? 2 : 1;
    if (c.truth.size() != width || c.mean.size() != width) return;
    const bool bars = c.std.size() == width && c.std[0] > 0;
    std::string emulator = value_text(c.mean, d.spec.complex);
    if (bars) emulator += d.spec.complex ? " (± " + number(c.std[0], 2) + ")" : " ± " + number(c.std[0], 2);
    const double off = (c.mean - c.truth).norm();
    t.rows.push_back({{std::string(which) + " (run " + std::to_string(c.row) + ")" +
                           (c.inside_domain ? "" : ", outside of the domain"),
                       value_text(c.truth, d.spec.complex), emulator,
                       bars && !d.spec.complex ? number(off / c.std[0], 2) + "σ" : number(off),
                       percent(c.error), escape(parameters_of(c, space))},
                      false});
  };
  add("Median", d.median);
  add("Worst", d.worst);
  return t.rows.empty() ? "" : to_html(t);
}

std::string output_pictures(const OutputDiagnostics& d, const ReportData& data, const Canvas& canvas) {
  const bool bars = d.nominal.size() > 0 || d.pit.size() > 0;
  const bool single = d.spec.size <= 1;
  const std::string histogram = error_histogram(d.relative_l2, "Errors of the held-out runs",
                                                "relative L2 error of a run", canvas.id + "-errors");
  std::string mismatch;
  if (d.mismatch.size() > 0)
    mismatch = error_histogram(d.mismatch, "Mismatches of the held-out runs", mismatch_label(data.validation),
                               canvas.id + "-mismatch");
  std::string s;
  if (!single)
    s += "<div class=\"halves\">\n" + error_over_axis(d, canvas) + predicted_against_true(d, canvas) +
         held_out_case(d, d.median, "Median", data.space, canvas) +
         held_out_case(d, d.worst, "Worst", data.space, canvas) + "</div>\n";
  std::string small = histogram + mismatch;
  if (single) s += "<div class=\"halves\">\n" + predicted_against_true(d, canvas) + histogram + "</div>\n";
  if (single) small = mismatch;
  if (bars) small += calibration_curve(d, canvas) + pit_histogram(d, canvas);
  const auto figures = [](const std::string& html) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = html.find("<figure>", at)) != std::string::npos; ++at) ++n;
    return n;
  };
  if (!small.empty())
    s += std::string("<div class=\"") + (figures(small) % 2 == 0 ? "halves" : "thirds") + "\">\n" + small +
         "</div>\n";
  if (single) s += single_bin_cases(d, data.space);
  s += coverage_over_axis(d, canvas) +
       error_by_domain_score(d, data.validation.domain_runs, data.validation.domain_rule);
  if (!bars)
    s += "<p class=\"hint\">The regressor gives no error bars, so there is no calibration to show.</p>\n";
  return s;
}

std::string summary_figures(const OutputScores* o) {
  if (o == nullptr) return {};
  if (accuracy_of(*o) == Level::unknown) return "does not vary among the held-out runs";
  std::string s =
      "typical error " + percent(o->median_relative_l2) + ", 95% below " + percent(o->p95_relative_l2);
  const Calibration c = calibration_of(*o);
  return s + (c == Calibration::none ? ", no error bars" : ", error bars " + to_string(c));
}

}  // namespace

std::string verdict_section(const ReportData& data) {
  const Verdict v = judge(data);
  std::string s = "<section class=\"verdict " + name_of(v.level) +
                  "\" aria-labelledby=\"verdict\">\n<h2 id=\"verdict\">" + escape(v.headline) + "</h2>\n<p>" +
                  escape(v.sentence) + "</p>\n</section>\n";
  if (v.findings.empty()) return s;
  s += "<ul class=\"tiles\">\n";
  for (const Finding& f : v.findings)
    s += "<li><span class=\"label\">" + mark(f.level) + escape(f.label) + "</span><b>" + escape(f.value) +
         "</b><span class=\"detail\">" + escape(f.detail) + "</span></li>\n";
  return s + "</ul>\n";
}

std::string warnings_section(const ReportData& data) {
  std::vector<std::string> all;
  for (const std::string& w : data.warnings)
    if (!w.empty()) all.push_back(escape(w));
  for (const ChannelSummary& c : data.channels)
    for (const std::string& w : c.warnings)
      all.push_back("<strong>" + escape(c.name) + "</strong>: " + escape(w));
  if (all.empty()) return {};
  std::string s = "<section class=\"warnings\" aria-labelledby=\"warnings\"><h2 id=\"warnings\">" +
                  integer(static_cast<Index>(all.size())) + (all.size() == 1 ? " warning" : " warnings") +
                  "</h2>\n<ul>\n";
  const std::size_t shown = std::min<std::size_t>(all.size(), 100);
  for (std::size_t i = 0; i < shown; ++i) s += "<li>" + all[i] + "</li>\n";
  if (shown < all.size()) s += "<li>and " + std::to_string(all.size() - shown) + " more</li>\n";
  return s + "</ul></section>\n";
}

std::string scores_section(const ReportData& data) {
  const std::vector<OutputScores>& outputs = data.validation.outputs;
  if (outputs.empty()) return {};
  const bool bars =
      any_known(outputs, &OutputScores::coverage_68) || any_known(outputs, &OutputScores::coverage_95);
  const bool mismatch = any_known(outputs, &OutputScores::mismatch_median);
  Table errors, calibration;
  errors.caption = "Errors of every output on held-out runs";
  errors.columns = {{"Output", "", false},
                    {"Typical error", "median relative L2 error of a run", true},
                    {"95% error", "95% of the runs have a smaller relative L2 error", true},
                    {"RMSE", "root mean square error", true},
                    {"NRMSE", "RMSE over the variation among simulations", true},
                    {"R²", "share of the variance explained", true},
                    {"Largest error", "largest absolute error", true}};
  if (mismatch) {
    errors.columns.push_back({"Typical mismatch", "median over runs", true});
    errors.columns.push_back({"95% mismatch", "95% of the runs have a smaller mismatch", true});
  }
  calibration.caption = "Error bars of every output on held-out runs";
  calibration.columns = {{"Output", "", false},
                         {"Error bars", "judged by both coverages", false},
                         {"68% coverage", "share of the truth inside of 68% intervals", true},
                         {"95% coverage", "share of the truth inside of 95% intervals", true},
                         {"CRPS", "continuous ranked probability score", true},
                         {"Log score", "mean negative log predictive density", true}};
  Index constant = 0;
  for (const OutputScores& o : outputs) {
    constant += o.constant_bins;
    const std::string unit = unit_of(data.validation, o.name);
    const std::string name = "<span>" + escape(o.name) + "</span>" +
                             (unit.empty() ? "" : " <span class=\"muted\">[" + escape(unit) + "]</span>");
    const Level accuracy = accuracy_of(o);
    std::vector<std::string> cells = {mark(accuracy) + name,
                                      percent(o.median_relative_l2),
                                      percent(o.p95_relative_l2),
                                      number(o.rmse),
                                      accuracy == Level::unknown ? "does not vary" : number(o.nrmse),
                                      std::isfinite(o.r2) ? number(o.r2, o.r2 > 0.99 ? 5 : 3) : "–",
                                      number(o.max_abs)};
    if (mismatch) {
      cells.push_back(number(o.mismatch_median));
      cells.push_back(number(o.mismatch_p95));
    }
    errors.rows.push_back({std::move(cells), false});
    const Calibration c = calibration_of(o);
    calibration.rows.push_back({{name, mark(level_of(c)) + to_string(c), percent(o.coverage_68),
                                 percent(o.coverage_95), number(o.crps), number(o.log_score)},
                                false});
  }
  std::string s = "<div class=\"card\">" + to_html(errors) + "</div>\n";
  if (mismatch)
    s += "<p class=\"hint\">Mismatches: " + escape(in_words(data.validation.mismatch)) + ".</p>\n";
  if (bars) s += "<div class=\"card\">" + to_html(calibration) + "</div>\n";
  if (constant > 0)
    s += "<p class=\"hint\">" + integer(constant) + (constant == 1 ? " bin does" : " bins do") +
         " not vary among the simulations" +
         (!bars           ? ""
          : constant == 1 ? " and is left out of coverage, CRPS and log score"
                          : " and are left out of coverage, CRPS and log score") +
         ".</p>\n";
  return s + groups_section(data) + glossary();
}

std::string outputs_section(const ReportData& data, std::size_t budget) {
  const std::vector<OutputDiagnostics>& all = data.validation.diagnostics;
  if (all.empty()) return {};
  const auto badness = [&](std::size_t i) {
    const OutputScores* o = scores_of(data.validation, all[i].spec.name);
    return o != nullptr && std::isfinite(o->nrmse) ? o->nrmse : -1.0;
  };
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return badness(a) > badness(b); });
  std::vector<std::string> pictures(all.size());
  std::size_t used = 0;
  for (const std::size_t i : order) {
    const Canvas canvas{"output-" + std::to_string(i), all.size() > 4 ? 1.5 : 1.0};
    std::string html = output_pictures(all[i], data, canvas);
    if (used + html.size() > budget) continue;
    used += html.size();
    pictures[i] = std::move(html);
  }
  if (all.size() == 1)
    return "<div class=\"card\"><h3>" + escape(all[0].spec.name) + "</h3>\n" + pictures[0] + "</div>\n";
  std::string s;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const OutputScores* o = scores_of(data.validation, all[i].spec.name);
    s += std::string("<details class=\"card\"") + (i == order.front() ? " open=\"open\"" : "") +
         "><summary>" + (o != nullptr ? mark(accuracy_of(*o)) + " " : "") + "<span class=\"name\">" +
         escape(all[i].spec.name) + "</span><span class=\"figures\">" + escape(summary_figures(o)) +
         "</span></summary>\n" +
         (pictures[i].empty() ? "<p class=\"hint\">Left out to keep this file small: the pictures of less "
                                "accurate outputs come "
                                "first.</p>\n"
                              : pictures[i]) +
         "</details>\n";
  }
  return s;
}

std::string baselines_section(const ReportData& data) {
  if (data.comparison.empty()) return {};
  Table t;
  t.caption = "Every regressor on the same folds";
  t.columns = {{"Regressor", "", false},
               {"Settings", "", false},
               {"NRMSE", "mean over folds and its standard error", true}};
  const bool waves = std::any_of(data.comparison.begin(), data.comparison.end(),
                                 [](const ComparisonRow& row) { return std::isfinite(row.mismatch_median); });
  if (waves) t.columns.push_back({"Mismatch", "median and 95% of the held-out runs", true});
  t.columns.insert(t.columns.end(), {{"Fit", "mean time per fold", true},
                                     {"Prediction", "per point, one at a time", true},
                                     {"Why", "", false}});
  std::string reason;
  for (const ComparisonRow& row : data.comparison) {
    if (row.chosen)
      reason = "<p>Chosen: <strong>" + escape(row.regressor) + "</strong>" +
               (row.why.empty() ? "" : ", because: " + escape(row.why)) + ".</p>\n";
    std::vector<std::string> cells{
        escape(row.regressor) + (row.chosen ? "<span class=\"tag\">chosen</span>" : ""),
        escape(row.settings.empty() ? "–" : row.settings),
        number(row.nrmse) +
            (std::isfinite(row.nrmse_se) && row.nrmse_se > 0 ? " ± " + number(row.nrmse_se, 2) : "")};
    if (waves) cells.push_back(number(row.mismatch_median, 2) + ", " + number(row.mismatch_p95, 2));
    for (const std::string& cell :
         {duration(row.fit_seconds), duration(1e-6 * row.predict_us), escape(row.why)})
      cells.push_back(cell);
    t.rows.push_back({std::move(cells), row.chosen});
  }
  return "<div class=\"card\">" + reason + "<div class=\"halves\">" + baselines(data.comparison) + "</div>" +
         to_html(t) + "</div>\n";
}

std::string cost_section(const ReportData& d) {
  const auto known = [](double seconds) { return std::isfinite(seconds) && seconds > 0; };
  if (!known(d.simulator_seconds) && !known(d.training_seconds) && !known(d.validation.predict_seconds))
    return {};
  std::vector<std::pair<std::string, std::string>> facts;
  const double single = d.validation.predict_seconds, batch = d.validation.batch_seconds;
  facts.emplace_back("Simulation", std::isfinite(d.simulator_seconds)
                                       ? duration(d.simulator_seconds) + ", median"
                                       : "cost not recorded");
  if (known(single)) facts.emplace_back("Prediction", duration(single) + ", one at a time, one thread");
  if (known(batch)) facts.emplace_back("In a batch", duration(batch) + " each, one thread");
  const double ratio = speed_up(d);
  if (std::isfinite(ratio))
    facts.emplace_back(
        "Speed-up",
        times(ratio) + " times" +
            (known(batch) ? ", " + times(d.simulator_seconds / batch) + " times in a batch" : ""));
  if (known(d.training_seconds)) {
    std::string text = duration(d.training_seconds);
    const double runs = d.training_seconds / d.simulator_seconds;
    if (runs > 0 && std::isfinite(runs) && runs >= 0.1)
      text +=
          ", as long as " + number(runs, 2) + (runs < 1.05 && runs > 0.95 ? " simulation" : " simulations");
    facts.emplace_back("Training", text);
  }
  const double campaign = d.simulator_seconds * static_cast<double>(d.training_runs);
  if (campaign > 0 && std::isfinite(campaign))
    facts.emplace_back("Simulations learnt from", duration(campaign) + " of simulator time");
  const std::string picture = cost(d);
  const std::string list = definition_list(facts);
  return "<div class=\"card\">" +
         (picture.empty() ? list : "<div class=\"halves\">" + picture + "<div>" + list + "</div></div>") +
         "</div>\n";
}

}  // namespace ersatz::report
