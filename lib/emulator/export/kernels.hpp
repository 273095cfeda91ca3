#pragma once
// Kernel expressions as C functions of two points.

#include <functional>
#include <vector>

#include "emulator/export/c_file.hpp"

namespace ersatz::c {

struct KernelCode {
  /// double NAME(const double *a, const double *b, const double *c), points in internal units.
  std::string name;
  /// What c points to, from the logarithms of the hyperparameters.
  std::function<std::vector<double>(const double* log_hyperparameters)> coefficients;
};

/// Throws UsageError for a kernel that a program has registered.
KernelCode export_kernel(CFile& file, const std::string& expression, Index inputs, const std::string& whose);

}  // namespace ersatz::c
