#pragma once
// Covariance functions of Gaussian processes. A kernel is structure only (which form, on which inputs); its
// hyperparameters live apart, as a vector of logarithms, so one kernel serves every start of a search, every
// output and every thread. Work is asked for by rows, one point against many: a virtual call costs nothing
// there, and a sum or product of kernels is a kernel that asks its parts for rows.

#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/workspace.hpp"

namespace ersatz::gp {

/// n points with their inputs in columns: input k of point i at columns[k * stride + i].
struct Points {
  const double* columns = nullptr;
  Index stride = 0;
  Index size = 0;    ///< n
  Index inputs = 0;  ///< d

  Points from(Index first) const { return {columns + first, stride, size - first, inputs}; }
  void gather(Index i, double* x) const {
    for (Index k = 0; k < inputs; ++k) x[k] = columns[k * stride + i];
  }
};

/// One hyperparameter, in its natural unit where every input spans [0, 1] and outputs have variance 1.
struct Hyperparameter {
  enum class Role { length, variance, shape, period };
  std::string name;  ///< as an expression gives it a value: "length", "period", …
  Role role = Role::length;
  Index input = -1;  ///< the input that it belongs to, -1: none
  double start = 1.0;
  double lower = 1e-2, upper = 1e2;  ///< where a search may go unless told otherwise
  bool scaled = false;               ///< counts in ranges of its input: ×range on the user's scale
  std::string part = {};             ///< the kernel that it belongs to: "periodic", "matern52 2" (the second)
};

/// A covariance function k(x, x'; θ). All calls are const and safe from many threads, each with its own
/// Workspace. θ are logarithms of the hyperparameters; loops take `coefficients`, what `prepare` made of them
/// once (for lengths: one over the length).
///
/// To add one by its value for a pair of points, see pointwise.hpp; by rows, derive from this class.
class Kernel {
 public:
  virtual ~Kernel() = default;

  /// What make_kernel reads back, in internal units, inputs by number.
  virtual std::string expression() const = 0;
  virtual Index inputs() const = 0;      ///< d
  virtual Index parameters() const = 0;  ///< length of θ
  /// In the order of θ; `points` (n) bounds from below what lengths the data can tell.
  virtual std::vector<Hyperparameter> hyperparameters(Index points) const = 0;
  /// coefficients: one for each hyperparameter, a function of this hyperparameter alone.
  virtual void prepare(const double* theta, double* coefficients) const = 0;
  /// Whether the diagonal is the same for all points: k(x, x) does not depend on x. (The squared exponential
  /// and its kin, their sums and products; not the linear kernel.)
  virtual bool stationary() const = 0;

  /// k[i] = k(x, x_i), n values.
  virtual void row(const double* x, const Points& points, const double* coefficients, double* k,
                   Workspace& workspace) const = 0;
  /// k[i] = k(x_i, x_i), n values.
  virtual void diagonal(const Points& points, const double* coefficients, double* k) const = 0;
  /// gradient[p] += Σ_i w[i] ∂k(x, x_i)/∂θ_p, all p in one pass.
  virtual void contract(const double* x, const Points& points, const double* coefficients, const double* w,
                        double* gradient, Workspace& workspace) const = 0;
  /// gradient[k] += Σ_i w[i] ∂k(x, x_i)/∂x_k, d values.
  virtual void jacobian(const double* x, const Points& points, const double* coefficients, const double* w,
                        double* gradient, Workspace& workspace) const = 0;
  /// The same for `count` rows of weights, w[o stride + i]: gradients[o d + k] += …. Kernels that need their
  /// slopes only once for all rows override it.
  virtual void jacobians(const double* x, const Points& points, const double* coefficients, const double* w,
                         Index stride, Index count, double* gradients, Workspace& workspace) const;
};

using KernelPtr = std::shared_ptr<const Kernel>;

/// k = k_1 + Σ_t variance_t k_t: every term but the first brings a hyperparameter, its variance relative to
/// the first; a `weight` fixes it instead. Both on the same inputs, else UsageError.
KernelPtr operator+(const KernelPtr& a, const KernelPtr& b);
KernelPtr sum(const KernelPtr& a, const KernelPtr& b, double weight);
/// k = Π_f k_f. A product brings no hyperparameters of its own.
KernelPtr operator*(const KernelPtr& a, const KernelPtr& b);

/// The kernel that an expression names, on d inputs that go by their numbers 0 … d - 1, in internal units:
/// what `Kernel::expression` writes. kernel_expression.hpp has the grammar, and the inputs' own names and
/// units. Throws UsageError naming place, word and what is known.
KernelPtr make_kernel(const std::string& expression, Index inputs);
/// Kernels with one length for each input and no other hyperparameter, h_k = |x_k - x'_k| / length_k,
/// r² = Σ_k h_k²:
///
///   squared-exponential  exp(-r²/2)
///   matern12             exp(-r)
///   matern32             (1 + √3 r) exp(-√3 r)
///   matern52             (1 + √5 r + 5/3 r²) exp(-√5 r)              radial, as scikit-learn
///   matern12-product     Π_k exp(-h_k)
///   matern32-product     Π_k (1 + √3 h_k) exp(-√3 h_k)
///   matern52-product     Π_k (1 + √5 h_k + 5/3 h_k²) exp(-√5 h_k)    as DiceKriging, RobustGaSP, libKriging
///
/// (Rasmussen & Williams 2006, eqs 4.9, 4.14, 4.17.) Radial and product forms are different functions as soon
/// as d is 2 or more. The others are in kernel_expression.hpp.
std::vector<std::string> kernel_names();

/// The lower triangle of the n × n covariance matrix, column major with leading dimension n: element (i, j),
/// i >= j, at matrix[j n + i]. Above the diagonal nothing is touched. Cost n²/2 kernel values.
void gram_lower(const Kernel& kernel, const Points& points, const double* coefficients, double* matrix,
                Workspace& workspace);

/// gradient[p] += Σ_i Σ_j W_ij ∂K_ij/∂θ_p from the lower triangle of the symmetric W (column major, n × n).
/// No matrix for each hyperparameter is made; cost about that of gram_lower. W's diagonal is halved on
/// return.
void gram_contract(const Kernel& kernel, const Points& points, const double* coefficients, double* weights,
                   double* gradient, Workspace& workspace);

}  // namespace ersatz::gp
