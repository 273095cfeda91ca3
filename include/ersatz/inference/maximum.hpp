#pragma once
// Where a density is largest, and the normal distribution that touches it there.

#include <string>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/inference/unconstrained.hpp"

namespace ersatz {

struct Maximum {
  Vector theta;  ///< size()
  Vector u;      ///< the same point, unconstrained
  LogDensityValue value;
  bool converged = false;
  Index iterations = 0;
};

struct MaximumOptions {
  Index iterations = 200;      ///< at most, for each start
  bool with_jacobian = false;  ///< look for the maximum of the density over u instead
  /// Of each so many rows of the starts the climb begins at the highest alone: a few climbs from anywhere end
  /// on hills that hold none of the mass.
  Index draws_per_climb = 1;
};

/// Climbs from the rows of `starts` (n × size(), in theta; a climb is a task) by BFGS with a Wolfe line
/// search in unconstrained coordinates (Nocedal & Wright 2006, ch. 6; Ceres). The maxima that differ, best
/// first: of ends within three standard deviations of one another (by the curvature at the better one) the
/// better stays. Throws NumericalError where the density is zero at all starts.
std::vector<Maximum> find_maxima(const LogDensity& density, const Matrix& starts,
                                 const MaximumOptions& options, Executor& executor);

/// Minus the second derivatives of log_density by u, from central differences of gradients at a hundredth of
/// a standard deviation: 4 size() + 1 gradients. Empty where a neighbour has density zero.
Matrix curvature(const UnconstrainedDensity& density, const Vector& u, Workspace& workspace);

/// The normal approximation (Laplace): covariance of theta, the inverse of the curvature.
struct LaplaceApproximation {
  Matrix covariance;  ///< size() × size(); empty where there is none
  std::string why_not;
};
/// Of the density over theta at its maximum. There is none where the maximum stands on a bound, where the
/// curvature is not positive definite, or a deviation is wider than the room between a parameter's bounds.
LaplaceApproximation laplace_approximation(const LogDensity& density, const Maximum& maximum,
                                           Workspace& workspace);

/// Places for n chains or walkers to begin: about the maxima found (those within 10 of the best in log
/// density, in turn), spread twice as wide as the normal approximation of the density over u (no wider than 2
/// in u); closer where the density falls off much faster, as at gaps of a domain. n × size(), in theta.
Matrix starting_points(const LogDensity& density, const std::vector<Maximum>& maxima, Index n,
                       const RandomStream& random);

}  // namespace ersatz
