#pragma once
// The mean of a Gaussian process before it has seen data: polynomials whose coefficients are estimated.

#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/workspace.hpp"
#include "ersatz/regression/polynomial_features.hpp"

namespace ersatz::gp {

/// mean(x) = f(x)ᵀ beta, with f all monomials up to a total degree in 2 x - 1, where x spans [0, 1]; the
/// constant comes first. Coefficients are found by generalised least squares. An immutable value; all calls
/// are const and safe from many threads.
class Trend {
 public:
  static constexpr Index zero = -1;  ///< the degree of "no mean at all"

  Trend() : Trend(0, 0) {}
  /// degree: Trend::zero, 0 (a constant), 1, 2, …
  Trend(Index inputs, Index degree);

  Index inputs() const { return inputs_; }
  Index degree() const { return degree_; }
  Index size() const { return degree_ == zero ? 0 : 1 + features_.size(); }  ///< q, number of coefficients

  /// f(x): x has `inputs` values, f has size().
  void evaluate(const double* x, double* f, Workspace& workspace) const;
  /// d f / d x: inputs × size(), derivatives by one input stand together.
  void derivatives(const double* x, double* derivatives, Workspace& workspace) const;
  /// f at many points (n × inputs): n × size(), column major.
  Eigen::MatrixXd matrix(ConstMatrixRef x) const;
  /// "1", "x0", "x0^2 x1" with the names of the inputs (empty: x0, x1, …); of 2 x - 1, not of raw inputs.
  std::vector<std::string> names(const std::vector<std::string>& input_names = {}) const;

 private:
  Index inputs_ = 0, degree_ = 0;
  PolynomialFeatures features_;
};

}  // namespace ersatz::gp
