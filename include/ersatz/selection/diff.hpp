#pragma once
// Two models side by side.

#include <limits>
#include <string>
#include <vector>

#include "ersatz/selection/pipeline.hpp"

namespace ersatz {

/// Predictions of one output by both models, over points of the domain that they share.
struct OutputDifference {
  std::string name;
  double rms = 0.0;  ///< root mean square of new minus old, over points and bins
  double relative =
      0.0;  ///< over the root mean square of old minus its mean row; NaN where old does not vary
  double max_abs = 0.0;
  /// Share of values that differ by no more than two standard deviations of the difference, were both right
  /// about their own error; NaN without error bars in both.
  double consistent = std::numeric_limits<double>::quiet_NaN();
  /// Scores that the files have of held-out runs; NaN where one has none.
  double old_nrmse = std::numeric_limits<double>::quiet_NaN();
  double new_nrmse = std::numeric_limits<double>::quiet_NaN();
  double old_coverage_95 = std::numeric_limits<double>::quiet_NaN();
  double new_coverage_95 = std::numeric_limits<double>::quiet_NaN();
};

struct ModelDifference {
  std::vector<std::string>
      incompatibilities;   ///< emulator/contract.hpp; empty: the new one may replace the old
  Index points = 0;        ///< compared at; 0: nothing can be compared
  bool same_data = false;  ///< both have learnt from the same runs
  bool same_recipe = false;
  std::vector<OutputDifference> outputs;  ///< that both have, in the same shape
};

/// Compares contracts, predictions at `points` random points of the old model's domain that are in the new
/// one's as well, and scores. Cost: a prediction with deviations by both for each point.
ModelDifference diff(const Model& older, const Model& newer, Index points, RandomStream random,
                     int threads = 1);

}  // namespace ersatz
