// The waveform likelihood against sums written out, quadrature, and differences.
#include <gtest/gtest.h>

#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <boost/math/quadrature/trapezoidal.hpp>
#include <boost/math/special_functions/bessel.hpp>
#include <cmath>
#include <numeric>

#include "emulators.hpp"
#include "ersatz/core/error.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::differences;
using testing::message_of;
using testing::observe;
using testing::small_emulator;

const Matrix truth = (Matrix(1, 2) << 4.0, 0.2).finished();
const Vector near = (Vector(2) << 4.2, 0.17).finished();

/// Two chirps, as a simulator: amplitude and pitch are parameters.
class Chirps final : public Simulator {
 public:
  explicit Chirps(Index n, double step = 0.02, std::string unit = "s")
      : space_({{"size", "", 0.5, 2.0}, {"pitch", "", 0.8, 1.2}}),
        axes_{{"time", std::move(unit), Vector::LinSpaced(n, 0.0, step * static_cast<double>(n - 1))}},
        outputs_{{"h22", "", "time", n, true}, {"h21", "", "time", n, true}} {}
  std::string name() const override { return "chirps"; }
  std::string description() const override { return ""; }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }
  SimulationResult run(const double* x) const override {
    SimulationResult result;
    const Vector& t = axes_[0].values;
    const double middle = 0.5 * t[t.size() - 1];
    for (const double mode : {2.0, 1.0}) {
      Vector row(2 * t.size());
      for (Index j = 0; j < t.size(); ++j) {
        const double s = (t[j] - middle) / middle;
        const Complex z =
            std::polar(x[0] * mode * std::exp(-8.0 * s * s), mode * (-9.0 * x[1] * s - 3.0 * s * s));
        row[2 * j] = z.real();
        row[2 * j + 1] = z.imag();
      }
      result.outputs.push_back(row);
    }
    return result;
  }

 private:
  ParameterSpace space_;
  std::vector<Axis> axes_;
  std::vector<OutputSpec> outputs_;
};

Observation noisy(const Simulator& simulator, const double* x, double deviation) {
  Observation o;
  const SimulationResult run = simulator.run(x);
  RandomStream random(8);
  o.values.resize(4 * simulator.axes()[0].values.size());
  Index k = 0;
  for (std::size_t s = 0; s < 2; ++s) {
    Observation::Part part{simulator.outputs()[s].name, {}};
    for (Index j = 0; j < run.outputs[s].size(); ++j) {
      part.entries.push_back(j);
      o.values[k++] = run.outputs[s][j] + deviation * random.normal();
    }
    o.parts.push_back(part);
  }
  return o;
}

WaveformOptions white(double deviation, Unknown phase, Unknown time, double range = 0.0) {
  WaveformOptions options;
  options.deviation = deviation;
  options.phase = phase;
  options.time = time;
  options.time_range = range;
  return options;
}

const double point[] = {1.1, 0.95};

/// White noise, nothing unknown: the sum of squares in time.
TEST(WaveformLikelihood, WhiteNoiseIsASumOfSquares) {
  const auto simulator = std::make_shared<Chirps>(60);
  const Observation o = noisy(*simulator, std::vector<double>{1.0, 1.0}.data(), 0.1);
  const auto likelihood =
      waveform_likelihood(forward_model(simulator), o, white(0.1, Unknown::none, Unknown::none));
  const SimulationResult run = simulator->run(point);
  Vector rows(o.size());
  rows << run.outputs[0], run.outputs[1];
  Workspace workspace;
  const double expected = -0.5 * (o.values - rows).squaredNorm() / 0.01;
  EXPECT_NEAR(likelihood->evaluate(point, nullptr, workspace).log, expected, 1e-9 * std::abs(expected));
  EXPECT_FALSE(likelihood->has_gradient());
  double gradient[2];
  EXPECT_THROW(likelihood->evaluate(point, gradient, workspace), UsageError);
}

