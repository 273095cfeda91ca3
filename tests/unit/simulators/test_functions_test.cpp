// Test functions against published optima and values, closed-form moments, and the registry.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/simulators/simulator.hpp"
#include "ersatz/simulators/test_functions.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;

TEST(TestFunctions, BraninHasItsThreeMinima) {
  // Dixon & Szego (1978): 0.397887 = 10/(8 pi) at these three places.
  for (const auto& at : {std::array<double, 2>{-pi, 12.275}, {pi, 2.275}, {3.0 * pi, 2.475}}) {
    EXPECT_NEAR(branin(at.data()), 10.0 / (8.0 * pi), 1e-5);
    for (const double step : {-0.05, 0.05})
      for (std::size_t k = 0; k < 2; ++k) {
        auto moved = at;
        moved[k] += step;
        EXPECT_GT(branin(moved.data()), branin(at.data()));
      }
  }
  const double origin[2] = {0.0, 0.0};
  EXPECT_NEAR(branin(origin), 36.0 + 20.0 - 10.0 / (8.0 * pi), 1e-12);
}

TEST(TestFunctions, IshigamiHasItsClosedFormMoments) {
  // Mean a/2; variance a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2 (Saltelli et al. 2000). Midpoint rule: spectrally
  // accurate in the periodic x1, x2; second order in x3.
  const int n1 = 16, n2 = 16, n3 = 2000;
  double sum = 0.0, squares = 0.0;
  for (int i = 0; i < n1; ++i)
    for (int j = 0; j < n2; ++j)
      for (int k = 0; k < n3; ++k) {
        const double x[3] = {-pi + 2 * pi * (i + 0.5) / n1, -pi + 2 * pi * (j + 0.5) / n2,
                             -pi + 2 * pi * (k + 0.5) / n3};
        const double y = ishigami(x);
        sum += y;
        squares += y * y;
      }
  const double n = double(n1) * n2 * n3, mean = sum / n;
  EXPECT_NEAR(mean, 3.5, 1e-10);
  const double variance = 49.0 / 8.0 + 0.1 * std::pow(pi, 4) / 5.0 + 0.01 * std::pow(pi, 8) / 18.0 + 0.5;
  EXPECT_NEAR(squares / n - mean * mean, variance, 2e-4);
  const double corner[3] = {pi / 2, pi / 2, 0.0};
  EXPECT_NEAR(ishigami(corner), 8.0, 1e-12);
}

TEST(TestFunctions, HartmannHasItsMinimum) {
  const double best[6] = {0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573};
  EXPECT_NEAR(hartmann6(best), -3.32237, 1e-5);  // Dixon & Szego (1978)
  for (int k = 0; k < 6; ++k)
    for (const double step : {-0.02, 0.02}) {
      double moved[6];
      std::copy(best, best + 6, moved);
      moved[k] += step;
      EXPECT_GT(hartmann6(moved), hartmann6(best));
    }
}

TEST(TestFunctions, GramacyLeeHasItsHillAndItsValley) {
  const double hill[2] = {std::sqrt(0.5), 0.0}, valley[2] = {-std::sqrt(0.5), 0.0}, far[2] = {5.0, 5.0};
  EXPECT_NEAR(gramacy_lee(hill), std::sqrt(0.5) * std::exp(-0.5), 1e-15);
  EXPECT_NEAR(gramacy_lee(valley), -std::sqrt(0.5) * std::exp(-0.5), 1e-15);
  EXPECT_LT(gramacy_lee(far), 1e-20);
  for (const double step : {-0.05, 0.05}) {
    const double along[2] = {hill[0] + step, 0.0}, across[2] = {hill[0], step};
    EXPECT_LT(gramacy_lee(along), gramacy_lee(hill));
    EXPECT_LT(gramacy_lee(across), gramacy_lee(hill));
  }
}

