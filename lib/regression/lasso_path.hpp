#pragma once
// The elastic net for one output by coordinate descent, warm-started from one penalty to the next.

#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// What coordinate descent sees of the data: centred columns F (n × m) and centred y, through the Gram matrix
/// (covariance updates) or the columns themselves (residual updates).
struct LassoProblem {
  const Eigen::MatrixXd* gram = nullptr;     ///< FᵀF / n, m × m; null: residual updates
  const Eigen::MatrixXd* columns = nullptr;  ///< F, n × m; needed without gram
  const double* y = nullptr;                 ///< n; needed without gram
  Vector diagonal;                           ///< of FᵀF / n
  Vector correlation;                        ///< Fᵀy / n
  double y2 = 0.0;                           ///< yᵀy / n
  double points = 0.0;                       ///< n

  Index features() const { return correlation.size(); }
};

struct LassoControl {
  double l1_ratio = 1.0;
  double tolerance = 1e-6;
  Index max_sweeps = 100000;
};

/// Where the descent stands; start from `start` and hand it from alpha to alpha.
struct LassoState {
  Vector beta;       ///< m
  Vector gradient;   ///< Fᵀ(y - F beta) / n, m
  Vector residual;   ///< y - F beta, n; residual updates only
  double gap = 0.0;  ///< duality gap over the objective at the end
  Index sweeps = 0;
  bool converged = true;
};
LassoState start(const LassoProblem& problem);

/// Minimises 1/(2n) |y - F b|² + alpha l1_ratio |b|₁ + alpha (1 - l1_ratio)/2 |b|² from where `state` is.
/// Ends when the duality gap is below tolerance · objective, or after max_sweeps (converged = false).
void descend(const LassoProblem& problem, double alpha, const LassoControl& control, LassoState& state);

/// The smallest alpha at which all coefficients are zero.
double largest_alpha(const LassoProblem& problem, double l1_ratio);

}  // namespace ersatz
