#pragma once
// The kernels that go by a name: those of the library and registered ones.

#include <string>
#include <vector>

#include "ersatz/regression/gp/kernel.hpp"

namespace ersatz::gp {

/// On d inputs; null when the name is not known.
KernelPtr make_named_kernel(const std::string& name, Index inputs);
bool is_registered_kernel(const std::string& name);
/// All, the registered ones last.
std::vector<std::string> named_kernels();

}  // namespace ersatz::gp
