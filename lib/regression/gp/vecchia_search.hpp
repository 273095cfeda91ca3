#pragma once
// Hyperparameters of the nearest-neighbour Gaussian process, and conditioning on all points.

#include "ersatz/core/executor.hpp"
#include "regression/gp/box.hpp"
#include "regression/gp/vecchia_predictor.hpp"

namespace ersatz::gp {

constexpr Index default_neighbours = 30;

/// Outputs that share a correlation, in internal units.
struct VecchiaTask {
  KernelPtr kernel;
  Matrix x;                      ///< n × d
  Matrix y;                      ///< n × p
  Vector noise;                  ///< n, known noise variances, or empty
  std::optional<double> nugget;  ///< empty: estimated
};

struct VecchiaFound {
  std::vector<double> theta;
  double nugget = 0.0, jitter = 0.0;
  double variance = 1.0;  ///< of the process, where noise is known
  double value = 0.0;     ///< minus log likelihood of all points
  double spread = 0.0;    ///< how far the worst start was behind
  Index winner = 0, evaluations = 0;
  Index rounds = 0;  ///< of searches with neighbours held fixed
  Index points = 0;  ///< that the last search used
  bool converged = false, usable = false;
};

/// Neighbours depend on lengths and lengths on neighbours: rounds, in each of which neighbours stay as they
/// are. Beyond a few thousand points the first rounds use a random sample and the last one a larger sample.
VecchiaFound find_vecchia(const VecchiaTask& task, const GpOptions& options, const RandomStream& random,
                          Executor& executor);

/// The mean, its uncertainty and the process variance from all points; usable is false where that fails.
VecchiaGroup condition_vecchia(const VecchiaTask& task, const GpOptions& options, VecchiaFound& found,
                               Executor& executor);

}  // namespace ersatz::gp
