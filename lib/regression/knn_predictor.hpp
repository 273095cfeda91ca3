#pragma once
// What the nearest-neighbour regressor predicts with.

#include "ersatz/regression/knn.hpp"
#include "ersatz/regression/predictor.hpp"
#include "ersatz/regression/standardisation.hpp"
#include "regression/neighbour_tree.hpp"

namespace ersatz {

/// The neighbours of a point: rows of `points` (n × v) with their squared distances, nearest first. There are
/// k + 1 of them where there are so many points, k otherwise.
struct Neighbourhood {
  const double* points;
  Index v;
  const double* squared_distances;
  const double* rows;
  Index size;
};

/// What the first k neighbours count in the prediction at z; adds up to one.
void neighbour_weights(NeighbourWeights kind, const double* z, const Neighbourhood& neighbours, Index k,
                       double* weights, Workspace& workspace);

struct KnnState {
  Standardisation inputs;  ///< d
  Matrix points;           ///< n × v: standardised, only inputs that vary (one column of zeros if none does)
  Vector centre;           ///< p
  Matrix values;           ///< n × p, less the centre: weights that add up to one only to rounding then do
                           ///< not show in outputs far from zero
  Index k = 1;
  NeighbourWeights weights = NeighbourWeights::uniform;
  /// variance_j(x) = constant_j + factor_j s²_j(x), with s² among the k + 1 nearest.
  bool has_variance = false;
  Vector latent_constant, latent_factor, observed_constant, observed_factor;  ///< p
};

/// The coordinates that distances are measured in: standardised, without inputs that do not vary.
void knn_coordinates(const Standardisation& inputs, const double* x, double* z);
Index knn_dimension(const Standardisation& inputs);

class KnnPredictor final : public Predictor {
 public:
  explicit KnnPredictor(KnnState state);

  std::string kind() const override { return "knn"; }
  Index inputs() const override { return state_.inputs.size(); }
  Index outputs() const override { return state_.values.cols(); }
  bool has_variance() const override { return state_.has_variance; }
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const override;
  void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                         Workspace& workspace) const override;
  void save(const h5::Group& group) const override;

  const KnnState& state() const { return state_; }

 private:
  void predict(ConstMatrixRef X, MatrixRef mean, MatrixRef* variance, Noise noise,
               Workspace& workspace) const;

  KnnState state_;
  std::unique_ptr<const NeighbourTree> tree_;
};

}  // namespace ersatz