TEST(TestFunctions, WingWeightOfTheSkyhawk) {
  // Baseline of a Cessna C172 (Forrester, Sobester & Keane 2008, Table 1.1), as rounded in the unit cube by
  // Gramacy (2020), Surrogates, Section 1.2, who leaves the paint term Sw Wp out and prints 233.9.
  const double skyhawk[10] = {174.0, 252.0, 7.52, 0.0, 33.98, 0.672, 0.12, 3.795, 2004.0, 0.0};
  EXPECT_NEAR(wing_weight(skyhawk), 233.9, 0.05);
  double painted[10];
  std::copy(skyhawk, skyhawk + 10, painted);
  painted[9] = 0.064;
  EXPECT_NEAR(wing_weight(painted) - wing_weight(skyhawk), 174.0 * 0.064, 1e-10);
  double swept[10];
  std::copy(skyhawk, skyhawk + 10, swept);
  swept[3] = 60.0;  // cos = 1/2: the first term grows by 4^0.6 * 2^-0.3
  EXPECT_NEAR(wing_weight(swept) / wing_weight(skyhawk), std::pow(4.0, 0.6) * std::pow(2.0, -0.3), 1e-12);
}

TEST(TestFunctions, BoreholeHasItsLimits) {
  // An impermeable upper aquifer stops the flow; without resistance in the borehole and with equal aquifers
  // the flow is 2 pi T dH / (2 ln(r/rw)): Thiem's equation with both aquifers in series.
  double x[8] = {0.1, 25050.0, 89335.0, 1050.0, 89.55, 760.0, 1400.0, 10950.0};
  // Written out another way: dH over the sum of three resistances in series.
  const double log_ratio = std::log(x[1] / x[0]);
  const double resistance =
      log_ratio / (2 * pi * x[2]) + x[6] / (pi * x[0] * x[0] * x[7]) + log_ratio / (2 * pi * x[4]);
  EXPECT_NEAR(borehole(x), (x[3] - x[5]) / resistance, 1e-10);
  x[7] = 1e18;
  x[4] = x[2];
  EXPECT_NEAR(borehole(x) / (pi * x[2] * (x[3] - x[5]) / log_ratio), 1.0, 1e-8);
  x[3] = x[5];
  EXPECT_EQ(borehole(x), 0.0);
}

TEST(Registry, EverySimulatorRunsInTheMiddleOfItsSpace) {
  for (const auto& name : simulator_names()) {
    const auto simulator = make_simulator(name);
    EXPECT_EQ(simulator->name(), name);
    EXPECT_GT(simulator->description().size(), 50u) << name;
    const auto& space = simulator->space();
    const Vector u = Vector::Constant(space.size(), 0.5);
    Vector x(space.size());
    space.from_unit(u.data(), x.data());
    const auto result = simulator->run(x.data());
    ASSERT_TRUE(result.ok()) << name << ": " << result.failure;
    ASSERT_EQ(result.outputs.size(), simulator->outputs().size());
    for (std::size_t i = 0; i < result.outputs.size(); ++i) {
      const auto& spec = simulator->outputs()[i];
      EXPECT_EQ(result.outputs[i].size(), spec.width()) << name;
      EXPECT_TRUE(result.outputs[i].allFinite()) << name;
      bool axis_found = false;
      for (const auto& axis : simulator->axes())
        if (axis.name == spec.axis) axis_found = axis.values.size() == spec.size;
      EXPECT_TRUE(axis_found) << name << " " << spec.name;
    }
  }
}

TEST(Registry, UnknownNamesAndUndefinedPoints) {
  try {
    make_simulator("borhole");
    FAIL();
  } catch (const UsageError& e) {
    EXPECT_NE(std::string(e.what()).find("borehole"), std::string::npos);
  }
  const double bad[8] = {-0.1, 25050.0, 89335.0, 1050.0, 89.55, 760.0, 1400.0, 10950.0};
  const auto result = make_simulator("borehole")->run(bad);
  EXPECT_FALSE(result.ok());
  EXPECT_NE(result.failure.find("rw = -0.1"), std::string::npos);
}

}  // namespace
}  // namespace ersatz
