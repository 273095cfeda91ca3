#pragma once
// k nearest neighbours: the average, or a plane, through the nearest training points.

#include <string_view>
#include <vector>

#include "ersatz/regression/regressor.hpp"

namespace ersatz {

enum class NeighbourWeights {
  uniform,           ///< 1/k
  inverse_distance,  ///< proportional to 1/r; an exact hit takes all (Shepard 1968)
  local_linear       ///< a plane through the neighbours, tricube weights (Cleveland 1979)
};
std::string_view to_string(NeighbourWeights weights);
NeighbourWeights neighbour_weights_from_string(std::string_view name);  ///< throws UsageError

struct KnnOptions {
  /// Candidates; leave-one-out chooses among several. Those beyond n - 1 are left out.
  std::vector<Index> k = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 40, 50, 64};
  std::vector<NeighbourWeights> weights = {NeighbourWeights::uniform, NeighbourWeights::inverse_distance,
                                           NeighbourWeights::local_linear};
  /// Leave-one-out runs over at most so many points, drawn from the random stream.
  Index loo_points = 5000;
};

/// Distances are Euclidean between standardised inputs; those that do not vary do not count. Ties go to the
/// lower row, so results do not depend on the tree's layout. One k and one kind of weights for all outputs:
/// the smallest sum over outputs of leave-one-out error over variance.
///
/// Local-linear: with the distance to neighbour k + 1 as bandwidth, weights w_i = (1 - (r_i/h)³)³, and
///   y(x) = ȳ + (x - x̄)ᵀ (S + lambda I)⁻¹ Σ w_i (x_i - x̄)(y_i - ȳ) / Σ w_i
/// where S is the weighted covariance of the neighbours, lambda = 1e-4 of its mean eigenvalue. The result is
/// continuous in x.
///
/// Variance: c_j (s̄²_j + (k+1) s²_j(x)) / (k + 2) with s²(x) the variance among the k + 1 nearest outputs and
/// s̄² its average over the training points; c_j makes the mean square leave-one-out residual equal to the
/// mean variance. Latent: the known noise's mean variance is taken off in c_j.
///
/// Points that repeat another one exactly leave together in leave-one-out.
/// Cost: fit n (log n + the neighbours of the largest k); one prediction log n + k p, for local-linear also
/// k d² + d³.
RegressorPtr make_knn_regressor(const KnnOptions& options);
/// k (number, list, or "auto"), weights ("uniform", "inverse-distance", "local-linear", "auto"), loo_points
RegressorPtr make_knn_regressor(const Settings& settings);

}  // namespace ersatz
