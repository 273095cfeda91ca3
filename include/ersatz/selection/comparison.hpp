#pragma once
// The table of regressors on the same folds.

#include <limits>
#include <string>
#include <vector>

namespace ersatz {

/// One line of the leaderboard.
struct ComparisonRow {
  std::string regressor;
  std::string settings;
  double nrmse = 0.0;        ///< mean over folds
  double nrmse_se = 0.0;     ///< its standard error
  double fit_seconds = 0.0;  ///< mean per fold
  double predict_us = 0.0;   ///< microseconds per point, one at a time
  bool chosen = false;
  std::string why;  ///< one line: why chosen, or why not
  // Over the held-out rows of all folds, of complex outputs: of each row the largest of its waveforms; NaN
  // without complex outputs.
  double mismatch_median = std::numeric_limits<double>::quiet_NaN();
  double mismatch_p95 = std::numeric_limits<double>::quiet_NaN();
  // The score that decided, where it was another one than the NRMSE.
  std::string score{};                                         ///< its name; empty: the NRMSE
  double value = std::numeric_limits<double>::quiet_NaN();     ///< mean over folds
  double value_se = std::numeric_limits<double>::quiet_NaN();  ///< its standard error
};

}  // namespace ersatz
