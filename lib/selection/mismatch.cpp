#include "ersatz/selection/mismatch.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "selection/noise_band.hpp"
#include "transform/fft.hpp"

namespace ersatz {
namespace {

constexpr double two_pi = 6.28318530717958647692;

/// (a* b) and (a b) without the search for infinities that std::complex makes.
inline Complex conj_times(Complex a, Complex b) {
  return {a.real() * b.real() + a.imag() * b.imag(), a.real() * b.imag() - a.imag() * b.real()};
}
inline Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// "h21" -> (2, 1); "h2m1", "h2-1", "h_2,-1" -> (2, -1). Nothing else.
std::optional<std::pair<Index, Index>> mode_of(const std::string& name) {
  const auto first = name.find_first_of("0123456789");
  if (first == std::string::npos || first == 0) return std::nullopt;
  std::string rest;
  for (const char c : name.substr(first))
    if (c != ',' && c != '_') rest += c;
  const bool negative = rest.size() == 3 && (rest[1] == 'm' || rest[1] == '-');
  if (rest.size() != (negative ? 3u : 2u)) return std::nullopt;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? Index{c - '0'} : Index{-1}; };
  const Index l = digit(rest[0]), m = digit(rest.back());
  if (l < 2 || m < 0 || m > l) return std::nullopt;
  return std::pair{l, negative ? -m : m};
}

}  // namespace

struct Mismatch::State {
  MismatchOptions options;
  std::vector<std::string> names;
  Index size = 0;                  ///< bins of a series
  std::vector<Complex> harmonics;  ///< of each mode in the direction; empty: modes stay apart
  Index series = 0;                ///< after that: modes or 1
  Vector taper;                    ///< empty: none
  std::optional<Fft> fft;          ///< of the padded series; none: compared on their own axis
  bool polarised = false;

  std::vector<Index> bins;    ///< that count, among those of the transform (or of the axis)
  std::vector<double> root;   ///< of their weights
  std::vector<double> turns;  ///< their frequencies, in turns per unit of the lag
  /// turns = first + step · place where the bins lie on a grid (step > 0).
  double first = 0.0, step = 0.0;
  std::vector<Index> place;  ///< on the grid of the correlation
  std::optional<Fft> lags;   ///< the correlation at lags · lag_step
  double lag_step = 1.0;

  std::vector<Complex> a, b, cross, phase, work, correlation, second, coarse, fine;

  State(const MismatchOptions& o, const Axis& axis, const std::vector<std::string>& modes);
  void use_direction();
  void use_time(const Axis& axis);
  void use_frequency(const Axis& axis);
  void load(const std::vector<const double*>& rows, std::vector<Complex>& out, const char* whose);
  void split(std::vector<Complex>& out) const;
  double norm(const Complex* x) const;
  void cross_of(const Complex* x, const Complex* y, Index count);
  void phases(double lag);
  /// Of entry `at` of a correlation; the upper half are those below 0.
  double lag_of(Index at) const {
    return lag_step * static_cast<double>(at <= lags->size() / 2 ? at : at - lags->size());
  }
  double coarse_lag(const std::vector<Complex>& spectrum, std::vector<Complex>& out);
  Complex refine(double& lag);
  double distance(const Complex* x, const Complex* y, Index count, double norm_x, double norm_y,
                  Complex overlap, bool shifted) const;
  double plain(double norm_a, double norm_b);
  double with_polarisation(double norm_a);
};

Mismatch::State::State(const MismatchOptions& o, const Axis& axis, const std::vector<std::string>& modes)
    : options(o), names(modes), size(axis.values.size()) {
  if (modes.empty()) throw UsageError("mismatch: there is no series to compare");
  check_band("mismatch", o.noise, o.low, o.high);
  polarised = o.maximise == Maximise::time_phase_polarisation;
  use_direction();
  if (is_frequency(axis))
    use_frequency(axis);
  else
    use_time(axis);
  const std::size_t count = bins.size();
  a.resize(static_cast<std::size_t>(polarised ? 2 : series) * count);
  b.resize(a.size());
  cross.resize(count);
  phase.resize(count);
}

void Mismatch::State::use_direction() {
  const bool one = names.size() == 1 && !mode_of(names[0]);
  if (!options.direction) {
    if (polarised && !one)
      throw UsageError(
          "mismatch: the polarisation depends on where the modes are looked at from; give a direction");
    series = static_cast<Index>(names.size());
    return;
  }
  series = 1;
  if (one) return;
  for (const std::string& name : names) {
    const auto mode = mode_of(name);
    if (!mode)
      throw UsageError(
          text("mismatch: output '", name,
               "' is no mode: for a direction outputs are called after l and m, as h22 or h2m1"));
    harmonics.push_back(spin_weighted_harmonic(mode->first, mode->second, options.direction->inclination,
                                               options.direction->azimuth));
  }
}

