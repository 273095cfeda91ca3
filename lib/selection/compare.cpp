#include "ersatz/selection/compare.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <mutex>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/forest.hpp"
#include "ersatz/selection/folds.hpp"
#include "ersatz/selection/scores.hpp"
#include "selection/cross_validation.hpp"
#include "selection/quantile.hpp"
#include "selection/score_mismatch.hpp"

namespace ersatz {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

/// Of each run, as error_weights says: nrmse_of is the root of their mean.
Vector squared_errors(const Prediction& prediction, const Archive& test, const Vector& weights) {
  Vector squared = Vector::Zero(test.size());
  for (Index o = 0; o < weights.size(); ++o)
    squared +=
        weights[o] * (prediction.mean[static_cast<std::size_t>(o)] - test.values[static_cast<std::size_t>(o)])
                         .rowwise()
                         .squaredNorm();
  return squared;
}

double nrmse_of(const Vector& squared) { return std::sqrt(squared.mean()); }

double microseconds_per_point(const Emulator& emulator, ConstMatrixRef X) {
  return time_predictions(emulator, X, 50, 3).alone * 1e6;
}

struct Entry {
  ComparisonRow row;
  std::vector<double> nrmse;       ///< by fold
  std::vector<double> scores;      ///< by fold: what decides
  std::vector<double> mismatches;  ///< by row, of all folds
  std::string failure;
};

/// What stands before the regressors, made once for each fold that this process works on. Tasks come in the
/// order of folds: those two behind are let go.
class PreparedFolds {
 public:
  PreparedFolds(const Archive& runs, const std::vector<Split>& splits, const Recipe& recipe,
                const FitContext& context)
      : runs_(runs), splits_(splits), recipe_(recipe), context_(context), folds_(splits.size()) {}
  std::shared_ptr<const Prepared> get(Index fold) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Index old = 0; old + 1 < fold; ++old) folds_[static_cast<std::size_t>(old)].reset();
    auto& entry = folds_[static_cast<std::size_t>(fold)];
    if (!entry)
      entry = std::make_shared<const Prepared>(
          prepare(runs_.subset(splits_[static_cast<std::size_t>(fold)].train), recipe_, context_));
    return entry;
  }

 private:
  const Archive& runs_;
  const std::vector<Split>& splits_;
  const Recipe& recipe_;
  const FitContext& context_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Prepared>> folds_;
};

/// A regressor on a fold: seconds of the fit, microseconds of a prediction, the NRMSE, the score and the
/// rows' mismatches.
Bytes run_fold(const Prepared& prepared, const Archive& test, const Recipe& recipe,
               const Regressor& regressor, const RandomStream& random, const MismatchOptions& mismatch,
               const Score& score, const Vector& weights) {
  SerialExecutor serial;
  FitContext context;
  context.executor = &serial;
  context.random = random;
  return fold_result([&] {
    const auto start = Clock::now();
    const Emulator emulator = assemble(prepared, fit_channels(prepared, recipe, context, &regressor));
    std::vector<double> numbers{seconds(start)};
    check_score(score, emulator);
    const Prediction prediction = emulator.predict(test.parameters, score.needs_std);
    numbers.push_back(microseconds_per_point(emulator, test.parameters));
    numbers.push_back(nrmse_of(squared_errors(prediction, test, weights)));
    const Vector rows = largest_mismatches(mismatch, emulator, test, prediction, serial);
    numbers.push_back(score.name == "nrmse"
                          ? numbers.back()
                          : score_of(score, prediction, test, {rows.data(), rows.data() + rows.size()}));
    if (std::isnan(numbers.back()))
      throw DataError(text("the score ", score.name, " does not exist for the runs of a fold"));
    numbers.insert(numbers.end(), rows.data(), rows.data() + rows.size());
    return numbers;
  });
}

void take(const Bytes& result, double folds, Entry& e) {
  if (result[0] == 'F') {
    if (e.failure.empty()) e.failure = result.substr(1);
    return;
  }
  const std::vector<double> numbers = doubles_from_bytes(result.substr(1));
  e.row.fit_seconds += numbers[0] / folds;
  e.row.predict_us += numbers[1] / folds;
  e.nrmse.push_back(numbers[2]);
  e.scores.push_back(numbers[3]);
  e.mismatches.insert(e.mismatches.end(), numbers.begin() + 4, numbers.end());
}

/// How much worse than the best, in words.
std::string behind(double value, double best, const Score& score) {
  if (score.is_error && best > 0.0) return text(brief(value / best, 3), " times the best error");
  return text(brief(std::abs(value - best), 3), score.larger_is_better ? " below" : " above", " the best");
}

