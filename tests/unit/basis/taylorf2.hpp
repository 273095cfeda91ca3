#pragma once
// The training set of a published reduced basis: TaylorF2 waveforms of greedycpp's example 1.

#include <cmath>

#include "ersatz/basis/greedy.hpp"
#include "unit/simulators/golden.hpp"

namespace ersatz::taylorf2 {

constexpr Index bins = 1969;  ///< 40 Hz to 1024 Hz, every half hertz
constexpr double weight = 0.5;

/// f^(-7/6) exp(i psi), normalised: 3.5PN, Buonanno, Iyer, Ochsner, Pan & Sathyaprakash (2009), Eq. 3.18,
/// with reference velocity 1, time and phase of coalescence zero.
inline void waveform(double m1, double m2, double* row) {
  constexpr double pi = 3.141592653589793238, gamma = 0.577215664901532861;
  constexpr double sun = 4.9267398257952518e-06;  // s
  const double total = (m1 + m2) * sun, nu = m1 * m2 / ((m1 + m2) * (m1 + m2));
  const double nu2 = nu * nu, nu3 = nu2 * nu;
  double norm = 0.0;
  for (Index k = 0; k < bins; ++k) {
    const double f = 40.0 + 0.5 * static_cast<double>(k);
    const double v = std::cbrt(pi * total * f), lnv = std::log(v);
    const double v2 = v * v, v3 = v2 * v, v4 = v2 * v2, v5 = v4 * v, v6 = v3 * v3, v7 = v6 * v;
    const double series = 1.0 + 20.0 / 9.0 * (743.0 / 336.0 + 11.0 / 4.0 * nu) * v2 - 16.0 * pi * v3 +
                          10.0 * (3058673.0 / 1016064.0 + 5429.0 / 1008.0 * nu + 617.0 / 144.0 * nu2) * v4 +
                          pi * (38645.0 / 756.0 - 65.0 / 9.0 * nu) * (1.0 + 3.0 * lnv) * v5 +
                          (11583231236531.0 / 4694215680.0 - 640.0 / 3.0 * pi * pi -
                           6848.0 / 21.0 * (gamma + std::log(4.0 * v)) +
                           (-15737765635.0 / 3048192.0 + 2255.0 / 12.0 * pi * pi) * nu +
                           76055.0 / 1728.0 * nu2 - 127825.0 / 1296.0 * nu3) *
                              v6 +
                          pi * (77096675.0 / 254016.0 + 378515.0 / 1512.0 * nu - 74045.0 / 756.0 * nu2) * v7;
    const double psi = -pi / 4.0 + 3.0 / (128.0 * nu * v5) * series;
    const double amplitude = std::pow(f, -7.0 / 6.0);
    norm += weight * amplitude * amplitude;
    row[2 * k] = amplitude * std::cos(psi);
    row[2 * k + 1] = amplitude * std::sin(psi);
  }
  for (Index j = 0; j < 2 * bins; ++j) row[j] /= std::sqrt(norm);
}

/// Rows begin … end - 1 of 30 × 30 masses from 1 to 3 solar masses, the second one faster.
inline Matrix training(Index begin, Index end) {
  Matrix rows(end - begin, 2 * bins);
  for (Index i = begin; i < end; ++i)
    waveform(1.0 + static_cast<double>(i / 30) * 2.0 / 29.0, 1.0 + static_cast<double>(i % 30) * 2.0 / 29.0,
             rows.row(i - begin).data());
  return rows;
}

inline GreedyOptions options() {
  GreedyOptions options;
  options.seed = 0;
  options.weights = Vector::Constant(bins, weight);
  // The tolerance was 5e-11, and the element whose error was the first below it was still taken.
  options.tolerance = 1.2e-11;
  return options;
}

}  // namespace ersatz::taylorf2
