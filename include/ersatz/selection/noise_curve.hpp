#pragma once
// How loud a detector's noise is at each frequency.

#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// One-sided power spectral density S_n(f) of the noise [1/Hz], or flat (S_n = 1 at all frequencies, in
/// whatever unit). An immutable value, cheap to copy, safe from many threads.
class NoiseCurve {
 public:
  NoiseCurve() = default;  ///< flat

  /// "flat" or one of those that ship:
  ///   advanced-ligo  zero-detuned high-power design, fit of Ajith 2011 (Phys. Rev. D 84, 084037,
  ///                  arXiv:1107.1267), Eq. 4.7, with x = f / 245.4 Hz:
  ///                  S_n = 1e-48 (0.0152 x^-4 + 0.2935 x^(9/4) + 2.7951 x^(3/2) - 6.5080 x^(3/4) + 17.7622);
  ///                  taken from 10 to 8192 Hz
  ///   lisa           instrument noise over the sky-averaged response, without the Galactic foreground:
  ///                  Robson, Cornish & Liu 2019 (Class. Quantum Grav. 36, 105011, arXiv:1803.01944), Eq. 1
  ///                  with Eqs. 10 and 11: S_n = 10/(3 L²) (P_oms + 4 P_acc / (2 pi f)^4) (1 + 0.6 (f/f*)²),
  ///                  L = 2.5e9 m, f* = 19.09 mHz; taken from 1e-5 to 1 Hz
  /// Throws UsageError for any other name.
  static NoiseCurve named(std::string_view name);
  static std::vector<std::string> names();

  /// From a table: frequencies ascending [Hz] and densities there, all positive and finite. Between them
  /// ln S_n is linear in ln f. Throws DataError naming the row that is wrong.
  static NoiseCurve tabulated(const std::string& name, const Vector& frequencies, const Vector& densities);

  /// What the second column of a file holds: S_n [1/Hz] or its square root [1/sqrt(Hz)].
  enum class Column { power, amplitude };
  /// Reads two columns, frequency and density, from any table (see read_table). Throws what that throws, and
  /// DataError as above.
  static NoiseCurve read(const std::string& table, Column column);

  const std::string& name() const { return name_; }
  bool flat() const { return !curve_; }
  double lower() const { return lower_; }  ///< where it is known [Hz]
  double upper() const { return upper_; }

  /// S_n at f >= 0; infinite (no weight) outside of lower() … upper().
  double operator()(double f) const;

 private:
  struct Curve;
  std::string name_ = "flat";
  double lower_ = 0.0, upper_ = std::numeric_limits<double>::infinity();
  std::shared_ptr<const Curve> curve_;
};

}  // namespace ersatz
