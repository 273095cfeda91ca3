#pragma once
// The leaderboard: every regressor on the same folds, and the simplest that serves.

#include "ersatz/emulator/train.hpp"
#include "ersatz/selection/comparison.hpp"
#include "ersatz/selection/mismatch.hpp"

namespace ersatz {

/// One entrant. The order of the list is the order of simplicity.
struct Contestant {
  std::string regressor;
  Settings settings;
};

/// What compare() tries when told nothing else, from the simplest on: the mean, linear, ridge with
/// polynomials of growing degree, lasso, elastic net, nearest neighbours, polynomial chaos, a random forest
/// (where it is built), Gaussian processes (one length for all inputs, one for each, with a linear mean).
std::vector<Contestant> default_contestants();

/// A list of one's own, from TOML: `entrants`, regressors as in a recipe (a name, or a table of name and
/// settings) from the simplest on; "defaults" among them stands for default_contestants(). `where` begins
/// messages. Throws UsageError naming the line: another key, no list, regressors or settings that are not
/// known.
std::vector<Contestant> contestants_of(const std::string& toml, const std::string& where);
/// The same from a file. Throws StorageError where it cannot be read.
std::vector<Contestant> read_contestants(const std::string& path);

/// Runs K-fold cross-validation of the whole pipeline (decoders, transforms and bases are fitted to each
/// fold's training rows alone). The NRMSE of a fold is over all outputs, each divided by its own spread.
/// Chosen is the first contestant within one standard error (of the paired difference over folds) of the
/// best by `score` (see find_score). An entrant that cannot be fitted stays in the table with its reason and
/// no score (NaN). Complex outputs get mismatches as well. Throws UsageError where the score is unknown or
/// not one of these outputs.
std::vector<ComparisonRow> compare(const Archive& archive, const Recipe& recipe,
                                   const std::vector<Contestant>& contestants, Index folds,
                                   const FitContext& context, const MismatchOptions& mismatch = {},
                                   const std::string& score = "nrmse");

/// What the simple regressors reach on one set aside, beside an emulator that learnt from the same rows: the
/// mean, linear, ridge and nearest neighbours on the same channels. The standard error is over the rows of
/// `test`.
std::vector<ComparisonRow> simple_baselines(const Prepared& prepared, const Emulator& emulator,
                                            const std::string& regressor, double fit_seconds,
                                            const Archive& test, const Recipe& recipe,
                                            const FitContext& context);

}  // namespace ersatz
