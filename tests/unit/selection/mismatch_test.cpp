// Mismatches against closed forms, quadrature and brute force; noise curves; what is refused.

#include "ersatz/selection/mismatch.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/simulators/waveform.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
constexpr double pi = 3.14159265358979323846;

/// A windowed chirp of n samples, shifted by `shift` samples and turned by `turn`; all analytic.
Vector chirp(Index n, double shift = 0.0, double turn = 0.0, double frequency = 0.15) {
  Vector z(2 * n);
  for (Index j = 0; j < n; ++j) {
    const double t = static_cast<double>(j) - 0.5 * static_cast<double>(n) - shift;
    const Complex v = std::polar(std::exp(-0.5 * t * t / (0.08 * 0.08 * static_cast<double>(n * n))),
                                 frequency * t + 2e-4 * t * t + turn);
    z[2 * j] = v.real();
    z[2 * j + 1] = v.imag();
  }
  return z;
}

Axis time_axis(Index n, double step = 1.0, const std::string& unit = "M") {
  return {"time", unit, Vector::LinSpaced(n, 0.0, step * static_cast<double>(n - 1))};
}

double of(const MismatchOptions& options, const std::vector<Vector>& a, const std::vector<Vector>& b,
          const Axis& axis, std::vector<std::string> names = {}) {
  std::vector<const double*> x, y;
  for (const Vector& v : a) x.push_back(v.data());
  for (const Vector& v : b) y.push_back(v.data());
  if (names.empty()) names.assign(a.size(), "h");
  return Mismatch(options, axis, names)(x, y);
}

MismatchOptions over(Maximise maximise) {
  MismatchOptions o;
  o.maximise = maximise;
  return o;
}

double one(const Vector& a, const Vector& b, Maximise maximise = Maximise::time_phase) {
  return of(over(maximise), {a}, {b}, time_axis(a.size() / 2));
}

TEST(Mismatch, ShiftsTurnsAndSizesDoNotCount) {
  const Vector a = chirp(512);
  EXPECT_LT(one(a, a), 1e-28);
  EXPECT_LT(one(a, 3.7 * a), 1e-28);
  for (const double turn : {0.3, 2.0, pi, -1.0}) {
    EXPECT_LT(one(a, chirp(512, 0.0, turn)), 1e-14);
    EXPECT_LT(one(a, chirp(512, 0.0, turn), Maximise::phase), 1e-14);
    EXPECT_NEAR(one(a, chirp(512, 0.0, turn), Maximise::none), 1.0 - std::cos(turn), 1e-12);
  }
  for (const double shift : {1.0, 17.0, -30.0, 0.5, 0.123, -12.77})
    EXPECT_LT(one(a, chirp(512, shift, 0.4)), 1e-14) << shift;
  EXPECT_NEAR(one(a, chirp(512, 0.0, 0.0, 0.2)), one(chirp(512, 0.0, 0.0, 0.2), a), 1e-13);
}

TEST(Mismatch, SmallOnesKeepTheirDigits) {
  const Vector a = chirp(512);
  // Orthogonal to a and, by symmetry, to its time derivative and to i a: the second Hermite function.
  Vector b = a;
  for (Index j = 0; j < 512; ++j) {
    const double t = (static_cast<double>(j) - 256.0) / (0.08 * 512.0);
    b[2 * j] *= 2.0 * t * t - 1.0;
    b[2 * j + 1] *= 2.0 * t * t - 1.0;
  }
  b -= a * (a.dot(b) / a.squaredNorm());
  for (const double size : {1e-3, 1e-6, 1e-9})
    for (const Maximise m : {Maximise::none, Maximise::phase, Maximise::time_phase}) {
      // 1 - 1/√(1 + ε²) = ε²/2
      const Vector c = a + size * b * (a.norm() / b.norm());
      EXPECT_NEAR(one(a, c, m) / (0.5 * size * size), 1.0, 0.01) << size;
    }
}

