#pragma once

namespace ersatz {

/// The Planck function B_lambda(T) [erg/s/cm^2/Angstrom/sr]; wavelength in Angstrom, temperature in K, both
/// positive. Constants of CODATA 2018, exact.
double planck_function(double wavelength, double temperature);

}  // namespace ersatz
