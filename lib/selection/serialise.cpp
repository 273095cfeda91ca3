#include "selection/serialise.hpp"

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

void save_case(const h5::Group& g, const HeldOutCase& c) {
  g.set("row", static_cast<std::int64_t>(c.row));
  g.set("error", c.error);
  g.set("inside_domain", static_cast<std::int64_t>(c.inside_domain));
  g.write("parameters", c.parameters);
  g.write("truth", c.truth);
  g.write("mean", c.mean);
  g.write("std", c.std);
}

HeldOutCase load_case(const h5::Group& g) {
  HeldOutCase c;
  c.row = g.get_integer("row");
  c.error = g.get_double("error");
  c.inside_domain = g.get_integer("inside_domain") != 0;
  c.parameters = g.read_vector("parameters");
  c.truth = g.read_vector("truth");
  c.mean = g.read_vector("mean");
  c.std = g.read_vector("std");
  return c;
}

/// The scalar scores and their names in the file, the same as in `validate --json`.
template <class Scores, class Visit>
void each_score(Scores& s, const Visit& visit) {
  visit("rmse", s.rmse);
  visit("nrmse", s.nrmse);
  visit("r2", s.r2);
  visit("max_abs", s.max_abs);
  visit("median_relative_l2", s.median_relative_l2);
  visit("p95_relative_l2", s.p95_relative_l2);
  visit("coverage_68", s.coverage_68);
  visit("coverage_95", s.coverage_95);
  visit("crps", s.crps);
  visit("log_score", s.log_score);
  visit("mismatch_median", s.mismatch_median);
  visit("mismatch_p95", s.mismatch_p95);
}

template <class Diagnostics, class Visit>
void each_series(Diagnostics& d, const Visit& visit) {
  visit("axis", d.axis);
  visit("rmse", d.rmse);
  visit("spread", d.spread);
  visit("mean_std", d.mean_std);
  visit("coverage_68", d.coverage_68);
  visit("coverage_95", d.coverage_95);
  visit("domain_error", d.domain_error);
  visit("relative_l2", d.relative_l2);
  visit("mismatch", d.mismatch);
  visit("nominal", d.nominal);
  visit("observed", d.observed);
  visit("pit", d.pit);
  visit("scatter_truth", d.scatter_truth);
  visit("scatter_mean", d.scatter_mean);
  visit("scatter_std", d.scatter_std);
}

}  // namespace

void save_validation(const h5::Group& group, const Validation& v) {
  group.set("n", static_cast<std::int64_t>(v.n));
  group.set("outside_domain", static_cast<std::int64_t>(v.outside_domain));
  group.set("source", v.source);
  group.write("domain_runs", v.domain_runs);
  group.set("domain_rule", v.domain_rule);
  group.set("test_hash", v.test_hash);
  group.set("test_uses", static_cast<std::int64_t>(v.test_uses));
  group.set("predict_seconds", v.predict_seconds);
  group.set("batch_seconds", v.batch_seconds);
  group.set("noise_curve", v.mismatch.noise_curve);
  group.set("maximised_over", v.mismatch.maximised_over);
  group.set("mismatch_settings", v.mismatch.settings);
  group.set("outputs", static_cast<std::int64_t>(v.outputs.size()));
  group.set("groups", static_cast<std::int64_t>(v.groups.size()));
  for (std::size_t o = 0; o < v.outputs.size(); ++o) {
    const h5::Group g = group.create_group(text("output", o));
    const OutputScores& s = v.outputs[o];
    g.set("name", s.name);
    each_score(s, [&g](const char* name, double value) { g.set(name, value); });
    g.set("constant_bins", static_cast<std::int64_t>(s.constant_bins));
    g.set("mismatch_missing", s.missing);
    const OutputDiagnostics& d = v.diagnostics[o];
    g.set("unit", d.spec.unit);
    g.set("axis_name", d.spec.axis);
    g.set("axis_unit", d.axis_unit);
    g.set("size", static_cast<std::int64_t>(d.spec.size));
    g.set("complex", static_cast<std::int64_t>(d.spec.complex));
    const h5::Group series = g.create_group("series");
    each_series(d, [&series](const char* name, const Vector& values) { series.write(name, values); });
    save_case(g.create_group("median"), d.median);
    save_case(g.create_group("worst"), d.worst);
  }
  for (std::size_t i = 0; i < v.groups.size(); ++i) {
    const h5::Group g = group.create_group(text("group", i));
    const GroupScores& s = v.groups[i];
    g.set("name", s.name);
    g.write("members", s.members);
    g.set("mismatch_median", s.mismatch_median);
    g.set("mismatch_p95", s.mismatch_p95);
    g.set("mismatch_missing", s.missing);
    g.write("mismatch", s.mismatch);
    g.set("dominant", s.dominant);
    save_case(g.create_group("worst"), s.worst);
  }
}

