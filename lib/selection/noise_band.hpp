#pragma once
// Noise curves in hertz against axes in their own units. Not installed.

#include <string>

#include "ersatz/core/axis.hpp"
#include "ersatz/selection/noise_curve.hpp"

namespace ersatz {

/// How many seconds a unit of the axis has (hertz, for a frequency), or 1 where it keeps its own: see
/// MismatchOptions::total_mass. Throws UsageError, which begins with `whose`, where the noise needs to know
/// and the total mass is missing, or has no meaning.
double seconds_per_unit(const std::string& whose, const NoiseCurve& noise, double total_mass,
                        const Axis& axis);

/// Throws UsageError for a band that is empty or beyond the noise curve.
void check_band(const std::string& whose, const NoiseCurve& noise, double low, double high);

}  // namespace ersatz
