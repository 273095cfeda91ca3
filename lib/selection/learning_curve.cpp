#include "ersatz/selection/learning_curve.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/selection/folds.hpp"
#include "selection/cross_validation.hpp"
#include "selection/quantile.hpp"

namespace ersatz {
namespace {

/// Seven sizes with equal ratios up to the largest, none below eight runs.
std::vector<Index> default_sizes(Index largest) {
  const double first = std::max(8.0, static_cast<double>(largest) / 16.0);
  std::vector<Index> sizes;
  for (int i = 0; i < 7; ++i) {
    const double n = first * std::pow(static_cast<double>(largest) / first, i / 6.0);
    const auto whole = static_cast<Index>(std::llround(n));
    if (whole <= largest && (sizes.empty() || whole > sizes.back())) sizes.push_back(whole);
  }
  return sizes;
}

std::vector<Index> checked_sizes(const CurveOptions& options, Index largest) {
  const std::vector<Index> sizes = options.sizes.empty() ? default_sizes(largest) : options.sizes;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 2 || sizes[i] > largest)
      throw UsageError(
          text("a learning curve at ", sizes[i], " runs: the folds have 2 to ", largest, " to learn from"));
    if (i > 0 && sizes[i] <= sizes[i - 1])
      throw UsageError(
          text("the sizes of a learning curve must ascend; ", sizes[i], " stands after ", sizes[i - 1]));
  }
  if (sizes.size() < 3)
    throw UsageError(text("a learning curve needs at least 3 sizes, got ", sizes.size(), "; there are ",
                          largest, " runs to learn from"));
  return sizes;
}

/// errors[size][fold] as means over the folds in `which`.
std::vector<double> means(const std::vector<std::vector<double>>& errors,
                          const std::vector<std::size_t>& which) {
  std::vector<double> m;
  for (const auto& by_fold : errors) {
    double sum = 0.0;
    for (const std::size_t f : which) sum += by_fold[f];
    m.push_back(sum / static_cast<double>(which.size()));
  }
  return m;
}

Estimate estimate(double value, std::vector<double> draws, double confidence) {
  return {value, quantile(draws, 0.5 - 0.5 * confidence), quantile(draws, 0.5 + 0.5 * confidence)};
}

}  // namespace

