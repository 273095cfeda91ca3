#pragma once
// What the neighbours of a point count in a prediction there, and how that changes with the point or with the
// lengths of the inputs.

#include "ersatz/core/workspace.hpp"
#include "ersatz/regression/knn.hpp"

namespace ersatz {

/// The neighbours of a point: rows of `points` (n × v) with their distances, nearest first.
struct Neighbourhood {
  const double* points;
  Index v;
  NeighbourMetric metric;
  const double* distances;
  const double* rows;
  Index size;

  Index row(Index i) const { return static_cast<Index>(rows[i]); }
};

/// Which neighbours count, and how.
struct NeighbourRule {
  NeighbourWeights weights = NeighbourWeights::uniform;
  Index k = 1;          ///< 0: radius
  double radius = 0.0;  ///< all points up to here

  bool smooth() const {
    return weights == NeighbourWeights::kernel || weights == NeighbourWeights::local_linear;
  }
  /// With a radius: how many of v coordinates predict even where the radius has to grow for them.
  Index least(Index v) const {
    if (!smooth()) return 1;
    return weights == NeighbourWeights::kernel ? 2 : v + 2;
  }
  /// Neighbours to ask for: those that predict, and one for the bandwidth and the variance. With a radius,
  /// beside those inside.
  Index wanted(Index v) const { return (k > 0 ? k : least(v)) + 1; }
  /// Whether the prediction changes without jumps: a neighbour that leaves has lost its weight, and those
  /// that stay still determine the rest.
  bool continuous() const {
    return smooth() && (k == 0 || k >= (weights == NeighbourWeights::kernel ? 2 : 3));
  }
};

/// A rule at one point. The first `used` neighbours have weights, `around` of them tell the variance.
struct NeighbourWindow {
  Index used, around;
  double bandwidth;
  Index edge;     ///< the neighbour whose distance is the bandwidth (times a constant); -1: none, the radius
  bool isolated;  ///< nobody inside the radius
};
/// Of at least rule.wanted(v) neighbours, or as many as there are, and all inside the radius.
NeighbourWindow neighbour_window(const NeighbourRule& rule, const Neighbourhood& neighbours);

/// Weights of the first window.used neighbours in the prediction at z; they add up to one.
void neighbour_weights(const NeighbourRule& rule, const double* z, const Neighbourhood& neighbours,
                       const NeighbourWindow& window, double* weights, Workspace& workspace);

/// Derivatives of the prediction at z for smooth rules, p × v: by z, or by the logarithms of the scale of
/// each coordinate (one over its length) at fixed places. values: n × p.
enum class By { point, log_scale };
void neighbour_slopes(const NeighbourRule& rule, const double* z, const Neighbourhood& neighbours,
                      const NeighbourWindow& window, const double* values, Index p, By by, double* slopes,
                      Workspace& workspace);

/// Σ (y_ij - ȳ_j)² over the first `around` neighbours: p sums.
void neighbour_spread(const Neighbourhood& neighbours, Index around, const double* values, Index p,
                      double* sums);

}  // namespace ersatz
