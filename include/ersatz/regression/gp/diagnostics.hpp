#pragma once
// How well a fitted Gaussian process predicts points that it has not seen: its own, left out.

#include <vector>

#include "ersatz/regression/predictor.hpp"

namespace ersatz::gp {

/// One fold, predicted from all other points. Hyperparameters and process variance stay, the mean's
/// coefficients are estimated anew.
struct LeftOut {
  Vector residual;    ///< y - prediction
  Vector deviation;   ///< of each residual: function, mean and the noise of the value itself
  Matrix covariance;  ///< of all residuals of the fold
};

/// In closed form (Dubrule 1983), for any folds: lists of training points (numbered as in the data, appended
/// ones at the end), none in two of them. With Q = R⁻¹ - R⁻¹ F (Fᵀ R⁻¹ F)⁻¹ Fᵀ R⁻¹ the residuals of fold I
/// are (Q_II)⁻¹ (Q y)_I, their covariance is process variance × (Q_II)⁻¹. Cost: n b² flops for a fold of b
/// points; nothing is factorised but b × b matrices. Throws UsageError when the predictor is no exact
/// Gaussian process or the folds make no sense, DataError when the others do not determine the mean's
/// coefficients.
std::vector<LeftOut> leave_out(const Predictor& predictor, Index output,
                               const std::vector<std::vector<Index>>& folds);

/// Every point a fold of its own: residuals and deviations, n each (covariance: empty).
LeftOut leave_one_out(const Predictor& predictor, Index output);

}  // namespace ersatz::gp
