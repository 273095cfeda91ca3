#pragma once

#include "ersatz/emulator/calibration.hpp"

namespace ersatz {

/// Throws UsageError where shapes do not fit each other or outputs of these widths, or a factor is not
/// positive and finite.
void check_calibration(const Calibration& calibration, const std::vector<Index>& widths);

}  // namespace ersatz
