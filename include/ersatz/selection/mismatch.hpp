#pragma once
// How unlike two waveforms are: 1 minus their normalised overlap in a detector's noise.

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ersatz/core/axis.hpp"
#include "ersatz/selection/noise_curve.hpp"
#include "ersatz/transform/conditioning.hpp"

namespace ersatz {

/// What a mismatch is made the smallest over.
enum class Maximise { none, phase, time_phase, time_phase_polarisation };
/// "none", "phase", "time-phase", "time-phase-polarisation"; throws UsageError.
Maximise maximise_from_string(std::string_view name);
std::string to_string(Maximise maximise);  ///< "nothing", "phase", "time and phase", …

/// From where a set of modes is looked at, and the effective polarisation kappa of the response
/// cos(kappa) h+ + sin(kappa) hx (Schmidt, Ohme & Hannam 2015, arXiv:1408.1810, Sec. III); angles in radians.
struct Direction {
  double inclination = 0.0, azimuth = 0.0, polarisation = 0.0;
};

/// Everything that makes one definition of the mismatch. The default: flat noise, time and phase.
struct MismatchOptions {
  NoiseCurve noise;
  /// Solar masses. For axes in units of the total mass (time in M, frequency in 1/M) it turns them into
  /// seconds and hertz, with G M_sun / c^3 = 4.925490947e-6 s. 0: the axis stays in its own unit, which has
  /// to be s or Hz unless the noise is flat.
  double total_mass = 0.0;
  /// Frequencies |f| that count, in hertz, or in 1 over the unit of the axis where it is not in seconds.
  double low = 0.0, high = std::numeric_limits<double>::infinity();
  Taper taper;  ///< for series in time
  Maximise maximise = Maximise::time_phase;
  /// Modes become h+ - i hx as seen from there. None: all modes together, each weighing alike, which is the
  /// mean over all directions.
  std::optional<Direction> direction;
};

/// In words, for beside a figure.
struct MismatchTerms {
  std::string noise_curve = "flat";
  std::string maximised_over = "time and phase";
  std::string settings;  ///< "20 to 512 Hz, 60 solar masses, …"; empty: none
};
MismatchTerms describe(const MismatchOptions& options);

/// Spherical harmonic of spin weight -2 (Goldberg et al. 1967, Eq. 3.1, with the signs of Ajith et al. 2007,
/// arXiv:0709.0093, Eq. II.7). Throws UsageError unless 2 <= l <= 20 and |m| <= l.
Complex spin_weighted_harmonic(Index l, Index m, double inclination, double azimuth);

/// Mismatches of many pairs on one axis; plans and buffers are made once. One object per thread.
///
/// ⟨a, b⟩ = 2 Re ∫ a~*(f) b~(f) / S_n(|f|) df over frequencies of both signs within the band, summed over the
/// modes: for a real series 4 Re ∫_0 (Lindblom, Owen & Brown 2008, arXiv:0809.3844, Eq. 2), for h+ - i hx the
/// sum over both polarisations. Series in time have equal steps; they are padded with zeros to twice their
/// length. Series in frequency are integrated by the trapezoid rule over the bins within the band. All modes
/// share one shift in time and one phase: b~ exp(2πi f τ + i φ), which for h+ - i hx turns the polarisation.
/// Flat noise, no band, no taper and nothing maximised: 1 - Re Σ a* b / (|a| |b|), in the time domain.
///
/// With `time_phase_polarisation`, a is seen at kappa, b at all: for every shift the best phase and
/// polarisation are the largest eigenvalue of a 2 × 2 problem (Harry et al. 2016, arXiv:1603.02444, Sec.
/// III).
///
/// Time is maximised over at the samples by FFT, then between them by Newton's method. The result is half of
/// |â - b̂|² with unit norms, which does not cancel: near a match it is good to about 1e-15 of itself plus
/// 1e-30. 1 to 2 ms for 5 modes of 2251 times: O(modes · m log m).
class Mismatch {
 public:
  /// `modes`: names of the series, for directions ("h22", "h2m1", "h_3-3": l, sign, m) and messages. A single
  /// series that is not called so is h+ - i hx itself. Throws UsageError for settings that do not fit (no
  /// total mass, a band that is empty or beyond the noise curve, polarisation without a direction), DataError
  /// for an axis that has no equal steps or does not ascend.
  Mismatch(const MismatchOptions& options, const Axis& axis, const std::vector<std::string>& modes);
  ~Mismatch();
  Mismatch(Mismatch&&) noexcept;
  Mismatch& operator=(Mismatch&&) noexcept;

  /// a (the truth) and b: as many series as modes, each of interleaved complex numbers over the axis. Both
  /// zero: 0; one of them: 1. Throws DataError where one is not finite.
  double operator()(const std::vector<const double*>& a, const std::vector<const double*>& b);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ersatz
