#pragma once
// The variational bound on the likelihood of a Gaussian process by inducing points (Titsias 2009).
// Equations: docs/large-n.md.

#include <optional>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/workspace.hpp"
#include "ersatz/regression/gp/covariance_objective.hpp"
#include "ersatz/regression/gp/kernel.hpp"
#include "ersatz/regression/gp/objective.hpp"
#include "ersatz/regression/gp/trend.hpp"

namespace ersatz::gp {

/// What the bound is about, in internal units. Kept once, read by every evaluation.
class InducingData {
 public:
  /// x: n × d, y: n × p. Throws DataError where there are no more points than coefficients of the trend, or
  /// the points do not determine these.
  InducingData(ConstMatrixRef x, ConstMatrixRef y, const Trend& trend);

  Index size() const { return n_; }
  Index inputs() const { return d_; }
  Index outputs() const { return p_; }
  Index trend_size() const { return rhs_.cols() - p_; }
  Points points(Index begin, Index count) const { return {columns_.data() + begin, n_, count, d_}; }
  /// [y - F offset, F]: n × (p + q).
  const Eigen::MatrixXd& rhs() const { return rhs_; }
  /// q × p: least squares without correlation, taken off so that what is left has no large part in common.
  const Eigen::MatrixXd& offset() const { return offset_; }

 private:
  Index n_, d_, p_;
  Vector columns_;
  Eigen::MatrixXd rhs_, offset_;
};

struct InducingOptions {
  Estimator estimator = Estimator::restricted;
  std::optional<double> nugget;  ///< empty: its logarithm is the hyperparameter after the kernel's
  Priors priors = Priors::none();
  double jitter = 1e-10;  ///< on the diagonal of K_mm, relative to its mean
  /// Locations are parameters too: after the hyperparameters come m × d offsets, in units of `steps`.
  bool move = false;
  std::vector<double> steps;  ///< d
};

/// All that follows from hyperparameters and locations. C = Q + g I, Q = K_nm K_mm⁻¹ K_mn, V = L⁻¹ K_mn.
struct InducingSolution {
  std::vector<double> coefficients;  ///< of the kernel
  double nugget = 0.0;
  double trace = 0.0;            ///< tr(K - Q) / g
  Eigen::MatrixXd lower;         ///< m × m: L, L Lᵀ = K_mm + jitter
  Eigen::MatrixXd lower_b;       ///< m × m: that of B = I + V Vᵀ / g
  Eigen::MatrixXd scatter;       ///< m × m, symmetric: V Vᵀ / g
  Eigen::MatrixXd weights;       ///< m × (p + q): L⁻ᵀ B⁻¹ V [y, F] / g
  Eigen::MatrixXd residuals;     ///< (p + q)²: Rᵀ R, R = [y, F] - K_nm weights = g C⁻¹ [y, F]
  Eigen::MatrixXd lower_trend;   ///< q × q: that of Fᵀ C⁻¹ F
  Eigen::MatrixXd trend;         ///< q × p: generalised least squares
  std::vector<double> variance;  ///< p: process variances
};

/// Minus the bound, process variance and mean concentrated out (profile) or the mean integrated out
/// (restricted), summed over outputs that share a correlation, log priors subtracted. Without priors never
/// above the likelihood of the full matrix with the same estimator; equal to it when the locations are the
/// points.
///
/// n m² × 2 flops and 2 n m kernel values, with a gradient n m² × 5 and about 6 n m; memory m² for each of
/// up to 32 slices and a block of rows for each worker. Data go by slices, tasks on the executor, added in
/// order: the same bits on any number of threads.
class InducingBound final : public Objective {
 public:
  /// locations: m × d. `data` and `executor` must outlive this.
  InducingBound(KernelPtr kernel, const InducingData& data, Matrix locations, const InducingOptions& options,
                Executor& executor);

  Index parameters() const override;
  Index size() const { return locations_.rows(); }  ///< m

  /// Of the last successful evaluation.
  const InducingSolution& solution() const { return s_; }
  const Matrix& locations() const { return moved_; }  ///< m × d

  /// Residual y_i - y_(-i) of each point and the deviation of its latent value without it, n × p each, for
  /// the approximate model (trend estimated anew, hyperparameters and locations held). After an evaluation.
  void leave_one_out(Matrix& residual, Matrix& deviation) const;

 private:
  bool compute(const double* parameters, double* value, double* gradient) override;
  bool assemble(const double* parameters);
  bool concentrate(const Eigen::MatrixXd& gram);
  double value() const;
  void differentiate(double* gradient) const;
  void kernel_rows(Index begin, Index count, double* rows, Workspace& workspace) const;
  void whiten(Index count, double* rows) const;
  void residual(Index begin, Index count, const double* rows, double* r) const;
  template <class Work>
  std::vector<double> sum(Index size, const Work& work) const;
  Index slices() const;

  KernelPtr kernel_;
  const InducingData& data_;
  InducingOptions options_;
  LogPrior prior_;
  Executor& executor_;
  Matrix locations_, moved_;
  Vector columns_;  // of moved_, input by input
  InducingSolution s_;
};

}  // namespace ersatz::gp
