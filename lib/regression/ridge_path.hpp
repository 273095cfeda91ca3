#pragma once
// Ridge regression for many penalties and outputs from one decomposition, with closed-form leave-one-out.

#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/regression/polynomial_features.hpp"

namespace ersatz {

/// Standardised feature columns of the training points.
struct FeatureTable {
  PolynomialFeatures features;  ///< those that vary, m
  Standardisation scaling;      ///< of the features, m
  Eigen::MatrixXd columns;      ///< n × m, column major, each of mean 0 and mean square 1
};
FeatureTable make_feature_table(const PolynomialFeatures& features, ConstMatrixRef X);

/// F = U diag(s) Vᵀ without the singular values that are rounding. Single-threaded BLAS: same bits always.
struct Decomposition {
  Eigen::MatrixXd u;  ///< n × r
  Vector s;           ///< r, decreasing
  Eigen::MatrixXd v;  ///< m × r
  /// n: what an unpenalised fit leaves free at each point, 1 - 1/n - Σ_l u_il², exactly 0 where that is
  /// rounding.
  Vector free;
  bool from_gram = false;  ///< by eigenvalues of FᵀF, taken when large, tall and well conditioned

  Index rank() const { return s.size(); }
  bool full_rank() const { return v.rows() == s.size(); }
  bool saturated() const { return s.size() >= free.size() - 1; }  ///< every y is interpolated at alpha = 0
};
Decomposition decompose(const Eigen::MatrixXd& F);

/// One output at its best alpha.
struct RidgeFit {
  double alpha = 0.0;
  std::size_t alpha_index = 0;
  Vector gamma;           ///< r: coefficients are V gamma
  Vector leave_one_out;   ///< n: y - y_(-i), empty for n = 1
  double loo_mse = 0.0;   ///< mean square of those
  double residual = 0.0;  ///< s² of linear.hpp; where interpolating(): variance per unit of |f outside V|²
  Vector loo_variance;    ///< n: the variance that each of these predictions comes with
  Vector path_loo_mse;    ///< one per alpha
};
/// Least squares (alpha = 0) over fewer points than features: the limit of ridge regression, which has no
/// misfit, and a variance only outside of what the points span.
bool interpolating(const Decomposition& decomposition, double alpha);

/// Columns of Y: centred outputs, n × p. alphas >= 0, decreasing: of equally good ones, the largest is taken.
/// Cost: n r per alpha and output.
std::vector<RidgeFit> fit_ridge(const Decomposition& decomposition, const Eigen::MatrixXd& Y,
                                const std::vector<double>& alphas, Executor& executor);

}  // namespace ersatz
