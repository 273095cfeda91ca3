#pragma once
// Lasso and elastic net on polynomial features, by coordinate descent over a path of penalties.

#include <vector>

#include "ersatz/regression/regressor.hpp"

namespace ersatz {

struct LassoOptions {
  Index degree = 2;  ///< of the polynomial, interactions up to this total degree included
  /// Candidates for alpha; cross-validation chooses one per output. Empty: a path of `path_length` from the
  /// smallest alpha that keeps nothing, down by `path_ratio`.
  std::vector<double> alphas;
  Index path_length = 100;
  double path_ratio = 1e-4;
  double l1_ratio = 1.0;  ///< 1: lasso; between 0 and 1: elastic net
  Index folds = 5;
  double tolerance = 1e-6;        ///< stop at duality gap <= tolerance · objective
  Index max_iterations = 100000;  ///< sweeps per alpha; beyond it, converged = false and a warning
};

/// Minimises, output by output, with inputs, features and outputs standardised,
///   1/(2n) |y - F b|² + alpha l1_ratio |b|₁ + alpha (1 - l1_ratio)/2 |b|²
/// (scikit-learn's convention; Friedman, Hastie & Tibshirani 2010) over a warm-started path. Coordinate
/// descent with covariance updates where there are no more features than points, residual updates otherwise.
/// The duality gap (Kim et al. 2007; for the elastic net through the augmented lasso) is the stopping
/// rule, and is reported. alpha is chosen by K-fold cross-validation: same random stream, same folds.
/// Features that no output uses are dropped from the predictor.
/// Variance: the mean square cross-validation residual of each output, constant over x (the known noise's
/// mean variance is taken off for the latent one).
RegressorPtr make_lasso_regressor(const LassoOptions& options);
/// degree, alpha (number or list), path_length, path_ratio, l1_ratio, folds, tolerance, max_iterations
RegressorPtr make_lasso_regressor(const Settings& settings);

}  // namespace ersatz
