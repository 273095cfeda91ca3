#pragma once
// The coefficients of a polynomial predictor (mean, linear, ridge, lasso, chaos) on the user's scale, by
// name.

#include <string>
#include <vector>

#include "ersatz/regression/polynomial_features.hpp"
#include "ersatz/regression/predictor.hpp"

namespace ersatz {

/// mean_j(x) = intercept_j + Σ_t coefficients(t, j) term_t(x).
struct PolynomialCoefficients {
  /// The terms, m. Powers are of raw inputs: "b1^2 b3" is b1² b3. Orthogonal polynomials keep their own
  /// variable z, see `scaling`.
  PolynomialFeatures terms;
  std::vector<std::string> names;  ///< m
  Vector intercept;                ///< p
  Matrix coefficients;             ///< m × p
  /// How to read the names of orthogonal terms, one line per input: "P_e(a) = sqrt(2e+1) Legendre_e(z), z =
  /// (a
  /// - 3) / 2". Empty for powers.
  std::vector<std::string> scaling;
};

/// Expands products of standardised inputs into products of raw ones, by total degree and then in
/// lexicographic order; terms that no output uses are left out. Sums run in extended precision, but where
/// inputs lie far from 0 relative to their spread the raw terms themselves cancel: that is the price of raw
/// units. input_names: d, or empty (x0, x1, …). Throws UsageError for other predictors, and on a wrong number
/// of names. Cost: features · 2^degree · p.
PolynomialCoefficients polynomial_coefficients(const Predictor& predictor,
                                               const std::vector<std::string>& input_names = {});

}  // namespace ersatz
