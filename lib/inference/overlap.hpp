#pragma once
// The overlap of data with a waveform where a phase and a shift in time are not known. Not installed.

#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/inference/likelihood.hpp"

namespace ersatz {

using ComplexSeries = std::vector<Complex>;

/// (a* b) and (a b) without the search for infinities that std::complex makes.
inline Complex conj_times(Complex a, Complex b) {
  return {a.real() * b.real() + a.imag() * b.imag(), a.real() * b.imag() - a.imag() * b.real()};
}
inline Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// Of c(τ), the complex overlap at the shift τ: the logarithm of the sum over shifts and phases of
/// exp Re(c(τ) exp(iφ)), and its derivative by c(τ) at each of the shifts in use, as Re(Σ slope dc).
struct Overlap {
  double value = 0.0;
  std::vector<double> shifts;
  ComplexSeries slopes;
  double by_phase = 0.0, by_shift = 0.0;  ///< where these are parameters
};

/// A phase that is a parameter has the value `phase`; the shift is one.
Overlap overlap_at(Complex c, double shift, Unknown treatment, double phase);
/// The mean over equally spaced shifts, by the trapezoid rule.
Overlap overlap_over(const ComplexSeries& c, const std::vector<double>& shifts, Unknown treatment,
                     double phase);

}  // namespace ersatz