/// A noise curve in a band, with a shift and a phase: every frequency's Fourier sum written out.
TEST(WaveformLikelihood, ColouredNoiseIsTheSumOverFrequencies) {
  const Index n = 60, padded = 120;
  const double mass = 30.0, dt = 1000.0 * 4.925490947e-6 * mass;  // steps of 1000 M
  ASSERT_NEAR(dt, 0.148, 0.001);
  const auto simulator = std::make_shared<Chirps>(n, 1000.0, "M");
  const Observation o = noisy(*simulator, std::vector<double>{1.0, 1.0}.data(), 0.1);
  WaveformOptions options;
  options.noise =
      NoiseCurve::tabulated("slope", (Vector(2) << 0.1, 10.0).finished(), (Vector(2) << 4.0, 0.1).finished());
  options.total_mass = mass;
  options.low = 0.3;
  options.high = 2.5;
  options.taper = taper_from_string("tukey:0.1");
  options.phase = Unknown::parameter;
  options.time = Unknown::parameter;
  options.amplitude = true;
  const auto likelihood = waveform_likelihood(forward_model(simulator), o, options);
  ASSERT_EQ(likelihood->size(), 5);
  const double theta[] = {point[0], point[1], 0.8, 0.6, 130.0};  // amplitude, phase, shift in M
  const SimulationResult run = simulator->run(point);
  const Vector fade = window(options.taper, n);
  double expected = 0.0;
  for (std::size_t s = 0; s < 2; ++s)
    for (Index k = -padded / 2 + 1; k <= padded / 2; ++k) {
      const double f = static_cast<double>(k) / (static_cast<double>(padded) * dt);
      if (std::abs(f) < options.low || std::abs(f) > options.high) continue;
      Complex d = 0.0, h = 0.0;
      for (Index j = 0; j < n; ++j) {
        const Complex turn = std::polar(dt * fade[j], -2.0 * M_PI * f * dt * static_cast<double>(j));
        const Index at = static_cast<Index>(s) * 2 * n + 2 * j;
        d += turn * Complex(o.values[at], o.values[at + 1]);
        h += turn * Complex(run.outputs[s][2 * j], run.outputs[s][2 * j + 1]);
      }
      const Complex shifted = 0.8 * h * std::polar(1.0, 0.6 + 2.0 * M_PI * f * 0.130 * dt);
      expected -= 0.5 * 2.0 * std::norm(d - shifted) / options.noise(std::abs(f)) /
                  (static_cast<double>(padded) * dt);
    }
  Workspace workspace;
  EXPECT_NEAR(likelihood->evaluate(theta, nullptr, workspace).log, expected, 1e-9 * std::abs(expected));
}

/// What is marginalised is the integral over the parameter; what is maximised its largest value.
TEST(WaveformLikelihood, UnknownPhaseAndTimeAgainstQuadrature) {
  const auto simulator = std::make_shared<Chirps>(60);
  const double truth_x[] = {1.0, 1.0};
  for (const double deviation : {1.5, 0.1}) {
    const Observation o = noisy(*simulator, truth_x, deviation);
    const auto make = [&](Unknown phase, Unknown time, double range = 0.0) {
      return waveform_likelihood(forward_model(simulator), o, white(deviation, phase, time, range));
    };
    Workspace workspace;
    const auto value = [&](const LikelihoodPtr& l, std::vector<double> theta) {
      return l->evaluate(theta.data(), nullptr, workspace).log;
    };
    const auto by_phase = make(Unknown::parameter, Unknown::none);
    const double top = value(make(Unknown::maximise, Unknown::none), {point[0], point[1]});
    const double mean = boost::math::quadrature::trapezoidal(
                            [&](double phase) {
                              return std::exp(value(by_phase, {point[0], point[1], phase}) - top);
                            },
                            -M_PI, M_PI, 1e-11, 16) /
                        (2.0 * M_PI);
    EXPECT_NEAR(value(make(Unknown::marginalise, Unknown::none), {point[0], point[1]}), top + std::log(mean),
                1e-8);
    double largest = -INFINITY;
    for (int i = 0; i < 2000; ++i)
      largest = std::max(largest, value(by_phase, {point[0], point[1], 2.0 * M_PI * i / 2000.0}));
    EXPECT_LE(largest, top + 1e-9);
    EXPECT_NEAR(largest, top, 5e-6 * std::abs(largest) + 0.01);

    for (const Unknown phase : {Unknown::none, Unknown::marginalise, Unknown::maximise}) {
      const double range = 0.05;
      const auto by_shift = make(phase, Unknown::parameter);
      const auto at = [&](double shift) { return value(by_shift, {point[0], point[1], shift}); };
      double highest = -INFINITY;
      for (int i = 0; i <= 4000; ++i) highest = std::max(highest, at(range * (i / 2000.0 - 1.0)));
      double integral = 0.0;
      for (int i = 0; i < 50; ++i)
        integral += boost::math::quadrature::gauss_kronrod<double, 31>::integrate(
            [&](double shift) { return std::exp(at(shift) - highest); }, range * (i / 25.0 - 1.0),
            range * ((i + 1) / 25.0 - 1.0), 2, 1e-6);
      EXPECT_NEAR(value(make(phase, Unknown::marginalise, range), {point[0], point[1]}),
                  highest + std::log(integral / (2.0 * range)), 2e-3);
      const double best = value(make(phase, Unknown::maximise, range), {point[0], point[1]});
      EXPECT_GE(best, highest - 1e-9);
      EXPECT_NEAR(best, highest, 1e-3);
    }
  }
}

