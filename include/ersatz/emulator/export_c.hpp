#pragma once
// An emulator as one C source, for codes that can link nothing.

#include <string>
#include <vector>

#include "ersatz/emulator/emulator.hpp"
#include "ersatz/emulator/model_info.hpp"

namespace ersatz {

struct CExport {
  std::string prefix = "emulator";     ///< of all names with external linkage; a C identifier
  bool with_std = true;                ///< false: means and domain alone, without the variances' tables
  std::vector<std::string> heading{};  ///< more lines for the comment at the top: scores
};

/// The text of a C99 file that needs libm alone and evaluates the emulator's means, standard deviations
/// (where it has them) and domain score: the same numbers as Emulator, to 1e-13 of the sum of the absolute
/// terms. The caller brings all memory, nothing is static but constants: safe from many threads. A comment at
/// the top says what it is and how it is called. Size: about 23 bytes for each number of the model; standard
/// deviations of a Gaussian process take n²/2 numbers for each set of hyperparameters.
/// Throws UsageError naming what has no C source: a prefix that is no identifier, a predictor, kernel,
/// transform, basis or decoder from outside of the library.
std::string export_c(const Emulator& emulator, const ModelInfo& info, const CExport& options);

}  // namespace ersatz
