#include "infer_print.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common.hpp"

namespace ersatz::driver {
namespace {

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

double laplace_deviation(const ChainFile& file, Index i) {
  return file.laplace.covariance.size() > 0 ? std::sqrt(file.laplace.covariance(i, i))
                                            : std::numeric_limits<double>::quiet_NaN();
}

Json maximum_json(const ChainFile& file) {
  Json theta = Json::object(), deviation = Json::object();
  for (std::size_t i = 0; i < file.chains.parameters.size(); ++i) {
    const std::string& name = file.chains.parameters[i].name;
    theta[name] = file.maximum->theta[static_cast<Index>(i)];
    deviation[name] = number(laplace_deviation(file, static_cast<Index>(i)));
  }
  return {{"parameters", theta},
          {"deviations", deviation},
          {"no_deviations_because", file.laplace.why_not},
          {"log_prior", file.maximum->value.log_prior},
          {"log_likelihood", file.maximum->value.log_likelihood},
          {"converged", file.maximum->converged}};
}

std::string value_of(double value, double deviation) {
  return brief(value, significant_digits(value, deviation));
}

using Row = std::vector<std::string>;

void print_table(const std::vector<Row>& rows) {
  std::vector<int> widths(rows[0].size(), 0);
  for (const Row& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], static_cast<int>(row[c].size()));
  for (const Row& row : rows) {
    std::printf("%-*s", widths[0], row[0].c_str());
    for (std::size_t c = 1; c < row.size(); ++c) std::printf("  %*s", widths[c], row[c].c_str());
    std::printf("\n");
  }
}

std::string labelled(const DensityParameter& p) {
  return p.unit.empty() ? p.name : p.name + " [" + p.unit + "]";
}

}  // namespace

Inferred conclude(const Chains& chains, const ParameterSpace& box) {
  Inferred result;
  result.summaries = summaries(chains);
  for (Index i = 0; i < chains.size(); ++i) {
    const std::string& name = chains.parameters[static_cast<std::size_t>(i)].name;
    EdgeShare share;
    for (const Parameter& p : box.parameters()) {
      if (p.name != name || p.scale == Scale::periodic) continue;
      share = edge_share(chains.draws(i), p.lower, p.upper);
      for (const bool upper : {false, true}) {
        const double at = upper ? share.at_upper : share.at_lower;
        if (at > EdgeShare::much)
          result.edges.push_back(text("the posterior of '", name, "' leans on the ",
                                      upper ? "upper" : "lower", " edge of the training domain: ",
                                      brief(100.0 * at, 3), "% of the draws are within 5% of the box from ",
                                      upper ? p.upper : p.lower, "; what lies beyond was never learnt"));
      }
    }
    result.shares.push_back(share);
  }
  const double outside = figures(chains).outside_domain;
  if (outside > 0.01)
    result.edges.push_back(
        text(brief(100.0 * outside, 3),
             "% of the draws are further from the training runs than these are from one another; ",
             "there the emulator extrapolates"));
  return result;
}

