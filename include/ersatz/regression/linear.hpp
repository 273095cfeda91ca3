#pragma once
// The average, least squares, and ridge regression on polynomial features.
//
// All three standardise inputs and features inside, leave the intercept unpenalised, and share one predictor:
//   mean_j(x) = b_j + Σ_t B(t, j) (phi_t(x) - centre_t).
//
// Variance, in the Bayesian view of ridge regression (Hoerl & Kennard 1970; Bishop 2006, eq. 3.59): with the
// standardised, centred features F (n × m) and the penalty alpha of output j,
//   h(x)        = 1/n + f(x)ᵀ (FᵀF + alpha I)⁻¹ f(x)
//   observed(x) = s²_j (1 + h(x)),   s²_j = (1/n) Σ_i (1 - h_i) e_(-i)²
// where e_(-i) are leave-one-out residuals and h_i = h(x_i) is the leverage: by construction the mean square
// of the standardised leave-one-out residuals is one. A residual may be noise or misfit, and the data do not
// tell which, so the latent variance is the same, less the mean of the known noise variances where
// `noise_std` is given (never below s² h). Directions that the data do not determine (rank-deficient least
// squares) count as the least determined one that they do.

#include <vector>

#include "ersatz/regression/polynomial_features.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {

/// "mean": predicts the average of the training outputs. The baseline of every comparison.
RegressorPtr make_mean_regressor(const Settings& settings);

struct LinearOptions {
  Index degree = 1;  ///< of the polynomial, interactions up to this total degree included
  PolynomialFamily features = PolynomialFamily::powers;
  double q_norm = 1.0;  ///< below 1: hyperbolic truncation, see polynomial_features.hpp
};
/// Ordinary least squares. Where the data do not determine the coefficients (fewer points than features,
/// inputs that depend on each other) it takes those of smallest norm, and the summary warns.
/// Cost: n m² for m features.
RegressorPtr make_linear_regressor(const LinearOptions& options);
RegressorPtr make_linear_regressor(const Settings& settings);  ///< degree, features, q_norm

/// What chooses among penalties (and degrees): the mean square of the closed-form leave-one-out residuals, or
/// generalised cross-validation, its rotation-invariant form (Golub, Heath & Wahba 1979, eq. 1.4).
enum class RidgeSelection { leave_one_out, gcv };

struct RidgeOptions {
  std::vector<Index> degrees = {1, 2, 3};  ///< candidates; `selection` chooses among several
  /// Candidates for the penalty alpha in |y - F b|² + alpha |b|², features standardised; `selection` chooses
  /// one per output. Empty: a path of 100 from 1e-12 n to 1e2 n.
  std::vector<double> alphas;
  RidgeSelection selection = RidgeSelection::leave_one_out;
  PolynomialFamily features = PolynomialFamily::powers;
  double q_norm = 1.0;
};
/// Ridge regression: one singular value decomposition (or eigenvalues of the smaller Gram matrix, when well
/// conditioned) serves all alphas and outputs. Cost: n m min(n, m) + alphas · n min(n, m) per output.
RegressorPtr make_ridge_regressor(const RidgeOptions& options);
/// degree (1, 2, 3, … or "auto", the default), alpha (a number, a list, or none: the path), selection
/// ("leave-one-out" or "gcv"), features, q_norm
RegressorPtr make_ridge_regressor(const Settings& settings);

}  // namespace ersatz
