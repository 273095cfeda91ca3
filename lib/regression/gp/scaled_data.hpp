#pragma once
// Training data in the units that every Gaussian process works in.

#include <optional>
#include <vector>

#include "ersatz/regression/gp/kernel_expression.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz::gp {

/// Inputs that vary, scaled to [0, 1] by their range in the data; outputs that vary, standardised.
struct ScaledData {
  std::vector<Index> active;   ///< inputs that vary
  std::vector<Index> varying;  ///< outputs that vary
  Vector lower, range;         ///< of the active inputs: x = lower + range × scaled
  Vector centre, scale;        ///< of the varying outputs: y = centre + scale × scaled
  Matrix x;                    ///< n × active
  Matrix y;                    ///< n × varying
};
ScaledData scale_data(const TrainingData& data);

/// What make_kernel needs to know of them: names, which vary, ranges in the user's units.
KernelInputs kernel_inputs(const TrainingData& data, const ScaledData& scaled);

/// Rows with identical inputs.
struct Duplicates {
  Index count = 0;           ///< rows that repeat another one's inputs
  bool conflicting = false;  ///< the outputs of some differ
  Index first = -1, second = -1;
};
Duplicates find_duplicates(const Matrix& x, const Matrix& y);

/// "3 of 7 outputs"
std::string count_of(std::size_t count, Index total);

/// Known noise deviations, n × p; empty: none. Throws DataError where both the setting and the data have
/// them.
Matrix known_noise(const std::optional<double>& setting, const TrainingData& data);

/// What is known of an output when no input varies: all its values are replicates of one.
struct Scatter {
  double mean = 0.0, variance = 0.0;  ///< variance of one value
};
/// Fills in the output's leave-one-out columns of the summary, where it has them.
Scatter scatter_of(const TrainingData& data, Index output, FitSummary& summary);

/// What goes into every summary: dropped inputs, constant outputs, a single point.
void warn_about_scaling(const TrainingData& data, const ScaledData& scaled, FitSummary& summary);

}  // namespace ersatz::gp
