#pragma once
// The covariance of data whose errors are independent, or known, plus a few directions. Not installed.

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// C = N + FᵀF, by Woodbury's identity and the determinant lemma: with the rows of F whitened by N and
/// M = 1 + F N⁻¹ Fᵀ, C⁻¹ = N⁻¹ - N⁻¹ Fᵀ M⁻¹ F N⁻¹ and |C| = |N| |M|. O(K² m) for K rows of F.
class LowRankCovariance {
 public:
  /// N = diag(variances), all positive.
  LowRankCovariance(const Vector& variances, Matrix factors);
  /// N = scale² L Lᵀ, L lower triangular; it has to outlive this. + O(K m²).
  LowRankCovariance(const Matrix& lower, double scale, Matrix factors);

  Index directions() const { return factors_.rows(); }
  double log_determinant() const { return log_determinant_; }

  /// For a residual: chi² = residualᵀ C⁻¹ residual, alpha = C⁻¹ residual, xi = F alpha. As the least of
  /// |residual - Fᵀ xi|² + |xi|², which does not cancel.
  struct Solution {
    double chi2;
    Vector alpha, xi;
    double whitened_square;  ///< alphaᵀ N alpha
  };
  Solution solve(const Vector& residual) const;

  Vector inverse_diagonal() const;  ///< of C⁻¹; O(K² m), with L also m³ / 3
  Vector inverse_core() const;      ///< the diagonal of M⁻¹, K: F_k C⁻¹ F_kᵀ is one minus it

 private:
  void factorise(double log_determinant_of_noise);
  void whiten(Vector& v) const;
  void unwhiten(Vector& v) const;  ///< by the transpose

  Vector inverse_root_;  ///< of the variances; empty where there is L
  const Matrix* lower_ = nullptr;
  double scale_ = 1.0;
  Matrix factors_;  ///< K × m, whitened
  Matrix core_;     ///< Cholesky factor of M
  double log_determinant_ = 0.0;
};

}  // namespace ersatz
