// What was trained on what: facts, parameter space, channels, recipe.

#include <algorithm>
#include <cmath>

#include "selection/report_figures.hpp"
#include "selection/report_html.hpp"
#include "selection/report_sections.hpp"
#include "selection/report_text.hpp"

namespace ersatz::report {
namespace {

constexpr std::size_t kBasisPictures = 150'000;  ///< bytes

std::string integer(Index n) { return number(static_cast<double>(n), 6); }

std::string code(const std::string& text) { return text.empty() ? "" : "<code>" + escape(text) + "</code>"; }

/// What comes out, outputs of the same shape together: "h22, h21: 2000 complex bins over time −2000 to 100
/// M".
std::string outputs_of(const Validation& v) {
  std::vector<std::pair<std::string, std::string>> shapes;  // shape, names
  for (const OutputDiagnostics& o : v.diagnostics) {
    std::string shape = o.spec.size == 1
                            ? (o.spec.complex ? "a complex number" : "a number")
                            : integer(o.spec.size) + (o.spec.complex ? " complex bins" : " bins");
    if (o.spec.size > 1 && o.axis.size() == o.spec.size && o.axis.allFinite() && !o.spec.axis.empty())
      shape += " over " + o.spec.axis + " " + number(o.axis.minCoeff(), 5) + " to " +
               number(o.axis.maxCoeff(), 5) + (o.axis_unit.empty() ? "" : " " + o.axis_unit);
    const std::string name = with_unit(o.spec.name, o.spec.unit);
    const auto known =
        std::find_if(shapes.begin(), shapes.end(), [&](const auto& entry) { return entry.first == shape; });
    if (known == shapes.end())
      shapes.emplace_back(shape, name);
    else
      known->second += ", " + name;
  }
  std::string s;
  for (const auto& [shape, names] : shapes) s += (s.empty() ? "" : "; ") + names + ": " + shape;
  return s;
}

std::string scale_text(Scale scale) {
  return scale == Scale::log ? "log" : scale == Scale::periodic ? "periodic" : "linear";
}

std::string space_table(const ParameterSpace& space) {
  if (space.size() == 0) return {};
  Table t;
  t.caption = "Parameters and their bounds";
  t.columns = {{"Parameter", "", false},
               {"From", "", true},
               {"To", "", true},
               {"Unit", "", false},
               {"Scale", "", false}};
  t.compact = true;
  for (const Parameter& p : space.parameters())
    t.rows.push_back(
        {{escape(p.name), number(p.lower, 6), number(p.upper, 6), escape(p.unit), scale_text(p.scale)},
         false});
  std::string s = to_html(t);
  std::vector<std::string> constraints;
  const auto name_at = [&](Index i) { return i >= 0 && i < space.size() ? space[i].name : "?"; };
  for (const BallConstraint& ball : space.balls())
    constraints.push_back("|(" + name_at(ball.members[0]) + ", " + name_at(ball.members[1]) + ", " +
                          name_at(ball.members[2]) + ")| ≤ " + number(ball.radius, 6));
  for (const LinearConstraint& c : space.linear_constraints()) {
    std::string sum;
    for (Index i = 0; i < c.coefficients.size(); ++i) {
      const double a = c.coefficients[i];
      if (a == 0) continue;
      sum += sum.empty() ? (a < 0 ? "−" : "") : (a < 0 ? " − " : " + ");
      if (std::abs(a) != 1) sum += number(std::abs(a), 6) + "·";
      sum += name_at(i);
    }
    constraints.push_back((sum.empty() ? "0" : sum) + " ≤ " + number(c.upper, 6));
  }
  if (!constraints.empty()) {
    s += "<p class=\"hint\">Within the box, moreover: ";
    for (std::size_t i = 0; i < constraints.size(); ++i) s += (i ? "; " : "") + escape(constraints[i]);
    s += ".</p>\n";
  }
  return s;
}

std::string channel_facts(const ChannelSummary& c) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"Transform", escape(c.transform)}, {"Basis", escape(c.basis)}, {"Regressor", escape(c.regressor)}};
  if (c.coefficients > 0) facts.emplace_back("Coefficients", integer(c.coefficients) + " learnt");
  if (std::isfinite(c.projection_error) && !c.basis.empty())
    facts.emplace_back("Basis error", number(c.projection_error, 2) + " relative, on runs held out in turn");
  const BasisErrors& e = c.basis_view.errors;
  const auto add = [&facts](const char* name, double mean, double worst) {
    if (!std::isfinite(mean)) return;
    facts.emplace_back(name, number(mean, 2) + " relative" +
                                 (std::isfinite(worst) ? ", " + number(worst, 2) + " of the worst run" : ""));
  };
  add("Basis leaves of its own runs", e.training_mean, e.training_worst);
  add("Basis leaves of others", e.validation_mean, e.validation_worst);
  if (c.basis_view.nodes.size() > 0) facts.emplace_back("Nodes", integer(c.basis_view.nodes.size()));
  for (const auto& [name, value] : c.facts) facts.emplace_back(name, escape(value));
  return definition_list(facts);
}

