#pragma once
// A recipe's score on folds. Not installed.

#include <functional>
#include <string>
#include <vector>

#include "ersatz/emulator/train.hpp"
#include "ersatz/selection/folds.hpp"
#include "ersatz/selection/mismatch.hpp"
#include "ersatz/selection/score.hpp"

namespace ersatz {

double mean_of(const std::vector<double>& values);
/// Of the mean of these values; 0 of fewer than two.
double standard_error(const std::vector<double>& values);

/// One score over all outputs of `test` that it has a value for. `mismatches`: of the rows, for that score.
/// NaN: there is no value for any. Throws UsageError where the score does not suit the outputs.
double score_of(const Score& score, const Prediction& prediction, const Archive& test,
                const std::vector<double>& mismatches);

/// Throws UsageError unless the emulator has what the score needs.
void check_score(const Score& score, const Emulator& emulator);

/// What a fold's fit came to, as bytes: 'R' and the numbers of `work`, or 'F' and why the numbers or the data
/// cannot do it.
Bytes fold_result(const std::function<std::vector<double>()>& work);

struct FoldScores {
  std::vector<double> scores;  ///< of each split; empty where the recipe could not be fitted
  double fit_seconds = 0.0;    ///< mean per fold, with what stands before the regressors
  std::string failure;         ///< why it could not be fitted
};

/// Learns from each split's training rows alone and scores its test rows. A split is a task on the context's
/// executor, its random stream the context's split by the number of the split.
FoldScores cross_validate(const Archive& runs, const std::vector<Split>& splits, const Recipe& recipe,
                          const FitContext& context, const Score& score, const MismatchOptions& mismatch);

/// Several recipes on the same splits, with the same streams: one task for each of both, all at once.
std::vector<FoldScores> cross_validate(const Archive& runs, const std::vector<Split>& splits,
                                       const std::vector<Recipe>& recipes, const FitContext& context,
                                       const Score& score, const MismatchOptions& mismatch);

}  // namespace ersatz
