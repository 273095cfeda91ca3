#pragma once
// Kernels whose shape has hyperparameters of its own, and those that are not stationary.

#include "ersatz/regression/gp/kernel.hpp"

namespace ersatz::gp {

KernelPtr make_power_exponential_kernel(Index inputs);   ///< θ: lengths, powers
KernelPtr make_rational_quadratic_kernel(Index inputs);  ///< θ: lengths, shape
KernelPtr make_periodic_kernel(Index inputs);            ///< θ: lengths, periods
KernelPtr make_linear_kernel(Index inputs);              ///< θ: lengths
KernelPtr make_constant_kernel(Index inputs);            ///< no θ

}  // namespace ersatz::gp
