#pragma once
// Sparse polynomial chaos: an expansion in orthonormal polynomials of the inputs, few of them with a
// coefficient.

#include <vector>

#include "ersatz/regression/polynomial_features.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {

struct ChaosOptions {
  std::vector<Index> degrees;  ///< candidates; empty: 1, 2, 3, … max_degree, until two in a row are no better
  Index max_degree = 15;
  std::vector<double> q_norms = {1.0};  ///< candidates for the truncation, see polynomial_features.hpp
  /// legendre: inputs uniform between TrainingData's bounds (or over the range of its rows). hermite: inputs
  /// normal, with the mean and deviation of the rows.
  PolynomialFamily features = PolynomialFamily::legendre;
  Index max_terms = 0;          ///< of one output, the constant not counted; 0: no limit but the points
  Index max_candidates = 5000;  ///< larger truncations are not tried, nor more than 5e7 / n
};

/// Hybrid least angle regression (Blatman & Sudret 2011): for each output and truncation, terms come in in
/// the order of least angle regression (Efron et al. 2004); at each length the coefficients are those of
/// least squares, and the one with the smallest corrected leave-one-out error is taken:
///   e = T (1/n) Σ_i ((y_i - f(x_i)) / (1 - h_i))² / var y,   T = n / (n - P) (1 + tr((ΨᵀΨ)⁻¹))
/// (Chapelle, Vapnik & Bengio 2002), P terms with the constant, Ψ (n × P)
/// their values. The predictor is polynomial, with orthonormal features: `sobol_indices` reads mean, variance
/// and Sobol indices off it, `polynomial_coefficients` the terms.
/// Variance, by least squares theory as in linear.hpp, with each output's own terms and its own T for what
/// choosing them has cost:
///   h(x) = 1/n + f(x)ᵀ (FᵀF)⁻¹ f(x),  observed(x) = s² (1 + h(x)),  s² = T (1/n) Σ_i (1 - h_i) e_(-i)².
/// Cost for each output and truncation of m terms: n m for every term that comes in. Outputs are tasks.
RegressorPtr make_chaos_regressor(const ChaosOptions& options);
/// degree (a number, a list, or "auto"), max_degree, q_norm (a number or a list), features ("legendre" or
/// "hermite"), max_terms, max_candidates
RegressorPtr make_chaos_regressor(const Settings& settings);

}  // namespace ersatz
