#pragma once
// How unlike two waveforms are.

#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// 1 - max over time and phase of Re ⟨a, b⟩ / (|a| |b|), for white noise. The rows hold `modes` complex
/// series of the same length, equally spaced in time; all modes share one time shift and one phase. Time is
/// maximised over by the Fourier transform of the zero-padded series, then between samples by bisection on
/// the derivative. Near a match the result is formed from |a - b|², which does not cancel: it is good to
/// about 1e-15. O(modes · m log m).
double mismatch(const std::vector<const double*>& a, const std::vector<const double*>& b, Index size);

}  // namespace ersatz
