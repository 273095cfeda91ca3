#include "selection/noise_band.hpp"

#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {

double seconds_per_unit(const std::string& whose, const NoiseCurve& noise, double total_mass,
                        const Axis& axis) {
  constexpr double solar_mass_seconds = 4.925490947e-6;  // G M_sun / c^3
  const bool physical = axis.unit == "s" || axis.unit == "Hz" || axis.unit == "1/s";
  if (!(total_mass >= 0.0) || !std::isfinite(total_mass))
    throw UsageError(
        text(whose, ": the total mass must be a number of solar masses above 0, got ", total_mass));
  if (physical && total_mass > 0.0)
    throw UsageError(text(whose, ": axis '", axis.name, "' is in ", axis.unit,
                          " already, so a total mass has no meaning; leave it out"));
  if (!physical && total_mass == 0.0 && !noise.flat())
    throw UsageError(text(whose, ": axis '", axis.name, "'",
                          axis.unit.empty() ? " has no unit" : " is in " + axis.unit, "; noise curve ",
                          noise.name(),
                          " needs the total mass of the binary, in solar masses, to turn it into seconds"));
  return total_mass > 0.0 ? total_mass * solar_mass_seconds : 1.0;
}

void check_band(const std::string& whose, const NoiseCurve& noise, double low, double high) {
  if (!(low >= 0.0) || !(high > low))
    throw UsageError(text(whose, ": the band from ", low, " to ", high, " is empty"));
  if (noise.flat()) return;
  if ((low > 0.0 && low < noise.lower()) || (std::isfinite(high) && high > noise.upper()))
    throw UsageError(text(whose, ": noise curve ", noise.name(), " is known from ", noise.lower(), " to ",
                          noise.upper(), " Hz, the band goes from ", low, " to ", high, " Hz"));
}

}  // namespace ersatz