/// Beyond 500 the logarithm of the Bessel function is a series: no step where it takes over.
TEST(WaveformLikelihood, LoudSignalsMarginaliseWithoutOverflow) {
  const auto simulator = std::make_shared<Chirps>(60);
  const double truth_x[] = {1.0, 1.0};
  const Observation o = noisy(*simulator, truth_x, 0.05);
  Workspace workspace;
  const double quiet =
      waveform_likelihood(forward_model(simulator), o, white(0.003, Unknown::marginalise, Unknown::none))
          ->evaluate(point, nullptr, workspace)
          .log;
  const double top =
      waveform_likelihood(forward_model(simulator), o, white(0.003, Unknown::maximise, Unknown::none))
          ->evaluate(point, nullptr, workspace)
          .log;
  const Vector rows = [&] {
    const SimulationResult run = simulator->run(point);
    Vector r(o.size());
    r << run.outputs[0], run.outputs[1];
    return r;
  }();
  const double overlap =
      std::abs(std::inner_product(reinterpret_cast<const Complex*>(o.values.data()),
                                  reinterpret_cast<const Complex*>(o.values.data()) + o.size() / 2,
                                  reinterpret_cast<const Complex*>(rows.data()), Complex(0.0), std::plus<>(),
                                  [](Complex a, Complex b) { return std::conj(a) * b; }));
  const double x = overlap / (0.003 * 0.003);
  ASSERT_GT(x, 1e4);
  // ln I0(x) - x to second order in 1 / x.
  EXPECT_NEAR(quiet - top, -0.5 * std::log(2.0 * M_PI * x) + 1.0 / (8.0 * x), 1e-6 + 1e-9 * std::abs(top));
}

TEST(WaveformLikelihood, GradientsAreThoseOfDifferences) {
  const Emulator emulator = small_emulator(false);
  Observation o = observe(emulator, truth, {"wave"});
  o.deviations.resize(0);
  const double deviation = 0.05;
  const ForwardModelPtr model = forward_model(emulator);
  for (const Unknown phase : {Unknown::none, Unknown::parameter, Unknown::marginalise, Unknown::maximise})
    for (const Unknown time : {Unknown::none, Unknown::parameter, Unknown::marginalise, Unknown::maximise}) {
      const bool grid = time == Unknown::marginalise || time == Unknown::maximise;
      WaveformOptions options = white(deviation, phase, time, grid ? 0.4 : 0.0);
      options.amplitude = true;
      options.taper = taper_from_string("planck:0.1");
      const auto likelihood = waveform_likelihood(model, o, options);
      Vector theta(likelihood->size()), gradient(likelihood->size());
      theta.setConstant(0.1);
      theta.head(2) = near;
      theta[2] = 0.9;
      Workspace workspace;
      const double value = likelihood->evaluate(theta.data(), gradient.data(), workspace).log;
      EXPECT_EQ(value, likelihood->evaluate(theta.data(), nullptr, workspace).log);
      const Vector expected = differences(*likelihood, theta, Vector::Constant(theta.size(), 1e-3));
      EXPECT_LT((gradient - expected).norm(), 1e-5 * expected.norm())
          << static_cast<int>(phase) << " " << static_cast<int>(time);
    }
}