Validation load_validation(const h5::Group& group) {
  Validation v;
  v.n = group.get_integer("n");
  v.outside_domain = group.get_integer("outside_domain");
  v.source = group.get_string("source");
  if (group.has("domain_runs")) v.domain_runs = group.read_vector("domain_runs");
  if (group.has_attribute("domain_rule")) v.domain_rule = group.get_string("domain_rule");
  if (group.has_attribute("test_hash")) {
    v.test_hash = group.get_string("test_hash");
    v.test_uses = group.get_integer("test_uses");
  }
  v.predict_seconds = group.get_double("predict_seconds");
  v.batch_seconds = group.get_double("batch_seconds");
  v.mismatch = {group.get_string("noise_curve"), group.get_string("maximised_over"),
                group.get_string("mismatch_settings")};
  for (std::int64_t o = 0; o < group.get_integer("outputs"); ++o) {
    const h5::Group g = group.group(text("output", o));
    OutputScores s;
    s.name = g.get_string("name");
    each_score(s, [&g](const char* name, double& value) { value = g.get_double(name); });
    s.constant_bins = g.get_integer("constant_bins");
    s.missing = g.get_string("mismatch_missing");
    OutputDiagnostics d;
    d.spec = {s.name, g.get_string("unit"), g.get_string("axis_name"),
              static_cast<Index>(g.get_integer("size")), g.get_integer("complex") != 0};
    d.axis_unit = g.get_string("axis_unit");
    const h5::Group series = g.group("series");
    each_series(d, [&series](const char* name, Vector& values) {
      if (series.has(name)) values = series.read_vector(name);  // older files have fewer
    });
    d.median = load_case(g.group("median"));
    d.worst = load_case(g.group("worst"));
    v.outputs.push_back(std::move(s));
    v.diagnostics.push_back(std::move(d));
  }
  for (std::int64_t i = 0; i < group.get_integer("groups"); ++i) {
    const h5::Group g = group.group(text("group", i));
    v.groups.push_back({g.get_string("name"), g.read_strings("members"), g.get_double("mismatch_median"),
                        g.get_double("mismatch_p95"), g.get_string("mismatch_missing"),
                        g.read_vector("mismatch"), g.get_string("dominant"), load_case(g.group("worst"))});
  }
  return v;
}

void save_comparison(const h5::Group& group, const std::vector<ComparisonRow>& rows) {
  std::vector<std::string> regressors, settings, why;
  std::vector<std::int64_t> chosen;
  Matrix numbers(static_cast<Index>(rows.size()), 6);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ComparisonRow& r = rows[i];
    regressors.push_back(r.regressor);
    settings.push_back(r.settings);
    why.push_back(r.why);
    chosen.push_back(r.chosen);
    numbers.row(static_cast<Index>(i)) << r.nrmse, r.nrmse_se, r.fit_seconds, r.predict_us, r.mismatch_median,
        r.mismatch_p95;
  }
  group.write("regressor", regressors);
  group.write("settings", settings);
  group.write("why", why);
  group.write("chosen", chosen);
  group.write("numbers", numbers);
}

std::vector<ComparisonRow> load_comparison(const h5::Group& group) {
  const auto regressors = group.read_strings("regressor");
  const auto n = static_cast<Index>(regressors.size());
  const auto settings = group.read_strings("settings", n), why = group.read_strings("why", n);
  const auto chosen = group.read_integers("chosen", n);
  const Matrix numbers = group.read_matrix("numbers", n, 6);
  std::vector<ComparisonRow> rows;
  for (Index i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i);
    rows.push_back({regressors[k], settings[k], numbers(i, 0), numbers(i, 1), numbers(i, 2), numbers(i, 3),
                    chosen[k] != 0, why[k], numbers(i, 4), numbers(i, 5)});
  }
  return rows;
}

}  // namespace ersatz
