#pragma once
// The model at what was observed. Not installed.

#include <functional>
#include <vector>

#include "ersatz/inference/forward_model.hpp"
#include "ersatz/inference/observation.hpp"

namespace ersatz {

/// Where a value of an observation comes from.
struct ObservedEntry {
  std::size_t output;  ///< of the model
  Index entry;         ///< of its row
};
/// Throws UsageError naming an output, or an entry, that is not there.
std::vector<ObservedEntry> observed_entries(const Observation& observation,
                                            const std::vector<OutputSpec>& outputs);

/// Neighbours among them: entries of one output, one after the other.
struct ObservedRun {
  std::size_t output;
  Index entry, first, count;  ///< of the row; where it is among the values; how many
};
std::vector<ObservedRun> observed_runs(const std::vector<ObservedEntry>& entries);

/// The model's mean there, m values. False where there is none.
bool evaluate_entries(const ForwardModel& model, const std::vector<ObservedRun>& runs, const double* x,
                      Vector& mean, Workspace& workspace);
/// Also the gradient, d values, of a number whose derivatives by the mean `weigh` gives, m, once that is
/// there; null: the gradient is not wanted. False in that case, too.
bool evaluate_entries(const ForwardModel& model, const std::vector<ObservedRun>& runs, const double* x,
                      Vector& mean, const std::function<const double*()>& weigh, double* gradient,
                      Workspace& workspace);

/// Where central differences by a parameter are taken: 1e-3 of its range to both sides (log scale: of the
/// logarithm's). Small variances of Gaussian processes have few digits, so that narrower ones would be worse.
struct DifferencePoints {
  double below, above;
};
DifferencePoints difference_points(const Parameter& parameter, double value);

}  // namespace ersatz