TEST(Mismatch, KnownValues) {
  // Two modes share one phase: with the second turned by δ, the overlap is |1 + exp(iδ)| / 2 = cos(δ/2).
  const Vector a = chirp(256), zero = Vector::Zero(512);
  const Axis t = time_axis(256);
  for (const double delta : {0.1, 1.0, 2.5}) {
    const Vector turned = chirp(256, 0.0, delta);
    for (const Maximise m : {Maximise::phase, Maximise::time_phase})
      EXPECT_NEAR(of(over(m), {a, a}, {a, turned}, t), 1.0 - std::cos(0.5 * delta), 1e-9);
    EXPECT_NEAR(of(over(Maximise::none), {a, a}, {a, turned}, t), 0.5 * (1.0 - std::cos(delta)), 1e-12);
  }
  // One of two equal modes is missing: 1 - 1/√2.
  EXPECT_NEAR(of({}, {a, a}, {a, zero}, t), 1.0 - std::sqrt(0.5), 1e-12);
  // Nothing in common at any shift: exactly, and by frequencies that do not overlap.
  EXPECT_EQ(of({}, {a, zero}, {zero, a}, t), 1.0);
  EXPECT_NEAR(one(chirp(512, 0.0, 0.0, -1.0), chirp(512, 0.0, 0.0, 1.0)), 1.0, 1e-6);
  EXPECT_EQ(one(zero, zero), 0.0);
  EXPECT_EQ(one(a, zero), 1.0);
}

/// Random series, for where nothing is smooth.
Vector noise(Index n, std::uint64_t seed) {
  RandomStream random(seed);
  Vector z(2 * n);
  for (double& x : z) x = random.normal();
  return z;
}

NoiseCurve constant_curve() {
  return NoiseCurve::tabulated("constant", (Vector(2) << 1e-9, 1e9).finished(), Vector::Constant(2, 4e-40));
}

TEST(Mismatch, WhiteNoiseIsTheSumOverTimes) {
  const Vector a = noise(100, 1), b = noise(100, 2);
  const double direct = 1.0 - a.dot(b) / (a.norm() * b.norm());
  EXPECT_NEAR(one(a, b, Maximise::none), direct, 1e-14);
  // Through the transform: a constant density in a band that holds all but the mean.
  MismatchOptions white = over(Maximise::none);
  white.noise = constant_curve();
  Vector c = a, d = b;
  const auto free_of_mean = [](Vector& z) {
    for (int part = 0; part < 2; ++part) {
      double mean = 0.0;
      for (Index j = part; j < z.size(); j += 2) mean += z[j] / (0.5 * static_cast<double>(z.size()));
      for (Index j = part; j < z.size(); j += 2) z[j] -= mean;
    }
  };
  free_of_mean(c);
  free_of_mean(d);
  EXPECT_NEAR(of(white, {c}, {d}, time_axis(100, 1.0, "s")), 1.0 - c.dot(d) / (c.norm() * d.norm()), 1e-13);
}

TEST(Mismatch, IsTheIntegralOverFrequencies) {
  // Stationary-phase amplitudes with phases that differ; the integral by Simpson's rule on a finer grid.
  const NoiseCurve ligo = NoiseCurve::named("advanced-ligo");
  const auto h = [](double f, double chirp_term) {
    return std::polar(std::pow(f, -7.0 / 6.0), chirp_term * std::pow(f / 100.0, -5.0 / 3.0));
  };
  const double low = 20.0, high = 500.0;
  Complex overlap = 0.0;
  double aa = 0.0, bb = 0.0;
  const int steps = 40000;
  for (int k = 0; k <= steps; ++k) {
    const double f = low + (high - low) * k / steps, w = (k == 0 || k == steps ? 1.0
                                                          : k % 2              ? 4.0
                                                                               : 2.0) /
                                                         ligo(f);
    overlap += w * std::conj(h(f, 1.0)) * h(f, 1.2);
    aa += w * std::norm(h(f, 1.0));
    bb += w * std::norm(h(f, 1.2));
  }
  for (const bool even : {true, false}) {
    const Index n = 3961;  // with equal steps both ends of the band are bins
    Axis axis{"frequency", "Hz", Vector::LinSpaced(n, 10.0, 1000.0)};
    if (!even) axis.values = Vector::LinSpaced(n, std::log(10.0), std::log(1000.0)).array().exp();
    Vector a(2 * n), b(2 * n), c(2 * n);
    for (Index k = 0; k < n; ++k) {
      const double f = axis.values[k];
      const Complex x = h(f, 1.0), y = h(f, 1.2), z = x * std::polar(2.0, 2.0 * pi * f * 0.0137 - 0.7);
      a.segment(2 * k, 2) << x.real(), x.imag();
      b.segment(2 * k, 2) << y.real(), y.imag();
      c.segment(2 * k, 2) << z.real(), z.imag();
    }
    MismatchOptions o = over(Maximise::none);
    o.noise = ligo;
    o.low = low;
    o.high = high;
    EXPECT_NEAR(of(o, {a}, {b}, axis), 1.0 - overlap.real() / std::sqrt(aa * bb), 1e-3) << even;
    o.maximise = Maximise::phase;
    EXPECT_NEAR(of(o, {a}, {b}, axis), 1.0 - std::abs(overlap) / std::sqrt(aa * bb), 1e-3) << even;
    // Shifted by 13.7 ms and turned.
    EXPECT_GT(of(o, {a}, {c}, axis), 0.1);
    o.maximise = Maximise::time_phase;
    EXPECT_LT(of(o, {a}, {c}, axis), 1e-14) << even;
    EXPECT_LT(of(o, {a}, {b}, axis), 1.0 - std::abs(overlap) / std::sqrt(aa * bb)) << even;
    // The same in units of a total mass.
    Axis scaled = axis;
    scaled.unit = "1/M";
    scaled.values *= 50.0 * 4.925490947e-6;
    MismatchOptions massive = o;
    massive.total_mass = 50.0;
    EXPECT_NEAR(of(massive, {a}, {b}, scaled), of(o, {a}, {b}, axis), 1e-9);
  }
}

