#include "inference/overlap.hpp"

#include <algorithm>
#include <boost/math/special_functions/bessel.hpp>
#include <cmath>

namespace ersatz {
namespace {

/// ln I0(x) and its derivative I1(x) / I0(x), x >= 0. From 500 on by the asymptotic series (Abramowitz &
/// Stegun 9.7.1).
struct LogBessel {
  double value, slope;
};
LogBessel log_bessel(double x) {
  constexpr double two_pi = 6.28318530717958647692;
  if (x < 500.0) {
    const double i0 = boost::math::cyl_bessel_i(0, x);
    return {std::log(i0), boost::math::cyl_bessel_i(1, x) / i0};
  }
  const double y = 1.0 / (8.0 * x);
  const double i0 = 1.0 + y * (1.0 + y * (9.0 / 2.0 + y * 225.0 / 6.0));
  const double i1 = 1.0 - y * (3.0 + y * (15.0 / 2.0 + y * 315.0 / 6.0));
  return {x - 0.5 * std::log(two_pi * x) + std::log(i0), i1 / i0};
}

/// What is left of c when the phase is dealt with, and its derivative.
double of_phase(Complex c, Unknown treatment, double phase, Complex& slope) {
  switch (treatment) {
    case Unknown::none:
      slope = 1.0;
      return c.real();
    case Unknown::parameter:
      slope = std::polar(1.0, phase);
      return times(c, slope).real();
    case Unknown::maximise:
    case Unknown::marginalise:
      break;
  }
  const double size = std::abs(c);
  const Complex direction = size > 0.0 ? std::conj(c) / size : Complex(0.0);
  if (treatment == Unknown::maximise) {
    slope = direction;
    return size;
  }
  const LogBessel bessel = log_bessel(size);
  slope = bessel.slope * direction;
  return bessel.value;
}

}  // namespace

Overlap overlap_at(Complex c, double shift, Unknown treatment, double phase) {
  Overlap result;
  result.shifts = {shift};
  result.slopes.resize(1);
  result.value = of_phase(c, treatment, phase, result.slopes[0]);
  result.by_phase = -times(c, result.slopes[0]).imag();
  return result;
}

Overlap overlap_over(const ComplexSeries& c, const std::vector<double>& shifts, Unknown treatment,
                     double phase) {
  Overlap result;
  result.shifts = shifts;
  result.slopes.resize(c.size());
  std::vector<double> values(c.size()), share(c.size());
  for (std::size_t l = 0; l < c.size(); ++l) values[l] = of_phase(c[l], treatment, phase, result.slopes[l]);
  const double top = *std::max_element(values.begin(), values.end());
  double sum = 0.0;
  for (std::size_t l = 0; l < c.size(); ++l) {
    share[l] = (l == 0 || l + 1 == c.size() ? 0.5 : 1.0) * std::exp(values[l] - top);
    sum += share[l];
  }
  result.value = top + std::log(sum / static_cast<double>(c.size() - 1));
  for (std::size_t l = 0; l < c.size(); ++l) {
    result.slopes[l] *= share[l] / sum;
    result.by_phase -= times(c[l], result.slopes[l]).imag();
  }
  return result;
}

}  // namespace ersatz