/// The pictures of the bases, of the first channels where all would take more than `budget` bytes.
std::string basis_pictures(const ChannelSummary& c, const std::string& id, std::size_t& budget) {
  const std::string wide = basis_elements(c, id + "-elements");
  const std::string small = basis_errors(c, id + "-rank") + singular_values(c, id);
  std::string all;
  if (!small.empty()) all = "<div class=\"halves\">\n" + small + "</div>\n";
  if (!wide.empty()) all = "<div class=\"halves\">\n" + wide + "</div>\n" + all;
  if (all.size() > budget)
    return "<p class=\"hint\">The pictures of this basis are left out to keep this file small.</p>\n";
  budget -= all.size();
  return all;
}

std::string channels(const ReportData& d) {
  if (d.channels.empty()) return {};
  std::string s =
      d.channels.size() == 1
          ? "<h3>How it is built</h3>\n"
          : "<h3>How it is built: " + integer(static_cast<Index>(d.channels.size())) + " channels</h3>\n";
  if (!d.decoder.empty())
    s += "<p>" + std::string(d.channels.size() == 1 ? "The channel becomes" : "The channels become") +
         " the outputs by the decoder <strong>" + escape(d.decoder) + "</strong>.</p>\n";
  std::size_t budget = kBasisPictures;
  for (std::size_t i = 0; i < d.channels.size(); ++i) {
    const ChannelSummary& c = d.channels[i];
    const std::string body = channel_facts(c) + basis_pictures(c, "channel-" + std::to_string(i), budget);
    if (d.channels.size() == 1)
      s += "<div class=\"card\">" + body + "</div>\n";
    else
      s += "<details class=\"card\"><summary><span class=\"name\">" + escape(c.name) +
           "</span><span class=\"figures\">" +
           escape(c.basis + (c.basis.empty() || c.regressor.empty() ? "" : "; ") + c.regressor) +
           "</span></summary>\n" + body + "</details>\n";
  }
  return s;
}

}  // namespace

std::string training_section(const ReportData& d) {
  const Index all = d.training_runs + d.failed_runs;
  std::vector<std::pair<std::string, std::string>> facts = {{"Training runs", integer(d.training_runs)}};
  if (d.failed_runs > 0)
    facts.emplace_back("Failed runs",
                       integer(d.failed_runs) + " of " + integer(all) + " (" +
                           percent(static_cast<double>(d.failed_runs) / static_cast<double>(all)) +
                           "), left out");
  facts.emplace_back(
      "Held-out runs",
      integer(d.validation.n) + (d.validation.source.empty() ? "" : ": " + escape(d.validation.source)));
  facts.emplace_back("Training data", escape(d.provenance));
  facts.emplace_back("Hash of the data", code(d.data_hash));
  facts.emplace_back("Hash of the recipe", code(d.recipe_hash));
  facts.emplace_back("Model file", code(d.model_file));
  facts.emplace_back("Library", d.version.empty() ? "" : "Ersatz " + escape(d.version));
  facts.emplace_back(d.validation.diagnostics.size() == 1 ? "Output" : "Outputs",
                     escape(outputs_of(d.validation)));
  std::string s = "<div class=\"card\">" + definition_list(facts) + "</div>\n";
  const std::string space = space_table(d.space);
  if (!space.empty()) s += "<h3>Parameter space</h3>\n<div class=\"card\">" + space + "</div>\n";
  s += channels(d);
  if (!d.recipe.empty())
    s += "<details class=\"card\"><summary><span class=\"name\">Recipe</span><span class=\"figures\">TOML, "
         "trains the "
         "same emulator again</span></summary>\n<pre>" +
         escape(d.recipe) + "</pre></details>\n";
  return s;
}

}  // namespace ersatz::report
