// The report of a simulation-based calibration.
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/inference/sbc.hpp"
#include "selection/report_html.hpp"
#include "selection/report_text.hpp"
#include "selection/svg_chart.hpp"

namespace ersatz {
namespace {

std::string histogram(const SbcResult& r, const RankHistogram& h, const std::string& id) {
  const Index bins = h.counts.size();
  chart::Figure figure;
  figure.id = id;
  figure.title = text("Ranks of ", h.parameter);
  figure.description = text("Histogram of the ranks of the true ", h.parameter, " among ", r.draws,
                            " draws of its posterior, over ", r.ranks.rows(), " data sets");
  figure.small = true;
  figure.axis.label = "rank of the truth";
  const double width = static_cast<double>(r.draws + 1);
  chart::Panel panel;
  panel.height = 160;
  panel.axis.label = "data sets";
  panel.marks.push_back(chart::Band{(Vector(2) << 0.0, width).finished(), Vector::Constant(2, r.lower),
                                    Vector::Constant(2, r.upper), chart::Colour::grey, "99% of the bins"});
  panel.marks.push_back(
      chart::Bars{Vector::LinSpaced(bins + 1, 0.0, width), h.counts, chart::Colour::blue, "counted"});
  panel.marks.push_back(
      chart::Rule{false, h.counts.mean(), {chart::Colour::ink, chart::Dash::dashed, 1.0, false}, "expected"});
  figure.panels.push_back(std::move(panel));
  return report::figure(h.parameter,
                        text("χ² = ", brief(h.chi2, 3), " for ", bins - 1, ", p = ", brief(h.p_value, 2)),
                        chart::render(figure));
}

std::string section(const SbcResult& r, std::size_t number) {
  const std::string id = text("result-", static_cast<long>(number));
  Index beyond = 0;
  for (const RankHistogram& h : r.histograms)
    beyond += (h.counts.array() < r.lower || h.counts.array() > r.upper).count();
  std::string s = "<section aria-labelledby=\"" + id + "\">\n<h2 id=\"" + id + "\">" +
                  report::mark(r.uniform() ? report::Level::good : report::Level::poor) + " Ranks are " +
                  (r.uniform() ? "uniform" : "NOT uniform") + "</h2>\n<p>" + report::escape(r.likelihood) +
                  ".</p>\n";
  s += report::definition_list(
      {{"data sets", text(r.ranks.rows())},
       {"draws of each posterior", text(r.draws)},
       {"smallest effective number of draws", report::number(r.effective_sizes.minCoeff())},
       {"data sets with fewer than were taken", text(r.too_few)},
       {"truths drawn again: outside of the domain", text(r.outside)},
       {"truths drawn again: no simulation", text(r.failed)},
       {"bins beyond the 99% band",
        text(beyond, " of ",
             r.histograms.size() * static_cast<std::size_t>(r.histograms.front().counts.size()))}});
  s += "<div class=\"thirds\">";
  for (std::size_t k = 0; k < r.histograms.size(); ++k)
    s += histogram(r, r.histograms[k], text(id, "-", static_cast<long>(k)));
  return s + "</div>\n</section>\n";
}

}  // namespace

std::string render_html(const std::string& title, const std::vector<SbcResult>& results) {
  const std::string name = report::escape(title);
  std::string s =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>" +
      name + " · calibration of posteriors</title>\n<style>" + report::kStyle +
      "</style>\n</head>\n<body>\n<header>\n<p class=\"eyebrow\">Simulation-based calibration</p>\n<h1>" +
      name +
      "</h1>\n<p>Truths are drawn from the prior, data simulated from them, posteriors sampled with the "
      "emulator. "
      "Where posteriors are right, the rank of the truth among the draws is uniform. A ∪ means that they are "
      "too "
      "narrow, a ∩ too wide, a slope that they are off to one side.</p>\n</header>\n<main>\n";
  for (std::size_t k = 0; k < results.size(); ++k) s += section(results[k], k);
  return s + "</main>\n</body>\n</html>\n";
}

}  // namespace ersatz
