#pragma once
// k nearest neighbours: the average, or a plane, through the nearest training points.

#include <string_view>
#include <vector>

#include "ersatz/regression/regressor.hpp"

namespace ersatz {

enum class NeighbourWeights {
  uniform,           ///< 1/k
  inverse_distance,  ///< proportional to 1/r; an exact hit takes all (Shepard 1968)
  kernel,            ///< proportional to the tricube kernel (Nadaraya 1964, Watson 1964, Cleveland 1979)
  local_linear       ///< a plane through the neighbours, tricube weights (Cleveland 1979)
};
std::string_view to_string(NeighbourWeights weights);
NeighbourWeights neighbour_weights_from_string(std::string_view name);  ///< throws UsageError

enum class NeighbourMetric {
  euclidean,  ///< r² = Σ (Δx_a / l_a)²
  manhattan   ///< r = Σ |Δx_a| / l_a
};
std::string_view to_string(NeighbourMetric metric);
NeighbourMetric neighbour_metric_from_string(std::string_view name);  ///< throws UsageError

enum class NeighbourLengths {
  learnt,  ///< one length per input, such that the leave-one-out error is small
  equal    ///< the standard deviations of the inputs
};

struct KnnOptions {
  /// Candidates; leave-one-out chooses among several. Those beyond n - 1 are left out.
  std::vector<Index> k = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 40, 50, 64};
  /// Where not empty, instead of k: all points up to this distance count. Candidates, as k.
  std::vector<double> radii;
  std::vector<NeighbourWeights> weights = {NeighbourWeights::uniform, NeighbourWeights::inverse_distance,
                                           NeighbourWeights::kernel, NeighbourWeights::local_linear};
  NeighbourMetric metric = NeighbourMetric::euclidean;
  NeighbourLengths lengths = NeighbourLengths::learnt;
  /// Leave-one-out runs over at most so many points, drawn from the random stream.
  Index loo_points = 5000;
};

/// Distances are measured in inputs over their lengths: their standard deviations, or learnt ones of which
/// the shortest is one standard deviation. Inputs that do not vary do not count. Ties go to the lower row, so
/// results do not depend on the tree's layout. One setting for all outputs: the smallest sum over outputs of
/// leave-one-out error over variance.
///
/// Kernel: weights w_i = (1 - (r_i/h)³)³ with the distance to neighbour k + 1, or the radius, as bandwidth h.
/// Local-linear: with these weights, and coordinates z in lengths,
///   y(z) = ȳ + (z - z̄)ᵀ (S + Λ)⁻¹ Σ w_i (z_i - z̄)(y_i - ȳ) / Σ w_i
/// where S is the weighted covariance of the neighbours and Λ is 1e-4 of its diagonal. For k >= 2 (kernel)
/// and k >= 3 (local-linear) these are continuous in x and have a Jacobian (almost everywhere: it jumps where
/// neighbours change order).
///
/// Radius: where no point is inside, the nearest one predicts; for kernel and local-linear the radius grows
/// to neighbour 3 or v + 3 of v inputs where that is further away, which keeps them continuous.
///
/// Variance: c_j (s̄²_j + Σ (y_ij - ȳ_j)²) / m over the m = k + 1 nearest (or all inside), with s̄² the average
/// of Σ (y_ij - ȳ_j)² / (m - 1) around the training points; c_j makes the mean square leave-one-out residual
/// equal to the mean variance (1 + 2 v / n times it when v lengths were learnt from n points). Where nobody
/// is inside the radius, at least the variance of the outputs. Latent: the known noise's mean variance is
/// taken off in c_j.
///
/// Learnt lengths: the gradient of the leave-one-out error of kernel or local-linear weights by the
/// logarithms of the lengths, followed by resilient steps (Riedmiller & Braun 1993), at most 1000 times
/// longer than the shortest; kept when the mean square leave-one-out error over all candidates is better than
/// with equal ones by more than a share of 4 v / n.
///
/// Points that repeat another one exactly leave together in leave-one-out.
/// Cost: fit n (log n + the neighbours of the largest k); learnt lengths about 40 passes of leave-one-out
/// over at most 1000 points; one prediction log n + k p, for local-linear also k d² + d³.
RegressorPtr make_knn_regressor(const KnnOptions& options);
/// k (number, list, or "auto") or radius (number or list), weights ("uniform", "inverse-distance", "kernel",
/// "local-linear", "auto"), metric ("euclidean", "manhattan"), lengths ("learnt", "equal"), loo_points
RegressorPtr make_knn_regressor(const Settings& settings);

}  // namespace ersatz