void Mismatch::State::use_time(const Axis& axis) {
  const double unit = seconds_per_unit("mismatch", options.noise, options.total_mass, axis),
               dt = equal_step(axis) * unit;
  if (options.taper.shape != Taper::Shape::none) taper = window(options.taper, size);
  const bool all = options.noise.flat() && options.low == 0.0 && !std::isfinite(options.high);
  if (all && (options.maximise == Maximise::none || options.maximise == Maximise::phase)) {
    for (Index j = 0; j < size; ++j) bins.push_back(j);
    root.assign(bins.size(), 1.0);
    return;
  }
  const Index padded = Fft::good_size(2 * size);
  fft.emplace(padded);
  lags.emplace(padded);
  work.resize(static_cast<std::size_t>(padded));
  const double spacing = 1.0 / (static_cast<double>(padded) * dt);
  double largest = 0.0;
  for (Index k = 0; k < padded; ++k) {
    const Index n = k <= padded / 2 ? k : k - padded;  // frequency n · spacing
    if (polarised && (n < 0 || 2 * n == padded)) continue;
    const double f = spacing * static_cast<double>(std::abs(n));
    if (f < options.low || f > options.high) continue;
    const double weight = (polarised && n == 0 ? 0.5 : 1.0) / options.noise(f);
    if (!(weight > 0.0)) continue;
    bins.push_back(k);
    root.push_back(weight);
    turns.push_back(static_cast<double>(n) / static_cast<double>(padded));
    place.push_back(k);
    largest = std::max(largest, weight);
  }
  if (bins.empty())
    throw UsageError(text("mismatch: no frequency of the series counts; they go up to ", 0.5 / dt,
                          ", the band is ", std::max(options.low, options.noise.lower()), " to ",
                          std::min(options.high, options.noise.upper())));
  for (double& w : root) w = std::sqrt(w / largest);
  step = 1.0 / static_cast<double>(padded);
}

void Mismatch::State::use_frequency(const Axis& axis) {
  if (options.taper.shape != Taper::Shape::none)
    throw UsageError(text("mismatch: axis '", axis.name, "' is a frequency; a taper is for series in time"));
  if (polarised)
    throw UsageError(text("mismatch: axis '", axis.name,
                          "' is a frequency; the polarisation is maximised over for series in time"));
  const double unit = seconds_per_unit("mismatch", options.noise, options.total_mass, axis);
  const Vector& f = axis.values;
  std::vector<double> density;
  for (Index k = 0; k < f.size(); ++k) {
    if (k > 0 && !(f[k] > f[k - 1]))
      throw DataError(text("mismatch: axis '", axis.name, "', bin ", k, ": ", f[k], " follows ", f[k - 1],
                           "; frequencies must ascend"));
    const double hertz = std::abs(f[k]) / unit;
    if (hertz < options.low || hertz > options.high) continue;
    const double s = options.noise(hertz);
    if (!std::isfinite(s)) continue;
    bins.push_back(k);
    density.push_back(s);
  }
  if (bins.size() < 2)
    throw UsageError(text("mismatch: ", bins.size(), " bins of axis '", axis.name, "' lie within the band ",
                          std::max(options.low, options.noise.lower()), " to ",
                          std::min(options.high, options.noise.upper()),
                          "; the integral takes at least two"));
  double largest = 0.0, smallest_step = HUGE_VAL, largest_step = 0.0;
  for (std::size_t k = 0; k < bins.size(); ++k) {
    const Index before = bins[k > 0 ? k - 1 : 0], after = bins[std::min(k + 1, bins.size() - 1)];
    root.push_back(0.5 * (f[after] - f[before]) / density[k]);
    largest = std::max(largest, root.back());
    turns.push_back(f[bins[k]]);
    if (k == 0) continue;
    smallest_step = std::min(smallest_step, turns[k] - turns[k - 1]);
    largest_step = std::max(largest_step, turns[k] - turns[k - 1]);
  }
  for (double& w : root) w = std::sqrt(w / largest);
  if (options.maximise != Maximise::time_phase) return;
  // A grid for the correlation: the bins themselves where their steps are equal; else next to them, which
  // finds the peak, and Newton's method on the true frequencies does the rest.
  const double range = turns.back() - turns.front();
  const double grid = std::max(smallest_step, range / (1 << 19));
  for (const double t : turns) place.push_back(static_cast<Index>(std::lround((t - turns[0]) / grid)));
  lags.emplace(Fft::good_size(2 * (place.back() + 1)));
  lag_step = 1.0 / (static_cast<double>(lags->size()) * grid);
  if (largest_step - smallest_step < 1e-9 * grid) {
    first = turns[0];
    step = range / static_cast<double>(place.back());
  }
}

