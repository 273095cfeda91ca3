#pragma once
// The search for hyperparameters: several starts, box bounds, Ceres' BFGS with analytic gradients.

#include <string>
#include <vector>

#include "ersatz/core/random.hpp"
#include "ersatz/regression/gp/objective.hpp"

namespace ersatz::gp {

struct SearchOptions {
  Index starts = 3;
  Index max_iterations = 100;
  /// In logarithms, one for each parameter of the objective. Infinite bounds: free.
  std::vector<double> lower, upper, start;
  std::vector<double> random_lower, random_upper;  ///< where the other starts are drawn from
  bool limited_memory = false;                     ///< L-BFGS, for thousands of parameters
  double flat = 1e-3;                              ///< gain per iteration below which a search ends
};

struct SearchResult {
  bool usable = false;     ///< at least one start could be evaluated
  bool converged = false;  ///< the winner met its stopping rule
  std::vector<double> parameters;
  double value = 0.0;           ///< minus log likelihood
  Index winner = 0;             ///< which start
  std::vector<double> reached;  ///< value of each start (not a number: could not be evaluated)
  Index iterations = 0;         ///< of the winner
  Index evaluations = 0;        ///< of all
};

/// Every start explores for a few iterations, the best one goes on until it converges.
SearchResult search(Objective& objective, const SearchOptions& options, const RandomStream& random);

}  // namespace ersatz::gp
