#pragma once
// The elastic net by coordinate descent over a working set of features, warm-started from one penalty to the
// next; for one output, or for several that share their features.

#include <functional>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// What the descent sees of the data: centred columns F (n × m) and centred outputs Y (n × q), through the
/// Gram matrix (covariance updates) or the columns themselves (residual updates). What it points to must
/// outlive it.
struct LassoProblem {
  const Eigen::MatrixXd* gram = nullptr;  ///< FᵀF / n, m × m
  /// In place of `gram`: writes column j of it. Asked only for features that enter, once each.
  std::function<void(Index j, double* column)> gram_column;
  const Eigen::MatrixXd* columns = nullptr;  ///< F, n × m; needed without the Gram matrix
  const double* y = nullptr;                 ///< Y, n × q, column after column; needed with `columns`
  Vector diagonal;                           ///< of FᵀF / n, m
  Eigen::MatrixXd correlation;               ///< FᵀY / n, m × q
  double y2 = 0.0;                           ///< |Y|² / n, all outputs together
  double points = 0.0;                       ///< n

  Index features() const { return correlation.rows(); }
  Index outputs() const { return correlation.cols(); }
  bool covariance() const { return gram != nullptr || gram_column != nullptr; }
};

struct LassoControl {
  double l1_ratio = 1.0;
  double tolerance = 1e-6;    ///< relative duality gap
  Index max_sweeps = 100000;  ///< per alpha
};

/// Features that may be other than zero, with what the descent needs of them. It grows down the path.
struct LassoWorkingSet {
  std::vector<Index> features;  ///< k, in order of entry
  std::vector<char> member;     ///< m
  Eigen::MatrixXd basis;        ///< their columns of FᵀF / n (m × ≥k), or of F (n × ≥k)
  Eigen::MatrixXd gram;         ///< their own FᵀF / n, ≥k × ≥k; unused by residual sweeps
  bool residual_sweeps = false;

  Index size() const { return static_cast<Index>(features.size()); }
};

/// Where the descent stands; begin with `start` and hand it from alpha to alpha.
struct LassoState {
  Eigen::MatrixXd beta;      ///< m × q
  Eigen::MatrixXd gradient;  ///< Fᵀ(Y - F beta) / n, m × q
  Eigen::MatrixXd residual;  ///< Y - F beta, n × q; residual updates only
  double objective = 0.0;    ///< at the end
  double gap = 0.0;          ///< duality gap over the objective at the end
  double kkt_error = 0.0;    ///< largest violation of the optimality conditions, in units of the gradient
  Index sweeps = 0;          ///< passes over the working set, direct solves included
  bool converged = true;
  double l1 = -1.0;           ///< of the alpha before; below 0: none
  Eigen::MatrixXd last_step;  ///< k × q: what beta changed by, from the alpha before that to `l1`
  double last_step_l1 = 0.0;  ///< and l1
  LassoWorkingSet working;
};
LassoState start(const LassoProblem& problem);

/// Minimises 1/(2n) |Y - F B|² + alpha l1_ratio Σ_t |B(t,:)|₂ + alpha (1 - l1_ratio)/2 |B|² from where
/// `state` is: the elastic net (Friedman, Hastie & Tibshirani 2010) for q = 1, the group lasso over outputs
/// (Obozinski, Taskar & Jordan 2010) beyond. Ends when the duality gap (Kim et al. 2007; of the elastic net
/// through the augmented lasso) is below tolerance · objective, or after max_sweeps (converged = false).
///
/// The working set begins with the sequential strong rule (Tibshirani et al. 2012); features outside that
/// violate the optimality conditions enter it until the gap over all features is met, so nothing is lost when
/// the rule errs. Within it: coordinate descent, from a point extrapolated along the path (which is piecewise
/// linear in alpha for the lasso); and for q = 1, where the gap falls slowly, a direct solve on the support.
/// Cost for k in the working set: k² q per sweep, m k q per check (residual updates: n m q), k³/3 per direct
/// solve. Residual sweeps (n k q each) take over when k > 4n and k > 2000.
void descend(const LassoProblem& problem, double alpha, const LassoControl& control, LassoState& state);

/// The smallest alpha at which all coefficients are zero.
double largest_alpha(const LassoProblem& problem, double l1_ratio);

}  // namespace ersatz
