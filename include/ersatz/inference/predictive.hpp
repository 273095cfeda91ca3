#pragma once
// The data beside what the posterior says of them.

#include <string>
#include <vector>

#include "ersatz/inference/observation.hpp"
#include "ersatz/inference/posterior.hpp"

namespace ersatz {

/// Observed values of one output (of a complex one, real or imaginary parts) and the distribution of the
/// model's prediction over the posterior, the emulator's error with it, value by value. All vectors: one
/// entry per value observed, in the order of the axis' bins.
struct PredictiveView {
  std::string name, unit;  ///< "strain, real part"
  std::string axis, axis_unit;
  Vector at;  ///< places on the axis
  Vector data, deviation;
  Vector median, lower68, upper68, lower95, upper95;
  /// (data - mean of the prediction) over the root of both variances.
  Vector residual;
};

/// From as many draws as `thetas` has rows (n × posterior.size()); a nuisance parameter "amplitude" scales
/// the prediction, others do not change it. Draws without a prediction are left out. O(n · width) memory per
/// output.
std::vector<PredictiveView> posterior_predictive(const Posterior& posterior, const Observation& observation,
                                                 const Matrix& thetas, RandomStream random);

}  // namespace ersatz
