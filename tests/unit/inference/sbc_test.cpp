// Simulation-based calibration: posteriors of an emulator that knows its error, and of one that hides it.
#include "ersatz/inference/sbc.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "ersatz/core/error.hpp"
#include "ersatz/design/design.hpp"
#include "ersatz/emulator/train.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;

constexpr Index bins = 200;

/// Two parameters that are seen through straight lines, and four fields over them, each spread over all bins:
/// sums of waves that make draws of a Gaussian process (Rahimi & Recht 2007) with the Matern 5/2 kernel, so
/// that what an emulator claims of its error is right, and posteriors have one peak.
class Fields final : public Simulator {
 public:
  Fields() {
    RandomStream random(1);
    for (Matrix& w : waves_) {
      w.resize(200, 3);
      for (Index f = 0; f < w.rows(); ++f) {
        double chi2 = 0.0;  // frequencies of the kernel: Student t with five degrees of freedom
        for (int i = 0; i < 5; ++i) chi2 += std::pow(random.normal(), 2);
        const double scale = std::sqrt(5.0 / chi2) / length;
        w.row(f) << scale * random.normal(), scale * random.normal(), 2.0 * M_PI * random.uniform();
      }
    }
  }
  std::string name() const override { return "fields"; }
  std::string description() const override { return ""; }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }
  SimulationResult run(const double* x) const override {
    const Vector& t = axes_[0].values;
    Vector y = 1.5 * (x[0] * (1.0 + t.array()) + x[1] * (2.0 - t.array()));
    for (std::size_t k = 0; k < waves_.size(); ++k) {
      const Matrix& w = waves_[k];
      const double field = (w.col(0) * x[0] + w.col(1) * x[1] + w.col(2)).array().cos().sum();
      y.array() += 0.02 * field * (0.5 * M_PI * static_cast<double>(k) * t.array()).cos();
    }
    return {{y}, {}};
  }

 private:
  static constexpr double length = 0.7;
  std::array<Matrix, 4> waves_;  ///< frequencies by both parameters, phases
  ParameterSpace space_{{{"a", "", -1.0, 1.0}, {"b", "", -1.0, 1.0}}};
  std::vector<Axis> axes_{{"t", "", Vector::LinSpaced(bins, 0.0, 2.0)}};
  std::vector<OutputSpec> outputs_{{"y", "", "t", bins, false}};
};

Emulator learnt(const Simulator& simulator) {
  constexpr Index n = 40;
  Archive archive;
  archive.space = simulator.space();
  archive.axes = simulator.axes();
  archive.outputs = simulator.outputs();
  archive.parameters = make_design(DesignMethod::maximin, archive.space, n, RandomStream(3));
  archive.values.emplace_back(n, bins);
  for (Index i = 0; i < n; ++i) {
    double* x = archive.parameters.row(i).data();
    archive.space.from_unit(x, x);
    archive.values[0].row(i) = simulator.run(x).outputs[0].transpose();
    archive.status.push_back(RunStatus::done);
    archive.messages.emplace_back();
    archive.seconds.push_back(1.0);
  }
  const char* recipe =
      "decoder = \"identity\"\n"
      "transform = [\"center\"]\n"
      "regressor = {name = \"gp\", kernel = \"matern52\", mean = \"linear\", shared = true}\n";
  return train_emulator(archive, recipe_from_toml(recipe, "the test")).emulator;
}

/// Noise of the emulator's own error; 200 data sets where ERSATZ_REPEATS says so.
SbcOptions options(EmulatorError error) {
  const char* repeats = std::getenv("ERSATZ_REPEATS");
  SbcOptions o;
  o.data_sets = repeats ? std::atol(repeats) : 40;
  o.draws = repeats ? 99 : 39;
  o.bins = repeats ? 20 : 4;
  o.likelihood.emulator_error = error;
  o.seed = 5;
  return o;
}

TEST(SimulationBasedCalibration, WithTheEmulatorsErrorRanksAreUniformWithoutTheyAreNot) {
  const Fields fields;
  const Emulator emulator = learnt(fields);
  ThreadExecutor executor(2);
  const SbcResult with = simulation_based_calibration(emulator, fields, observation_layout(emulator),
                                                      options(EmulatorError::full), executor);
  EXPECT_TRUE(with.uniform());
  EXPECT_EQ(with.too_few, 0);
  const SbcResult without = simulation_based_calibration(emulator, fields, observation_layout(emulator),
                                                         options(EmulatorError::none), executor);
  EXPECT_FALSE(without.uniform());
  EXPECT_EQ(without.too_few, 0);
  for (const RankHistogram& h : with.histograms)
    std::printf("[          ] with the covariance, %s: p = %g\n", h.parameter.c_str(), h.p_value);
  for (const RankHistogram& h : without.histograms) {
    std::printf("[          ] without, %s: p = %g\n", h.parameter.c_str(), h.p_value);
    // Too narrow: truths beyond all draws.
    EXPECT_GT(h.counts[0] + h.counts[h.counts.size() - 1],
              2.5 * h.counts.sum() / static_cast<double>(h.counts.size()));
  }
  const std::string page = render_html("fields", {with, without});
  EXPECT_NE(page.find("NOT uniform"), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
}

TEST(SimulationBasedCalibration, TheSameBitsOnAnyNumberOfThreads) {
  const Fields fields;
  const Emulator emulator = learnt(fields);
  SbcOptions o = options(EmulatorError::full);
  o.data_sets = 10;
  o.bins = 2;
  o.draws = 9;
  SerialExecutor one;
  ThreadExecutor three(3);
  const SbcResult a = simulation_based_calibration(emulator, fields, observation_layout(emulator), o, one);
  const SbcResult b = simulation_based_calibration(emulator, fields, observation_layout(emulator), o, three);
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
  const Fields fields;
  const Emulator emulator = learnt(fields);
  SerialExecutor executor;
  const auto refused = [&](const SbcOptions& o, Observation layout) {
    return message_of<UsageError>(
        [&] { simulation_based_calibration(emulator, fields, layout, o, executor); });
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
