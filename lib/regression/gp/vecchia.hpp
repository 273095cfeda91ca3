#pragma once
// The nearest-neighbour Gaussian process.

#include "ersatz/regression/gp/gp.hpp"

namespace ersatz::gp {

/// n m³ for each evaluation of the likelihood (m neighbours), n m memory. Beyond a few thousand points the
/// hyperparameters come from a random sample first and are refined on more points.
RegressorPtr make_vecchia_gp(const GpOptions& options);

}  // namespace ersatz::gp
