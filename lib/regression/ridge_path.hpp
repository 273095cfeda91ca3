#pragma once
// Ridge regression for many penalties and outputs from one decomposition, with closed-form leave-one-out and
// generalised cross-validation.

#include <vector>

#include "ersatz/regression/linear.hpp"
#include "regression/feature_table.hpp"
#include "regression/ridge_decomposition.hpp"

namespace ersatz {

/// One output at its best alpha.
struct RidgeFit {
  double alpha = 0.0;
  std::size_t alpha_index = 0;
  Vector gamma;           ///< r: coefficients are V gamma
  Vector leave_one_out;   ///< n: y - y_(-i), empty for n = 1
  double loo_mse = 0.0;   ///< mean square of those
  double residual = 0.0;  ///< s² of linear.hpp; where interpolating(): variance per unit of |f outside V|²
  Vector loo_variance;    ///< n: the variance that each of these predictions comes with
};

struct RidgeFits {
  std::vector<RidgeFit> outputs;  ///< p
  Eigen::MatrixXd rotated;        ///< Uᵀ y, r × p
  /// Mean square leave-one-out residual and generalised cross-validation, alphas × p. Zeros for a single
  /// point, and where there is nothing to select (one alpha, leave-one-out).
  Eigen::MatrixXd leave_one_out, gcv;
};

/// Least squares (alpha = 0) over fewer points than features: the limit of ridge regression, which has no
/// misfit, and a variance only outside of what the points span.
bool interpolating(const Decomposition& decomposition, double alpha);

/// Columns of Y: centred outputs, n × p. alphas >= 0, decreasing: of equally good ones, the largest is taken.
/// Cost: n r per alpha and output, and n m r where the decomposition does not keep U.
RidgeFits fit_ridge(const Decomposition& decomposition, const Eigen::MatrixXd& Y,
                    const std::vector<double>& alphas, RidgeSelection selection, Executor& executor);

/// Coefficients of standardised features and outputs (m × p) at one alpha.
Eigen::MatrixXd ridge_coefficients(const Decomposition& decomposition, const Eigen::MatrixXd& rotated,
                                   double alpha);

}  // namespace ersatz
