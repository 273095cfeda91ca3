#pragma once
// The Gaussian process that inducing points summarise: for 10^4 to 10^6 points.

#include "ersatz/regression/gp/gp.hpp"

namespace ersatz::gp {

/// Inducing points with optimised locations (Titsias 2009), in stages that each report:
///   subset      hyperparameters of the full process on at most 1000 points, all starts
///   locations   the points with the largest conditional variance (Burt et al. 2020)
///   fixed       hyperparameters by the bound, locations held, on at most 20 000 points
///   joint       hyperparameters and locations together, L-BFGS, on at most 100 000 points
///   all         mean, process variance and the posterior given every point
/// The smallest nugget is 1e-8. Known noise and the leave-one-out objective are not taken.
/// Cost: about 60 evaluations of the bound, n m² × 5 flops each, on the executor; memory m² for each worker.
RegressorPtr make_inducing_gp(const GpOptions& options);

}  // namespace ersatz::gp
