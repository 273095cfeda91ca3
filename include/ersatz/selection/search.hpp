#pragma once
// Hyperparameter search over whole recipes.

#include <atomic>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ersatz/emulator/train.hpp"
#include "ersatz/selection/mismatch.hpp"
#include "ersatz/selection/search_space.hpp"

namespace ersatz {

enum class SearchMethod {
  grid,    ///< all combinations, in order
  random,  ///< uniform in the unit cube of the space
  /// A start that fills the space, then the largest expected improvement (Jones, Schonlau & Welch, J. Global
  /// Optim. 13, 455, 1998) of a Gaussian process over the trials so far.
  bayesian,
};
std::string_view to_string(SearchMethod method);
SearchMethod search_method_from_string(std::string_view name);  ///< throws UsageError naming the known ones

struct SearchOptions {
  SearchMethod method = SearchMethod::bayesian;
  std::string score = "nrmse";  ///< see find_score
  Index trials = 50;            ///< recipes tried at most, resumed ones included; a trial is `folds` fits
  double seconds = std::numeric_limits<double>::infinity();  ///< no trial begins after so long
  Index folds = 5;
  /// Outer folds of the nested cross-validation of the winner, each a search of its own with as many trials
  /// as were made; 0: none.
  Index nested = 0;
  std::string history;  ///< file, appended to after each trial; empty: none
  bool resume = false;  ///< go on with the history; it must be of the same search
  MismatchOptions mismatch;
  const std::atomic<bool>* stop = nullptr;  ///< looked at before each trial
};

/// A recipe that was tried.
struct SearchTrial {
  Vector unit;  ///< in the space's unit cube, canonical
  std::vector<std::pair<std::string, std::string>> values;
  double score = 0.0;           ///< mean over folds; NaN: could not be fitted
  double standard_error = 0.0;  ///< of it
  double seconds = 0.0;         ///< per fit
  std::string failure;          ///< why it could not be fitted
};

enum class SearchEnd { finished, out_of_time, stopped };

struct SearchResult {
  std::vector<SearchTrial> trials;  ///< in order
  Index best = -1;                  ///< the best score; -1: none could be fitted
  Recipe recipe;                    ///< of the best
  Index kept = 0;                   ///< trials taken from the history
  SearchEnd end = SearchEnd::finished;
  Index searched_runs = 0, test_runs = 0;
  /// What a search like this one gives on runs that neither its folds nor its choice saw: mean and standard
  /// error over the outer folds. The best trial's own score is too good, being the best of many.
  std::optional<std::pair<double, double>> nested;
};

/// Cross-validates recipes of the space on the same folds. Runs that train_model() will set aside to test
/// (test_fraction of the recipe, the same seed) are set aside here too and never looked at. The same seed
/// gives the same trials and scores, whatever the executor and however often it was stopped and resumed. A
/// search of the grid ends when all are tried; random and Bayesian ones never try a recipe twice. Throws
/// UsageError where the history is of another search, DataError where there are too few runs, StorageError.
SearchResult search(const Archive& archive, const SearchSpace& space, const SearchOptions& options,
                    const FitContext& context);

}  // namespace ersatz
