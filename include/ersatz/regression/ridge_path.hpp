#pragma once
// Ridge regression over a whole path of penalties, for those who want to see more than the chosen one.

#include <vector>

#include "ersatz/regression/linear.hpp"

namespace ersatz {

/// One decomposition, many penalties. An immutable value. Errors are in squared units of the outputs.
struct RidgePath {
  PolynomialFeatures features;  ///< m, those that vary over the training points
  std::vector<double> alphas;   ///< decreasing
  /// Mean square of the closed-form leave-one-out residuals (Allen's PRESS over n), and generalised
  /// cross-validation with the intercept counted; alphas × p. Zeros for a single point.
  Matrix leave_one_out, gcv;
  std::vector<Index> chosen;  ///< p: the alpha that the options' selection takes for each output

  /// mean_j(x) = intercept_j + Σ_t coefficients(t, j) phi_t(x) at alphas[a]; m × p and p. Cost: m r p.
  Matrix coefficients(Index a) const;
  Vector intercept(Index a) const;

  Vector feature_centre, feature_inverse_scale;  ///< m
  Vector output_centre, output_scale;            ///< p
  Vector singular_values;                        ///< r, of the standardised features
  Eigen::MatrixXd directions;                    ///< m × r: right singular vectors
  Eigen::MatrixXd rotated;                       ///< r × p: left singular vectors times standardised outputs
};

/// `options.degrees` must hold one degree. Throws UsageError on options, DataError on data. Cost: that of the
/// fit.
RidgePath fit_ridge_path(const TrainingData& data, const RidgeOptions& options,
                         const FitContext& context = {});

}  // namespace ersatz
