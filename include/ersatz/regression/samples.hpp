#pragma once
// Functions drawn from what a predictor knows.

#include "ersatz/core/random.hpp"
#include "ersatz/regression/predictor.hpp"

namespace ersatz {

/// `count` draws of one output at the q points X, jointly: mean + C z with C the Cholesky factor of the
/// covariance between them, count × q, a draw in each row. The same stream gives the same draws. When the
/// covariance is singular to rounding (points that coincide, training points without noise), its diagonal
/// is raised by 1e-14, 1e-13, … of its largest entry until it can be factorised. Cost: the covariance, q³/3
/// flops, and q² for each draw. Throws UsageError when the predictor has no covariance, NumericalError when
/// 1e-6 is not enough.
Matrix draw_samples(const Predictor& predictor, ConstMatrixRef X, Index output, Index count, Noise noise,
                    RandomStream random);

}  // namespace ersatz
