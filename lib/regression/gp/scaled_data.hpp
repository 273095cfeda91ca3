#pragma once
// Training data in the units that every Gaussian process works in.

#include <optional>
#include <vector>

#include "ersatz/regression/gp/kernel_expression.hpp"
#include "ersatz/regression/regressor.hpp"
#include "regression/gp/input_frame.hpp"

namespace ersatz::gp {

/// Inputs that vary, scaled to [0, 1] by their range in the data; outputs that vary, standardised.
struct ScaledData : InputFrame {
  std::vector<Index> varying;  ///< outputs that vary
  Vector centre, scale;        ///< of the varying outputs: y = centre + scale × scaled
  Matrix x;                    ///< n × active
  Matrix y;                    ///< n × varying
};
ScaledData scale_data(const TrainingData& data);

/// What make_kernel needs to know of them: names, which vary, ranges in the user's units.
KernelInputs kernel_inputs(const TrainingData& data, const ScaledData& scaled);

/// Positions among the varying outputs, one group for each correlation: all together, or each alone.
std::vector<std::vector<Index>> group_outputs(const ScaledData& data, bool shared);

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

/// Known noise variances of the varying output at `position`, in units in which it has variance 1; n, or
/// empty.
Vector scaled_noise(const ScaledData& data, const Matrix& noise, Index position);

/// What is known of an output when no input varies: all its values are replicates of one.
struct Scatter {
  double mean = 0.0, variance = 0.0;  ///< variance of one value
};
/// Fills in the output's leave-one-out columns of the summary, where it has them.
Scatter scatter_of(const TrainingData& data, Index output, FitSummary& summary);

/// What goes into every summary: dropped inputs, constant outputs, a single point.
void warn_about_scaling(const TrainingData& data, const ScaledData& scaled, FitSummary& summary);

}  // namespace ersatz::gp
