#pragma once
// Where a search for hyperparameters may go, and where it starts.

#include "ersatz/regression/gp/gp.hpp"
#include "regression/gp/search.hpp"

namespace ersatz::gp {

constexpr double smallest_nugget = 1e-12, largest_nugget = 1.0;

/// One entry for each hyperparameter of the kernel, then log nugget where that is estimated.
SearchOptions search_box(const GpOptions& options, const Kernel& kernel, Index n, bool estimate_nugget);

}  // namespace ersatz::gp
