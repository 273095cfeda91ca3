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

/// "matern52, mean of degree 1, nugget estimated"; `size`, what a method says of its size, comes after the
/// kernel.
std::string settings_of(const GpOptions& options, const std::string& size = {});
/// A fit's one line.
std::string message_of(const std::string& settings, const ScaledData& data, const TrainingData& user);

/// Names of the inputs that vary, "input 3" where there are none.
std::vector<std::string> active_names(const ScaledData& data, const TrainingData& user);
/// "0 1 2", "0 … 9": the user's outputs at these positions among the varying ones.
std::string outputs_of(const std::vector<Index>& positions, const ScaledData& data);

/// Fact: how many of these outputs' leave-one-out residuals lie within one deviation, and within 95 %.
void report_coverage(const Matrix& residual, const Matrix& deviation, const std::vector<Index>& outputs,
                     const std::string& note, FitSummary& summary);

/// Facts: hyperparameters, which start won and how far behind the others ended, the mean's coefficients,
/// bounds that were hit, inputs that do not matter. Warnings: jitter, searches that did not converge, lengths
/// at their smallest, a nugget at its largest.
void report_search(const GpOptions& options, const Kernel& kernel, const SearchOptions& box,
                   const ScaledData& data, const TrainingData& user, const std::vector<Group>& groups,
                   FitSummary& summary);

}  // namespace ersatz::gp
