#include "ersatz/selection/diff.hpp"

#include <cmath>
#include <cstdio>

#include "common.hpp"
#include "print.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string older, newer;
  Index points = 1000;
  double tolerance = std::numeric_limits<double>::infinity();
};

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
std::string show(double value) { return std::isfinite(value) ? brief(value, 3) : "-"; }

/// Outputs whose predictions moved by more than was allowed.
std::vector<std::string> moved(const ModelDifference& d, double tolerance) {
  std::vector<std::string> names;
  for (const OutputDifference& o : d.outputs)
    if (std::isfinite(o.relative) ? o.relative > tolerance : o.rms > 0.0 && std::isfinite(tolerance))
      names.push_back(o.name);
  return names;
}

Json describe(const ModelDifference& d, const std::vector<std::string>& moved) {
  Json outputs = Json::object();
  for (const OutputDifference& o : d.outputs)
    outputs[o.name] = {{"rms", o.rms},
                       {"relative", number(o.relative)},
                       {"max_abs", o.max_abs},
                       {"consistent", number(o.consistent)},
                       {"old_nrmse", number(o.old_nrmse)},
                       {"new_nrmse", number(o.new_nrmse)},
                       {"old_coverage_95", number(o.old_coverage_95)},
                       {"new_coverage_95", number(o.new_coverage_95)}};
  return {{"compatible", d.incompatibilities.empty()},
          {"incompatibilities", d.incompatibilities},
          {"same_data", d.same_data},
          {"same_recipe", d.same_recipe},
          {"points", d.points},
          {"moved", moved},
          {"outputs", outputs}};
}

void print(const Options& o, const ModelDifference& d, const std::vector<std::string>& moved) {
  if (d.incompatibilities.empty())
    std::printf("%s may take the place of %s\n", o.newer.c_str(), o.older.c_str());
  else
    std::printf("%s can NOT take the place of %s:\n", o.newer.c_str(), o.older.c_str());
  for (const std::string& one : d.incompatibilities) std::printf("  %s\n", one.c_str());
  std::printf("\n%s runs, %s recipe\n", d.same_data ? "The same" : "Other",
              d.same_recipe ? "the same" : "another");
  if (d.outputs.empty()) {
    std::printf("There are no predictions to compare.\n");
    return;
  }
  std::printf("\nNew minus old at %ld points of the domain:\n\n", static_cast<long>(d.points));
  for (const OutputDifference& x : d.outputs) {
    std::printf("  %s: root mean square %s (%s of the variation), at most %s", x.name.c_str(),
                show(x.rms).c_str(), show(x.relative).c_str(), show(x.max_abs).c_str());
    if (std::isfinite(x.consistent))
      std::printf("; %s %% within two deviations of both", brief(100.0 * x.consistent, 3).c_str());
    std::printf("\n    held-out NRMSE %s -> %s, 95 %% intervals cover %s -> %s\n", show(x.old_nrmse).c_str(),
                show(x.new_nrmse).c_str(), show(x.old_coverage_95).c_str(), show(x.new_coverage_95).c_str());
  }
  for (const std::string& name : moved)
    std::printf("\n%s moved by more than --tolerance %s\n", name.c_str(), brief(o.tolerance, 3).c_str());
}

int run(const Session& session, const Options& o) {
  const Model older = load_model(o.older), newer = load_model(o.newer);
  const ModelDifference d = naming(o.newer, [&] {
    return diff(older, newer, o.points, RandomStream(session.seed).split("diff"), session.threads);
  });
  const std::vector<std::string> far = moved(d, o.tolerance);
  if (session.json)
    std::printf("%s\n", describe(d, far).dump(2).c_str());
  else
    print(o, d, far);
  return d.incompatibilities.empty() && far.empty() ? 0 : 5;
}

}  // namespace

void add_diff(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("diff", "May one model take another's place, and what would change?");
  sub->add_option("old", o->older, "Model file in use")->required();
  sub->add_option("new", o->newer, "Model file to take its place")->required();
  sub->add_option("-n,--points", o->points, "Points to compare predictions at (default 1000)")
      ->check(CLI::Range(1, 10000000));
  sub->add_option(
         "--tolerance", o->tolerance,
         "Largest change of predictions that passes, root mean square over the variation (default: any)")
      ->check(positive());
  session.add_options(*sub, false);
  sub->footer(
      "Example:\n  ersatz diff old.h5 new.h5 --tolerance 0.01 && mv new.h5 old.h5\n\n"
      "Exit status 0: it may; 5: contracts are incompatible, or predictions moved too far.");
  sub->callback([&session, o] { session.run = [&session, o] { return run(session, *o); }; });
}

}  // namespace ersatz::driver
