#pragma once
// Squared exponential and Matérn kernels with a length for each input.

#include "ersatz/regression/gp/kernel.hpp"

namespace ersatz::gp {

/// Null when the name is not one of them.
KernelPtr make_stationary_kernel(const std::string& name, Index inputs);
std::vector<std::string> stationary_kernel_names();

}  // namespace ersatz::gp
