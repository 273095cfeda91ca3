#pragma once
// Upper bounds of a Gaussian process's variances, for a fraction of their cost. Not installed.

#include "ersatz/regression/predictor.hpp"

namespace ersatz::acquisition {

/// So many of the data's first points give the bound; 0 where bounds do not pay or are not to be had: another
/// predictor than an exact Gaussian process, or a small one.
Index bounding_points(const Predictor& predictor);

/// Means, and latent variances with what the first bounding_points() (at least one) of the data explain in
/// place of what all of them do: never smaller, up to rounding. X: q × d', mean and bound: q × p. Cost per
/// point and correlation: m² flops for m of n points and n + m kernel values.
void mean_and_variance_bound(const Predictor& predictor, ConstMatrixRef X, MatrixRef mean, MatrixRef bound,
                             Workspace& workspace);

}  // namespace ersatz::acquisition
