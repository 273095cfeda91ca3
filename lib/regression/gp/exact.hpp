#pragma once
// The Gaussian process with its full covariance matrix.

#include "ersatz/regression/gp/gp.hpp"

namespace ersatz::gp {

/// O(n³) for each evaluation of the likelihood, O(n²) memory.
RegressorPtr make_exact_gp(const GpOptions& options);

}  // namespace ersatz::gp
