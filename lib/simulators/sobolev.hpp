#pragma once
// Transfer through an expanding envelope of scattering lines: what supernova_spectrum computes once it has
// optical depths. Conventions in ersatz/simulators/supernova.hpp.

#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/matrix.hpp"

namespace ersatz::sobolev {

constexpr double light_speed = 299792.458;  ///< [km/s]

struct Line {
  double wavelength;  ///< [Angstrom]
  double tau;         ///< at the photosphere
};

struct Envelope {
  double v_phot, v_max, v_e;  ///< [km/s]
  double T_phot;              ///< [K]
};

struct Resolution {
  Index shells, angles, impact_parameters;
};

/// Flux at the given wavelengths. Lines in any order; those of equal wavelength count as one with the sum of
/// depths (exact: all depths fall off alike).
Vector spectrum(const Envelope& envelope, std::vector<Line> lines, const Vector& wavelengths,
                const Resolution& resolution, Executor& executor);

}  // namespace ersatz::sobolev