/// ⟨a, b exp(2πi f τ)⟩ and what belongs to it by direct sums of the padded series.
struct Direct {
  Index padded;
  double step;
  const NoiseCurve* curve;
  Complex at(const Vector& z, double f) const {
    Complex sum = 0.0;
    for (Index j = 0; j < z.size() / 2; ++j)
      sum += Complex(z[2 * j], z[2 * j + 1]) * std::polar(1.0, -2.0 * pi * f * step * static_cast<double>(j));
    return sum;
  }
};

TEST(Mismatch, TimeIsMaximisedOverBetweenSamplesAsByBruteForce) {
  const Index n = 60;
  const double dt = 1.0 / 512.0;
  const NoiseCurve ligo = NoiseCurve::named("advanced-ligo");
  const Vector a = noise(n, 3);
  Vector b = noise(n, 4);
  b = (0.7 * a + 0.5 * b).eval();
  MismatchOptions o;
  o.noise = ligo;
  o.low = 20.0;
  const double found = of(o, {a}, {b}, time_axis(n, dt, "s"));
  const Index padded = 120;  // the number of factors 2, 3 and 5 from 2 n on
  const Direct direct{padded, dt, &ligo};
  std::vector<double> f;
  std::vector<Complex> cross;
  double aa = 0.0, bb = 0.0;
  for (Index k = -padded / 2 + 1; k <= padded / 2; ++k) {
    const double own = static_cast<double>(k) / (static_cast<double>(padded) * dt);
    if (std::abs(own) < 20.0) continue;
    const Complex x = direct.at(a, own), y = direct.at(b, own);
    f.push_back(own);
    cross.push_back(std::conj(x) * y / ligo(std::abs(own)));
    aa += std::norm(x) / ligo(std::abs(own));
    bb += std::norm(y) / ligo(std::abs(own));
  }
  double best = 0.0;
  for (double tau = -60.0; tau < 60.0; tau += 0.002) {
    Complex sum = 0.0;
    for (std::size_t k = 0; k < f.size(); ++k) sum += cross[k] * std::polar(1.0, 2.0 * pi * f[k] * tau * dt);
    best = std::max(best, std::abs(sum));
  }
  EXPECT_NEAR(found, 1.0 - best / std::sqrt(aa * bb), 1e-5);
  EXPECT_LE(found, 1.0 - best / std::sqrt(aa * bb) + 1e-13);
}

