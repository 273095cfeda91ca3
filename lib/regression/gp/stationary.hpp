#pragma once
// Squared exponential and Matérn kernels with a length for each input.

#include "core/kernels.hpp"
#include "ersatz/regression/gp/kernel.hpp"

namespace ersatz::gp {

/// Null when the name is not one of them.
KernelPtr make_stationary_kernel(const std::string& name, Index inputs);
std::vector<std::string> stationary_kernel_names();

/// One length for each input: lengths below a fraction of the typical spacing of the points explain anything;
/// past fifty ranges an input no longer matters.
std::vector<Hyperparameter> length_hyperparameters(const std::string& part, Index inputs, Index points);

/// What kernels of the library that go by one name have in common: unit variance, one length for each input
/// first in θ; coefficients begin with one over the lengths.
class Named : public Kernel {
 public:
  Named(std::string name, Index inputs) : name_(std::move(name)), inputs_(inputs) {}

  std::string expression() const override { return name_; }
  Index inputs() const override { return inputs_; }
  Index parameters() const override { return inputs_; }
  std::vector<Hyperparameter> hyperparameters(Index points) const override;
  void prepare(const double* theta, double* coefficients) const override;
  bool stationary() const override { return true; }
  void diagonal(const Points& points, const double* coefficients, double* k) const override;

 protected:
  /// gradients[o d + k] -= coefficients[k]² Σ_i w[o stride + i] slopes[k n + i]
  void subtract_sums(const double* slopes, Index n, const double* w, Index stride, Index count,
                     const double* coefficients, double* gradients, Workspace& workspace) const;

  const kernels::Table& table_ = kernels::table();
  std::string name_;
  Index inputs_;
};

}  // namespace ersatz::gp
