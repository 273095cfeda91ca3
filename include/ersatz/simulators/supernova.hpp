#pragma once
// An elementary supernova spectrum in the Sobolev approximation: a sharp photosphere that shines as a
// blackbody, below an envelope in homologous expansion whose lines scatter resonantly. As in SYNOW and SYN++;
// after Jeffery & Branch (1990) and Thomas, Nugent & Meza (2011, PASP 123, 237).
//
// Conventions. Lengths are velocities (r = v, in km/s). The Doppler shift is of first order: along a ray with
// the coordinate s (from the point closest to the centre, in the direction of flight), light that the
// observer at rest would call `lambda` meets the line `lambda_l` at s = c (1 - lambda / lambda_l); bluer
// lines are met first. The intensity I_lambda is carried along the ray unchanged but for lines, I -> I e^-tau
// + S (1 - e^-tau), so a ray that leaves the photosphere starts with the Planck function at the ray's own
// wavelength, and without lines the flux is pi B_lambda(T_phot) exactly. Rays that come back to the
// photosphere end there. A line's source function is the mean intensity of what arrives after the bluer
// lines, S_l(r) = 1/2 ∫ I_l(mu) dmu, solved from the bluest line to the reddest.

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/simulators/simulator.hpp"

namespace ersatz {

struct SpectralLine {
  std::string ion;          ///< "Si II"
  double wavelength = 0.0;  ///< Angstrom
  double log_gf = 0.0;      ///< log10 of statistical weight times oscillator strength
  double lower = 0.0;       ///< energy of the lower level, eV
};

/// All lines of Si II, S II, Ca II and Fe II that ship: Kurucz & Bell 1995 (CD-ROM 23); Ca II from the NIST
/// Atomic Spectra Database.
const std::vector<SpectralLine>& supernova_lines();

/// Reads lines from a table with a header and the columns ion, wavelength, log_gf, lower (comma between). The
/// ions must be among those four, each with its reference line. Throws StorageError, DataError naming the
/// line.
std::vector<SpectralLine> read_lines(const std::string& path);

struct SupernovaParameters {
  double v_phot = 11000.0;  ///< of the photosphere, km/s
  double t_phot = 12000.0;  ///< its temperature, K
  /// log10 of the optical depth at the photosphere of Si II 6347.11, S II 5453.85, Ca II 3933.66, Fe II
  /// 5169.03.
  std::array<double, 4> log_tau{0.8, 0.2, 1.4, 0.3};
  double v_e = 1500.0;     ///< tau falls as exp(-(v - v_phot) / v_e), km/s
  double t_exc = 10000.0;  ///< excitation temperature, K
};

struct SupernovaOptions {
  std::vector<SpectralLine> lines;        ///< empty: supernova_lines()
  Index bins = 1000;                      ///< equal steps in log wavelength
  double first = 3000.0, last = 10000.0;  ///< Angstrom, edges
  double v_max = 30000.0;                 ///< outer edge of the envelope, km/s
  // Resolution of the quadratures.
  Index shells = 100;
  Index angles = 48;
  Index impacts = 160;
  int threads = 1;  ///< for one spectrum; the same bits whatever the number
};

/// Logarithmic bin centres, Angstrom.
Vector supernova_wavelengths(const SupernovaOptions& options = {});

/// Flux at the photosphere at those wavelengths, erg/s/cm²/Angstrom. `optical_depths`, if given, sets the
/// depth of each line (in the list's order) directly. Throws UsageError on parameters that make no sense
/// (v_phot not below v_max, temperatures not positive, lines without an optical depth). Cost O(lines · shells
/// · angles · lines in reach + bins · impacts · lines in reach).
Vector supernova_spectrum(const SupernovaParameters& parameters, const SupernovaOptions& options = {},
                          const std::vector<double>* optical_depths = nullptr);

/// Parameters v_phot (8000 … 14000 km/s), T_phot (8000 … 16000 K), log_tau_SiII (0 … 1.7), log_tau_SII
/// (-0.5 … 1), log_tau_CaII (0.5 … 2.3), log_tau_FeII (-0.5 … 1.2), v_e (1000 … 3000 km/s), T_exc
/// (7000 … 12000 K). Output `flux` on the axis `wavelength`.
std::shared_ptr<const Simulator> make_supernova(const SupernovaOptions& options = {});
/// The first six of these; v_e = 1500 km/s and T_exc = 10000 K.
std::shared_ptr<const Simulator> make_supernova_6(const SupernovaOptions& options = {});

}  // namespace ersatz
