#pragma once
// Data against an emulator that is linear in its coefficients: as many numbers as coefficients hold all that
// a Gaussian likelihood sees. Not installed.

#include "ersatz/core/matrix.hpp"
#include "inference/linear_form.hpp"
#include "inference/residual_density.hpp"

namespace ersatz {

/// y ~ N(offset + cᵀ rows, N + modesᵀ modes + diag(rest) + Σ v_a e_a e_aᵀ). The fixed part of the covariance
/// is whitened away and rows and residual are turned onto the few directions that the rows span (QR), once:
/// then t ~ N(T_c c, 1 + T_v diag(v) T_vᵀ) with at most r (calibrated: 2r) numbers t, and a remainder of chi²
/// that no parameter changes. Where the variances v are one number s times fixed shares, T_v diag(shares)
/// T_vᵀ is diagonalised once as well, and t ~ N(T_c c, 1 + s diag(spread)).
class CompressedData {
 public:
  /// variances: of independent errors (N diagonal), or covariance: all of N. `with_error`: the emulator's
  /// covariance counts; otherwise only N. Throws NumericalError where N is not positive definite.
  CompressedData(const LinearModel& form, const Vector& values, const Vector& variances,
                 const Matrix& covariance, bool with_error);

  /// ln likelihood. v null: without the emulator's covariance. by_mean, by_variance: null, or its derivatives
  /// by c and v. O(r³); with shares O(r²), and the derivative by s then stands at the largest share alone.
  double evaluate(const double* c, const double* v, const ResidualDensity& density, double* by_mean,
                  double* by_variance) const;

 private:
  double evaluate_shared(const double* c, double s, const ResidualDensity& density, double* by_mean,
                         double* by_s) const;

  Vector t_;             ///< k
  Matrix mean_, error_;  ///< T_c, T_v: k × r
  Vector spread_;        ///< k, empty: not shared
  Index largest_ = 0;    ///< share
  double largest_share_ = 0.0;
  double remainder_ = 0.0, log_determinant_ = 0.0;
};

}  // namespace ersatz