TEST(Mismatch, PolarisationIsMaximisedOverAsByBruteForce) {
  const Index n = 48;
  const double dt = 1.0 / 512.0, kappa = 0.4;
  const NoiseCurve ligo = NoiseCurve::named("advanced-ligo");
  const Vector a = noise(n, 5);
  Vector b = noise(n, 6);
  b = (a + 0.6 * b).eval();
  MismatchOptions o = over(Maximise::time_phase_polarisation);
  o.noise = ligo;
  o.low = 20.0;
  o.direction = Direction{0.0, 0.0, kappa};
  const double found = of(o, {a}, {b}, time_axis(n, dt, "s"), {"h"});
  // h+ = Re h and hx = -Im h, each transformed on its own.
  const auto real_series = [n](const Vector& h, double plus, double cross) {
    Vector z = Vector::Zero(2 * n);
    for (Index j = 0; j < n; ++j) z[2 * j] = plus * h[2 * j] - cross * h[2 * j + 1];
    return z;
  };
  const Index padded = 96;
  const Direct direct{padded, dt, &ligo};
  const Vector s = real_series(a, std::cos(kappa), std::sin(kappa)), p = real_series(b, 1.0, 0.0),
               x = real_series(b, 0.0, 1.0);
  std::vector<double> f;
  std::vector<Complex> sp, sx;
  double ss = 0.0, pp = 0.0, xx = 0.0, px = 0.0;
  for (Index k = 0; k < padded / 2; ++k) {
    const double own = static_cast<double>(k) / (static_cast<double>(padded) * dt);
    if (own < 20.0) continue;
    const double w = 1.0 / ligo(own);
    const Complex cs = direct.at(s, own), cp = direct.at(p, own), cx = direct.at(x, own);
    f.push_back(own);
    sp.push_back(w * std::conj(cs) * cp);
    sx.push_back(w * std::conj(cs) * cx);
    ss += w * std::norm(cs);
    pp += w * std::norm(cp);
    xx += w * std::norm(cx);
    px += w * (std::conj(cp) * cx).real();
  }
  double best = 0.0;
  for (double tau = -48.0; tau < 48.0; tau += 0.01) {
    Complex zp = 0.0, zx = 0.0;
    for (std::size_t k = 0; k < f.size(); ++k) {
      const Complex turn = std::polar(1.0, 2.0 * pi * f[k] * tau * dt);
      zp += sp[k] * turn;
      zx += sx[k] * turn;
    }
    for (double angle = 0.0; angle < pi; angle += 0.02) {
      const double u = std::cos(angle), v = std::sin(angle);
      best = std::max(
          best, std::abs(u * zp + v * zx) / std::sqrt(ss * (u * u * pp + v * v * xx + 2.0 * u * v * px)));
    }
  }
  EXPECT_NEAR(found, 1.0 - best, 3e-4);
  EXPECT_LE(found, 1.0 - best + 1e-12);
  // h exp(2i psi) is the same wave seen at another polarisation; shifted, turned or not.
  for (const double psi : {0.0, 0.3, 1.1}) {
    MismatchOptions flat = over(Maximise::time_phase_polarisation);
    flat.direction = Direction{0.0, 0.0, 1.0};
    EXPECT_LT(of(flat, {chirp(256)}, {chirp(256, 3.3, 2.0 * psi)}, time_axis(256), {"h"}), 1e-13);
  }
}

TEST(Mismatch, DirectionsCombineModes) {
  const Inspiral orbit = evolve({2.0, {0.3, 0.2, 0.4}, {-0.1, 0.5, 0.2}}, {-1200.0, 601, 0.06, 1e-10});
  const Inspiral other = evolve({2.1, {0.3, 0.25, 0.4}, {-0.1, 0.5, 0.2}}, {-1200.0, 601, 0.06, 1e-10});
  const ComplexMatrix a = quadrupole_modes(orbit), b = quadrupole_modes(other);
  const auto rows = [](const ComplexVector& z) {
    return Vector(Eigen::Map<const Vector>(reinterpret_cast<const double*>(z.data()), 2 * z.size()));
  };
  std::vector<Vector> x, y;
  for (Index m = 0; m < 5; ++m) {
    x.push_back(rows(a.col(m)));
    y.push_back(rows(b.col(m)));
  }
  const Axis t = time_axis(601, 2.0);
  const std::vector<std::string> names{"h22", "h21", "h20", "h2m1", "h2m2"};
  for (const Maximise m : {Maximise::none, Maximise::time_phase, Maximise::time_phase_polarisation}) {
    MismatchOptions o = over(m);
    o.direction = Direction{1.1, 0.4, 0.2};
    EXPECT_NEAR(of(o, x, y, t, names),
                of(o, {rows(strain(a, 1.1, 0.4))}, {rows(strain(b, 1.1, 0.4))}, t, {"h"}), 1e-12);
  }
  // Edge-on without precession there is no hx: the polarisation has nothing to choose.
  const ComplexMatrix flat = quadrupole_modes(evolve({2.0, {}, {}}, {-1200.0, 601, 0.06, 1e-10}));
  std::vector<Vector> z;
  for (Index m = 0; m < 5; ++m) z.push_back(rows(flat.col(m)));
  MismatchOptions edge = over(Maximise::time_phase_polarisation);
  edge.direction = Direction{0.5 * pi, 0.0, 0.0};
  EXPECT_LT(of(edge, z, z, t, names), 1e-14);
  // All five alike: the mean over directions, weighted with the power.
  EXPECT_GT(of({}, x, y, t, names), 0.0);
}

