#pragma once
// Where a search for hyperparameters may go, and where it starts.

#include "ersatz/regression/gp/gp.hpp"
#include "regression/gp/search.hpp"

namespace ersatz::gp {

constexpr double smallest_nugget = 1e-12, largest_nugget = 100.0;
/// Of the process variance, over that of the output.
constexpr double smallest_variance = 1e-4, largest_variance = 1e4;

/// The nugget: a value, or empty where it is to be searched. 0 unless asked for where noise is known. Warns
/// of points that repeat others, which a nugget of 0 cannot take.
std::optional<double> nugget_to_search(const GpOptions& options, const TrainingData& data, bool known_noise,
                                       FitSummary& summary);

/// One entry for each hyperparameter of the kernel, then log nugget where that is estimated, then the log
/// process variance where it is one, for outputs of variance 1.
SearchOptions search_box(const GpOptions& options, const Kernel& kernel, Index n, bool estimate_nugget,
                         bool estimate_variance = false);

}  // namespace ersatz::gp