void print_posterior(bool json, const std::string& path, const ChainFile& file, const Inferred& inferred) {
  const Chains& chains = file.chains;
  const SamplingFigures f = figures(chains);
  const bool nuts = chains.options.method == SamplingMethod::nuts;
  if (json) {
    Json parameters = Json::array();
    for (std::size_t i = 0; i < inferred.summaries.size(); ++i) {
      const MarginalSummary& s = inferred.summaries[i];
      parameters.push_back({{"name", chains.parameters[i].name},
                            {"unit", chains.parameters[i].unit},
                            {"mean", s.mean},
                            {"standard_deviation", s.deviation},
                            {"median", s.median},
                            {"interval_68", {s.lower68, s.upper68}},
                            {"interval_95", {s.lower95, s.upper95}},
                            {"r_hat", number(s.r_hat)},
                            {"bulk_effective_size", number(s.bulk_size)},
                            {"tail_effective_size", number(s.tail_size)},
                            {"autocorrelation_time", number(s.autocorrelation)},
                            {"share_at_lower_edge", inferred.shares[i].at_lower},
                            {"share_at_upper_edge", inferred.shares[i].at_upper},
                            {"leans_on_edge", inferred.shares[i].leans()}});
    }
    const Json j{{"chain", path},
                 {"method", to_string(chains.options.method)},
                 {"end", file.end},
                 {"chains", chains.chains()},
                 {"warmup", chains.warmup_steps()},
                 {"steps", chains.steps()},
                 {"parameters", parameters},
                 {"acceptance", f.acceptance},
                 {"evaluations_per_step", f.evaluations},
                 {"diverged", f.diverged},
                 {"stopped_at_walls", f.stopped},
                 {"exhausted", f.exhausted},
                 {"share_outside_domain", f.outside_domain},
                 {"maximum", maximum_json(file)},
                 {"domain_warnings", inferred.edges},
                 {"warnings", file.warnings}};
    std::printf("%s\n", j.dump(2).c_str());
    return;
  }
  std::printf("%s: %ld %s, %ld steps after %ld of warm-up (%s)\n\n", path.c_str(),
              static_cast<long>(chains.chains()), nuts ? "chains" : "walkers",
              static_cast<long>(chains.steps()), static_cast<long>(chains.warmup_steps()), file.end.c_str());
  if (!inferred.summaries.empty()) {
    std::vector<Row> rows{{"parameter", "mean", "sd", "median", "68% from", "to", "95% from", "to", "maximum",
                           "R-hat", "ESS bulk", "tail"}};
    for (std::size_t i = 0; i < inferred.summaries.size(); ++i) {
      const MarginalSummary& s = inferred.summaries[i];
      const auto show = [&](double v) { return value_of(v, s.deviation); };
      rows.push_back({labelled(chains.parameters[i]), show(s.mean), brief(s.deviation, 3), show(s.median),
                      show(s.lower68), show(s.upper68), show(s.lower95), show(s.upper95),
                      show(file.maximum->theta[static_cast<Index>(i)]), brief(s.r_hat, 5),
                      brief(s.bulk_size, 4), brief(s.tail_size, 4)});
    }
    print_table(rows);
  }
  std::printf("\nacceptance %s, %s evaluations per step", brief(f.acceptance, 3).c_str(),
              brief(f.evaluations, 3).c_str());
  if (nuts) std::printf(", %ld divergences", static_cast<long>(f.diverged));
  std::printf("; %s%% of the draws outside of the training domain\n",
              brief(100.0 * f.outside_domain, 3).c_str());
  for (const std::string& edge : inferred.edges) std::printf("domain: %s\n", edge.c_str());
  for (const std::string& warning : file.warnings) std::printf("warning: %s\n", warning.c_str());
}

void print_maximum(bool json, const std::string& path, const ChainFile& file) {
  if (json) {
    std::printf("%s\n",
                Json{{"chain", path}, {"method", "map"}, {"maximum", maximum_json(file)}}.dump(2).c_str());
    return;
  }
  std::printf("%s: log posterior %s at its maximum%s\n\n", path.c_str(),
              brief(file.maximum->value.sum(), 8).c_str(),
              file.maximum->converged ? "" : " (the search ended before it had settled)");
  std::vector<Row> rows{{"parameter", "maximum", "sd"}};
  for (std::size_t i = 0; i < file.chains.parameters.size(); ++i) {
    const double deviation = laplace_deviation(file, static_cast<Index>(i));
    rows.push_back({labelled(file.chains.parameters[i]),
                    value_of(file.maximum->theta[static_cast<Index>(i)], deviation),
                    std::isfinite(deviation) ? brief(deviation, 3) : "-"});
  }
  print_table(rows);
  if (!file.laplace.why_not.empty())
    std::printf("\nno normal approximation: %s\n", file.laplace.why_not.c_str());
  else
    std::printf("\nsd: of the normal approximation at the maximum\n");
}

}  // namespace ersatz::driver
