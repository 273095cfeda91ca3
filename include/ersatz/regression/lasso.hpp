#pragma once
// Lasso, elastic net and group lasso on polynomial features, by coordinate descent over a path of penalties.

#include <string>
#include <vector>

#include "ersatz/regression/polynomial_features.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {

/// Which alpha cross-validation takes.
enum class LassoRule {
  minimum,            ///< of the smallest error
  one_standard_error  ///< the largest whose error is within one standard error of it: fewer features
};

struct LassoOptions {
  Index degree = 2;  ///< of the polynomial, interactions up to this total degree included
  /// Candidates for alpha, in any order; cross-validation chooses one per output. Empty: a path of
  /// `path_length` from the smallest alpha that keeps nothing, down by `path_ratio`.
  std::vector<double> alphas;
  Index path_length = 100;
  double path_ratio = 1e-4;
  double l1_ratio = 1.0;  ///< 1: lasso; between 0 and 1: elastic net
  bool shared = false;    ///< one alpha and one set of features for all outputs (group lasso)
  Index folds = 5;        ///< lasso_path: 0 leaves cross-validation out
  LassoRule rule = LassoRule::minimum;
  double tolerance = 1e-6;        ///< stop at duality gap <= tolerance · objective
  Index max_iterations = 100000;  ///< sweeps per alpha; beyond it, converged = false and a warning
};

/// Minimises, output by output, with inputs, features and outputs standardised,
///   1/(2n) |y - F b|² + alpha l1_ratio |b|₁ + alpha (1 - l1_ratio)/2 |b|²
/// (scikit-learn's convention; Friedman, Hastie & Tibshirani 2010) over a warm-started path; with `shared`,
/// over all outputs together, |B(t,:)|₂ summed over features t in place of |b|₁ (scikit-learn's
/// MultiTaskElasticNet). Coordinate descent on a working set of features: the sequential strong rule
/// (Tibshirani et al. 2012) with a check of the optimality conditions, so the solution is that of all
/// features. Covariance updates where there are no more features than points (and their Gram matrices, one
/// per fold, stay below 2 GB), residual updates otherwise. The duality gap (Kim et al. 2007) is the stopping
/// rule, and is reported beside the largest violation of the optimality conditions. alpha is chosen by K-fold
/// cross-validation: same random stream, same folds. Features that no output uses are dropped from the
/// predictor. Variance: the mean square cross-validation residual of each output, constant over x (the known
/// noise's mean variance is taken off for the latent one). Cost: n m² flops for the Gram matrices of m
/// features, all folds together; then m k per alpha and fold for k features in use.
RegressorPtr make_lasso_regressor(const LassoOptions& options);
/// degree, alpha (number or list), path_length, path_ratio, l1_ratio, shared, folds, rule ("minimum" or
/// "one-standard-error"), tolerance, max_iterations
RegressorPtr make_lasso_regressor(const Settings& settings);

/// One output's way down its alphas; with `shared`, of all outputs at once. a alphas, m features.
struct LassoPath {
  std::vector<Index> outputs;        ///< columns of y
  std::vector<double> alphas;        ///< decreasing; of standardised outputs
  std::vector<Matrix> coefficients;  ///< per output: m × a, in units of y over those of the inputs
  Matrix intercepts;                 ///< outputs × a, in units of y
  std::vector<Index> nonzero;        ///< features in use
  Vector gap;                        ///< duality gap over the objective
  Vector kkt_error;                  ///< largest violation of the optimality conditions, standardised
  std::vector<Index> sweeps;         ///< of coordinate descent
  std::vector<char> converged;       ///< to the gap of the options
  Vector cv_error;                   ///< mean square error over folds, of standardised outputs; or empty
  Vector cv_standard_error;          ///< of that
};

/// f(x) = intercept + Σ_t coefficient_t Π_k (x_k - centre_k)^e(t, k), for each output and alpha.
struct LassoPaths {
  PolynomialFeatures features;     ///< with the exponents e
  std::vector<std::string> names;  ///< m: "x0^2 x1", of centred inputs
  Vector centre;                   ///< d: means of the inputs
  std::vector<LassoPath> paths;    ///< one per output, or one with `shared`
  std::vector<Index> fold;         ///< n: which fold held each row out; empty without cross-validation
};

/// The whole path in place of one chosen alpha. Throws as the regressor does.
LassoPaths lasso_path(const TrainingData& data, const LassoOptions& options, const FitContext& context = {});

}  // namespace ersatz
