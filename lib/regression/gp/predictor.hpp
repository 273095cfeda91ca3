#pragma once
// The fitted Gaussian process.

#include <string>
#include <vector>

#include "ersatz/regression/gp/kernel.hpp"
#include "ersatz/regression/predictor.hpp"

namespace ersatz::gp {

/// One correlation matrix R = L Lᵀ of the training points, used by one or more outputs.
struct Correlation {
  std::vector<double> hyperparameters;  ///< logarithms
  std::vector<double> coefficients;     ///< what the kernel's loops take
  double nugget = 0.0;                  ///< noise variance over process variance
  double jitter = 0.0;                  ///< on the diagonal, not noise
  Vector panels;                        ///< L⁻¹, see kernels::panels_size
  Vector solved_ones;                   ///< R⁻¹ 1, n
  double information = 1.0;             ///< 1ᵀ R⁻¹ 1
};

/// All in the outputs' own units.
struct Output {
  Index correlation = -1;  ///< -1: no inputs matter; mean and variances below are all there is
  double mean = 0.0;
  double process_variance = 0.0;  ///< without a correlation: variance of the mean
  double noise_variance = 0.0;
};

struct GpState {
  std::string kernel;         ///< expression
  Index inputs = 0;           ///< d, of the user
  std::vector<Index> active;  ///< inputs that vary in the data
  Vector lower, range;        ///< of the active inputs; internal units are (x - lower) / range
  Matrix points;              ///< active × n: one row for each input
  std::vector<Correlation> correlations;
  std::vector<Output> outputs;
  Matrix weights;  ///< p × n: R⁻¹ (y - mean), in the output's unit
};

class GpPredictor final : public Predictor {
 public:
  explicit GpPredictor(GpState state);
  static PredictorPtr load(const h5::Group& group);

  std::string kind() const override { return "gp"; }
  Index inputs() const override { return state_.inputs; }
  Index outputs() const override { return static_cast<Index>(state_.outputs.size()); }
  bool has_variance() const override { return true; }
  bool has_jacobian() const override { return true; }

  /// Cost per point and output: n kernel values and one dot product; outputs that share a correlation share
  /// its kernel values.
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const override;
  /// With the uncertainty of the mean (universal kriging). Half the inverse factor, n²/2 doubles, is read
  /// once for each correlation and 64 points.
  void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                         Workspace& workspace) const override;
  void covariance(ConstMatrixRef X, Index output, MatrixRef covariance, Noise noise,
                  Workspace& workspace) const override;
  void jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const override;
  void save(const h5::Group& group) const override;

  const GpState& state() const { return state_; }

 private:
  Index size() const { return state_.points.cols(); }
  Points training() const;
  void check(ConstMatrixRef X, Index rows, Index cols) const;
  double* scaled(ConstMatrixRef X, Workspace& workspace) const;

  GpState state_;
  KernelPtr kernel_;
  std::vector<std::vector<Index>> members_;  ///< outputs of each correlation
};

}  // namespace ersatz::gp