/// NRMSE of what is exact.
constexpr double rounding = 1e-10;

void choose(std::vector<Entry>& entries, const Score& score) {
  const double sign = score.larger_is_better ? -1.0 : 1.0;
  const Entry* best = nullptr;
  for (const Entry& e : entries)
    if (e.failure.empty() && (!best || sign * mean_of(e.scores) < sign * mean_of(best->scores))) best = &e;
  if (!best) return;
  bool chosen = false;
  std::string winner;
  for (Entry& e : entries) {
    if (!e.failure.empty()) {
      e.row.why = "could not be fitted: " + e.failure;
      continue;
    }
    std::vector<double> difference;
    for (std::size_t f = 0; f < e.scores.size(); ++f)
      difference.push_back(sign * (e.scores[f] - best->scores[f]));
    const double gap = mean_of(difference), se = standard_error(difference);
    // What is left of a function that both follow exactly is rounding, and says nothing.
    const bool exact = mean_of(e.nrmse) < rounding && mean_of(best->nrmse) < rounding;
    if (!chosen && (gap <= se || exact)) {
      chosen = e.row.chosen = true;
      winner = e.row.regressor + (e.row.settings.empty() ? "" : " (" + e.row.settings + ")");
      e.row.why = &e == best ? "the best, and nothing simpler comes within one standard error of it"
                             : text("the simplest within one standard error of the best: ", brief(gap, 2),
                                    score.larger_is_better ? " below, ± " : " above, ± ", brief(se, 2));
      if (exact) e.row.why = "exact to rounding, and nothing simpler is";
      const auto after = std::count_if(entries.begin() + (&e - entries.data()) + 1, entries.end(),
                                       [](const Entry& x) { return x.failure.empty(); });
      const bool baseline =
          e.row.regressor == "linear" || e.row.regressor == "knn" || e.row.regressor == "ridge";
      if (&e == best && baseline && after > 0)
        e.row.why = text("a baseline that none of the ", after, " more complex ones beats");
    } else if (!chosen) {
      e.row.why = behind(mean_of(e.scores), mean_of(best->scores), score);
    } else if (&e == best) {
      e.row.why = text("the best, but not by more than one standard error over ", winner);
    } else {
      e.row.why =
          text("not simpler than ", winner, gap > se ? ", and worse than the best" : ", and no better");
    }
  }
  const auto mean_row =
      std::find_if(entries.begin(), entries.end(), [](const Entry& e) { return e.row.regressor == "mean"; });
  if (mean_row != entries.end() && mean_row->row.chosen)
    mean_row->row.why =
        "no regressor predicts better than the average: the inputs tell nothing about the outputs here";
}

}  // namespace

std::vector<Contestant> default_contestants() {
  std::vector<Contestant> list{
      {"mean", {}},
      {"linear", {}},
      {"ridge", {{"degree", 2.0}}},
      {"lasso", {{"degree", 2.0}}},
      {"lasso", {{"degree", 2.0}, {"l1_ratio", 0.5}}},
      {"knn", {{"weights", std::string("inverse-distance")}}},
      {"knn", {{"weights", std::string("kernel")}}},
      {"knn", {{"weights", std::string("local-linear")}}},
      {"ridge", {{"degree", 3.0}}},
      {"chaos", {}},
      {"forest", {}},
      {"gp", {{"kernel", std::string("matern52(length=shared)")}}},
      {"gp", {{"kernel", std::string("squared-exponential")}}},
      {"gp", {{"kernel", std::string("matern52")}}},
      {"gp", {{"kernel", std::string("matern52")}, {"mean", std::string("linear")}}}};
  if (!forest_is_built())
    list.erase(
        std::find_if(list.begin(), list.end(), [](const Contestant& c) { return c.regressor == "forest"; }));
  return list;
}

