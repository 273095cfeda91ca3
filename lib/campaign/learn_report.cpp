#include "ersatz/campaign/learn_report.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "selection/report_html.hpp"
#include "selection/report_text.hpp"
#include "selection/svg_chart.hpp"

namespace ersatz {
namespace {

using chart::Colour;
using chart::Dash;

Vector column(const std::vector<LearnRound>& history, double LearnRound::*member) {
  Vector v(static_cast<Index>(history.size()));
  for (std::size_t i = 0; i < history.size(); ++i) v[static_cast<Index>(i)] = history[i].*member;
  return v;
}

Vector runs_of(const std::vector<LearnRound>& history) {
  Vector v(static_cast<Index>(history.size()));
  for (std::size_t i = 0; i < history.size(); ++i)
    v[static_cast<Index>(i)] = static_cast<double>(history[i].runs);
  return v;
}

std::string error_chart(const LearnReport& r, bool tail) {
  chart::Figure figure;
  figure.id = tail ? "tail" : "error";
  figure.title = tail ? "95% quantile of the errors of single runs" : "Error against simulations spent";
  figure.description = text(figure.title, " for ", r.acquisition);
  figure.axis.label = "simulations spent";
  chart::Panel panel;
  panel.height = 260;
  panel.axis.label = tail ? "error of a run, 95% quantile" : "NRMSE";
  panel.axis.log = true;
  const Vector runs = runs_of(r.history);
  panel.marks.push_back(chart::Line{runs,
                                    column(r.history, tail ? &LearnRound::error_p95 : &LearnRound::error),
                                    {Colour::blue, Dash::solid, 2.0, runs.size() < 60},
                                    r.acquisition});
  const Colour colours[] = {Colour::vermillion, Colour::green};
  for (std::size_t c = 0; c < r.curves.size(); ++c)
    panel.marks.push_back(chart::Line{r.curves[c].runs,
                                      tail ? r.curves[c].error_p95 : r.curves[c].error,
                                      {colours[c % 2], Dash::dashed, 1.5, true},
                                      r.curves[c].name});
  if (r.tolerance > 0.0 && !tail)
    panel.marks.push_back(
        chart::Rule{false, r.tolerance, {Colour::grey, Dash::dotted, 1.0, false}, "tolerance"});
  figure.panels.push_back(std::move(panel));
  return chart::render(figure);
}

std::string history_table(const LearnReport& r) {
  report::Table table;
  table.caption = "The rounds of the campaign";
  table.compact = true;
  table.columns = {
      {"Simulations", "spent so far"},
      {"Failed", "of them"},
      {"Error", "root of the mean of NRMSE² over outputs"},
      {"At most", "one-sided bound at the confidence asked for"},
      {"95% of runs", "quantile of the errors of single runs"},
      {"Gain", "share of the error that each simulation of the next batch is predicted to take away"},
      {"Fit", "seconds"},
      {"Choice", "seconds"}};
  const bool focused = std::any_of(r.history.begin(), r.history.end(),
                                   [](const LearnRound& round) { return !std::isnan(round.change); });
  if (focused)
    table.columns.push_back(
        {"Change", "of the posterior since the round before: Kullback-Leibler divergence, nats"});
  for (const LearnRound& round : r.history) {
    table.rows.push_back({{text(round.runs), text(round.failed), report::number(round.error),
                           report::number(round.error_upper), report::number(round.error_p95),
                           std::isnan(round.gain) ? "–" : report::number(round.gain),
                           report::duration(round.fit_seconds), report::duration(round.choose_seconds)},
                          false});
    if (focused)
      table.rows.back().cells.push_back(std::isnan(round.change) ? "–" : report::number(round.change));
  }
  return report::to_html(table);
}

}  // namespace

std::string comparison_text(const std::vector<LearnRound>& history, const LearnCurve& curve) {
  if (history.empty() || curve.runs.size() == 0) return {};
  const double goal = curve.error[curve.error.size() - 1];
  const auto spent = static_cast<Index>(curve.runs[curve.runs.size() - 1]);
  for (const LearnRound& r : history)
    if (r.error <= goal) {
      if (r.runs < spent)
        return text("reaches with ", r.runs, " simulations what ", curve.name, " points reach with ", spent,
                    " (error ", brief(goal, 3), ")");
      return text("no better than ", curve.name, " points: both need ", spent,
                  " simulations for an error of ", brief(goal, 3));
    }
  return text("does not pay here: ", curve.name, " points reach an error of ", brief(goal, 3), " with ",
              spent, " simulations, the campaign ", brief(history.back().error, 3));
}

std::string render_html(const LearnReport& r) {
  const std::string title = report::escape(r.title);
  std::string s =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>" +
      title + " · learning</title>\n<style>" + report::kStyle +
      "</style>\n</head>\n<body>\n<header>\n<p class=\"eyebrow\">Learning campaign</p>\n<h1>" + title +
      "</h1>\n<p>" + report::escape(r.why) + ".</p>\n";
  for (const LearnCurve& curve : r.curves)
    s += "<p>" +
         report::escape(text("The acquisition ", r.acquisition, " ", comparison_text(r.history, curve))) +
         ".</p>\n";
  s += "</header>\n<main>\n<section aria-labelledby=\"errors\">\n<h2 id=\"errors\">Error against "
       "simulations</h2>\n";
  if (!r.history.empty())
    s += "<div class=\"halves\">" +
         report::figure("Error", text("On ", r.measured_on, "; lower is better."), error_chart(r, false)) +
         report::figure("Worst runs", "95% of the runs have a smaller error, over the same spread.",
                        error_chart(r, true)) +
         "</div>\n";
  s += "</section>\n<section aria-labelledby=\"rounds\">\n<h2 id=\"rounds\">Rounds</h2>\n" +
       report::definition_list({{"acquisition", report::escape(r.acquisition)},
                                {"batch", text(r.batch)},
                                {"regressor", report::escape(r.regressor)},
                                {"error measured on", report::escape(r.measured_on)}}) +
       "<div class=\"card\">" + history_table(r) + "</div>\n</section>\n</main>\n</body>\n</html>\n";
  return s;
}

}  // namespace ersatz
