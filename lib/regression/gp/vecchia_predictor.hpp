#pragma once
// The fitted nearest-neighbour Gaussian process.

#include <memory>
#include <string>
#include <vector>

#include "ersatz/regression/gp/kernel.hpp"
#include "ersatz/regression/gp/trend.hpp"
#include "ersatz/regression/predictor.hpp"
#include "regression/gp/input_frame.hpp"
#include "regression/gp/vecchia_block.hpp"
#include "regression/neighbour_tree.hpp"

namespace ersatz::gp {

/// Outputs that share a correlation. Means, values and variances are in the outputs' own units.
struct VecchiaGroup {
  std::vector<Index> outputs;           ///< p of them
  std::vector<double> hyperparameters;  ///< logarithms
  double nugget = 0.0;                  ///< noise variance over process variance
  double jitter = 0.0;                  ///< on the diagonal beside the nugget, not noise
  Vector noise;                         ///< n, known noise variances over process variance; or empty
  Matrix mean;                          ///< q × p, coefficients of the mean
  Matrix mean_covariance;               ///< q × q: (FᵀR⁻¹F)⁻¹
  Vector process_variance;              ///< p
  Vector noise_variance;                ///< p, what an observed value has beyond a latent one
  Matrix values;                        ///< n × p: y - mean
};

struct VecchiaState : InputFrame {
  std::string kernel;     ///< expression
  Index mean_degree = 0;  ///< of the trend
  Index neighbours = 0;   ///< at most n
  Matrix points;          ///< n × active
  std::vector<VecchiaGroup> groups;
  /// Of each output: what is predicted where it has no group, and the variance of that; 0 where it has one.
  Vector constant, constant_variance, constant_noise;
};

/// Local universal kriging: the exact Gaussian process given the nearest neighbours of a point alone, in the
/// metric of the lengths, with the mean that was estimated from all points, and its uncertainty.
class VecchiaPredictor final : public Predictor {
 public:
  explicit VecchiaPredictor(VecchiaState state);

  std::string kind() const override { return "gp-vecchia"; }
  Index inputs() const override { return state_.inputs; }
  Index outputs() const override { return state_.constant.size(); }
  bool has_variance() const override { return true; }
  bool has_covariance() const override { return true; }
  bool has_jacobian() const override { return true; }

  /// Cost for each point and group: a query of the tree, m²/2 kernel values and m³/6 multiplications.
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const override;
  /// The same cost.
  void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                         Workspace& workspace) const override;
  /// Covariance of the errors of these predictions under the process: its diagonal is the variance, and it is
  /// positive semidefinite. Cost q² m²/2 kernel values.
  void covariance(ConstMatrixRef X, Index output, MatrixRef covariance, Noise noise,
                  Workspace& workspace) const override;
  /// With the neighbours held fixed: where they change, the mean has a small step and no derivative.
  void jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const override;
  void save(const h5::Group& group) const override;

  const VecchiaState& state() const { return state_; }

  /// Each training point from its neighbours without itself, the mean held fixed: residual and
  /// variance of an observed value, of rows `first` … `last` - 1, (last - first) × p, zero for outputs
  /// without a group.
  void leave_out(Index first, Index last, MatrixRef residual, MatrixRef variance, Workspace& workspace) const;

 private:
  struct Search {
    std::vector<double> coefficients;
    Vector metric;
    Matrix points;  // n × active, times the metric
    std::unique_ptr<const NeighbourTree> tree;
  };
  VecchiaModel model(std::size_t g) const;
  void find(std::size_t g, const double* x, Index count, double* rows, Workspace& workspace) const;
  void condition_on_nearest(std::size_t g, const double* x, Index count, std::int32_t* neighbours,
                            VecchiaBlock& block, Workspace& workspace) const;
  void missing_mean(std::size_t g, const VecchiaBlock& block, Index lane, const double* x, double* missing,
                    Workspace& workspace) const;
  double mean_uncertainty(std::size_t g, const double* a, const double* b) const;
  void predict(ConstMatrixRef X, MatrixRef mean, MatrixRef* variance, Noise noise,
               Workspace& workspace) const;

  VecchiaState state_;
  KernelPtr kernel_;
  Trend trend_;
  std::vector<Search> searches_;  // of each group
};

PredictorPtr load_vecchia_predictor(const h5::Group& group);

}  // namespace ersatz::gp
