#pragma once
// Kernels as expressions, as they stand in recipes: "matern52 * periodic(inputs=[phi]) + linear".
//
//   sum     product + product + …          every term after the first has a variance relative to the first
//   product factor * factor * …
//   factor  name, name(argument, …), a sum in parentheses, or a number: the fixed variance of a term
//
//   name                 k(x, x')                                  hyperparameters
//   squared-exponential, matern12, matern32, matern52, matern12-product, matern32-product, matern52-product
//                        see kernel_names                          length (one for each input)
//   power-exponential    exp(-Σ_k h_k^power_k)                     length, power (0 to 2, one for each input)
//   rational-quadratic   (1 + r²/(2 shape))^-shape                 length, shape
//   periodic             exp(-2 Σ_k sin²(π |x_k - x'_k| / period_k) / length_k²)   length, period (one each)
//   linear               Σ_k (x_k - ½)(x'_k - ½) / length_k²       length; x runs over [0, 1] in the data
//   constant             1                                         none
//   white                noise: asks for an estimated nugget; only as a term of the outermost sum
//
// with h_k = |x_k - x'_k| / length_k and r² = Σ_k h_k². (Rasmussen & Williams 2006, sections 4.2.1, 4.2.2;
// MacKay 1998 for the periodic one, with a factor for each input.) Kernels of register_kernel have their own
// names.
//
// Arguments, in any order:
//   inputs=[phi, theta]  the inputs that this kernel sees, by name (in quotes where it is no plain word) or
//                        by number from 0; without it, all. One input needs no brackets.
//   NAME=value           fixes a hyperparameter: one number for all its inputs, or one for each: [0.5, 2]
//   NAME=shared          one hyperparameter for all inputs (length=shared: isotropic in ranges of the inputs)
//
// Lengths and periods are in the inputs' own units (a length of `periodic` is a pure number).

#include <string>
#include <vector>

#include "ersatz/regression/gp/kernel.hpp"

namespace ersatz::gp {

/// The inputs of a kernel, as the user knows them.
struct KernelInputs {
  Index count = 0;                 ///< all that the user has
  std::vector<std::string> names;  ///< of all, or empty: they go by number only
  std::vector<Index> active;       ///< those that the kernel works on, among all
  Vector range;                    ///< of the active ones in the user's units: 1 in internal units
};

/// What an expression asks for beside the kernel itself.
struct KernelRequest {
  bool white = false;  ///< noise whose variance is to be estimated
};

/// Checks all that can be checked before there are data: grammar, names of kernels and arguments, values.
/// Throws UsageError: place in the expression, the word, what is known.
KernelRequest check_kernel(const std::string& expression);

/// Throws UsageError as check_kernel does, and on inputs that do not exist; DataError on inputs that do but
/// are not active.
KernelPtr make_kernel(const std::string& expression, const KernelInputs& inputs);

/// "length of phi in periodic". `names` are those of the kernel's inputs, or empty.
std::string label(const Hyperparameter& parameter, const std::vector<std::string>& names = {});

/// All hyperparameters on the user's scale, for people: "lengths 0.31 12.5" of a single kernel, and
/// "matern52: lengths 0.31 12.5; periodic: length of phi 0.8, period of phi 6.28; relative variance of linear
/// 0.02" of several. `names` and `range` are those of the kernel's inputs; names may be empty.
std::string describe(const Kernel& kernel, const double* theta, const std::vector<std::string>& names,
                     ConstVectorRef range);

}  // namespace ersatz::gp
