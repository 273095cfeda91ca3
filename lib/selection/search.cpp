#include "ersatz/selection/search.hpp"

#include <chrono>
#include <cmath>
#include <optional>

#include "core/named_table.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/folds.hpp"
#include "selection/cross_validation.hpp"
#include "selection/search_history.hpp"
#include "selection/search_proposal.hpp"

namespace ersatz {
namespace {

struct NamedMethod {
  std::string_view name;
  SearchMethod method;
};
constexpr NamedMethod methods[] = {
    {"grid", SearchMethod::grid}, {"random", SearchMethod::random}, {"bayesian", SearchMethod::bayesian}};

/// Runs that the search may look at. The others are those that train_model sets aside with the same seed.
Archive searched_part(const Archive& runs, const SearchSpace& space, const FitContext& context) {
  const double fraction = space.at(Vector::Constant(space.size(), 0.5)).recipe.test_fraction;
  if (!(fraction > 0.0)) return runs;
  return runs.subset(random_split(runs.parameters, fraction, context.random.split("test")).train);
}

/// One search without a history or a clock of its own: proposes, cross-validates, keeps.
class Trials {
 public:
  Trials(const Archive& runs, const SearchSpace& space, const SearchOptions& options, const Score& score,
         const FitContext& context)
      : runs_(runs),
        space_(space),
        options_(options),
        score_(score),
        context_(context),
        splits_(k_folds(runs.parameters, options.folds, context.random.split("folds"))),
        sign_(score.larger_is_better ? -1.0 : 1.0) {
    context_.progress = nullptr;
  }

  std::vector<SearchTrial> done;

  /// False: there is nothing left to try.
  bool next() {
    const auto point =
        propose(space_, options_.method, done, sign_, score_.is_error, context_.random.split("search"));
    if (!point) return false;
    const SearchSpace::Point tried = space_.at(*point);
    FitContext context = context_;
    context.random = context_.random.split("trial");
    const FoldScores found = cross_validate(runs_, splits_, tried.recipe, context, score_, options_.mismatch);
    SearchTrial trial;
    trial.unit = *point;
    trial.values = tried.values;
    trial.failure = found.failure;
    trial.score = found.scores.empty() ? std::nan("") : mean_of(found.scores);
    trial.standard_error = found.scores.empty() ? std::nan("") : standard_error(found.scores);
    trial.seconds = found.fit_seconds;
    done.push_back(std::move(trial));
    return true;
  }

  Index best() const {
    Index best = -1;
    for (std::size_t i = 0; i < done.size(); ++i)
      if (std::isfinite(done[i].score) &&
          (best < 0 || sign_ * done[i].score < sign_ * done[static_cast<std::size_t>(best)].score))
        best = static_cast<Index>(i);
    return best;
  }

 private:
  const Archive& runs_;
  const SearchSpace& space_;
  const SearchOptions& options_;
  const Score& score_;
  FitContext context_;
  std::vector<Split> splits_;
  double sign_;
};

bool stopped(const SearchOptions& options) { return options.stop && *options.stop; }

/// Searches on each outer fold's training runs and scores its winner on the others; false: stopped.
bool nested_scores(const Archive& runs, const SearchSpace& space, const SearchOptions& options,
                   const Score& score, Index trials, const FitContext& context, std::vector<double>& scores,
                   SearchHistory* history) {
  const std::vector<Split> outer = k_folds(runs.parameters, options.nested, context.random.split("nested"));
  if (context.progress) context.progress->begin("nested cross-validation", options.nested * trials);
  for (std::size_t f = scores.size(); f < outer.size(); ++f) {
    const Archive inside = runs.subset(outer[f].train);
    FitContext own = context;
    own.random = context.random.split("nested").split(static_cast<std::uint64_t>(f));
    Trials inner(inside, space, options, score, own);
    for (Index t = 0; t < trials; ++t) {
      if (stopped(options)) return false;
      if (!inner.next()) break;
      if (context.progress) context.progress->step(static_cast<Index>(f) * trials + t + 1);
    }
    double value = std::nan("");
    if (inner.best() >= 0) {
      const Recipe recipe = space.at(inner.done[static_cast<std::size_t>(inner.best())].unit).recipe;
      own.progress = nullptr;
      const FoldScores found = cross_validate(runs, {outer[f]}, recipe, own, score, options.mismatch);
      if (!found.scores.empty()) value = found.scores[0];
    }
    scores.push_back(value);
    if (history) history->append_nested(value, trials);
  }
  if (context.progress) context.progress->end();
  return true;
}

}  // namespace

std::string_view to_string(SearchMethod method) {
  for (const NamedMethod& m : methods)
    if (m.method == method) return m.name;
  return "";
}

SearchMethod search_method_from_string(std::string_view name) {
  return find_named(methods, name, "method of search").method;
}

SearchResult search(const Archive& archive, const SearchSpace& space, const SearchOptions& options,
                    const FitContext& context) {
  if (options.trials < 1) throw UsageError(text("a search needs at least 1 trial, got ", options.trials));
  if (!(options.seconds > 0.0))
    throw UsageError(text("a search needs a time above 0 s, got ", options.seconds));
  if (options.nested == 1 || options.nested < 0)
    throw UsageError(text("nested cross-validation needs at least 2 folds, got ", options.nested));
  const auto start = std::chrono::steady_clock::now();
  const Score score = find_score(options.score);
  const Archive runs = archive.completed();
  if (runs.size() == 0) throw DataError("there is no completed simulation to search with");
  const Archive part = searched_part(runs, space, context);

  SearchResult result;
  result.searched_runs = part.size();
  result.test_runs = runs.size() - part.size();
  Trials trials(part, space, options, score, context);
  std::optional<SearchHistory> history;
  std::vector<double> nested;
  if (!options.history.empty()) {
    const MismatchTerms terms = describe(options.mismatch);
    history.emplace(options.history, options.resume,
                    SearchIdentity{{"space", space.hash()},
                                   {"data", runs.data_hash()},
                                   {"seed", text(context.random.key())},
                                   {"method", std::string(to_string(options.method))},
                                   {"score", options.score},
                                   {"folds", text(options.folds)},
                                   {"nested", text(options.nested)},
                                   {"mismatch", text(terms.noise_curve, "; ", terms.maximised_over, "; ",
                                                     terms.settings)}});
    trials.done = history->trials();
    result.kept = static_cast<Index>(trials.done.size());
  }
  if (context.progress) context.progress->begin("searching", options.trials);
  while (static_cast<Index>(trials.done.size()) < options.trials) {
    if (stopped(options)) {
      result.end = SearchEnd::stopped;
      break;
    }
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() >= options.seconds) {
      result.end = SearchEnd::out_of_time;
      break;
    }
    if (!trials.next()) break;
    if (history) history->append(trials.done.back());
    if (context.progress) context.progress->step(static_cast<Index>(trials.done.size()));
  }
  if (context.progress) context.progress->end();
  result.trials = trials.done;
  result.best = trials.best();
  if (result.best < 0) return result;
  result.recipe = space.at(result.trials[static_cast<std::size_t>(result.best)].unit).recipe;
  if (options.nested > 0 && result.end != SearchEnd::stopped) {
    const auto count = static_cast<Index>(result.trials.size());
    if (history) nested = history->nested(count);
    if (!nested_scores(part, space, options, score, count, context, nested, history ? &*history : nullptr))
      result.end = SearchEnd::stopped;
    else
      result.nested = std::make_pair(mean_of(nested), standard_error(nested));
  }
  return result;
}

}  // namespace ersatz
