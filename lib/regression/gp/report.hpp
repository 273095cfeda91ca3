#pragma once
// What the summary of a fit says about its search.

#include "regression/gp/found.hpp"
#include "regression/gp/scaled_data.hpp"

namespace ersatz::gp {

/// One correlation, and the outputs that use it.
struct Group {
  std::vector<Index> positions;  ///< among the varying outputs
  Found found;
  std::vector<double> process_deviation;  ///< of each, in its unit
  /// Of the first, in its unit: coefficients of the mean over inputs scaled to [-1, 1], and their deviations.
  Vector mean, mean_deviation;
};

/// Facts: hyperparameters, which start won and how far behind the others ended, the mean's coefficients,
/// bounds that were hit, inputs that do not matter. Warnings: jitter, searches that did not converge, lengths
/// at their smallest, a nugget at its largest.
void report_search(const GpOptions& options, const Kernel& kernel, const SearchOptions& box,
                   const ScaledData& data, const TrainingData& user, const std::vector<Group>& groups,
                   FitSummary& summary);

}  // namespace ersatz::gp