std::vector<ComparisonRow> compare(const Archive& archive, const Recipe& recipe,
                                   const std::vector<Contestant>& contestants, Index folds,
                                   const FitContext& context, const MismatchOptions& mismatch,
                                   const std::string& score_name) {
  const Score score = find_score(score_name);
  const Archive runs = archive.completed();
  if (runs.size() == 0) throw DataError("there is no completed simulation to compare regressors on");
  const std::vector<Split> splits = k_folds(runs.parameters, folds, context.random.split("folds"));

  // Of all runs: the spread of a fold's own runs is chance where these are few, and nothing for one.
  const Vector weights = error_weights(runs);

  std::vector<Entry> entries;
  std::vector<RegressorPtr> regressors;
  for (const Contestant& c : contestants) {
    regressors.push_back(make_regressor(c.regressor, c.settings));
    Entry e;
    e.row.regressor = regressors.back()->name();
    e.row.settings = regressors.back()->settings();
    entries.push_back(std::move(e));
  }
  // A task is a regressor on a fold, in one thread: the same bits whoever runs it.
  const auto count = static_cast<Index>(entries.size()), tasks = static_cast<Index>(splits.size()) * count;
  if (context.progress) context.progress->begin("comparing", tasks);
  SerialExecutor serial;
  FitContext alone = context;
  alone.progress = nullptr;
  alone.executor = &serial;
  PreparedFolds prepared(runs, splits, recipe, alone);
  std::atomic<Index> done{0};
  const std::vector<Bytes> results =
      (context.executor ? *context.executor : serial).map(tasks, [&](Index task) {
        const Index f = task / count;
        const Bytes result = run_fold(*prepared.get(f), runs.subset(splits[static_cast<std::size_t>(f)].test),
                                      recipe, *regressors[static_cast<std::size_t>(task % count)],
                                      context.random.split("compare").split(static_cast<std::uint64_t>(f)),
                                      mismatch, score, weights);
        if (context.progress) context.progress->step(++done);
        return result;
      });
  if (context.progress) context.progress->end();
  for (Index task = 0; task < tasks; ++task)
    take(results[static_cast<std::size_t>(task)], static_cast<double>(splits.size()),
         entries[static_cast<std::size_t>(task % count)]);
  for (Entry& e : entries) {
    e.row.nrmse = e.failure.empty() ? mean_of(e.nrmse) : std::nan("");
    e.row.nrmse_se = e.failure.empty() ? standard_error(e.nrmse) : std::nan("");
    if (score.name != "nrmse") e.row.score = score.name;
    if (e.failure.empty() && score.name != "nrmse") {
      e.row.value = mean_of(e.scores);
      e.row.value_se = standard_error(e.scores);
    }
    if (e.failure.empty()) {
      e.row.mismatch_median = quantile(e.mismatches, 0.5);
      e.row.mismatch_p95 = quantile(e.mismatches, 0.95);
    }
  }
  choose(entries, score);
  std::vector<ComparisonRow> rows;
  for (Entry& e : entries) rows.push_back(std::move(e.row));
  return rows;
}

std::vector<ComparisonRow> simple_baselines(const Prepared& prepared, const Emulator& emulator,
                                            const std::string& regressor, double fit_seconds,
                                            const Archive& test, const Recipe& recipe,
                                            const FitContext& context) {
  FitContext quiet = context;
  quiet.progress = nullptr;
  std::vector<ComparisonRow> rows;
  const Vector weights = error_weights(test);
  const auto score = [&](const Emulator& e, ComparisonRow row) {
    const Prediction prediction = e.predict(test.parameters, false);
    const Vector squared = squared_errors(prediction, test, weights);
    row.nrmse = nrmse_of(squared);
    row.nrmse_se = row.nrmse > 0.0 && test.size() > 1
                       ? standard_error({squared.data(), squared.data() + squared.size()}) / (2.0 * row.nrmse)
                       : 0.0;
    // One run, or runs that are alike, have no spread to compare errors with.
    if (weights.sum() == 0.0) row.nrmse = row.nrmse_se = std::nan("");
    row.predict_us = microseconds_per_point(e, test.parameters);
    rows.push_back(std::move(row));
  };
  const std::vector<Contestant> simple{
      {"mean", {}}, {"linear", {}}, {"ridge", {{"degree", 2.0}}}, {"knn", {}}};
  for (const Contestant& c : simple) {
    const RegressorPtr r = make_regressor(c.regressor, c.settings);
    const auto start = Clock::now();
    try {
      const Emulator e = assemble(prepared, fit_channels(prepared, recipe, quiet, r.get()));
      score(e, {r->name(), r->settings(), 0.0, 0.0, seconds(start), 0.0, false, "baseline"});
    } catch (const Error& error) {
      rows.push_back({r->name(), r->settings(), std::nan(""), std::nan(""), seconds(start), std::nan(""),
                      false, text("could not be fitted: ", error.what())});
    }
  }
  score(emulator, {regressor, "", 0.0, 0.0, fit_seconds, 0.0, true, "what the recipe asks for"});
  // A baseline that nobody beat is the answer: say so. Rows stand from the simplest on.
  const ComparisonRow& own = rows.back();
  for (ComparisonRow& row : rows) {
    if (&row == &own || own.regressor.rfind(row.regressor, 0) == 0) break;
    if (row.nrmse <= own.nrmse) row.why = "a simpler model that is no worse here: consider it";
  }
  return rows;
}

}  // namespace ersatz
