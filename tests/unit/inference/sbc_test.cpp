// Simulation-based calibration: posteriors of an emulator that knows its error, and of one that hides it.
#include "ersatz/inference/sbc.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/train.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;

constexpr Index bins = 48;

/// Curves of two parameters, bent enough that a dozen runs leave an error, and rising with each: posteriors
/// have one peak.
class Curves final : public Simulator {
 public:
  std::string name() const override { return "curves"; }
  std::string description() const override { return ""; }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }
  SimulationResult run(const double* x) const override {
    Vector y(bins);
    for (Index j = 0; j < bins; ++j) {
      const double t = axes_[0].values[j];
      y[j] = (1.0 + 0.5 * t) * x[0] + 0.4 * std::sin(2.0 * x[0] + t) + (2.0 - t) * x[1] +
             0.4 * std::cos(2.5 * x[1] - t) + 0.2 * std::sin(3.0 * x[0] * x[1]);
    }
    return {{y}, {}};
  }

 private:
  ParameterSpace space_{{{"a", "", -1.0, 1.0}, {"b", "", -1.0, 1.0}}};
  std::vector<Axis> axes_{{"t", "", Vector::LinSpaced(bins, 0.0, 2.0)}};
  std::vector<OutputSpec> outputs_{{"y", "", "t", bins, false}};
};

Emulator learnt(Index n) {
  const Curves curves;
  Archive archive;
  archive.space = curves.space();
  archive.axes = curves.axes();
  archive.outputs = curves.outputs();
  RandomStream random(3);
  archive.parameters = archive.space.sample(n, random);
  archive.values.emplace_back(n, bins);
  for (Index i = 0; i < n; ++i) {
    archive.values[0].row(i) = curves.run(archive.parameters.row(i).data()).outputs[0].transpose();
    archive.status.push_back(RunStatus::done);
    archive.messages.emplace_back();
    archive.seconds.push_back(1.0);
  }
  return train_emulator(archive, {}).emulator;
}

SbcOptions options(EmulatorError error) {
  const char* repeats = std::getenv("ERSATZ_REPEATS");
  SbcOptions o;
  o.data_sets = repeats ? std::atol(repeats) : 40;
  o.draws = repeats ? 99 : 39;
  o.bins = repeats ? 20 : 4;
  o.likelihood.emulator_error = error;
  if (error == EmulatorError::full) o.likelihood.outside = Outside::widen;  // no holes between the runs
  o.noise = 0.3;  // few data sets: what the emulator errs must show
  o.seed = 5;
  return o;
}

TEST(SimulationBasedCalibration, WithTheEmulatorsErrorRanksAreUniformWithoutTheyAreNot) {
  const Emulator emulator = learnt(12);
  const Curves curves;
  ThreadExecutor executor(2);
  const SbcResult with = simulation_based_calibration(emulator, curves, observation_layout(emulator),
                                                      options(EmulatorError::full), executor);
  EXPECT_TRUE(with.uniform());
  // Four of forty as written: chains that did not mix within their steps. The result counts them.
  EXPECT_LE(with.too_few, with.ranks.rows() / 5);
  const SbcResult without = simulation_based_calibration(emulator, curves, observation_layout(emulator),
                                                         options(EmulatorError::none), executor);
  EXPECT_FALSE(without.uniform());
  for (const RankHistogram& h : with.histograms)
    std::printf("[          ] with the covariance, %s: p = %g\n", h.parameter.c_str(), h.p_value);
  for (const RankHistogram& h : without.histograms) {
    std::printf("[          ] without, %s: p = %g\n", h.parameter.c_str(), h.p_value);
    // Too narrow: truths beyond all draws.
    EXPECT_GT(h.counts[0] + h.counts[h.counts.size() - 1],
              2.5 * h.counts.sum() / static_cast<double>(h.counts.size()));
  }
  const std::string page = render_html("curves", {with, without});
  EXPECT_NE(page.find("NOT uniform"), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
}

TEST(SimulationBasedCalibration, TheSameBitsOnAnyNumberOfThreads) {
  const Emulator emulator = learnt(12);
  const Curves curves;
  SbcOptions o = options(EmulatorError::full);
  o.data_sets = 10;
  o.bins = 2;
  o.draws = 9;
  SerialExecutor one;
  ThreadExecutor three(3);
  const SbcResult a = simulation_based_calibration(emulator, curves, observation_layout(emulator), o, one);
  const SbcResult b = simulation_based_calibration(emulator, curves, observation_layout(emulator), o, three);
  EXPECT_EQ(a.ranks, b.ranks);
  EXPECT_EQ(a.truths, b.truths);
  EXPECT_EQ(a.effective_sizes, b.effective_sizes);
}

TEST(SimulationBasedCalibration, HistogramsAreCounted) {
  const Matrix ranks = (Matrix(6, 1) << 0, 4, 5, 9, 9, 9).finished();
  const auto h = rank_histograms(ranks, {"a"}, 9, 2);
  EXPECT_EQ(h[0].counts, (Vector(2) << 2.0, 4.0).finished());
  EXPECT_NEAR(h[0].chi2, 1.0 / 3.0 + 1.0 / 3.0, 1e-14);
  EXPECT_NEAR(h[0].p_value, std::erfc(std::sqrt(h[0].chi2 / 2.0)), 1e-12);  // one degree of freedom
}

TEST(SimulationBasedCalibration, WhatMakesNoSenseIsRefused) {
  const Emulator emulator = learnt(12);
  const Curves curves;
  SerialExecutor executor;
  const auto refused = [&](const SbcOptions& o, Observation layout) {
    return message_of<UsageError>(
        [&] { simulation_based_calibration(emulator, curves, layout, o, executor); });
  };
  SbcOptions o = options(EmulatorError::full);
  o.bins = 7;
  EXPECT_NE(refused(o, observation_layout(emulator)).find("must divide"), std::string::npos);
  o = options(EmulatorError::full);
  o.data_sets = 4;
  EXPECT_NE(refused(o, observation_layout(emulator)).find("at least five"), std::string::npos);
  o = options(EmulatorError::full);
  o.likelihood.degrees_of_freedom = 3.0;
  EXPECT_NE(refused(o, observation_layout(emulator)).find("Gaussian"), std::string::npos);
  EXPECT_THROW(observation_layout(emulator, {"z"}), UsageError);
  const auto other = make_simulator("borehole");
  EXPECT_THROW(simulation_based_calibration(emulator, *other, observation_layout(emulator),
                                            options(EmulatorError::full), executor),
               UsageError);
}

}  // namespace
}  // namespace ersatz
