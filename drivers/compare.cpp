#include "ersatz/selection/compare.hpp"

#include <cstdio>

#include "common.hpp"
#include "ersatz/selection/folds.hpp"
#include "ersatz/selection/score.hpp"
#include "ersatz/storage/archive.hpp"
#include "mismatch_flags.hpp"
#include "print.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string archive, recipe, entrants;
  Index folds = 5;
  std::string score = "nrmse";
  MismatchFlags mismatch;
};

int run(const Session& session, const Options& o) {
  const MismatchOptions mismatch = o.mismatch.options();
  find_score(o.score);  // throws before anything is read
  const auto executor = session.executor();
  const Archive archive = read_simulations(o.archive, *executor);
  const Recipe recipe = o.recipe.empty() ? Recipe{} : read_recipe(o.recipe);
  same_on_all_ranks(*executor, to_toml(recipe), "the recipe");
  const auto contestants = o.entrants.empty() ? default_contestants() : read_contestants(o.entrants);
  std::string list;
  for (const Contestant& c : contestants) {
    Recipe entrant;
    entrant.channel.regressor = {c.regressor, c.settings};
    list += to_toml(entrant);
  }
  same_on_all_ranks(*executor, list, "the list of entrants");
  const auto progress = session.progress();
  const auto rows = naming(o.archive, [&] {
    return ersatz::compare(archive, recipe, contestants, o.folds, session.context(*executor, *progress),
                           mismatch, o.score);
  });
  print_leaks(session, archive);
  if (session.json)
    std::printf("%s\n", to_json(rows, describe(mismatch)).dump(2).c_str());
  else
    std::printf("%ld-fold cross-validation of %ld runs; * is the simplest that serves\n\n%s",
                static_cast<long>(o.folds), static_cast<long>(archive.count(RunStatus::done)),
                to_text(rows, describe(mismatch)).c_str());
  return 0;
}

}  // namespace

void add_compare(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("compare", "Every regressor on the same folds: which is the simplest that serves?");
  sub->add_option("archive", o->archive, "Simulations: an archive (sims.h5)")->required();
  sub->add_option("--folds", o->folds, "Folds of the cross-validation (default 5)")
      ->check(CLI::Range(2, 1000));
  sub->add_option("--recipe", o->recipe, "Recipe for decoders, transforms and bases (TOML)");
  sub->add_option("--entrants", o->entrants,
                  "Regressors to compare, from the simplest on (TOML; default: all that apply); see "
                  "docs/choosing.md");
  std::string known;
  for (const auto& name : score_names()) known += (known.empty() ? "" : ", ") + name;
  sub->add_option("--score", o->score, "What decides (default nrmse): " + known);
  o->mismatch.add_to(*sub);
  session.add_options(*sub, false);
  sub->footer(
      "Examples:\n  ersatz compare sims.h5 --folds 10\n  ersatz compare sims.h5 --score crps\n  ersatz "
      "compare sims.h5 --entrants entrants.toml");
  sub->callback([&session, o] {
    session.uses_ranks = true;
    session.run = [&session, o] { return run(session, *o); };
  });
}

}  // namespace ersatz::driver