/// The series as they count: tapered, transformed, the bins of the band with the root of their weight.
void Mismatch::State::load(const std::vector<const double*>& rows, std::vector<Complex>& out,
                           const char* whose) {
  if (rows.size() != names.size())
    throw UsageError(text("mismatch: ", rows.size(), " series for ", names.size(), " modes"));
  const std::size_t count = bins.size();
  if (!fft) work.resize(static_cast<std::size_t>(size));
  for (Index s = 0; s < series; ++s) {
    if (harmonics.empty()) {
      const auto* row = reinterpret_cast<const Complex*>(rows[static_cast<std::size_t>(s)]);
      std::copy(row, row + size, work.begin());
    } else {
      std::fill(work.begin(), work.begin() + size, Complex(0.0));
      for (std::size_t m = 0; m < rows.size(); ++m) {
        const auto* row = reinterpret_cast<const Complex*>(rows[m]);
        for (Index j = 0; j < size; ++j) work[static_cast<std::size_t>(j)] += times(harmonics[m], row[j]);
      }
    }
    double sum = 0.0;
    for (Index j = 0; j < size; ++j) {
      Complex& z = work[static_cast<std::size_t>(j)];
      sum += std::abs(z.real()) + std::abs(z.imag());
      if (taper.size() > 0) z *= taper[j];
    }
    if (!std::isfinite(sum))
      throw DataError(text("mismatch: ", whose, " of ",
                           harmonics.empty() ? names[static_cast<std::size_t>(s)] : "the modes",
                           " is not finite"));
    if (fft) {
      std::fill(work.begin() + size, work.end(), Complex(0.0));
      fft->forward(work.data());
    }
    if (polarised) return split(out);
    Complex* x = out.data() + static_cast<std::size_t>(s) * count;
    for (std::size_t k = 0; k < count; ++k) x[k] = root[k] * work[static_cast<std::size_t>(bins[k])];
  }
}

/// h = h+ - i hx, as transformed, into both polarisations at positive frequencies.
void Mismatch::State::split(std::vector<Complex>& out) const {
  const std::size_t count = bins.size();
  for (std::size_t k = 0; k < count; ++k) {
    const auto bin = static_cast<std::size_t>(bins[k]);
    const Complex up = work[bin], down = std::conj(work[bin == 0 ? 0 : work.size() - bin]);
    out[k] = 0.5 * root[k] * (up + down);
    out[count + k] = times(Complex(0.0, 0.5 * root[k]), up - down);
  }
}

double Mismatch::State::norm(const Complex* x) const {
  double sum = 0.0;
  for (std::size_t k = 0; k < bins.size(); ++k) sum += std::norm(x[k]);
  return sum;
}

void Mismatch::State::cross_of(const Complex* x, const Complex* y, Index count) {
  const std::size_t n = bins.size();
  for (std::size_t k = 0; k < n; ++k) cross[k] = conj_times(x[k], y[k]);
  for (std::size_t s = 1; s < static_cast<std::size_t>(count); ++s)
    for (std::size_t k = 0; k < n; ++k) cross[k] += conj_times(x[s * n + k], y[s * n + k]);
}

/// exp(2πi f lag) of all bins: on a grid as products from two short tables.
void Mismatch::State::phases(double lag) {
  const std::size_t n = bins.size();
  if (!(step > 0.0)) {
    for (std::size_t k = 0; k < n; ++k) phase[k] = std::polar(1.0, two_pi * turns[k] * lag);
    return;
  }
  constexpr Index few = 64;
  const Index all = lags->size(), half = all / 2;
  fine.resize(few);
  coarse.resize(static_cast<std::size_t>(all / few + 1));
  for (Index v = 0; v < few; ++v)
    fine[static_cast<std::size_t>(v)] = std::polar(1.0, two_pi * step * lag * static_cast<double>(v));
  for (std::size_t u = 0; u < coarse.size(); ++u)
    coarse[u] = std::polar(
        1.0, two_pi * step * lag * static_cast<double>(few * static_cast<Index>(u)) + two_pi * first * lag);
  // In time the upper half of the transform holds the negative frequencies.
  const Complex wrap = fft ? std::polar(1.0, -two_pi * lag) : Complex(1.0);
  for (std::size_t k = 0; k < n; ++k) {
    const Index p = place[k];
    const Complex z =
        times(coarse[static_cast<std::size_t>(p / few)], fine[static_cast<std::size_t>(p % few)]);
    phase[k] = fft && p > half ? times(z, wrap) : z;
  }
}

