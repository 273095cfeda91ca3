#pragma once
// Gravitational waves of two precessing black holes before they merge: post-Newtonian SpinTaylorT4.
//
// Conventions: G = c = M = m1 + m2 = 1, q = m1/m2, S_i = m_i^2 chi_i, v = (M omega_orb)^(1/3). At t = 0,
// where omega_orb = 0.06, the orbital angular momentum points along z, the separation from body 2 to body 1
// along x, and the spins are given in that frame, which stays fixed. The orbit is integrated backwards from
// there.
//   dv/dt     TaylorT4 to 3.5 orders (Buonanno et al. 2009, arXiv:0907.0700, Eq. 3.6), spin-orbit terms at
//   v^3
//             and v^5 (Marsat et al. 2013, arXiv:1307.6793), spin-spin terms at v^4 with self-spin and
//             quadrupole-monopole (Racine, Buonanno & Kidder 2009, arXiv:0812.4413)
//   dS/dt     orbit averaged, spin-orbit to v^7, spin-spin with quadrupole-monopole at v^6
//   dLhat/dt  keeps Lhat |L| + S1 + S2 fixed in direction, |L| = (eta/v) (1 + (3/2 + eta/6) v^2)
// Modes: leading quadrupole in the coprecessing frame, rotated to the fixed one.

#include <array>
#include <memory>
#include <string>

#include "ersatz/core/matrix.hpp"
#include "ersatz/simulators/simulator.hpp"

namespace ersatz {

/// Mass ratio m1/m2 and the dimensionless spins at the reference.
struct Binary {
  double q = 1.0;
  std::array<double, 3> chi1{};
  std::array<double, 3> chi2{};
};

struct InspiralOptions {
  double start = -4500.0;             ///< first time [M], negative; the last is 0
  Index times = 2251;                 ///< uniform from start to 0, at least 2
  double reference_frequency = 0.06;  ///< M omega_orb at t = 0
  double tolerance = 1e-12;           ///< absolute and relative, per step
};

/// The orbit at n times, oldest first. Columns of the n × 3 matrices are x, y, z of the fixed frame.
struct Inspiral {
  double eta = 0.25;  ///< m1 m2
  Vector time;        ///< [M]
  Vector v;
  Vector phase;  ///< of the separation, from e1 towards Lhat × e1 [rad]
  Matrix lhat;   ///< direction of the orbital angular momentum
  Matrix e1;     ///< carried along by minimal rotation
  Matrix spin1;  ///< S_1 = m_1^2 chi_1
  Matrix spin2;
};

/// Integrates with Runge-Kutta-Fehlberg 7(8), stepping exactly onto the output times; about 2 ms with the
/// default options. UsageError for options or a binary that make no sense (q <= 0, spin above 1, not finite);
/// NumericalError when the orbit does not widen towards the past or the integration does not get to the
/// start.
Inspiral evolve(const Binary& binary, const InspiralOptions& options = {});

/// n × 5: h22, h21, h20, h2-1, h2-2 (times r/M) in the fixed frame, where h+ - i hx = sum of h_2m times the
/// spherical harmonics of spin weight -2.
ComplexMatrix quadrupole_modes(const Inspiral& orbit);

/// Spherical harmonic of spin weight -2 and l = 2 (Ajith et al. 2007, arXiv:0709.0093, Eq. II.7); m in -2
/// … 2.
Complex spin_weighted_harmonic(int m, double theta, double phi);

/// h+ - i hx (times r/M) seen from the direction theta, phi of the fixed frame; modes as quadrupole_modes
/// gives.
ComplexVector strain(const ComplexMatrix& modes, double theta, double phi);

/// Parameters q, chi1x … chi1z, chi2x … chi2z; q in 1 … 4, both spins in balls of radius 0.8. Outputs h22,
/// h21, h20, h2m1, h2m2 (complex) on the axis `time`.
std::shared_ptr<const Simulator> make_waveform(const InspiralOptions& options = {});

/// Parameters q (1 … 4), chi1z, chi2z (-0.8 … 0.8): spins along the orbital angular momentum, which then
/// stays along z. Output h22; with `all_modes` the five (of which h21, h20 and h2m1 vanish).
std::shared_ptr<const Simulator> make_waveform_aligned(const InspiralOptions& options = {},
                                                       bool all_modes = false);

}  // namespace ersatz
