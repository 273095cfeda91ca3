#pragma once
// The instruction sets of this machine.

#include <vector>

#include "core/kernels.hpp"

namespace ersatz::testing {

inline std::vector<const kernels::Table*> tables() {
  std::vector<const kernels::Table*> found;
  for (const char* name : {"generic", "avx2", "avx512"})
    if (const kernels::Table* t = kernels::table_named(name)) found.push_back(t);
  return found;
}

}  // namespace ersatz::testing
