#pragma once
// The leave-one-out predictive probability: an objective that asks for good predictions and error bars
// rather than for a good model, and is the safer one where the model is wrong.

#include "ersatz/regression/gp/covariance_objective.hpp"

namespace ersatz::gp {

/// Minus Σ_i log p(y_i | all others), priors subtracted (Rasmussen & Williams 2006, section 5.4.2). The
/// mean is estimated anew without each point: with Q = R⁻¹ - R⁻¹ F (Fᵀ R⁻¹ F)⁻¹ Fᵀ R⁻¹ and α = Q y, value i
/// is predicted with residual α_i / Q_ii and variance σ² / Q_ii (Dubrule 1983). The process variance
/// σ² = mean_i α_i² / Q_ii is at its optimum, unless noise is known. n³ flops without gradient, 2 n³ with
/// one; that one holds a second n × n matrix.
class PredictiveProbability final : public CovarianceObjective {
 public:
  PredictiveProbability(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y, const ObjectiveOptions& options)
      : CovarianceObjective(std::move(kernel), x, y, options) {}

 private:
  bool criterion(CovarianceMatrix& r, LeastSquares& squares, std::vector<double>& variance, double* value,
                 double* slope) override;

  Eigen::MatrixXd product_;
};

}  // namespace ersatz::gp