/// The transform is periodic, with at least twice the length of the series; the data are not. A shift of a
/// whole period is no second maximum, and what has left the data leaves noise.
TEST(WaveformLikelihood, AModelShiftedOutOfTheDataDoesNotComeBack) {
  const auto simulator = std::make_shared<Chirps>(60);
  const double truth_x[] = {1.0, 1.0};
  const Observation o = noisy(*simulator, truth_x, 0.1);
  const auto likelihood =
      waveform_likelihood(forward_model(simulator), o, white(0.1, Unknown::none, Unknown::parameter));
  Workspace workspace;
  const auto at = [&](double shift) {
    const double theta[] = {1.0, 1.0, shift};
    return likelihood->evaluate(theta, nullptr, workspace).log;
  };
  const SimulationResult run = simulator->run(truth_x);
  const double none =
      -0.5 * (o.values.squaredNorm() + run.outputs[0].squaredNorm() + run.outputs[1].squaredNorm()) / 0.01;
  ASSERT_GT(at(0.0), none + 1000.0);
  double best = none;  // the overlap at one step before the whole length: the faint ends of both
  for (double shift = 1.21; shift < 8.0; shift += 0.01) {
    best = std::max(best, at(shift));
    best = std::max(best, at(-shift));
  }
  EXPECT_NEAR(best, none, 1e-9 * std::abs(none));
  EXPECT_NEAR(at(1.19), none, 1.0);  // no step at the limit
}

TEST(WaveformLikelihood, WhatMakesNoSenseIsRefused) {
  const auto simulator = std::make_shared<Chirps>(60);
  const ForwardModelPtr model = forward_model(simulator);
  const double truth_x[] = {1.0, 1.0};
  const Observation good = noisy(*simulator, truth_x, 0.1);
  const auto refused = [&](const Observation& o, const WaveformOptions& options) {
    return message_of<UsageError>([&] { waveform_likelihood(model, o, options); });
  };
  EXPECT_NE(refused(good, {}).find("deviation"), std::string::npos);
  WaveformOptions options = white(0.1, Unknown::none, Unknown::marginalise);
  EXPECT_NE(refused(good, options).find("time_range"), std::string::npos);
  options = white(1e-9, Unknown::none, Unknown::marginalise, 0.5);
  EXPECT_NE(refused(good, options).find("narrow time_range"), std::string::npos);
  options = white(0.1, Unknown::none, Unknown::marginalise, 1.5);
  EXPECT_NE(refused(good, options).find("longer than the series"), std::string::npos);
  Observation with_errors = good;
  with_errors.deviations.setOnes(good.size());
  EXPECT_NE(refused(with_errors, white(0.1, Unknown::none, Unknown::none)).find("errors of their own"),
            std::string::npos);
  options = white(0.1, Unknown::none, Unknown::none);
  options.outside = Outside::widen;
  EXPECT_NE(refused(good, options).find("widen"), std::string::npos);
  Observation some = good;
  some.parts[0].entries.pop_back();
  some.values.conservativeResize(some.size() - 1);
  EXPECT_NE(refused(some, white(0.1, Unknown::none, Unknown::none)).find("all bins"), std::string::npos);
  options = white(0.1, Unknown::none, Unknown::none);
  options.low = 30.0;
  EXPECT_NE(refused(good, options).find("no frequency"), std::string::npos);
  EXPECT_THROW(unknown_from_string("parameter"), UsageError);
  const Emulator emulator = small_emulator(false, "ridge");
  Observation real = observe(emulator, truth, {"flux"});
  real.deviations.resize(0);
  EXPECT_NE(message_of<UsageError>([&] {
              waveform_likelihood(forward_model(emulator), real, white(0.1, Unknown::none, Unknown::none));
            }).find("is real"),
            std::string::npos);
}

}  // namespace
}  // namespace ersatz
