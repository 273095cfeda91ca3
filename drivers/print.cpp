#include "print.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/selection/score.hpp"

namespace ersatz::driver {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

/// Columns of text, the first one to the left, the others to the right.
std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t left_columns) {
  std::vector<std::size_t> width;
  const auto length = [](const std::string& s) {  // code points
    return static_cast<std::size_t>(
        std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  };
  for (const auto& row : rows) {
    width.resize(std::max(width.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], length(row[c]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string fill(width[c] - length(row[c]), ' ');
      line += c ? "  " : "";
      line += c < left_columns || c + 1 == row.size() ? row[c] + fill : fill + row[c];
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

std::string show(double value, int digits = 3) { return std::isfinite(value) ? brief(value, digits) : "-"; }
std::string percent(double value) { return std::isfinite(value) ? brief(100.0 * value, 3) + " %" : "-"; }

/// The figures with what they are: noise curve, what was maximised over, band, taper.
template <class Scores>
void add_mismatch(Json& j, const Scores& s, const MismatchTerms& terms) {
  j["mismatch_median"] = number(s.mismatch_median);
  j["mismatch_p95"] = number(s.mismatch_p95);
  j["noise_curve"] = terms.noise_curve;
  j["maximised_over"] = terms.maximised_over;
  if (!terms.settings.empty()) j["mismatch_settings"] = terms.settings;
  if (!s.missing.empty()) j["mismatch_missing"] = s.missing;
}

/// Ends of interval number b of the domain score, in words.
std::string domain_interval(Index b) {
  const auto edges = static_cast<Index>(domain_edges.size());
  if (b == edges) return "outside of the box";
  if (b == edges - 1) return text("beyond ", domain_edges[static_cast<std::size_t>(b - 1)]);
  return text("up to ", domain_edges[static_cast<std::size_t>(b)]);
}

Json by_domain_score(const Vector& runs, const Vector& error) {
  Json list = Json::array();
  for (Index b = 0; b < error.size(); ++b)
    if (runs[b] > 0.0)
      list.push_back(
          {{"domain_score", domain_interval(b)}, {"runs", static_cast<Index>(runs[b])}, {"nrmse", error[b]}});
  return list;
}

std::string in_words(const MismatchTerms& terms) {
  return terms.noise_curve + " noise, maximised over " + terms.maximised_over +
         (terms.settings.empty() ? "" : "; " + terms.settings);
}

}  // namespace

Json to_json(const Validation& v) {
  Json outputs = Json::object(), groups = Json::object();
  for (std::size_t o = 0; o < v.outputs.size(); ++o) {
    const OutputScores& s = v.outputs[o];
    Json j;
    j["rmse"] = number(s.rmse);
    j["nrmse"] = number(s.nrmse);
    j["r2"] = number(s.r2);
    j["max_abs"] = number(s.max_abs);
    j["median_relative_l2"] = number(s.median_relative_l2);
    j["p95_relative_l2"] = number(s.p95_relative_l2);
    j["coverage_68"] = number(s.coverage_68);
    j["coverage_95"] = number(s.coverage_95);
    j["crps"] = number(s.crps);
    j["log_score"] = number(s.log_score);
    const OutputDiagnostics& d = v.diagnostics[o];
    Json levels = Json::array();
    for (Index l = 0; l < d.nominal.size(); ++l)
      levels.push_back({{"level", d.nominal[l]}, {"covered", d.observed[l]}});
    j["coverage"] = levels;
    j["constant_bins"] = s.constant_bins;
    if (d.domain_error.size() > 0)
      j["error_by_domain_score"] = by_domain_score(v.domain_runs, d.domain_error);
    if (v.diagnostics[o].spec.complex) {
      add_mismatch(j, s, v.mismatch);
    }
    outputs[s.name] = j;
  }
  for (const GroupScores& g : v.groups) {
    groups[g.name]["members"] = g.members;
    add_mismatch(groups[g.name], g, v.mismatch);
  }
  Json j{{"outputs", outputs},
         {"groups", groups},
         {"n", v.n},
         {"outside_domain", v.outside_domain},
         {"domain_rule", v.domain_rule},
         {"source", v.source},
         {"predict_us", number(v.predict_seconds * 1e6)},
         {"batch_us", number(v.batch_seconds * 1e6)}};
  if (v.test_uses > 0) {
    j["test_hash"] = v.test_hash;
    j["test_uses"] = v.test_uses;
  }
  return j;
}

Json to_json(const std::vector<ComparisonRow>& rows, const MismatchTerms& terms) {
  Json list = Json::array();
  for (const ComparisonRow& r : rows) {
    list.push_back({{"regressor", r.regressor},
                    {"settings", r.settings},
                    {"nrmse", number(r.nrmse)},
                    {"nrmse_se", number(r.nrmse_se)},
                    {"fit_seconds", number(r.fit_seconds)},
                    {"predict_us", number(r.predict_us)},
                    {"chosen", r.chosen},
                    {"why", r.why},
                    {"score", r.score.empty() ? "nrmse" : r.score},
                    {"score_value", number(r.score.empty() ? r.nrmse : r.value)},
                    {"score_se", number(r.score.empty() ? r.nrmse_se : r.value_se)}});
    if (!std::isfinite(r.mismatch_median)) continue;
    Json& j = list.back();
    j["mismatch_median"] = number(r.mismatch_median);
    j["mismatch_p95"] = number(r.mismatch_p95);
    j["noise_curve"] = terms.noise_curve;
    j["maximised_over"] = terms.maximised_over;
    if (!terms.settings.empty()) j["mismatch_settings"] = terms.settings;
  }
  return list;
}

std::string to_text(const Validation& v) {
  std::string out = text("Scores on ", v.n, " runs that the emulator has not seen (", v.source, ")\n\n");
  const bool waves =
      std::any_of(v.diagnostics.begin(), v.diagnostics.end(), [](const auto& d) { return d.spec.complex; });
  std::vector<std::vector<std::string>> rows{{"output", "relative L2 median", "95 %", "NRMSE", "RMSE",
                                              "max |error|", "68 % bars cover", "95 % bars cover"}};
  if (waves) rows[0].insert(rows[0].end(), {"mismatch median", "95 %"});
  rows[0].emplace_back();
  for (const OutputScores& s : v.outputs) {
    std::vector<std::string> row{
        s.name,          show(s.median_relative_l2), show(s.p95_relative_l2), show(s.nrmse), show(s.rmse),
        show(s.max_abs), percent(s.coverage_68),     percent(s.coverage_95)};
    if (waves) row.insert(row.end(), {show(s.mismatch_median), show(s.mismatch_p95)});
    row.emplace_back();
    rows.push_back(row);
  }
  out += table(rows, 1);
  for (const GroupScores& g : v.groups)
    out += g.missing.empty() ? text("\n", g.name, ": mismatch median ", show(g.mismatch_median), ", 95 % ",
                                    show(g.mismatch_p95), "\n")
                             : text("\n", g.name, ": no mismatch: ", g.missing, "\n");
  if (waves) out += "\nMismatch: " + in_words(v.mismatch) + ".\n";
  std::vector<std::pair<std::string, std::string>> missing;  // reason, outputs
  for (const OutputScores& s : v.outputs) {
    if (s.missing.empty()) continue;
    if (missing.empty() || missing.back().first != s.missing) missing.emplace_back(s.missing, "");
    missing.back().second += (missing.back().second.empty() ? "" : ", ") + s.name;
  }
  for (const auto& [reason, outputs] : missing) out += text("\n", outputs, ": no mismatch: ", reason, "\n");
  for (const OutputScores& s : v.outputs)
    if (s.constant_bins > 0)
      out += text("\n", s.name, ": ", s.constant_bins,
                  " bins do not vary; they are left out of the coverage.\n");
  std::vector<std::vector<std::string>> domain{{"domain score", "runs"}};
  for (const auto& d : v.diagnostics)
    if (d.domain_error.size() > 0) domain[0].push_back("NRMSE of " + d.spec.name);
  for (Index b = 0; b < v.domain_runs.size(); ++b) {
    if (!(v.domain_runs[b] > 0.0)) continue;
    domain.push_back({domain_interval(b), show(v.domain_runs[b], 9)});
    for (const auto& d : v.diagnostics)
      if (d.domain_error.size() > 0) domain.back().push_back(show(d.domain_error[b]));
  }
  for (auto& row : domain) row.emplace_back();
  if (domain.size() > 2) out += "\n" + table(domain, 1);
  if (!v.domain_rule.empty()) out += "\nDomain score: " + v.domain_rule + ".\n";
  out += text("\nOutside of the training domain: ", v.outside_domain, " of ", v.n, ". One prediction takes ",
              show(v.predict_seconds * 1e6), " µs alone, ", show(v.batch_seconds * 1e6), " µs in a batch.\n");
  return out;
}

std::string to_text(const std::vector<ComparisonRow>& rows, const MismatchTerms& terms) {
  const bool waves = std::any_of(rows.begin(), rows.end(),
                                 [](const ComparisonRow& r) { return std::isfinite(r.mismatch_median); });
  const bool scored = std::any_of(rows.begin(), rows.end(), [](const auto& r) { return !r.score.empty(); });
  std::vector<std::vector<std::string>> lines{{"", "regressor", "settings"}};
  if (scored) lines[0].insert(lines[0].end(), {find_score(rows.front().score).label, "±"});
  lines[0].insert(lines[0].end(), {"NRMSE", "±"});
  if (waves) lines[0].insert(lines[0].end(), {"mismatch median", "95 %"});
  lines[0].insert(lines[0].end(), {"fit [s]", "predict [µs]", "why"});
  for (const ComparisonRow& r : rows) {
    lines.push_back({r.chosen ? "*" : "", r.regressor, r.settings});
    if (scored) lines.back().insert(lines.back().end(), {show(r.value), show(r.value_se, 2)});
    lines.back().insert(lines.back().end(), {show(r.nrmse), show(r.nrmse_se, 2)});
    if (waves) lines.back().insert(lines.back().end(), {show(r.mismatch_median), show(r.mismatch_p95)});
    lines.back().insert(lines.back().end(), {show(r.fit_seconds), show(r.predict_us), r.why});
  }
  return table(lines, 3) + (waves ? "\nMismatch: " + in_words(terms) + ".\n" : "");
}

}  // namespace ersatz::driver
