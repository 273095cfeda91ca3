#include "ersatz/selection/compare.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/selection/folds.hpp"
#include "ersatz/selection/scores.hpp"
#include "selection/quantile.hpp"
#include "selection/score_mismatch.hpp"

namespace ersatz {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

double mean_of(const std::vector<double>& v) {
  double sum = 0.0;
  for (const double x : v) sum += x;
  return sum / static_cast<double>(v.size());
}

double standard_error(const std::vector<double>& v) {
  if (v.size() < 2) return 0.0;
  const double m = mean_of(v);
  double sum = 0.0;
  for (const double x : v) sum += (x - m) * (x - m);
  return std::sqrt(sum / static_cast<double>(v.size() * (v.size() - 1)));
}

/// Root mean square over outputs of each output's NRMSE; outputs that do not vary in this fold are left out.
double fold_score(const Prediction& prediction, const Archive& test) {
  double sum = 0.0;
  int count = 0;
  for (std::size_t o = 0; o < test.outputs.size(); ++o) {
    const double e = normalised_rmse(prediction.mean[o], test.values[o]);
    if (std::isnan(e)) continue;
    sum += e * e;
    ++count;
  }
  return count > 0 ? std::sqrt(sum / count) : 0.0;
}

double microseconds_per_point(const Emulator& emulator, ConstMatrixRef X) {
  return time_predictions(emulator, X, 50, 3).alone * 1e6;
}

struct Entry {
  ComparisonRow row;
  std::vector<double> scores;      ///< by fold
  std::vector<double> mismatches;  ///< by row, of all folds
  std::string failure;
};

void choose(std::vector<Entry>& entries) {
  const Entry* best = nullptr;
  for (const Entry& e : entries)
    if (e.failure.empty() && (!best || e.row.nrmse < best->row.nrmse)) best = &e;
  if (!best) return;
  bool chosen = false;
  std::string winner;
  for (Entry& e : entries) {
    if (!e.failure.empty()) {
      e.row.why = "could not be fitted: " + e.failure;
      continue;
    }
    std::vector<double> difference;
    for (std::size_t f = 0; f < e.scores.size(); ++f) difference.push_back(e.scores[f] - best->scores[f]);
    const double gap = mean_of(difference), se = standard_error(difference);
    if (!chosen && gap <= se) {
      chosen = e.row.chosen = true;
      winner = e.row.regressor + (e.row.settings.empty() ? "" : " (" + e.row.settings + ")");
      e.row.why = &e == best ? "the best, and nothing simpler comes within one standard error of it"
                             : text("the simplest within one standard error of the best: ", brief(gap, 2),
                                    " above, ± ", brief(se, 2));
    } else if (!chosen) {
      e.row.why = text(brief(e.row.nrmse / best->row.nrmse, 3), " times the best error");
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
  return {{"mean", {}},
          {"linear", {}},
          {"ridge", {{"degree", 2.0}}},
          {"lasso", {{"degree", 2.0}}},
          {"knn", {{"weights", std::string("inverse-distance")}}},
          {"knn", {{"weights", std::string("local-linear")}}},
          {"ridge", {{"degree", 3.0}}},
          {"chaos", {}},
          {"gp", {{"kernel", std::string("squared-exponential")}}},
          {"gp", {{"kernel", std::string("matern52")}}}};
}

std::vector<ComparisonRow> compare(const Archive& archive, const Recipe& recipe,
                                   const std::vector<Contestant>& contestants, Index folds,
                                   const FitContext& context, const MismatchOptions& mismatch) {
  const Archive runs = archive.completed();
  if (runs.size() == 0) throw DataError("there is no completed simulation to compare regressors on");
  const std::vector<Split> splits = k_folds(runs.parameters, folds, context.random.split("folds"));

  std::vector<Entry> entries;
  std::vector<RegressorPtr> regressors;
  for (const Contestant& c : contestants) {
    regressors.push_back(make_regressor(c.regressor, c.settings));
    Entry e;
    e.row.regressor = regressors.back()->name();
    e.row.settings = regressors.back()->settings();
    entries.push_back(std::move(e));
  }
  const Index steps = folds * static_cast<Index>(contestants.size());
  if (context.progress) context.progress->begin("comparing", steps);
  FitContext quiet = context;
  quiet.progress = nullptr;
  Index done = 0;
  SerialExecutor serial;
  Executor& executor = context.executor ? context.executor->local() : serial;
  for (std::size_t f = 0; f < splits.size(); ++f) {
    const Archive test = runs.subset(splits[f].test);
    const Prepared prepared = prepare(runs.subset(splits[f].train), recipe, quiet);
    for (std::size_t c = 0; c < entries.size(); ++c) {
      Entry& e = entries[c];
      if (e.failure.empty()) {
        try {
          const auto start = Clock::now();
          quiet.random = context.random.split("compare").split(f);
          const Emulator emulator =
              assemble(prepared, fit_channels(prepared, recipe, quiet, regressors[c].get()));
          e.row.fit_seconds += seconds(start) / static_cast<double>(splits.size());
          const Prediction prediction = emulator.predict(test.parameters, false);
          e.scores.push_back(fold_score(prediction, test));
          for (const double m : largest_mismatches(mismatch, emulator, test, prediction, executor))
            e.mismatches.push_back(m);
          e.row.predict_us +=
              microseconds_per_point(emulator, test.parameters) / static_cast<double>(splits.size());
        } catch (const NumericalError& error) {
          e.failure = error.what();
        } catch (const DataError& error) {
          e.failure = error.what();
        }
      }
      if (context.progress) context.progress->step(++done);
    }
  }
  if (context.progress) context.progress->end();
  for (Entry& e : entries) {
    e.row.nrmse = e.failure.empty() ? mean_of(e.scores) : std::nan("");
    e.row.nrmse_se = e.failure.empty() ? standard_error(e.scores) : std::nan("");
    if (e.failure.empty()) {
      e.row.mismatch_median = quantile(e.mismatches, 0.5);
      e.row.mismatch_p95 = quantile(e.mismatches, 0.95);
    }
  }
  choose(entries);
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
  const auto score = [&](const Emulator& e, ComparisonRow row) {
    const Prediction prediction = e.predict(test.parameters, false);
    row.nrmse = fold_score(prediction, test);
    // By rows: nrmse² is the mean of each row's squared error over the mean spread, averaged over outputs.
    Vector share = Vector::Zero(test.size());
    for (std::size_t o = 0; o < test.outputs.size(); ++o) {
      const Matrix& truth = test.values[o];
      const double spread = (truth.rowwise() - truth.colwise().mean()).squaredNorm();
      if (spread > 0.0)
        share += (prediction.mean[o] - truth).rowwise().squaredNorm() *
                 (static_cast<double>(test.size()) / spread / static_cast<double>(test.outputs.size()));
    }
    row.nrmse_se = row.nrmse > 0.0 && test.size() > 1
                       ? standard_error({share.data(), share.data() + share.size()}) / (2.0 * row.nrmse)
                       : 0.0;
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
