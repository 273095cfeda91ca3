#pragma once
// What the nearest-neighbour regressor predicts with.

#include "ersatz/regression/knn.hpp"
#include "ersatz/regression/predictor.hpp"
#include "ersatz/regression/standardisation.hpp"
#include "regression/neighbour_tree.hpp"
#include "regression/neighbour_weights.hpp"

namespace ersatz {

/// variance_j = constant_j + factor_j (typical_j + Σ (y - ȳ)²) / m around a point; at least isolated_j where
/// nobody is inside the radius. All p values, or empty: no variance.
struct KnnVariance {
  Vector constant, factor, isolated;
  /// spread: Σ (y - ȳ)² of output j over m neighbours
  double at(Index j, double typical, double spread, double m, bool alone) const {
    const double variance = constant[j] + factor[j] * (typical + spread) / m;
    return alone && variance < isolated[j] ? isolated[j] : variance;
  }
};

struct KnnState {
  Standardisation inputs;  ///< d
  Vector scales;           ///< d: one over the length, in standard deviations
  NeighbourMetric metric = NeighbourMetric::euclidean;
  NeighbourRule rule;
  Matrix points;  ///< n × v: see knn_coordinates
  Vector centre;  ///< p
  Matrix values;  ///< n × p, less the centre: weights that add up to one only to rounding then do
                  ///< not show in outputs far from zero
  bool has_variance = false;
  Vector typical_spread;  ///< p
  KnnVariance latent, observed;
};

/// The coordinates that distances are measured in: standardised inputs over their lengths, without those that
/// do not vary (one zero if none does).
void knn_coordinates(const Standardisation& inputs, const Vector& scales, const double* x, double* z);
Index knn_dimension(const Standardisation& inputs);

class KnnPredictor final : public Predictor {
 public:
  explicit KnnPredictor(KnnState state);

  std::string kind() const override { return "knn"; }
  Index inputs() const override { return state_.inputs.size(); }
  Index outputs() const override { return state_.values.cols(); }
  bool has_variance() const override { return state_.has_variance; }
  /// Of the rules that are continuous in x.
  bool has_jacobian() const override { return state_.rule.continuous(); }
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const override;
  void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                         Workspace& workspace) const override;
  void jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const override;
  void save(const h5::Group& group) const override;

  const KnnState& state() const { return state_; }

 private:
  void predict(ConstMatrixRef X, MatrixRef mean, MatrixRef* variance, Noise noise,
               Workspace& workspace) const;
  void coordinates(const double* x, Index point, double* z) const;
  Neighbourhood inside_radius(const double* z, double* distances, double* rows) const;

  KnnState state_;
  std::unique_ptr<const NeighbourTree> tree_;
};

}  // namespace ersatz
