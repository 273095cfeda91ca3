#pragma once

namespace ersatz {

/// The Planck function B_lambda(T) [erg/s/cm^2/Angstrom/sr]; wavelength in Angstrom, temperature in K, both
/// positive. Constants of CODATA 2018, exact.
double planck_function(double wavelength, double temperature);
/// dB_lambda/dT [erg/s/cm^2/Angstrom/sr/K].
double planck_temperature_slope(double wavelength, double temperature);

}  // namespace ersatz
