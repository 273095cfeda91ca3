#include "ersatz/selection/search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
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

/// One search without a history or a clock of its own: proposes, cross-validates, keeps. On ranks, process 0
/// proposes: what machines of another kind round differently can part no search.
class Trials {
 public:
  Trials(const Archive& runs, const SearchSpace& space, const SearchOptions& options, const Score& score,
         const FitContext& context, Executor& executor)
      : runs_(runs),
        space_(space),
        options_(options),
        score_(score),
        context_(context),
        executor_(executor),
        splits_(k_folds(runs.parameters, options.folds, context.random.split("folds"))),
        sign_(score.larger_is_better ? -1.0 : 1.0) {
    context_.progress = nullptr;
  }

  std::vector<SearchTrial> done;

  /// Tries recipes until there are `most`: one, or as many as give every worker a fold where they can be
  /// proposed together. False: there is nothing left to try.
  bool next(Index most) {
    const std::vector<double> numbers =
        doubles_from_bytes(executor_.share([&] { return to_bytes(proposals(most)); }));
    std::vector<Vector> points;
    std::vector<Recipe> recipes;
    const double* u = numbers.data() + 1;
    for (auto count = static_cast<Index>(numbers[0]); count > 0; --count, u += space_.size()) {
      points.emplace_back(Eigen::Map<const Vector>(u, space_.size()));
      recipes.push_back(space_.at(points.back()).recipe);
    }
    if (points.empty()) return false;
    FitContext context = context_;
    context.random = context_.random.split("trial");
    const std::vector<FoldScores> found =
        cross_validate(runs_, splits_, recipes, context, score_, options_.mismatch);
    for (std::size_t i = 0; i < points.size(); ++i) {
      const std::vector<double>& scores = found[i].scores;
      done.push_back({points[i], space_.at(points[i]).values, scores.empty() ? std::nan("") : mean_of(scores),
                      scores.empty() ? std::nan("") : standard_error(scores), found[i].fit_seconds,
                      found[i].failure});
    }
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
  /// The next points: how many, then one after the other.
  std::vector<double> proposals(Index most) const {
    const Index at_once = (executor_.workers() + options_.folds - 1) / options_.folds;
    const Index count = std::min({most - static_cast<Index>(done.size()), at_once,
                                  proposals_without_scores(space_, options_.method, done)});
    std::vector<SearchTrial> known = done;
    std::vector<double> numbers{0.0};
    for (Index i = 0; i < count; ++i) {
      const auto point =
          propose(space_, options_.method, known, sign_, score_.is_error, context_.random.split("search"));
      if (!point) break;
      numbers[0] += 1.0;
      numbers.insert(numbers.end(), point->data(), point->data() + point->size());
      known.emplace_back();
      known.back().unit = *point;
    }
    return numbers;
  }

  const Archive& runs_;
  const SearchSpace& space_;
  const SearchOptions& options_;
  const Score& score_;
  FitContext context_;
  Executor& executor_;
  std::vector<Split> splits_;
  double sign_;
};

/// What process 0 finds, for all.
bool agreed(Executor& executor, const std::function<bool()>& question) {
  return executor.share([&] { return Bytes(question() ? "y" : "n"); }) == "y";
}

bool stopped(Executor& executor, const SearchOptions& options) {
  return agreed(executor, [&] { return options.stop && *options.stop; });
}

/// Searches on each outer fold's training runs and scores its winner on the others; false: stopped.
bool nested_scores(const Archive& runs, const SearchSpace& space, const SearchOptions& options,
                   const Score& score, Index trials, const FitContext& context, Executor& executor,
                   std::vector<double>& scores, SearchHistory* history) {
  const std::vector<Split> outer = k_folds(runs.parameters, options.nested, context.random.split("nested"));
  if (context.progress) context.progress->begin("nested cross-validation", options.nested * trials);
  for (std::size_t f = scores.size(); f < outer.size(); ++f) {
    const Archive inside = runs.subset(outer[f].train);
    FitContext own = context;
    own.random = context.random.split("nested").split(static_cast<std::uint64_t>(f));
    Trials inner(inside, space, options, score, own, executor);
    while (static_cast<Index>(inner.done.size()) < trials) {
      if (stopped(executor, options)) return false;
      if (!inner.next(trials)) break;
      if (context.progress)
        context.progress->step(static_cast<Index>(f) * trials + static_cast<Index>(inner.done.size()));
    }
    double value = std::nan("");
    if (inner.best() >= 0) {
      const Recipe recipe = space.at(inner.done[static_cast<std::size_t>(inner.best())].unit).recipe;
      own.progress = nullptr;
      const FoldScores found = cross_validate(runs, {outer[f]}, recipe, own, score, options.mismatch);
      if (!found.scores.empty()) value = found.scores[0];
    }
    scores.push_back(value);
    executor.share([&] {
      if (history) history->append_nested(value, trials);
      return Bytes();
    });
  }
  if (context.progress) context.progress->end();
  return true;
}

/// Trials of the history as lines, for the processes that have none.
Bytes lines_of(const std::vector<SearchTrial>& trials) {
  Bytes lines;
  for (const SearchTrial& t : trials) lines += to_line(t) + '\n';
  return lines;
}

std::vector<SearchTrial> trials_of(const Bytes& lines) {
  std::vector<SearchTrial> trials;
  for (std::size_t begin = 0, end; begin < lines.size(); begin = end + 1) {
    end = lines.find('\n', begin);
    trials.push_back(trial_of(lines.substr(begin, end - begin)));
  }
  return trials;
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

  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  SearchResult result;
  result.searched_runs = part.size();
  result.test_runs = runs.size() - part.size();
  Trials trials(part, space, options, score, context, executor);
  std::optional<SearchHistory> history;  // of process 0
  if (!options.history.empty()) {
    const MismatchTerms terms = describe(options.mismatch);
    const SearchIdentity identity{
        {"space", space.hash()},
        {"data", runs.data_hash()},
        {"seed", text(context.random.key())},
        {"method", std::string(to_string(options.method))},
        {"score", options.score},
        {"folds", text(options.folds)},
        {"nested", text(options.nested)},
        {"mismatch", text(terms.noise_curve, "; ", terms.maximised_over, "; ", terms.settings)}};
    trials.done = trials_of(executor.share([&] {
      history.emplace(options.history, options.resume, identity);
      return lines_of(history->trials());
    }));
    result.kept = static_cast<Index>(trials.done.size());
  }
  if (context.progress) context.progress->begin("searching", options.trials);
  while (static_cast<Index>(trials.done.size()) < options.trials) {
    if (stopped(executor, options)) {
      result.end = SearchEnd::stopped;
      break;
    }
    if (agreed(executor, [&] {
          return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() >=
                 options.seconds;
        })) {
      result.end = SearchEnd::out_of_time;
      break;
    }
    const std::size_t before = trials.done.size();
    if (!trials.next(options.trials)) break;
    executor.share([&] {
      for (std::size_t i = before; history && i < trials.done.size(); ++i) history->append(trials.done[i]);
      return Bytes();
    });
    if (context.progress) context.progress->step(static_cast<Index>(trials.done.size()));
  }
  if (context.progress) context.progress->end();
  result.trials = trials.done;
  result.best = trials.best();
  if (result.best < 0) return result;
  result.recipe = space.at(result.trials[static_cast<std::size_t>(result.best)].unit).recipe;
  if (options.nested > 0 && result.end != SearchEnd::stopped) {
    const auto count = static_cast<Index>(result.trials.size());
    std::vector<double> nested = doubles_from_bytes(
        executor.share([&] { return to_bytes(history ? history->nested(count) : std::vector<double>{}); }));
    if (!nested_scores(part, space, options, score, count, context, executor, nested,
                       history ? &*history : nullptr))
      result.end = SearchEnd::stopped;
    else
      result.nested = std::make_pair(mean_of(nested), standard_error(nested));
  }
  return result;
}

}  // namespace ersatz
