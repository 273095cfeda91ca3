#pragma once
// The Gaussian process that inducing points summarise.

#include <string>
#include <vector>

#include "ersatz/regression/gp/kernel.hpp"
#include "ersatz/regression/gp/trend.hpp"
#include "ersatz/regression/predictor.hpp"
#include "regression/gp/input_frame.hpp"

namespace ersatz::gp {

/// m inducing points, for one or more outputs. C is the covariance of the data in the approximation, over the
/// process variance; L Lᵀ = K_mm, L_B L_Bᵀ = I + L⁻¹ K_mn K_nm L⁻ᵀ / nugget.
struct InducingSet {
  std::vector<double> hyperparameters;  ///< logarithms
  std::vector<double> coefficients;     ///< what the kernel's loops take
  double nugget = 0.0;                  ///< noise variance over process variance
  double jitter = 0.0;                  ///< on the diagonal of K_mm, not noise
  Matrix points;                        ///< active × m: one row for each input
  Vector panels;                        ///< L⁻¹, see kernels::panels_size
  Vector panels_given;                  ///< (L L_B)⁻¹ likewise
  Matrix trend_weights;                 ///< q × m: k(x, Z) ↦ the part of f(x) that the data explain
  Matrix trend_inverse;                 ///< q × q: inverse of the lower factor of Fᵀ C⁻¹ F
};

/// In the outputs' own units.
struct InducingOutput {
  Index set = -1;                 ///< -1: no inputs matter; the constant and variances below are all there is
  Vector trend;                   ///< q coefficients
  Vector weights;                 ///< m
  double constant = 0.0;          ///< added to the mean
  double process_variance = 0.0;  ///< without a set: variance of the mean
  double noise_variance = 0.0;
};

struct InducingState : InputFrame {
  std::string kernel;  ///< expression
  Index trend = 0;     ///< degree
  std::vector<InducingSet> sets;
  std::vector<InducingOutput> outputs;
};

class InducingPredictor final : public Predictor {
 public:
  explicit InducingPredictor(InducingState state);
  static PredictorPtr load(const h5::Group& group);

  std::string kind() const override { return "gp-inducing"; }
  Index inputs() const override { return state_.inputs; }
  Index outputs() const override { return static_cast<Index>(state_.outputs.size()); }
  bool has_variance() const override { return true; }
  bool has_covariance() const override { return true; }
  bool has_jacobian() const override { return true; }

  /// Cost per point and output: m kernel values and one dot product; outputs that share a set share its
  /// kernel values.
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const override;
  /// With the uncertainty of the trend: k - |L⁻¹ k|² + |(L L_B)⁻¹ k|² + …: m² doubles are read once for each
  /// set and 48 points.
  void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                         Workspace& workspace) const override;
  void covariance(ConstMatrixRef X, Index output, MatrixRef covariance, Noise noise,
                  Workspace& workspace) const override;
  void jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const override;
  void save(const h5::Group& group) const override;

  const InducingState& state() const { return state_; }

 private:
  struct Scaled;
  Scaled scale(ConstMatrixRef X, Workspace& workspace) const;
  Points points(const InducingSet& set) const;
  double mean_at(const InducingOutput& output, const double* k, const double* f) const;
  void explain(const InducingSet& set, const Scaled& scaled, Index first, Index count, double* k,
               double* left, double* given, double* missing, Workspace& workspace) const;

  InducingState state_;
  KernelPtr kernel_;
  Trend trend_;
  Index largest_ = 0;                        ///< number of points in the largest set
  std::vector<std::vector<Index>> members_;  ///< outputs of each set
};

}  // namespace ersatz::gp
