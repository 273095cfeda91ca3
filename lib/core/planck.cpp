#include "ersatz/core/planck.hpp"

#include <cmath>

namespace ersatz {

namespace {
constexpr double planck_constant = 6.62607015e-27;                                   // erg s
constexpr double boltzmann_constant = 1.380649e-16;                                  // erg/K
constexpr double light_speed = 2.99792458e10;                                        // cm/s
constexpr double second = 1e8 * planck_constant * light_speed / boltzmann_constant;  // Angstrom K
constexpr double first = 2.0 * planck_constant * light_speed * light_speed * 1e40 * 1e-8;
}  // namespace

double planck_function(double wavelength, double temperature) {
  const double w2 = wavelength * wavelength;
  return first / (w2 * w2 * wavelength * std::expm1(second / (wavelength * temperature)));
}

double planck_temperature_slope(double wavelength, double temperature) {
  const double exponent = second / (wavelength * temperature);
  return planck_function(wavelength, temperature) * exponent / (temperature * -std::expm1(-exponent));
}

}  // namespace ersatz
