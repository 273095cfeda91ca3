#include "selection/cross_validation.hpp"

#include <chrono>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "selection/quantile.hpp"
#include "selection/score_mismatch.hpp"

namespace ersatz {
namespace {

using Clock = std::chrono::steady_clock;

/// A recipe on a split: seconds of the fit and the score.
Bytes run_split(const Archive& train, const Archive& test, const Recipe& recipe, const RandomStream& random,
                const Score& score, const MismatchOptions& mismatch) {
  SerialExecutor serial;
  FitContext context;
  context.executor = &serial;
  context.random = random;
  return fold_result([&] {
    const auto start = Clock::now();
    const Emulator emulator = train_emulator(train, recipe, context).emulator;
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    check_score(score, emulator);
    const Prediction prediction = emulator.predict(test.parameters, score.needs_std);
    std::vector<double> rows;
    if (!score.value) {
      const Vector found = largest_mismatches(mismatch, emulator, test, prediction, serial);
      rows.assign(found.data(), found.data() + found.size());
    }
    return std::vector<double>{seconds, score_of(score, prediction, test, rows)};
  });
}

}  // namespace

double mean_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double x : values) sum += x;
  return sum / static_cast<double>(values.size());
}

double standard_error(const std::vector<double>& values) {
  if (values.size() < 2) return 0.0;
  const double m = mean_of(values);
  double sum = 0.0;
  for (const double x : values) sum += (x - m) * (x - m);
  return std::sqrt(sum / static_cast<double>(values.size() * (values.size() - 1)));
}

void check_score(const Score& score, const Emulator& emulator) {
  if (score.needs_std && !emulator.has_std())
    throw DataError(text("it has no error bars, which the score ", score.name, " is of"));
}

double score_of(const Score& score, const Prediction& prediction, const Archive& test,
                const std::vector<double>& mismatches) {
  if (!score.value) {
    if (mismatches.empty())
      throw UsageError(
          text("score ", score.name, ": there is no complex output on equal steps; take another score"));
    return quantile(mismatches, 0.5);
  }
  static const Matrix none(0, 0);
  double sum = 0.0, largest = -HUGE_VAL;
  int count = 0;
  for (std::size_t o = 0; o < test.outputs.size(); ++o) {
    const double value =
        score.value({test.outputs[o].name, prediction.mean[o], test.values[o],
                     prediction.std.empty() ? none : prediction.std[o], test.parameters.cols()});
    if (std::isnan(value)) continue;
    sum += score.over == OverOutputs::root_mean_square ? value * value : value;
    largest = std::max(largest, value);
    ++count;
  }
  if (count == 0) return std::nan("");
  if (score.over == OverOutputs::largest) return largest;
  const double mean = sum / count;
  return score.over == OverOutputs::root_mean_square ? std::sqrt(mean) : mean;
}

Bytes fold_result(const std::function<std::vector<double>()>& work) {
  try {
    return "R" + to_bytes(work());
  } catch (const NumericalError& error) {
    return text("F", error.what());
  } catch (const DataError& error) {
    return text("F", error.what());
  }
}

namespace {

/// What one recipe's splits came to.
FoldScores joined(const Bytes* results, std::size_t count, const Score& score) {
  FoldScores found;
  for (std::size_t f = 0; f < count; ++f) {
    const Bytes& result = results[f];
    if (result[0] == 'F') {
      found.failure = result.substr(1);
      break;
    }
    const std::vector<double> numbers = doubles_from_bytes(result.substr(1));
    found.fit_seconds += numbers[0] / static_cast<double>(count);
    found.scores.push_back(numbers[1]);
    if (std::isnan(numbers[1])) {
      found.failure = text("the score ", score.name, " does not exist for these runs");
      break;
    }
  }
  if (!found.failure.empty()) found.scores.clear();
  return found;
}

}  // namespace

FoldScores cross_validate(const Archive& runs, const std::vector<Split>& splits, const Recipe& recipe,
                          const FitContext& context, const Score& score, const MismatchOptions& mismatch) {
  return cross_validate(runs, splits, std::vector<Recipe>{recipe}, context, score, mismatch)[0];
}

std::vector<FoldScores> cross_validate(const Archive& runs, const std::vector<Split>& splits,
                                       const std::vector<Recipe>& recipes, const FitContext& context,
                                       const Score& score, const MismatchOptions& mismatch) {
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const std::size_t folds = splits.size();
  const std::vector<Bytes> results =
      executor.map(static_cast<Index>(recipes.size() * folds), [&](Index task) {
        const std::size_t f = static_cast<std::size_t>(task) % folds;
        return run_split(runs.subset(splits[f].train), runs.subset(splits[f].test),
                         recipes[static_cast<std::size_t>(task) / folds],
                         context.random.split(static_cast<std::uint64_t>(f)), score, mismatch);
      });
  std::vector<FoldScores> found;
  for (std::size_t r = 0; r < recipes.size(); ++r)
    found.push_back(joined(results.data() + r * folds, folds, score));
  return found;
}

}  // namespace ersatz