TEST(SpinWeightedHarmonics, AreThoseOfTheSimulatorAndSumToOne) {
  for (const double theta : {0.0, 0.4, 1.9, pi})
    for (const double phi : {0.0, 2.2}) {
      for (int m = -2; m <= 2; ++m)
        EXPECT_LT(std::abs(spin_weighted_harmonic(Index{2}, Index{m}, theta, phi) -
                           spin_weighted_harmonic(m, theta, phi)),
                  1e-14);
      for (Index l = 2; l <= 8; ++l) {
        double sum = 0.0;
        for (Index m = -l; m <= l; ++m) sum += std::norm(spin_weighted_harmonic(l, m, theta, phi));
        EXPECT_NEAR(sum, static_cast<double>(2 * l + 1) / (4.0 * pi), 1e-12) << l;
      }
    }
  EXPECT_THROW(spin_weighted_harmonic(Index{1}, Index{0}, 0.0, 0.0), UsageError);
  EXPECT_THROW(spin_weighted_harmonic(Index{3}, Index{4}, 0.0, 0.0), UsageError);
}

TEST(NoiseCurves, HaveTheirPublishedValues) {
  // The design of Advanced LIGO sees two neutron stars of 1.4 solar masses to about 200 Mpc on average
  // (Abbott et al. 2013, arXiv:1304.0670, Table 1): the horizon at signal-to-noise 8 over 2.2648.
  const NoiseCurve ligo = NoiseCurve::named("advanced-ligo");
  EXPECT_NEAR(ligo(245.4), 1e-48 * (0.0152 + 0.2935 + 2.7951 - 6.5080 + 17.7622), 1e-60);
  const double sun = 4.925490947e-6, chirp_mass = 1.4 * std::pow(0.25, 0.6) * std::pow(2.0, 1.0) * sun;
  double integral = 0.0;
  const double isco = 1.0 / (std::pow(6.0, 1.5) * pi * 2.8 * sun), step = 0.05;
  for (double f = 20.0; f < isco; f += step) integral += step * std::pow(f, -7.0 / 3.0) / ligo(f);
  const double megaparsec = 3.0856775814e22 / 299792458.0;  // seconds
  const double horizon = 2.0 * std::sqrt(5.0 / 24.0 * integral) * std::pow(chirp_mass, 5.0 / 6.0) *
                         std::pow(pi, -2.0 / 3.0) / 8.0 / megaparsec;
  EXPECT_NEAR(horizon / 2.2648, 200.0, 10.0);
  // The requirement on LISA (ESA-L3-EST-SCI-RS-001; S_I, S_II and R as in the same document's Eq. 1 to 4),
  // which the fit follows within the reddening of the optical noise.
  const NoiseCurve lisa = NoiseCurve::named("lisa");
  for (const double f : {5e-4, 1e-3, 3e-3, 1e-2, 5e-2}) {
    const double one = 5.76e-48 * (1.0 + std::pow(4e-4 / f, 2)), two = 3.6e-41;
    const double required =
        10.0 / 3.0 * (one / std::pow(2.0 * pi * f, 4) + two) * (1.0 + std::pow(f / 25e-3, 2));
    EXPECT_NEAR(std::sqrt(lisa(f) / required), 1.0, 0.12) << f;
  }
  EXPECT_TRUE(std::isinf(ligo(5.0)));
  EXPECT_THROW(NoiseCurve::named("virgo"), UsageError);
}

