// Tapers, the discrete Fourier transform and conditioning to the frequency domain.

#include "ersatz/transform/conditioning.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "transform/fft.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
constexpr double pi = 3.14159265358979323846;

TEST(Fft, IsTheSum) {
  RandomStream random(1);
  for (const Index n : {1, 2, 3, 4, 5, 6, 8, 9, 10, 15, 16, 30, 45, 60, 100, 128, 240}) {
    ComplexVector x(n);
    for (Complex& z : x) z = {random.normal(), random.normal()};
    ComplexVector y = x, back = x;
    Fft fft(n);
    fft.forward(y.data());
    fft.backward(back.data());
    for (Index k = 0; k < n; ++k) {
      Complex up = 0.0, down = 0.0;
      for (Index j = 0; j < n; ++j) {
        const double angle = 2.0 * pi * static_cast<double>(j * k % n) / static_cast<double>(n);
        down += x[j] * std::polar(1.0, -angle);
        up += x[j] * std::polar(1.0, angle);
      }
      EXPECT_LT(std::abs(y[k] - down), 1e-13 * static_cast<double>(n)) << n << " " << k;
      EXPECT_LT(std::abs(back[k] - up), 1e-13 * static_cast<double>(n)) << n << " " << k;
    }
  }
  EXPECT_EQ(Fft::good_size(4502), 4608);
  EXPECT_EQ(Fft::good_size(7), 8);
  EXPECT_THROW(Fft(14), UsageError);
  EXPECT_THROW(Fft(0), UsageError);
}

TEST(Taper, WindowsAreWhatTheyAreCalled) {
  const Vector planck = window(taper_from_string("planck:0.2"), 101);
  EXPECT_EQ(planck[0], 0.0);
  EXPECT_EQ(planck[100], 0.0);
  EXPECT_NEAR(planck[10], 0.5, 1e-15);  // the middle of the fade
  EXPECT_NEAR(planck[5], 1.0 / (1.0 + std::exp(4.0 - 4.0 / 3.0)), 1e-15);
  EXPECT_EQ(planck[50], 1.0);
  const Vector tukey = window(taper_from_string("tukey:0.5:0"), 101);
  EXPECT_NEAR(tukey[25], 0.5, 1e-15);
  EXPECT_NEAR(tukey[10], 0.5 * (1.0 - std::cos(0.2 * pi)), 1e-15);
  EXPECT_EQ(tukey[100], 1.0);
  EXPECT_EQ(window({}, 5), Vector::Ones(5));
  for (const char* wrong :
       {"hann:0.1", "planck", "planck:x", "planck:0.6", "planck:-0.1", "tukey:0.1:0.2:0.3"})
    EXPECT_THROW(taper_from_string(wrong), UsageError) << wrong;
}

Axis time_axis(Index n, double first, double step) {
  return {"time", "M", Vector::LinSpaced(n, first, first + step * static_cast<double>(n - 1))};
}

TEST(Conditioning, KeepsThePower) {  // Parseval: on the grid of the transform, sums over both are the same
  RandomStream random(2);
  const Index n = 90;
  const double dt = 0.4;
  Matrix h(3, 2 * n);
  for (double& x : h.reshaped()) x = random.normal();
  Conditioning c;
  c.taper = taper_from_string("tukey:0.1");
  c.frequencies.resize(n);
  for (Index k = 0; k < n; ++k)
    c.frequencies[k] = static_cast<double>(k - n / 2) / (dt * static_cast<double>(n));
  const Matrix x = to_frequencies(h, true, time_axis(n, -7.0, dt), c);
  const Vector w = window(c.taper, n);
  for (Index i = 0; i < 3; ++i) {
    double power = 0.0;
    for (Index j = 0; j < n; ++j) power += dt * w[j] * w[j] * h.row(i).segment(2 * j, 2).squaredNorm();
    EXPECT_NEAR(x.row(i).squaredNorm() / (dt * static_cast<double>(n)), power, 1e-12 * power);
  }
}

TEST(Conditioning, IsTheFourierTransform) {
  // A Gaussian wave packet: h = exp(-t²/2σ² + 2πi g t) -> σ √2π exp(-2π²σ²(f - g)²).
  const double sigma = 3.0, g = 0.2;
  const Axis t = time_axis(801, -40.0, 0.1);
  Matrix h(1, 2 * 801), real(1, 801);
  for (Index j = 0; j < 801; ++j) {
    const Complex z =
        std::polar(std::exp(-0.5 * std::pow(t.values[j] / sigma, 2)), 2.0 * pi * g * t.values[j]);
    h.row(0).segment(2 * j, 2) << z.real(), z.imag();
    real(0, j) = z.real();
  }
  Conditioning c;
  c.frequencies = (Vector(5) << -0.21, 0.0, 0.1371, 0.2, 0.26).finished();
  const Matrix x = to_frequencies(h, true, t, c), y = to_frequencies(real, false, t, c);
  const auto exact = [&](double f) {
    return sigma * std::sqrt(2.0 * pi) * std::exp(-2.0 * std::pow(pi * sigma * (f - g), 2));
  };
  for (Index k = 0; k < 5; ++k) {
    EXPECT_NEAR(x(0, 2 * k), exact(c.frequencies[k]), 1e-12);
    EXPECT_NEAR(x(0, 2 * k + 1), 0.0, 1e-12);
    EXPECT_NEAR(y(0, 2 * k), 0.5 * (exact(c.frequencies[k]) + exact(-c.frequencies[k])), 1e-12);
  }
}

