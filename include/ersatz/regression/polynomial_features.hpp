#pragma once
// Products of polynomials of single inputs: the columns of a polynomial regression, and the terms of a
// polynomial chaos expansion.

#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/workspace.hpp"
#include "ersatz/regression/standardisation.hpp"

namespace ersatz {

/// What an input z enters with, by degree e = 0, 1, 2, …
enum class PolynomialFamily {
  powers,    ///< z^e
  legendre,  ///< sqrt(2e + 1) P_e(z): orthonormal for z uniform on [-1, 1]
  hermite,   ///< He_e(z) / sqrt(e!), the probabilists': orthonormal for z standard normal
};
std::string_view to_string(PolynomialFamily family);                    ///< "powers", "legendre", "hermite"
PolynomialFamily polynomial_family_from_string(std::string_view name);  ///< throws UsageError

/// Degrees of the inputs in each feature, one row per feature: features × inputs.
using Exponents = Eigen::Matrix<int, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Which products are taken: those with (Σ_k e_k^q)^(1/q) <= degree. q = 1 is the total degree; below 1 the
/// set is hyperbolic: interactions go up to lower degrees than single inputs (Blatman & Sudret 2011).
struct Truncation {
  Index degree = 1;     ///< 0 to 64
  double q_norm = 1.0;  ///< above 0, up to 1
};

/// phi_t(x) = Π_k f_e(t, k)(z_k), z = (x - centre) · inverse_scale, f the family of input k. The constant is
/// not among them: regressors have an intercept. An immutable value; all calls are const and safe from many
/// threads.
class PolynomialFeatures {
 public:
  PolynomialFeatures() = default;  ///< no inputs, no features

  /// Any set of features; families: one per input, or none (powers). Throws UsageError on exponents below 0
  /// or above 64, a feature that is constant, or one over an input that does not vary.
  PolynomialFeatures(Standardisation inputs, Exponents exponents,
                     std::vector<PolynomialFamily> families = {});

  /// All products that the truncation allows, by total degree and then in lexicographic order (x0, x1, x0²,
  /// x0 x1, …). Inputs that do not vary take no part. Throws UsageError beyond a million of them.
  static PolynomialFeatures truncated(const Standardisation& inputs, const Truncation& truncation,
                                      const std::vector<PolynomialFamily>& families = {});
  /// How many features that makes; -1 beyond a million. With q_norm 1: C(v + degree, degree) - 1 for v
  /// inputs that vary.
  static Index truncated_size(Index varying_inputs, const Truncation& truncation);
  /// truncated() with q_norm 1 over powers.
  static PolynomialFeatures total_degree(const Standardisation& inputs, Index degree);

  Index inputs() const { return inputs_.size(); }   ///< d
  Index size() const { return exponents_.rows(); }  ///< number of features
  Index degree() const { return degree_; }          ///< the largest total degree
  const Exponents& exponents() const { return exponents_; }
  const Standardisation& standardisation() const { return inputs_; }
  const std::vector<PolynomialFamily>& families() const { return families_; }  ///< d
  /// Every input that a feature uses has an orthonormal family.
  bool orthonormal() const;

  /// x: d values, features: size() values. Scratch comes from the workspace.
  void evaluate(const double* x, double* features, Workspace& workspace) const;
  Matrix evaluate(ConstMatrixRef X) const;  ///< q × size()

  /// d phi_t / d x_k as d × size(): derivatives with respect to one input stand together.
  void derivatives(const double* x, double* derivatives, Workspace& workspace) const;

  PolynomialFeatures subset(const std::vector<Index>& features) const;

  /// "x0^2 x1", "P2(x0) P1(x1)" (Legendre), "He2(x0)", with the names of the inputs (empty: x0, x1, …); of
  /// z, not of raw inputs, and with the scaling of the families above.
  std::vector<std::string> names(const std::vector<std::string>& input_names = {}) const;

 private:
  struct Factor {
    Index input;
    int power;
  };
  // Values, and where asked for slopes by z, of every input's polynomials: table[k (degree + 1) + e].
  void tabulate(const double* x, double* values, double* slopes) const;

  Standardisation inputs_;
  std::vector<PolynomialFamily> families_;
  Exponents exponents_;
  Index degree_ = 0;
  std::vector<Factor> factors_;     // of feature t: begin_[t] … begin_[t + 1] - 1
  std::vector<std::size_t> begin_;  // size() + 1
};

}  // namespace ersatz
