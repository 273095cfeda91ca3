#pragma once
// From parameters in their own units to what regressors see.

#include "ersatz/core/parameter_space.hpp"
#include "ersatz/transform/transform.hpp"

namespace ersatz {

/// Linear parameters are scaled by their bounds to [0, 1], log parameters likewise after the logarithm,
/// periodic ones become cosine and sine of one turn between their bounds.
TransformPtr fit_input_map(const ParameterSpace& space);

/// Names of the map's outputs, for tables: "q", "cos phi", "sin phi".
std::vector<std::string> mapped_names(const ParameterSpace& space);
/// One unit of each output in the parameter's own: the width between its bounds (of the logarithm, for log
/// parameters); 1 for cosines and sines.
Vector mapped_units(const ParameterSpace& space);

/// Where the map's outputs lie, in the order of `mapped_names`: 0 to 1, cosines and sines -1 to 1, a
/// parameter of no width 0 to 0.
struct MappedBounds {
  Vector lower, upper;
};
MappedBounds mapped_bounds(const ParameterSpace& space);

}  // namespace ersatz
