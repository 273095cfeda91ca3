#include "ersatz/selection/search.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common.hpp"
#include "ersatz/selection/score.hpp"
#include "ersatz/storage/replace_file.hpp"
#include "mismatch_flags.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string archive, space, output, history, method = "bayesian", score = "nrmse";
  Index trials = 50, folds = 5, nested = 0;
  double seconds = std::numeric_limits<double>::infinity();
  bool resume = false;
  MismatchFlags mismatch;
};

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json to_json(const SearchTrial& t) {
  Json values = Json::object();
  for (const auto& [name, value] : t.values) values[name] = value;
  return {{"values", values},
          {"score", number(t.score)},
          {"standard_error", number(t.standard_error)},
          {"seconds", number(t.seconds)},
          {"failure", t.failure}};
}

std::string in_words(const SearchTrial& t) {
  std::string line;
  for (const auto& [name, value] : t.values) line += text(line.empty() ? "" : ", ", name, " = ", value);
  return line;
}

const char* to_string(SearchEnd end) {
  return end == SearchEnd::finished ? "finished" : end == SearchEnd::stopped ? "stopped" : "out of time";
}

void print(const SearchResult& r, const Options& o, const Score& score) {
  std::vector<const SearchTrial*> order;
  std::size_t failed = 0;
  for (const SearchTrial& t : r.trials) {
    if (std::isfinite(t.score))
      order.push_back(&t);
    else
      ++failed;
  }
  std::stable_sort(order.begin(), order.end(), [&](const SearchTrial* a, const SearchTrial* b) {
    return score.larger_is_better ? a->score > b->score : a->score < b->score;
  });
  std::printf(
      "%zu recipes tried (%ld of them kept from before), %zu could not be fitted; %ld-fold "
      "cross-validation of %ld runs\n\n",
      r.trials.size(), static_cast<long>(r.kept), failed, static_cast<long>(o.folds),
      static_cast<long>(r.searched_runs));
  for (std::size_t i = 0; i < std::min<std::size_t>(order.size(), 10); ++i)
    std::printf("%s %s %s ± %s  %s\n", i == 0 ? "*" : " ", score.label.c_str(),
                brief(order[i]->score).c_str(), brief(order[i]->standard_error, 2).c_str(),
                in_words(*order[i]).c_str());
  if (r.nested)
    std::printf(
        "\nNested cross-validation: a search like this one gives %s %s ± %s on runs that it has not "
        "seen.\n",
        score.label.c_str(), brief(r.nested->first).c_str(), brief(r.nested->second, 2).c_str());
  else
    std::printf(
        "\nThe best of many is better on its own folds than elsewhere; --nested 4 says what to expect.\n");
  if (r.test_runs > 0)
    std::printf("%ld runs were never looked at; ersatz train with the same --seed tests on them.\n",
                static_cast<long>(r.test_runs));
}

