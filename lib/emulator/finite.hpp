#pragma once
// No NaN and no infinity leaves: an exponential of a coefficient far outside of the training set overflows.

#include "ersatz/core/axis.hpp"
#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// Of a row of `output`, with `each` values for every entry of it. Throws NumericalError naming point, what,
/// output and bin.
void check_finite(const double* row, const OutputSpec& output, Index point, const char* what, Index each = 1);

}  // namespace ersatz
