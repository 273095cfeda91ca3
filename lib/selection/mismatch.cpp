#include "ersatz/selection/mismatch.hpp"

#include <algorithm>
#include <cmath>
#include <unsupported/Eigen/FFT>

namespace ersatz {
namespace {
constexpr double two_pi = 6.28318530717958647692;
}

double mismatch(const std::vector<const double*>& a, const std::vector<const double*>& b, Index size) {
  std::size_t padded = 1;
  while (padded < 2 * static_cast<std::size_t>(size)) padded *= 2;
  const auto n = static_cast<double>(padded);

  // The spectrum of the cross correlation, all modes added, and the norms.
  Eigen::FFT<double> fft;
  std::vector<Complex> x(padded), y(padded), fx, fy, cross(padded, 0.0);
  double norm_a = 0.0, norm_b = 0.0;
  std::vector<std::vector<Complex>> spectra_a, spectra_b;
  for (std::size_t mode = 0; mode < a.size(); ++mode) {
    std::fill(x.begin(), x.end(), 0.0);
    std::fill(y.begin(), y.end(), 0.0);
    for (Index j = 0; j < size; ++j) {
      x[static_cast<std::size_t>(j)] = {a[mode][2 * j], a[mode][2 * j + 1]};
      y[static_cast<std::size_t>(j)] = {b[mode][2 * j], b[mode][2 * j + 1]};
      norm_a += std::norm(x[static_cast<std::size_t>(j)]);
      norm_b += std::norm(y[static_cast<std::size_t>(j)]);
    }
    fft.fwd(fx, x);
    fft.fwd(fy, y);
    for (std::size_t k = 0; k < padded; ++k) cross[k] += std::conj(fx[k]) * fy[k];
    spectra_a.push_back(fx);
    spectra_b.push_back(fy);
  }
  if (!(norm_a > 0.0) || !(norm_b > 0.0)) return norm_a == norm_b ? 0.0 : 1.0;

  // C(τ) = Σ_k cross_k exp(2πi k τ / n), k counted from -n/2.
  const auto frequency = [&](std::size_t k) {
    return two_pi / n * (k <= padded / 2 ? static_cast<double>(k) : static_cast<double>(k) - n);
  };
  std::vector<Complex> correlation;
  fft.inv(correlation, cross);
  std::size_t best = 0;
  for (std::size_t k = 1; k < padded; ++k)
    if (std::norm(correlation[k]) > std::norm(correlation[best])) best = k;
  const double coarse = best <= padded / 2 ? static_cast<double>(best) : static_cast<double>(best) - n;

  // Between samples: the zero of d|C|²/dτ / 2 = Re(conj(C) C').
  const auto slope = [&](double tau, Complex& value) {
    Complex c = 0.0, dc = 0.0;
    const Complex turn = std::polar(1.0, two_pi / n * tau);
    Complex phase = 1.0;
    for (std::size_t k = 0; k < padded; ++k) {
      // Anew where the frequencies turn negative, and now and then against rounding.
      if (k == padded / 2 + 1 || k % 64 == 0) phase = std::polar(1.0, frequency(k) * tau);
      const Complex term = cross[k] * phase;
      c += term;
      dc += Complex(0.0, frequency(k)) * term;
      phase *= turn;
    }
    value = c;
    return (std::conj(c) * dc).real();
  };
  Complex value;
  double low = coarse - 1.0, high = coarse + 1.0;
  double tau = coarse;
  if (slope(low, value) > 0.0 && slope(high, value) < 0.0) {
    for (int step = 0; step < 48; ++step) {
      tau = 0.5 * (low + high);
      (slope(tau, value) > 0.0 ? low : high) = tau;
    }
  }
  slope(tau, value);

  if (!(std::abs(value) > 0.0)) return 1.0;  // nothing in common at any shift

  // Σ |â - b̂ shifted and turned|² with unit norms is 2 (1 - overlap): formed so, a small mismatch keeps its
  // digits.
  const Complex turn = value / std::abs(value);
  const double scale_a = 1.0 / std::sqrt(norm_a * n), scale_b = 1.0 / std::sqrt(norm_b * n);
  double distance = 0.0;
  for (std::size_t mode = 0; mode < a.size(); ++mode)
    for (std::size_t k = 0; k < padded; ++k)
      distance +=
          std::norm(scale_a * spectra_a[mode][k] -
                    scale_b * spectra_b[mode][k] * std::polar(1.0, frequency(k) * tau) * std::conj(turn));
  return 0.5 * distance;
}

}  // namespace ersatz