int run(const Session& session, const Options& o) {
  SearchOptions options;
  options.mismatch = o.mismatch.options();
  options.method = search_method_from_string(o.method);
  const Score score = find_score(o.score);
  options.score = o.score;
  options.trials = o.trials;
  options.seconds = o.seconds;
  options.folds = o.folds;
  options.nested = o.nested;
  options.resume = o.resume;
  options.history = o.history.empty() ? o.output + ".history.jsonl" : o.history;
  options.stop = &stop_requested;
  session.check_output(o.output, {o.archive, o.space}, o.resume);
  session.check_output(options.history, {o.archive, o.space, o.output}, o.resume);
  const SearchSpace space = SearchSpace::read(o.space);
  const auto executor = session.executor();
  const Archive archive = read_simulations(o.archive, *executor);
  same_on_all_ranks(*executor, space.hash(), "the space of recipes");
  print_leaks(session, archive);
  executor->share([&] {
    if (session.force && !o.resume) std::remove(options.history.c_str());
    return Bytes();
  });
  catch_signals();
  const auto progress = session.progress();
  const SearchResult r = naming(o.archive, [&] {
    return ersatz::search(archive, space, options, session.context(*executor, *progress));
  });
  executor->share([&] {
    if (r.best >= 0)
      replace_file(o.output, text("# The best of ", r.trials.size(), " recipes: ", score.name, " ",
                                  r.trials[static_cast<std::size_t>(r.best)].score, " (ersatz search, seed ",
                                  session.seed, ")\n", to_toml(r.recipe)));
    return Bytes();
  });
  if (session.json) {
    Json trials = Json::array();
    for (const SearchTrial& t : r.trials) trials.push_back(to_json(t));
    Json j{{"recipe", r.best >= 0 ? Json(o.output) : Json(nullptr)},
           {"history", options.history},
           {"end", to_string(r.end)},
           {"score", o.score},
           {"best", r.best >= 0 ? to_json(r.trials[static_cast<std::size_t>(r.best)]) : Json(nullptr)},
           {"nested", r.nested ? number(r.nested->first) : Json(nullptr)},
           {"nested_se", r.nested ? number(r.nested->second) : Json(nullptr)},
           {"searched_runs", r.searched_runs},
           {"test_runs", r.test_runs},
           {"kept", r.kept},
           {"trials", trials}};
    std::printf("%s\n", j.dump(2).c_str());
  } else if (r.best >= 0) {
    print(r, o, score);
  }
  if (r.end == SearchEnd::stopped) {
    if (executor->process() == 0)
      std::fprintf(stderr, "ersatz: stopped after %zu recipes; go on with --resume\n", r.trials.size());
    return 130;
  }
  if (r.best < 0)
    throw NumericalError(r.trials.empty()
                             ? "no recipe was tried"
                             : text("no recipe could be fitted; the first one said: ", r.trials[0].failure));
  return 0;
}

}  // namespace

void add_search(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("search", "Try recipes of a space, and write the best one");
  sub->add_option("archive", o->archive, "Simulations: an archive (sims.h5)")->required();
  sub->add_option("--space", o->space, "Recipe with open values (TOML); see docs/choosing.md")->required();
  sub->add_option("-o,--output", o->output, "Recipe to write (TOML)")->required();
  sub->add_option("--method", o->method, "grid, random, bayesian (default)");
  std::string known;
  for (const auto& name : score_names()) known += (known.empty() ? "" : ", ") + name;
  sub->add_option("--score", o->score, "What decides (default nrmse): " + known);
  sub->add_option("--trials", o->trials, "Recipes to try at most (default 50)")->check(CLI::Range(1, 100000));
  sub->add_option("--time", o->seconds, "Seconds after which no further recipe is tried")->check(positive());
  sub->add_option("--folds", o->folds, "Folds of the cross-validation (default 5): fits for each recipe")
      ->check(CLI::Range(2, 1000));
  sub->add_option("--nested", o->nested,
                  "Outer folds that say what the search is worth, each a search again (default 0: none)")
      ->check(CLI::Range(0, 1000));
  sub->add_option("--history", o->history, "File that keeps each trial (default OUTPUT.history.jsonl)");
  sub->add_flag("--resume", o->resume, "Go on with the history of an earlier call");
  o->mismatch.add_to(*sub);
  session.add_options(*sub, true);
  sub->footer(
      "Examples:\n"
      "  ersatz search sims.h5 --space search.toml -o best.toml --trials 40 --nested 4\n"
      "  ersatz search sims.h5 --space search.toml -o best.toml --trials 80 --resume\n"
      "  ersatz train sims.h5 --recipe best.toml -o model.h5\n\n"
      "Ctrl-C stops after the recipe under way; --resume goes on.");
  sub->callback([&session, o] {
    session.uses_ranks = true;
    session.run = [&session, o] { return run(session, *o); };
  });
}

}  // namespace ersatz::driver
