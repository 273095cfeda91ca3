#pragma once
// Where inducing points start.

#include "ersatz/core/matrix.hpp"
#include "ersatz/regression/gp/kernel.hpp"

namespace ersatz::gp {

/// Rows of x (n × d), the first `count` pivots of a Cholesky factorisation of their covariance: each is the
/// point whose variance given those before it is the largest (Burt, Rasmussen & van der Wilk 2020, section
/// 4.2; ties to the lower row). Fewer where what is left falls below `tolerance` of the mean variance: the
/// others add nothing, duplicates among them. At least one. Cost n count² flops, n count doubles.
Matrix greedy_points(const Kernel& kernel, const double* theta, ConstMatrixRef x, Index count,
                     double tolerance = 1e-10);

}  // namespace ersatz::gp
