#pragma once
// A Gaussian process that chooses its kernel.

#include "ersatz/regression/gp/gp.hpp"

namespace ersatz::gp {

/// Root mean square of the leave-one-out residuals over points and outputs, in the outputs' units; infinite
/// where the fit has none.
double leave_one_out_error(const FitSummary& summary);

/// Fits with each kernel and keeps the one whose leave-one-out residuals, summed in squares over points and
/// outputs, are the smallest. The fold-free twin of a comparison: costs one fit for each kernel.
RegressorPtr make_kernel_choice(const GpOptions& options, std::vector<std::string> kernels);

}  // namespace ersatz::gp
