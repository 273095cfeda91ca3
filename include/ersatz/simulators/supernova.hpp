#pragma once
// Elementary supernova spectra: resonance scattering in the Sobolev approximation, after Jeffery & Branch
// (1990) and Thomas, Nugent & Meza (2011, PASP 123, 237).
//
// A photosphere at velocity v_phot shines with the Planck function at T_phot into an envelope that expands
// homologously (v = r/t, so lengths are velocities) from v_phot to v_max, sharp on both sides. The optical
// depth of a line of an ion is
//   tau_l(v) = tau_ref exp(-(v - v_phot)/v_e) (gf lambda exp(-E/k T_exc))_l / (the same)_ref
// without stimulated emission. Conventions:
//   - Doppler shift to first order in frequency: lambda_comoving = lambda / (1 - z/c) for a ray of
//   (observer's)
//     wavelength lambda, z the coordinate along the ray in its direction; line l is met at z_l = c (1 -
//     lambda/lambda_l).
//   - I_lambda is carried unchanged along a ray, with no factors of 1 ± v/c. It is labelled by the wavelength
//     lambda that belongs to the ray, and a ray that leaves the photosphere starts with B_lambda(T_phot) at
//     that same lambda, so that without lines F = pi B_lambda(T_phot) exactly. Rays back into the photosphere
//     end there.
//   - Each crossing: I -> I exp(-tau) + S (1 - exp(-tau)), with S_l(r) = 1/2 ∫ I_l(mu) dmu, I_l having
//   crossed
//     the bluer lines only; a ray at r in the direction mu is in resonance with l at lambda = lambda_l (1 - r
//     mu/c).
//   - F = (2 pi / v_phot^2) ∫ I p dp over impact parameters p from 0 to v_max.

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/simulators/simulator.hpp"

namespace ersatz {

struct SpectralLine {
  std::string ion;
  double wavelength;    ///< [Angstrom], used as listed
  double log_gf;        ///< log10 of statistical weight times oscillator strength
  double lower_energy;  ///< [eV]
};

/// The 50 lines of Si II, S II, Ca II and Fe II that ship (also in data/supernova-lines.csv). Si II, S II, Fe
/// II: Kurucz & Bell 1995, CD-ROM 23 (gfall); Ca II: NIST Atomic Spectra Database.
const std::vector<SpectralLine>& supernova_lines();

/// Reads a line list: CSV with the header `ion,wavelength,log_gf,E_lower` (Angstrom, eV), `#` starts a
/// comment. StorageError when the file cannot be read, DataError naming file, row and value when a row makes
/// no sense.
std::vector<SpectralLine> read_line_list(const std::string& path);

/// The ions of the model, in the order of its optical depths, and the line that each depth belongs to.
constexpr std::array<const char*, 4> supernova_ions = {"Si II", "S II", "Ca II", "Fe II"};
constexpr std::array<double, 4> supernova_reference_wavelengths = {6347.11, 5453.85, 3933.66, 5169.03};

struct SupernovaParameters {
  double v_phot = 11000.0;          ///< [km/s]
  double T_phot = 12000.0;          ///< [K]
  std::array<double, 4> log_tau{};  ///< log10 at the photosphere of the four reference lines
  double v_e = 1500.0;              ///< [km/s]
  double T_exc = 10000.0;           ///< [K]
};

struct SupernovaOptions {
  std::vector<SpectralLine> lines = supernova_lines();  ///< of the four ions; any order
  Index bins = 1000;               ///< monochromatic values at the centres of equal steps in log wavelength
  double wavelength_min = 3000.0;  ///< [Angstrom]
  double wavelength_max = 10000.0;
  double v_max = 30000.0;  ///< [km/s]
  // Resolution. Relative L2 error of the defaults against a refined spectrum: 1e-5 in the middle of the
  // space, up to 5e-5 in its corners.
  Index shells = 100;             ///< where the source functions are known, at least 4
  Index angles = 64;              ///< per shell, besides those that cuts add, at least 2
  Index impact_parameters = 200;  ///< per wavelength, besides those that cuts add, at least 4
  Index threads = 1;              ///< of one spectrum; the bits do not depend on it
};

/// Centres of the bins [Angstrom].
Vector supernova_wavelengths(const SupernovaOptions& options = {});

/// Flux at the photosphere at those wavelengths [erg/s/cm^2/Angstrom]. Cost grows as lines^2 shells angles
/// and bins × impact parameters. UsageError for options or parameters that make no sense (a line of an ion
/// that has no optical depth; an ion whose reference line is missing; v_phot not below v_max; not finite).
/// About 20 ms with the default options.
Vector supernova_spectrum(const SupernovaParameters& parameters, const SupernovaOptions& options = {});

/// 8 parameters: v_phot 8000-14000 km/s, T_phot 8000-16000 K, log_tau_SiII 0-1.7, log_tau_SII -0.5-1,
/// log_tau_CaII 0.5-2.3, log_tau_FeII -0.5-1.2, v_e 1000-3000 km/s, T_exc 7000-12000 K. Output `flux` on the
/// axis `wavelength`.
std::shared_ptr<const Simulator> make_supernova(const SupernovaOptions& options = {});
/// The first 6 of them; v_e = 1500 km/s, T_exc = 10000 K.
std::shared_ptr<const Simulator> make_supernova6(const SupernovaOptions& options = {});

}  // namespace ersatz
