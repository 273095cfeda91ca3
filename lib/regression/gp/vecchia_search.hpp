#pragma once
// Hyperparameters of the nearest-neighbour Gaussian process, and conditioning on all points.

#include "ersatz/core/executor.hpp"
#include "regression/gp/found.hpp"
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

/// What a search found; its last round used so many points.
struct VecchiaFound {
  Found found;
  Index rounds = 0, points = 0;
};

/// Neighbours depend on lengths and lengths on neighbours: rounds, in each of which neighbours stay as they
/// are. Beyond a few thousand points the first rounds use a random sample and the last one a larger sample.
VecchiaFound find_vecchia(const VecchiaTask& task, const GpOptions& options, const RandomStream& random,
                          Executor& executor);

/// The mean, its uncertainty and the process variance from all points; `found` gets their likelihood and the
/// jitter that they need, and is not usable where nothing helps.
VecchiaGroup condition_vecchia(const VecchiaTask& task, const GpOptions& options, Found& found,
                               Executor& executor);

}  // namespace ersatz::gp
