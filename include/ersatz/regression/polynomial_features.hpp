#pragma once
// Products of powers of standardised inputs: the columns of a polynomial regression.

#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/workspace.hpp"
#include "ersatz/regression/standardisation.hpp"

namespace ersatz {

/// Powers of the inputs in each feature, one row per feature: features × inputs.
using Exponents = Eigen::Matrix<int, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// phi_t(x) = Π_k z_k^e(t, k) with z the standardised x. The constant is not among them: regressors have an
/// intercept. An immutable value; all calls are const and safe from many threads.
class PolynomialFeatures {
 public:
  PolynomialFeatures() = default;  ///< no inputs, no features

  /// Any set of features. Throws UsageError on exponents below 0 or above 64, a feature that is constant, or
  /// one over an input that does not vary.
  PolynomialFeatures(Standardisation inputs, Exponents exponents);

  /// All products up to a total degree, by degree and then in lexicographic order (x0, x1, x0², x0 x1, …).
  /// Inputs that do not vary take no part; C(v + degree, degree) - 1 features for v inputs that vary. Throws
  /// UsageError beyond a million of them.
  static PolynomialFeatures total_degree(const Standardisation& inputs, Index degree);
  /// How many features that makes; -1 beyond a million.
  static Index total_degree_size(Index varying_inputs, Index degree);

  Index inputs() const { return inputs_.size(); }   ///< d
  Index size() const { return exponents_.rows(); }  ///< number of features
  Index degree() const { return degree_; }          ///< the largest total degree
  const Exponents& exponents() const { return exponents_; }
  const Standardisation& standardisation() const { return inputs_; }

  /// x: d values, features: size() values. Scratch comes from the workspace.
  void evaluate(const double* x, double* features, Workspace& workspace) const;
  Matrix evaluate(ConstMatrixRef X) const;  ///< q × size()

  /// d phi_t / d x_k as d × size(): derivatives with respect to one input stand together.
  void derivatives(const double* x, double* derivatives, Workspace& workspace) const;

  PolynomialFeatures subset(const std::vector<Index>& features) const;

  /// "x0^2 x1" with the names of the inputs (empty: x0, x1, …); of standardised inputs, not raw ones.
  std::vector<std::string> names(const std::vector<std::string>& input_names = {}) const;

 private:
  struct Factor {
    Index input;
    int power;
  };
  void powers(const double* x, double* table) const;  // table[k (degree + 1) + e] = z_k^e

  Standardisation inputs_;
  Exponents exponents_;
  Index degree_ = 0;
  std::vector<Factor> factors_;     // of feature t: begin_[t] … begin_[t + 1] - 1
  std::vector<std::size_t> begin_;  // size() + 1
};

}  // namespace ersatz