/// The correlation Σ spectrum exp(2πi f lag) at lags · lag_step into `out`, and the lag where it is largest.
double Mismatch::State::coarse_lag(const std::vector<Complex>& spectrum, std::vector<Complex>& out) {
  const Index all = lags->size();
  out.assign(static_cast<std::size_t>(all), 0.0);
  for (std::size_t k = 0; k < spectrum.size(); ++k) out[static_cast<std::size_t>(place[k])] += spectrum[k];
  lags->backward(out.data());
  std::size_t best = 0;
  double top = 0.0;
  for (std::size_t k = 0; k < out.size(); ++k)
    if (const double value = std::norm(out[k]); value > top) {
      top = value;
      best = k;
    }
  return lag_of(static_cast<Index>(best));
}

/// Moves `lag` to where |Σ cross exp(2πi f lag)| is largest within a step of the correlation; the sum there.
Complex Mismatch::State::refine(double& lag) {
  double low = lag - lag_step, high = lag + lag_step;
  for (int iteration = 0;; ++iteration) {
    phases(lag);
    // With c = Σ x: c' = i Σ ω x, c'' = -Σ ω² x; half the slope of |c|² is -Im c* Σ ω x.
    Complex c = 0.0, one = 0.0, two = 0.0;
    for (std::size_t k = 0; k < cross.size(); ++k) {
      const Complex x = times(cross[k], phase[k]);
      const double omega = two_pi * turns[k];
      c += x;
      one += omega * x;
      two += omega * omega * x;
    }
    const double slope = -conj_times(c, one).imag();
    const double curvature = std::norm(one) - conj_times(c, two).real();
    (slope > 0.0 ? low : high) = lag;
    double next = curvature < 0.0 ? lag - slope / curvature : 0.5 * (low + high);
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (std::abs(next - lag) <= 1e-11 * lag_step || iteration == 60) return c;
    lag = next;
  }
}

/// Half of |x/|x| - y' conj(turn)/|y||², y' shifted by the phases in hand; 1 where the overlap is zero.
double Mismatch::State::distance(const Complex* x, const Complex* y, Index count, double norm_x,
                                 double norm_y, Complex overlap, bool shifted) const {
  if (!(std::abs(overlap) > 0.0)) return 1.0;  // nothing in common at any shift
  const Complex turn = std::conj(overlap) / std::abs(overlap) / std::sqrt(norm_y);
  const double scale = 1.0 / std::sqrt(norm_x);
  const std::size_t n = bins.size();
  double sum = 0.0;
  for (std::size_t s = 0; s < static_cast<std::size_t>(count); ++s)
    for (std::size_t k = 0; k < n; ++k) {
      const Complex z = shifted ? times(y[s * n + k], phase[k]) : y[s * n + k];
      sum += std::norm(scale * x[s * n + k] - times(z, turn));
    }
  return 0.5 * sum;
}

double Mismatch::State::plain(double norm_a, double norm_b) {
  if (options.maximise == Maximise::none)
    return distance(a.data(), b.data(), series, norm_a, norm_b, 1.0, false);
  cross_of(a.data(), b.data(), series);
  if (options.maximise == Maximise::phase) {
    Complex overlap = 0.0;
    for (const Complex& x : cross) overlap += x;
    return distance(a.data(), b.data(), series, norm_a, norm_b, overlap, false);
  }
  double lag = coarse_lag(cross, correlation);
  const Complex overlap = refine(lag);
  return distance(a.data(), b.data(), series, norm_a, norm_b, overlap, true);
}

