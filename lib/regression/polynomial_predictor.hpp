#pragma once
// What mean, linear, ridge and lasso predict with.

#include <string>

#include "ersatz/regression/polynomial_features.hpp"
#include "ersatz/regression/predictor.hpp"

namespace ersatz {

/// The state of a polynomial predictor: mean_j(x) = intercept_j + Σ_t (phi_t(x) - centre_t) B(t, j), and
/// h_j(x) = offset + Σ_i weights(level_j, i) (Σ_t (phi_t - centre_t) directions(t, i))²
///                 + outside(level_j) Σ_t ((phi_t - centre_t) feature_inverse_scale_t)² - the part in
///                 `directions`.
struct PolynomialState {
  PolynomialFeatures features;  ///< m
  Vector centre;                ///< m
  Matrix coefficients;          ///< m × p
  Vector intercept;             ///< p

  bool has_variance = false;
  Vector latent;         ///< p: variance apart from h, of the function
  Vector observed;       ///< p: of one more value
  Vector residual;       ///< p: s², what h is multiplied with
  double offset = 0.0;   ///< 1/n, or 0 where the variance is constant
  Matrix directions;     ///< m × r, of centred features; empty: the variance is constant
  Vector inverse_scale;  ///< m: 1 over the standard deviation of a feature
  Matrix weights;        ///< levels × (r + 1): one row per alpha in use; the last is for what is outside
  std::vector<std::int64_t> level;  ///< p: row of `weights`
};

class PolynomialPredictor final : public Predictor {
 public:
  explicit PolynomialPredictor(PolynomialState state);

  std::string kind() const override { return "polynomial"; }
  Index inputs() const override { return state_.features.inputs(); }
  Index outputs() const override { return state_.intercept.size(); }
  bool has_variance() const override { return state_.has_variance; }
  bool has_jacobian() const override { return true; }
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const override;
  void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                         Workspace& workspace) const override;
  void jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const override;
  void save(const h5::Group& group) const override;

  const PolynomialState& state() const { return state_; }

 private:
  void mean_of(const double* centred, double* out) const;

  PolynomialState state_;
};

}  // namespace ersatz
