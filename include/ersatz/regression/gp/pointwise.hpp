#pragma once
// A kernel of one's own, by its value for a pair of points.

#include <memory>
#include <string>
#include <vector>

#include "ersatz/regression/gp/kernel.hpp"

namespace ersatz::gp {

/// Implement this and name it with register_kernel; from then on it stands in expressions beside the others,
/// alone, in sums and products, on some of the inputs, with hyperparameters fixed or shared.
///
/// The function must be symmetric and positive semi-definite (eigenvalues of every covariance matrix >= 0);
/// best with k(x, x) about 1. Cost: a virtual call for each pair of points, so derive from Kernel where that
/// hurts.
class PointwiseKernel {
 public:
  virtual ~PointwiseKernel() = default;

  /// Names, bounds and starts, for n points; the order is that of `h` below. Names are what an expression
  /// fixes: mykernel(angle=0.3).
  virtual std::vector<Hyperparameter> hyperparameters(Index points) const = 0;
  /// k(x, y) of two points in internal units (each input runs over [0, 1] in the data). h: hyperparameters
  /// in their natural units, not logarithms. Where not null, by_log_h[p] = ∂k/∂ log h_p and
  /// by_x[k] = ∂k/∂x_k are to be set (all of them).
  virtual double value(const double* x, const double* y, const double* h, double* by_log_h,
                       double* by_x) const = 0;
  /// Whether k(x, x) is the same for all x.
  virtual bool stationary() const { return false; }
};

/// The kernel of a pointwise one on d inputs; `name` is the one that it is registered by.
KernelPtr pointwise_kernel(const std::string& name, Index inputs,
                           std::shared_ptr<const PointwiseKernel> pointwise);

/// A kernel that lives outside of the library: from now on expressions know it, in every thread. `maker` is
/// given the number of inputs, and may throw UsageError on one that it cannot do; the kernel's expression()
/// must be `name`. A model that was fitted with it can be loaded where it is registered. Throws UsageError on
/// a name that is taken or is not letters, digits, - and _ with a letter in front.
using KernelMaker = KernelPtr (*)(Index inputs);
void register_kernel(const std::string& name, KernelMaker maker);

/// Largest difference between the derivatives that a kernel gives and those of finite differences, relative
/// to 1 + their size, over random pairs of points in the unit cube and hyperparameters around their starts.
/// About 1e-12 where they are right. For tests of one's own kernel.
double derivative_error(const Kernel& kernel);

}  // namespace ersatz::gp
