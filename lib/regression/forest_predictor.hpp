#pragma once
// What the random forest predicts with.

#include "ersatz/regression/predictor.hpp"
#include "regression/trees.hpp"

namespace ersatz {

struct ForestState {
  Index inputs = 0;            ///< d
  std::vector<Trees> forests;  ///< p; leaves hold values less the centre
  Vector centre;               ///< p
  bool has_variance = false;
  /// p each: variance = constant + factor × (typical + variance over trees)
  Vector typical, latent_constant, latent_factor, observed_constant, observed_factor;
};

class ForestPredictor final : public Predictor {
 public:
  explicit ForestPredictor(ForestState state) : state_(std::move(state)) {}

  std::string kind() const override { return "forest"; }
  Index inputs() const override { return state_.inputs; }
  Index outputs() const override { return state_.centre.size(); }
  bool has_variance() const override { return state_.has_variance; }
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const override;
  void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                         Workspace& workspace) const override;
  void save(const h5::Group& group) const override;

 private:
  ForestState state_;
};

}  // namespace ersatz
