#pragma once
// The fitted Gaussian process.

#include <string>
#include <vector>

#include "ersatz/regression/gp/covariance_objective.hpp"
#include "ersatz/regression/gp/kernel.hpp"
#include "ersatz/regression/gp/trend.hpp"
#include "ersatz/regression/predictor.hpp"
#include "regression/gp/input_frame.hpp"

namespace ersatz::gp {

/// One correlation matrix R = K + (nugget + jitter) I + diag(noise) = L Lᵀ of the training points, used by
/// one or more outputs. F: the trend's n × q columns.
struct Correlation {
  std::vector<double> hyperparameters;  ///< logarithms
  std::vector<double> coefficients;     ///< what the kernel's loops take
  double nugget = 0.0;                  ///< noise variance over process variance
  double jitter = 0.0;                  ///< on the diagonal, not noise
  Vector noise;                         ///< known noise of each point over process variance, n; empty: none
  Vector panels;                        ///< L⁻¹, see kernels::panels_size; empty: not here, means only
  Eigen::MatrixXd solved_trend;         ///< R⁻¹ F, n × q
  Eigen::MatrixXd trend_factor;         ///< lower Cholesky factor of A = Fᵀ R⁻¹ F, q × q
};

struct Output {
  Index correlation = -1;  ///< -1: no inputs matter; centre and variances are all there is
  double centre = 0.0;     ///< y = centre + scale × (internal units)
  double scale = 1.0;
  double process_variance = 0.0;  ///< in the output's unit; without a correlation: variance of the mean
  double noise_variance = 0.0;    ///< in the output's unit
};

struct GpState : InputFrame {
  std::string kernel;  ///< expression
  Index trend = 0;     ///< degree of the mean, see Trend
  Matrix points;       ///< active × n: one row for each input, internal units
  std::vector<Correlation> correlations;
  std::vector<Output> outputs;
  Matrix trends;   ///< p × q: beta, internal units
  Matrix weights;  ///< p × n: R⁻¹ (y - F beta), internal units
  Estimator estimator = Estimator::restricted;
  bool variance_given = false;  ///< the process variances are hyperparameters, not found by the estimator
};

/// Calls visit(first, count) for each run of consecutive numbers.
template <class Visit>
void for_neighbours(const std::vector<Index>& numbers, Visit visit) {
  for (std::size_t begin = 0; begin < numbers.size();) {
    std::size_t end = begin + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    visit(numbers[begin], static_cast<Index>(end - begin));
    begin = end;
  }
}

class GpPredictor final : public Predictor {
 public:
  explicit GpPredictor(GpState state);
  static PredictorPtr load(const h5::Group& group);

  std::string kind() const override { return "gp"; }
  Index inputs() const override { return state_.inputs; }
  Index outputs() const override { return static_cast<Index>(state_.outputs.size()); }
  /// Not where a correlation comes without its inverse factor: of a process too large for one machine, the
  /// means fit everywhere.
  bool has_variance() const override { return has_factors_; }
  bool has_covariance() const override { return has_factors_; }
  bool has_jacobian() const override { return true; }
  bool has_variance_gradient() const override { return has_factors_; }

  /// Cost per point and output: n kernel values and one dot product; outputs that share a correlation share
  /// its kernel values.
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const override;
  /// With the uncertainty of the mean's coefficients (universal kriging, Santner, Williams & Notz 2003,
  /// section 3.3). Half the inverse factor, n²/2 doubles, is read once for each correlation and 48 points.
  void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                         Workspace& workspace) const override;
  void covariance(ConstMatrixRef X, Index output, MatrixRef covariance, Noise noise,
                  Workspace& workspace) const override;
  void jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const override;
  /// Reads half the inverse factor once for each correlation.
  void variance_gradient(const double* x, MatrixRef gradient, Workspace& workspace) const override;
  /// On the tape for each correlation: what the kernel's and the trend's slopes multiply in that of its
  /// variance. A gradient takes one pass over the points for each correlation, however many outputs it has.
  Index tape_size() const override;
  void record(const double* x, double* mean, double* variance, double* tape,
              Workspace& workspace) const override;
  void pull(const double* x, const double* tape, const double* by_mean, const double* by_variance,
            double* gradient, Workspace& workspace) const override;
  Vector variance_shares() const override;
  void save(const h5::Group& group) const override;

  /// mean_and_variance for who has the inverse factors L⁻¹ elsewhere: explained (q × correlations) holds
  /// |L⁻¹ k|².
  void mean_and_variance_from(ConstMatrixRef explained, ConstMatrixRef X, MatrixRef mean, MatrixRef variance,
                              Noise noise, Workspace& workspace) const;

  const GpState& state() const { return state_; }
  const Kernel& kernel() const { return *kernel_; }
  const Trend& trend() const { return trend_; }
  /// Outputs that use a correlation.
  const std::vector<Index>& members(std::size_t correlation) const { return members_[correlation]; }
  Index size() const { return state_.points.cols(); }  ///< n
  Points training() const;
  /// Rows of X as rows of active inputs in internal units, from the workspace.
  double* scaled(ConstMatrixRef X, Workspace& workspace) const;

 private:
  const Output& output(Index o) const { return state_.outputs[static_cast<std::size_t>(o)]; }
  /// Means of the outputs that use correlation c at `count` points: k (rows of `stride`) their kernel's rows,
  /// f the trend's values.
  void set_means(std::size_t c, const double* k, Index stride, const double* f, Index count, MatrixRef mean,
                 Workspace& workspace) const;
  void whiten_trend(const Correlation& r, const double* k, const double* f, double* missing) const;
  /// k(x, x) - kᵀ R⁻¹ k + mᵀ A⁻¹ m with m = f - Fᵀ R⁻¹ k for a correlation whose kernel's row is k (padded,
  /// zeros past n); by_row = -(R⁻¹ k + R⁻¹ F A⁻¹ m), n, and by_trend = A⁻¹ m: half its derivatives by k and
  /// f.
  double spread(const Correlation& r, const double* k, const double* f, double prior, double* by_row,
                double* by_trend, Workspace& workspace) const;
  /// sum (active inputs, internal units) += Σ by_row dk/du + Σ by_trend df/du, slopes: those of the trend.
  void pull_row(std::size_t c, const double* u, const double* slopes, const double* by_row,
                const double* by_trend, double* sum, Workspace& workspace) const;
  void set_constants(MatrixRef mean, MatrixRef variance, bool observed) const;
  /// Row `row` of mean and variance, for the outputs that use correlation c: u is the point in internal
  /// units, k its kernel's row, prior = k(x, x), explained = |L⁻¹ k|².
  void set_row(std::size_t c, const double* u, const double* k, double prior, double explained, Index row,
               MatrixRef mean, MatrixRef variance, bool observed, Workspace& workspace) const;

  GpState state_;
  KernelPtr kernel_;
  Trend trend_;
  std::vector<std::vector<Index>> members_;
  bool has_factors_ = true;
};

}  // namespace ersatz::gp