TEST(Conditioning, AlignmentTakesShiftAndTurnAway) {
  const Axis t = time_axis(801, -40.0, 0.1);
  Matrix h(2, 2 * 801);
  for (Index j = 0; j < 801; ++j)
    for (Index i = 0; i < 2; ++i) {
      const double u = t.values[j] - (i ? 2.345 : 0.0);
      const Complex z = std::polar(std::exp(-0.02 * u * u), 1.3 * u + 0.01 * u * u + (i ? 0.8 : 0.0));
      h.row(i).segment(2 * j, 2) << z.real(), z.imag();
    }
  Conditioning c;
  c.frequencies = Vector::LinSpaced(41, 0.1, 0.3);
  EXPECT_GT((to_frequencies(h, true, t, c).row(0) - to_frequencies(h, true, t, c).row(1)).norm(), 1.0);
  c.align_at = 0.21;
  const Matrix x = to_frequencies(h, true, t, c);
  EXPECT_LT((x.row(0) - x.row(1)).norm(), 1e-9 * x.row(0).norm());
  EXPECT_NEAR(x(0, 2 * 22 + 1), 0.0, 1e-12);  // frequency 0.21: no phase
  EXPECT_GT(x(0, 2 * 22), 0.0);
}

TEST(Conditioning, ArchivesGoInAndOut) {
  Archive a;
  a.space = ParameterSpace({{"p", "", 0.0, 1.0}});
  a.parameters = Vector::LinSpaced(40, 0.0, 1.0);
  a.axes = {time_axis(201, -10.0, 0.1), {"other", "", Vector::Zero(1)}};
  a.outputs = {
      {"h22", "", "time", 201, true}, {"peak", "", "other", 1, false}, {"h2m2", "", "time", 201, true}};
  for (const auto& o : a.outputs) a.values.emplace_back(40, o.width());
  for (Index i = 0; i < 40; ++i) {
    a.values[1](i, 0) = 1.0;
    for (Index j = 0; j < 201; ++j) {
      const double u = a.axes[0].values[j], size = std::exp(-0.5 * u * u),
                   angle = (3.0 + a.parameters(i, 0)) * u;
      a.values[0].row(i).segment(2 * j, 2) << size * std::cos(angle), -size * std::sin(angle);
      a.values[2].row(i).segment(2 * j, 2) << size * std::cos(angle), size * std::sin(angle);
    }
    a.status.push_back(RunStatus::done);
    a.messages.emplace_back();
    a.seconds.push_back(0.1);
  }
  a.status[5] = RunStatus::failed;
  a.messages[5] = "no";
  for (Matrix& v : a.values) v.row(5).setConstant(std::nan(""));
  Conditioning c;
  c.frequencies = Vector::LinSpaced(30, 0.2, 1.0);
  // h22 ~ exp(-i ω t) has its power at negative frequencies.
  const std::string why = message_of<DataError>([&] { condition(a, {}, c); });
  EXPECT_NE(why.find("'h22'"), std::string::npos) << why;
  EXPECT_NE(why.find("negative frequencies"), std::string::npos) << why;
  const Archive x = condition(a, {"h2m2"}, c, 1), y = condition(a, {"h2m2"}, c, 2);
  x.check();
  EXPECT_EQ(x.outputs.size(), 1u);
  EXPECT_EQ(x.axes[0].unit, "1/M");
  EXPECT_EQ(x.status[5], RunStatus::failed);
  EXPECT_TRUE(std::isnan(x.values[0](5, 0)));
  for (const Index i : {0, 4, 6, 39}) EXPECT_EQ(x.values[0].row(i), y.values[0].row(i));
  EXPECT_EQ(x.values[0].row(33), to_frequencies(a.values[2], true, a.axes[0], c).row(33));

  EXPECT_THROW(condition(x, {}, c), DataError);  // a frequency already
  EXPECT_THROW(condition(a, {"peak", "h2m2"}, c), DataError);
  EXPECT_THROW(condition(a, {"h2m2", "h2m2"}, c), UsageError);
  EXPECT_THROW(condition(a, {"h33"}, c), UsageError);
  c.frequencies = Vector::LinSpaced(30, 0.2, 6.0);  // beyond half the sampling rate
  EXPECT_THROW(condition(a, {"h2m2"}, c), UsageError);
  c.frequencies = (Vector(3) << 0.2, 0.5, 0.5).finished();
  EXPECT_THROW(condition(a, {"h2m2"}, c), UsageError);
  c.frequencies = Vector::LinSpaced(30, 0.2, 1.0);
  a.axes[0].values[17] += 0.01;
  EXPECT_NE(message_of<DataError>([&] { condition(a, {"h2m2"}, c); }).find("bin 17"), std::string::npos);
}

}  // namespace
}  // namespace ersatz