/// The truth at its polarisation against all polarisations of b: the response u b+ + v bx whose normalised
/// overlap |u z+ + v zx| / |u b+ + v bx| is largest, by the largest eigenvalue of G^(-1/2) Re(z z†) G^(-1/2)
/// with G the products of b+ and bx.
double Mismatch::State::with_polarisation(double norm_a) {
  const std::size_t n = bins.size();
  const Complex *plus = b.data(), *cross_part = b.data() + n;
  double mixed = 0.0;
  for (std::size_t k = 0; k < n; ++k) mixed += conj_times(plus[k], cross_part[k]).real();
  Eigen::Matrix2d gram;
  gram << norm(plus), mixed, mixed, norm(cross_part);
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix2d> eigen(gram);
  Eigen::Matrix2d whiten = Eigen::Matrix2d::Zero();  // edge-on one of the two vanishes
  for (int i = 0; i < 2; ++i)
    if (eigen.eigenvalues()[i] > 1e-14 * gram.trace())
      whiten += eigen.eigenvectors().col(i) * eigen.eigenvectors().col(i).transpose() /
                std::sqrt(eigen.eigenvalues()[i]);
  /// Best (u, v) for the overlaps z+ and zx, and the overlap squared.
  const auto best = [&whiten](Complex zp, Complex zx, Eigen::Vector2d& uv) {
    Eigen::Matrix2d m;
    m << std::norm(zp), conj_times(zp, zx).real(), conj_times(zp, zx).real(), std::norm(zx);
    const Eigen::Matrix2d w = whiten * m * whiten;
    Eigen::SelfAdjointEigenSolver<Eigen::Matrix2d> solver;
    solver.computeDirect(w);
    uv = whiten * solver.eigenvectors().col(1);
    return solver.eigenvalues()[1];
  };
  Eigen::Vector2d uv, some;
  cross_of(a.data(), plus, 1);
  coarse_lag(cross, correlation);
  cross_of(a.data(), cross_part, 1);
  coarse_lag(cross, second);
  Index at = 0;
  double top = -1.0;
  for (std::size_t k = 0; k < correlation.size(); ++k)
    if (const double value = best(correlation[k], second[k], some); value > top) {
      top = value;
      at = static_cast<Index>(k);
      uv = some;
    }
  double lag = lag_of(at);
  // In turn the best shift for a polarisation and the best polarisation at a shift, neither of which loses.
  std::vector<Complex>& response = work;
  Complex overlap = 0.0;
  double last = HUGE_VAL;
  const auto respond = [&] {
    response.resize(std::max(response.size(), n));
    for (std::size_t k = 0; k < n; ++k) response[k] = uv[0] * plus[k] + uv[1] * cross_part[k];
  };
  for (int round = 0; round < 200 && std::abs(lag - last) > 1e-9 * lag_step; ++round) {
    last = lag;
    respond();
    cross_of(a.data(), response.data(), 1);
    overlap = refine(lag);
    Complex zp = 0.0, zx = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
      zp += times(conj_times(a[k], plus[k]), phase[k]);
      zx += times(conj_times(a[k], cross_part[k]), phase[k]);
    }
    best(zp, zx, uv);
    overlap = uv[0] * zp + uv[1] * zx;
  }
  respond();
  return distance(a.data(), response.data(), 1, norm_a, norm(response.data()), overlap, true);
}

Mismatch::Mismatch(const MismatchOptions& options, const Axis& axis, const std::vector<std::string>& modes)
    : state_(std::make_unique<State>(options, axis, modes)) {}
Mismatch::~Mismatch() = default;
Mismatch::Mismatch(Mismatch&&) noexcept = default;
Mismatch& Mismatch::operator=(Mismatch&&) noexcept = default;

double Mismatch::operator()(const std::vector<const double*>& truth,
                            const std::vector<const double*>& other) {
  State& s = *state_;
  s.load(truth, s.a, "the truth");
  s.load(other, s.b, "the prediction");
  const std::size_t n = s.bins.size();
  double norm_a = 0.0, norm_b = 0.0;
  if (s.polarised) {
    const double kappa = s.options.direction ? s.options.direction->polarisation : 0.0;
    for (std::size_t k = 0; k < n; ++k) s.a[k] = std::cos(kappa) * s.a[k] + std::sin(kappa) * s.a[n + k];
    norm_a = s.norm(s.a.data());
    norm_b = s.norm(s.b.data()) + s.norm(s.b.data() + n);
  } else {
    for (std::size_t m = 0; m < static_cast<std::size_t>(s.series); ++m) {
      norm_a += s.norm(s.a.data() + m * n);
      norm_b += s.norm(s.b.data() + m * n);
    }
  }
  if (!(norm_a > 0.0) || !(norm_b > 0.0)) return norm_a == norm_b ? 0.0 : 1.0;
  return s.polarised ? s.with_polarisation(norm_a) : s.plain(norm_a, norm_b);
}

}  // namespace ersatz
