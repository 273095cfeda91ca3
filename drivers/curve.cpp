#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common.hpp"
#include "ersatz/selection/learning_curve.hpp"
#include "ersatz/selection/score.hpp"
#include "mismatch_flags.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string archive, recipe, regressor, score = "nrmse";
  Index folds = 10;
  std::vector<Index> sizes;
  double tolerance = 0.0;
  MismatchFlags mismatch;
};

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json to_json(const Estimate& e) {
  return {{"value", number(e.value)}, {"lower", number(e.lower)}, {"upper", number(e.upper)}};
}

std::string runs_in_words(double n) {
  if (!std::isfinite(n)) return "never";
  return n < 1e9 ? std::to_string(std::llround(std::ceil(n))) : brief(n, 2);
}

void print(const LearningCurve& c, const Options& o, const Score& score) {
  std::printf("%-10s %-12s %-10s fitted\n", "runs", score.label.c_str(), "±");
  for (const CurvePoint& p : c.points)
    std::printf("%-10ld %-12s %-10s %s\n", static_cast<long>(p.runs), brief(p.error).c_str(),
                brief(p.standard_error, 2).c_str(), brief(c.law.at(static_cast<double>(p.runs))).c_str());
  std::printf("\nerror(n) = %s + %s n^-%s; exponent %s … %s, floor %s … %s (90 %%, bootstrap over folds)\n",
              brief(c.law.floor, 3).c_str(), brief(c.law.scale, 3).c_str(), brief(c.law.exponent, 3).c_str(),
              brief(c.exponent.lower, 2).c_str(), brief(c.exponent.upper, 2).c_str(),
              brief(c.floor.lower, 2).c_str(), brief(c.floor.upper, 2).c_str());
  for (const auto& [n, e] : c.ahead)
    std::printf("With %ld runs: %s (%s … %s)\n", static_cast<long>(n), brief(e.value, 3).c_str(),
                brief(e.lower, 3).c_str(), brief(e.upper, 3).c_str());
  if (!c.runs_needed) return;
  const Estimate& needed = *c.runs_needed;
  const auto have = static_cast<double>(c.runs);
  if (needed.value <= have)
    std::printf("%s %s is reached with about %s runs (%s … %s); there are %ld.\n", score.label.c_str(),
                brief(o.tolerance).c_str(), runs_in_words(needed.value).c_str(),
                runs_in_words(needed.lower).c_str(), runs_in_words(needed.upper).c_str(),
                static_cast<long>(c.runs));
  else if (std::isfinite(needed.value))
    std::printf("%s %s takes about %s more runs (%s … %s).\n", score.label.c_str(),
                brief(o.tolerance).c_str(), runs_in_words(needed.value - have).c_str(),
                runs_in_words(std::max(needed.lower - have, 0.0)).c_str(),
                runs_in_words(std::max(needed.upper - have, 0.0)).c_str());
  else
    std::printf(
        "%s %s is below the floor of this recipe: more runs alone do not reach it (%s … %s in all).\n",
        score.label.c_str(), brief(o.tolerance).c_str(), runs_in_words(needed.lower).c_str(),
        runs_in_words(needed.upper).c_str());
  if (c.never > 0.0)
    std::printf("In %s %% of the bootstrap it is never reached.\n", brief(100.0 * c.never, 2).c_str());
}

int run(const Session& session, const Options& o) {
  CurveOptions options;
  options.mismatch = o.mismatch.options();
  const Score score = find_score(o.score);
  options.score = o.score;
  options.folds = o.folds;
  options.sizes = o.sizes;
  if (o.tolerance > 0.0) options.tolerance = o.tolerance;
  Recipe recipe = o.recipe.empty() ? Recipe{} : read_recipe(o.recipe);
  if (!o.regressor.empty()) {
    make_regressor(o.regressor);  // throws on an unknown one before anything is read
    recipe.channel.regressor = {o.regressor, {}};
    for (auto& [name, c] : recipe.channels) c.regressor = {o.regressor, {}};
  }
  const auto executor = session.executor();
  const Archive archive = read_simulations(o.archive, *executor);
  same_on_all_ranks(*executor, to_toml(recipe), "the recipe");
  print_leaks(session, archive);
  const auto progress = session.progress();
  const LearningCurve c = naming(o.archive, [&] {
    return learning_curve(archive, recipe, options, session.context(*executor, *progress));
  });
  if (!session.json) {
    print(c, o, score);
    return 0;
  }
  Json points = Json::array(), ahead = Json::array();
  for (const CurvePoint& p : c.points)
    points.push_back(
        {{"runs", p.runs}, {"error", number(p.error)}, {"standard_error", number(p.standard_error)}});
  for (const auto& [n, e] : c.ahead) {
    Json j = to_json(e);
    j["runs"] = n;
    ahead.push_back(j);
  }
  Json j{{"score", o.score},
         {"runs", c.runs},
         {"points", points},
         {"floor", to_json(c.floor)},
         {"scale", number(c.law.scale)},
         {"exponent", to_json(c.exponent)},
         {"ahead", ahead},
         {"tolerance", options.tolerance ? Json(*options.tolerance) : Json(nullptr)},
         {"runs_needed", c.runs_needed ? to_json(*c.runs_needed) : Json(nullptr)},
         {"never", options.tolerance ? Json(c.never) : Json(nullptr)}};
  std::printf("%s\n", j.dump(2).c_str());
  return 0;
}

}  // namespace

void add_curve(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("curve", "Error against number of simulations: how many more until the tolerance?");
  sub->add_option("archive", o->archive, "Simulations: an archive (sims.h5)")->required();
  sub->add_option("--tolerance", o->tolerance, "The error to reach, in the score's unit")->check(positive());
  sub->add_option("--recipe", o->recipe, "Recipe (TOML); see docs/recipes.md");
  sub->add_option("--regressor", o->regressor, "For all channels (default gp)");
  std::string known;
  for (const auto& name : score_names())
    if (find_score(name).is_error) known += (known.empty() ? "" : ", ") + name;
  sub->add_option("--score", o->score, "The error (default nrmse): " + known);
  sub->add_option("--folds", o->folds, "Folds of the cross-validation (default 10)")
      ->check(CLI::Range(2, 1000));
  sub->add_option("--sizes", o->sizes, "Numbers of runs to learn from, ascending (default: seven)")
      ->delimiter(',')
      ->check(CLI::Range(2, 100000000));
  o->mismatch.add_to(*sub);
  session.add_options(*sub, false);
  sub->footer("Example:\n  ersatz curve sims.h5 --regressor gp --tolerance 0.01");
  sub->callback([&session, o] {
    session.uses_ranks = true;
    session.run = [&session, o] { return run(session, *o); };
  });
}

}  // namespace ersatz::driver