TEST(NoiseCurves, ComeFromFiles) {
  const testing::Scratch scratch;
  const auto write = [&](const std::string& content) {
    std::ofstream(scratch("curve.txt")) << content;
    return scratch("curve.txt");
  };
  const NoiseCurve power =
      NoiseCurve::read(write("# Hz 1/Hz\n10 1e-40\n20 1e-44\n40 4e-44\n"), NoiseCurve::Column::power);
  EXPECT_EQ(power.lower(), 10.0);
  EXPECT_EQ(power.upper(), 40.0);
  EXPECT_NEAR(power(20.0) / 1e-44, 1.0, 1e-12);
  EXPECT_NEAR(power(std::sqrt(200.0)) / 1e-42, 1.0, 1e-12);
  const NoiseCurve amplitude = NoiseCurve::read(write("10,1e-20\n20,1e-22\n"), NoiseCurve::Column::amplitude);
  EXPECT_NEAR(amplitude(20.0) / 1e-44, 1.0, 1e-12);
  const auto why = [&](const std::string& content) {
    return message_of<DataError>([&] { NoiseCurve::read(write(content), NoiseCurve::Column::power); });
  };
  EXPECT_NE(why("10 1\n20 2\n15 3\n").find("row 2"), std::string::npos);
  EXPECT_NE(why("10 1\n10 2\n").find("ascend"), std::string::npos);
  EXPECT_NE(why("10 1\n20 0\n").find("row 1"), std::string::npos);
  EXPECT_NE(why("0 1\n20 1\n").find("row 0"), std::string::npos);
  EXPECT_NE(why("10 1\n").find("two"), std::string::npos);
  EXPECT_NE(why("10 1 3\n20 1 3\n").find("3 columns"), std::string::npos);
  EXPECT_THROW(NoiseCurve::read(write("10 nan\n20 1\n"), NoiseCurve::Column::power), DataError);
}

TEST(Mismatch, RefusesWhatMakesNoSense) {
  const Vector a = chirp(64);
  const auto usage = [&](const MismatchOptions& o, const Axis& t, std::vector<std::string> names = {"h"}) {
    return message_of<UsageError>([&] { Mismatch(o, t, names); });
  };
  const auto data = [&](const MismatchOptions& o, const Axis& t) {
    return message_of<DataError>([&] { Mismatch(o, t, {"h"}); });
  };
  MismatchOptions ligo;
  ligo.noise = NoiseCurve::named("advanced-ligo");
  EXPECT_NE(usage(ligo, time_axis(64)).find("total mass"), std::string::npos);
  ligo.total_mass = 60.0;
  EXPECT_NO_THROW(Mismatch(ligo, time_axis(64), {"h"}));
  EXPECT_NE(usage(ligo, time_axis(64, 1e-3, "s")).find("already"), std::string::npos);
  ligo.low = 5.0;
  EXPECT_NE(usage(ligo, time_axis(64)).find("known from 10"), std::string::npos);
  ligo.low = 200.0;
  ligo.high = 100.0;
  EXPECT_NE(usage(ligo, time_axis(64)).find("empty"), std::string::npos);
  MismatchOptions band;
  band.low = 0.7;  // beyond half the sampling rate
  EXPECT_NE(usage(band, time_axis(64)).find("no frequency"), std::string::npos);
  band.total_mass = -1.0;
  EXPECT_THROW(Mismatch(band, time_axis(64), {"h"}), UsageError);
  EXPECT_NE(usage(over(Maximise::time_phase_polarisation), time_axis(64), {"h22", "h2m2"}).find("direction"),
            std::string::npos);
  MismatchOptions seen;
  seen.direction = Direction{};
  EXPECT_NE(usage(seen, time_axis(64), {"h22", "left"}).find("'left'"), std::string::npos);
  EXPECT_THROW(maximise_from_string("everything"), UsageError);

  Axis t = time_axis(64);
  t.values[9] = t.values[8];
  EXPECT_NE(data({}, t).find("bin 9"), std::string::npos);
  t.values.reverseInPlace();
  EXPECT_THROW(Mismatch({}, t, {"h"}), DataError);
  EXPECT_THROW(Mismatch({}, time_axis(1), {"h"}), DataError);
  Axis f{"frequency", "Hz", Vector::LinSpaced(64, 1.0, 64.0)};
  f.values[9] = f.values[8];
  EXPECT_NE(data({}, f).find("bin 9"), std::string::npos);
  band = {};
  band.low = 100.0;
  EXPECT_NE(usage(band, {"frequency", "Hz", Vector::LinSpaced(64, 1.0, 64.0)}).find("0 bins"),
            std::string::npos);

  Mismatch measure({}, time_axis(64), {"h"});
  Vector broken = a;
  broken[7] = std::nan("");
  const std::string why = message_of<DataError>([&] { measure({a.data()}, {broken.data()}); });
  EXPECT_NE(why.find("prediction"), std::string::npos) << why;
  EXPECT_THROW(measure({a.data(), a.data()}, {a.data()}), UsageError);
}

}  // namespace
}  // namespace ersatz