LearningCurve learning_curve(const Archive& archive, const Recipe& recipe, const CurveOptions& options,
                             const FitContext& context) {
  const Score score = find_score(options.score);
  if (!score.is_error)
    throw UsageError(text("a learning curve is of an error that goes to 0, which ", score.name,
                          " is not; take nrmse, rmse or crps, for example"));
  if (options.tolerance && !(*options.tolerance > 0.0))
    throw UsageError(text("the tolerance is ", *options.tolerance, ", expected a positive error"));
  const Archive runs = archive.completed();
  if (runs.size() == 0) throw DataError("there is no completed simulation to learn from");
  const std::vector<Split> folds = k_folds(runs.parameters, options.folds, context.random.split("folds"));
  Index largest = runs.size();
  for (const Split& s : folds) largest = std::min(largest, static_cast<Index>(s.train.size()));
  const std::vector<Index> sizes = checked_sizes(options, largest);

  // Of each fold the first so many training runs in an order drawn once.
  std::vector<Split> splits;
  for (const Index n : sizes)
    for (std::size_t f = 0; f < folds.size(); ++f) {
      RandomStream draw = context.random.split("order").split(static_cast<std::uint64_t>(f));
      const auto order = draw.permutation(static_cast<Index>(folds[f].train.size()));
      Split part;
      for (Index i = 0; i < n; ++i)
        part.train.push_back(folds[f].train[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]);
      std::sort(part.train.begin(), part.train.end());
      part.test = folds[f].test;
      splits.push_back(std::move(part));
    }
  LearningCurve curve;
  curve.runs = runs.size();
  std::vector<double> used;
  std::vector<std::vector<double>> errors;
  std::string failure;
  FitContext quiet = context;
  quiet.progress = nullptr;
  if (context.progress) context.progress->begin("learning", static_cast<Index>(sizes.size()));
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    const auto begin = splits.begin() + static_cast<std::ptrdiff_t>(s * folds.size());
    const FoldScores found = cross_validate(runs, {begin, begin + static_cast<std::ptrdiff_t>(folds.size())},
                                            recipe, quiet, score, options.mismatch);
    if (context.progress) context.progress->step(static_cast<Index>(s) + 1);
    if (found.scores.empty()) {  // too few to fit, perhaps
      failure = text("with ", sizes[s], " runs: ", found.failure);
      continue;
    }
    used.push_back(static_cast<double>(sizes[s]));
    errors.push_back(found.scores);
    curve.points.push_back({sizes[s], mean_of(found.scores), standard_error(found.scores)});
  }
  if (context.progress) context.progress->end();
  if (used.size() < 3)
    throw NumericalError(
        text("a learning curve needs 3 sizes or more that can be fitted, got ", used.size(), "; ", failure));
  std::vector<std::size_t> all(folds.size());
  for (std::size_t f = 0; f < all.size(); ++f) all[f] = f;
  const std::vector<double> mean_errors = means(errors, all);
  for (std::size_t s = 0; s < used.size(); ++s)
    if (!(mean_errors[s] > 0.0))
      throw NumericalError(
          text("the error with ", used[s], " runs is ", mean_errors[s], ": there is nothing to extrapolate"));
  curve.law = fit_power_law(used, mean_errors);

  // Folds share training runs, so their mean is less certain than that of independent ones: variance
  // (1/K + test/train) s² in place of s²/K (Nadeau & Bengio, Machine Learning 52, 239, 2003, eq. 9).
  const auto count = static_cast<double>(folds.size());
  const double widen = std::sqrt(1.0 + count / (count - 1.0));
  std::vector<PowerLaw> laws;
  RandomStream random = context.random.split("bootstrap");
  for (Index d = 0; d < options.draws; ++d) {
    std::vector<std::size_t> which(folds.size());
    for (auto& f : which) f = static_cast<std::size_t>(random.below(folds.size()));
    std::vector<double> e = means(errors, which);
    if (!std::all_of(e.begin(), e.end(), [](double x) { return x > 0.0; })) continue;
    for (std::size_t s = 0; s < e.size(); ++s) e[s] = mean_errors[s] * std::pow(e[s] / mean_errors[s], widen);
    laws.push_back(fit_power_law(used, e));
  }
  if (laws.empty()) laws.push_back(curve.law);
  const auto over_laws = [&](double value, const auto& figure) {
    std::vector<double> draws;
    for (const PowerLaw& law : laws) draws.push_back(figure(law));
    return estimate(value, std::move(draws), options.confidence);
  };
  curve.exponent = over_laws(curve.law.exponent, [](const PowerLaw& l) { return l.exponent; });
  curve.floor = over_laws(curve.law.floor, [](const PowerLaw& l) { return l.floor; });
  for (const Index factor : {2, 4}) {
    const auto n = static_cast<double>(factor * runs.size());
    curve.ahead.emplace_back(factor * runs.size(),
                             over_laws(curve.law.at(n), [n](const PowerLaw& l) { return l.at(n); }));
  }
  if (options.tolerance) {
    const double tolerance = *options.tolerance;
    curve.runs_needed =
        over_laws(curve.law.runs_for(tolerance), [&](const PowerLaw& l) { return l.runs_for(tolerance); });
    const auto never = std::count_if(
        laws.begin(), laws.end(), [&](const PowerLaw& l) { return !std::isfinite(l.runs_for(tolerance)); });
    curve.never = static_cast<double>(never) / static_cast<double>(laws.size());
  }
  return curve;
}

}  // namespace ersatz
