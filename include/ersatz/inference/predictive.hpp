#pragma once
// The data beside what the posterior says of them.

#include <string>
#include <vector>

#include "ersatz/inference/observation.hpp"
#include "ersatz/inference/posterior.hpp"

namespace ersatz {

/// Observed values of one output (of a complex one, real or imaginary parts) and the distribution of the
/// model's prediction over the posterior, value by value; with the emulator's error, as large as the
/// likelihood takes it. All vectors: one entry per value observed, in the order of the axis' bins.
struct PredictiveView {
  std::string name, unit;  ///< "strain, real part"
  std::string axis, axis_unit;
  Vector at;  ///< places on the axis
  Vector data;
  Vector deviation;  ///< of the data's errors, as the likelihood scales them: root mean square over the draws
  bool emulator_error = false;  ///< whether there is any of it in the bands
  Vector median, lower68, upper68, lower95, upper95;
  /// (data - mean of the prediction) over the root of both variances.
  Vector residual;
};

/// From as many draws as `thetas` has rows (n × posterior.size()), scaled as Likelihood::scales says. Draws
/// without a prediction are left out. O(n · width) memory per output. Throws UsageError where the observation
/// has no errors.
std::vector<PredictiveView> posterior_predictive(const Posterior& posterior, const Observation& observation,
                                                 const Matrix& thetas, RandomStream random);

}  // namespace ersatz
