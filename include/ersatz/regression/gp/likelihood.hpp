#pragma once
// The likelihood of hyperparameters.

#include <optional>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/workspace.hpp"
#include "ersatz/regression/gp/kernel.hpp"
#include "ersatz/regression/gp/objective.hpp"

namespace ersatz::gp {

/// profile: mean and process variance at their optimum (maximum likelihood, variance over n).
/// restricted: the mean integrated out (Patterson & Thompson 1971; variance over n - 1).
enum class Estimator { profile, restricted };

/// none, or RobustGaSP's jointly robust prior on t = Σ_k C_k / length_k + nugget: t^a exp(-b t) with a = 0.2,
/// b = n^(-1/d) (a + d), C_k = n^(-1/d) × range (Gu 2018, Gu, Palomo & Berger 2019). Keeps lengths from
/// running to zero, and all of them together from running to infinity.
enum class Prior { none, robust };

struct LikelihoodOptions {
  Estimator estimator = Estimator::restricted;
  Prior prior = Prior::robust;
  /// Noise variance over process variance: a value, or empty to make it the last hyperparameter.
  std::optional<double> nugget;
  double jitter = 0.0;  ///< added to the diagonal, relative to its mean, and not seen as noise
};

/// y = mean + process variance × correlation: what is concentrated out, for each of m outputs that share one
/// correlation.
struct Concentrated {
  std::vector<double> mean, variance;
};

/// Minus the log likelihood (with the prior's log density subtracted) of m outputs that share a correlation
/// matrix R = K(θ) + nugget I, as a function of θ and log nugget. No value where R is not positive definite.
/// With a gradient an evaluation costs n³ flops (Cholesky factor and inverse) and one pass over the gram
/// matrix' derivatives; without, n³/3.
class Likelihood final : public Objective {
 public:
  /// points: x row by row (n × d, inputs spanning about [0, 1]); y: n × m. Both are copied.
  Likelihood(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y, const LikelihoodOptions& options);

  Index parameters() const override { return kernel_->parameters() + (options_.nugget ? 0 : 1); }

  /// Of the last successful evaluation.
  const Concentrated& concentrated() const { return concentrated_; }
  void set_jitter(double jitter) { options_.jitter = jitter; }

 private:
  bool compute(const double* parameters, double* value, double* gradient) override;
  void add_prior(const double* coefficients, double nugget, double* value, double* gradient) const;

  KernelPtr kernel_;
  LikelihoodOptions options_;
  Index n_, d_, m_;
  Vector columns_;        // d × n, input by input
  Eigen::MatrixXd rhs_;   // n × (m + 1): outputs, ones
  Eigen::MatrixXd r_;     // n × n, lower triangle
  Eigen::MatrixXd work_;  // n × (m + 1)
  std::vector<Hyperparameter> hyperparameters_;
  std::vector<double> coefficients_;
  Concentrated concentrated_;
  Workspace workspace_;
};

}  // namespace ersatz::gp
