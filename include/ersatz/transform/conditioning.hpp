#pragma once
// From series in time to series in frequency: tapers, the Fourier transform, alignment.

#include <optional>
#include <string>

#include "ersatz/core/axis.hpp"
#include "ersatz/storage/archive.hpp"

namespace ersatz {

/// How a series fades in and out, so that its sudden ends do not leak over all frequencies. `start` and `end`
/// are the shares of its duration that the fades take, together at most 1.
struct Taper {
  enum class Shape {
    none,
    planck,  ///< McKechan, Robinson & Sathyaprakash 2010 (arXiv:1003.2939), Eq. 7: smooth to all orders
    tukey    ///< half a period of a cosine
  };
  Shape shape = Shape::none;
  double start = 0.0, end = 0.0;
};

/// "planck:0.05" (both ends), "tukey:0.1:0.02" (start and end), "none". Throws UsageError.
Taper taper_from_string(std::string_view text);
std::string to_string(const Taper& taper);  ///< "Planck taper over 0.05 and 0.05 of the duration"

/// The window at `size` equal steps, first and last included: size factors in 0 … 1.
/// Throws UsageError for shares that are negative or overlap.
Vector window(const Taper& taper, Index size);

/// The step of an axis whose steps are equal to 1e-6 of one; DataError naming the first bin where they are
/// not.
double equal_step(const Axis& axis);

/// Whether the axis is a frequency: its unit is Hz or begins with "1/", or it is called frequency.
bool is_frequency(const Axis& axis);

struct Conditioning {
  Taper taper;
  Vector frequencies;  ///< where the transform is wanted, ascending; negative ones too [cycles per time unit]
  /// Turns and shifts each series so that its phase and the slope of its phase vanish at this frequency
  /// (what a match that is maximised over time and phase does not see).
  std::optional<double> align_at;
};

/// x(f) = ∫ w(t) h(t) exp(-2πi f t) dt with t the axis' values, by the sum over its equal steps: exact at
/// any frequency, no zero-padding, no interpolation. Rows are series: n × 2 times, interleaved if `complex`,
/// n × times if not. Returns n × 2 frequencies, interleaved. A mode h ~ exp(-i ω t) has its power at negative
/// frequencies.
/// O(n · times · frequencies). Throws DataError where steps are not equal or a series vanishes at align_at;
/// UsageError for frequencies that do not ascend or lie beyond half the sampling rate.
Matrix to_frequencies(ConstMatrixRef rows, bool complex, const Axis& time, const Conditioning& conditioning);

/// The archive with its complex outputs (or those named, complex or real) transformed, on an axis `frequency`
/// in Hz for seconds, else in 1 over the unit of time; all of them share an axis, and other outputs are left
/// out. Runs that are not done stay so. `threads` as for executors; the bits do not depend on them. Throws as
/// above, and DataError where a series has less than a hundredth of its power at the frequencies asked for.
Archive condition(const Archive& archive, const std::vector<std::string>& outputs,
                  const Conditioning& conditioning, Index threads = 1);

}  // namespace ersatz
