#pragma once
// A Gaussian process that chooses its kernel.

#include "ersatz/regression/gp/gp.hpp"

namespace ersatz::gp {

/// Fits with each kernel and keeps the one whose leave-one-out residuals, summed in squares over points and
/// outputs, are the smallest. The fold-free twin of a comparison: costs one fit for each kernel.
RegressorPtr make_kernel_choice(const GpOptions& options, std::vector<std::string> kernels);

}  // namespace ersatz::gp
