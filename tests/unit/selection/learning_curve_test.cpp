// Power laws with a floor: known ones found again, and curves of regressors whose error is known.

#include "ersatz/selection/learning_curve.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "ersatz/core/error.hpp"
#include "unit/emulator/small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::recipe_with;

TEST(PowerLaw, IsFoundAgain) {
  const std::vector<double> sizes{20, 40, 80, 160, 320, 640};
  for (const double exponent : {0.3, 0.5, 1.0, 2.5, 4.0})
    for (const double floor : {0.0, 0.01}) {
      const PowerLaw truth{floor, 3.0 * std::pow(20.0, exponent), exponent};
      std::vector<double> errors;
      for (const double n : sizes) errors.push_back(truth.at(n));
      const PowerLaw found = fit_power_law(sizes, errors);
      EXPECT_NEAR(found.exponent, exponent, 1e-4 * exponent) << floor;
      EXPECT_NEAR(found.floor, floor, 1e-4 * truth.at(640.0));
      EXPECT_NEAR(found.at(2000.0), truth.at(2000.0), 2e-3 * truth.at(2000.0));
      EXPECT_NEAR(found.runs_for(0.05 + floor), std::pow(truth.scale / 0.05, 1.0 / exponent),
                  2e-3 * std::pow(truth.scale / 0.05, 1.0 / exponent));
      EXPECT_TRUE(std::isinf(truth.runs_for(0.5 * floor)));
    }
}

/// Against all of a fine grid over the three constants.
TEST(PowerLaw, NoOtherFitsBetter) {
  const std::vector<double> n{10, 20, 40, 80}, e{1.0, 0.55, 0.4, 0.31};
  const auto misfit = [&](const PowerLaw& law) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n.size(); ++i) sum += std::pow(law.at(n[i]) / e[i] - 1.0, 2);
    return sum;
  };
  const double found = misfit(fit_power_law(n, e));
  for (int a = 0; a <= 60; ++a)
    for (int b = 0; b <= 100; ++b)
      for (int c = 0; c <= 60; ++c) {
        const double exponent = 0.1 + 0.05 * c;
        EXPECT_GE(misfit({0.005 * a, 0.02 * b * std::pow(10.0, exponent), exponent}), found - 1e-12);
      }
}

TEST(PowerLaw, FlatAndRising) {
  const PowerLaw flat = fit_power_law({10, 20, 40}, {0.5, 0.5, 0.5});
  EXPECT_NEAR(flat.at(1000.0), 0.5, 1e-9);
  EXPECT_TRUE(std::isinf(flat.runs_for(0.1)));
  EXPECT_TRUE(std::isinf(fit_power_law({10, 20, 40}, {0.3, 0.4, 0.5}).runs_for(0.1)));
  EXPECT_THROW(fit_power_law({10, 20}, {0.3, 0.2}), DataError);
  EXPECT_THROW(fit_power_law({10, 20, 40}, {0.3, 0.0, 0.1}), UsageError);
}

/// y = x₁ … on a plane with noise, learnt by least squares with d = 2 inputs: the squared error is
/// σ² (1 + 3/n + …), a floor of σ and a correction of first order.
Archive plane(Index n, double noise, std::uint64_t seed) {
  Archive a = testing::small_archive(n, seed);
  a.outputs.resize(1);
  a.values.resize(1);
  RandomStream random(seed + 100);
  for (Index i = 0; i < n; ++i)
    a.values[0](i, 0) = 2.0 * std::log(a.parameters(i, 0)) - a.parameters(i, 1) + noise * random.normal();
  return a;
}

TEST(LearningCurve, FloorIsTheNoise) {
  CurveOptions options;
  options.score = "rmse";
  options.sizes = {6, 9, 14, 30, 100, 300};
  options.folds = 20;
  options.tolerance = 0.05;
  FitContext context;
  context.random = RandomStream(2);
  const LearningCurve c = learning_curve(plane(600, 0.1, 1), recipe_with("linear"), options, context);
  ASSERT_EQ(c.points.size(), 6u);
  EXPECT_NEAR(c.points.back().error, 0.1, 0.01);
  EXPECT_GT(c.points.front().error, 1.1 * c.points.back().error);
  EXPECT_NEAR(c.law.floor, 0.1, 0.01);
  EXPECT_LE(c.floor.lower, c.law.floor);
  EXPECT_GE(c.floor.upper, c.law.floor);
  // The tolerance is below the noise: never, and it says so.
  ASSERT_TRUE(c.runs_needed);
  EXPECT_TRUE(std::isinf(c.runs_needed->value));
  EXPECT_GT(c.never, 0.9);
  ASSERT_EQ(c.ahead.size(), 2u);
  EXPECT_EQ(c.ahead[0].first, 1200);
  EXPECT_NEAR(c.ahead[0].second.value, 0.1, 0.01);

  // Same bits on threads; another seed draws other parts.
  ThreadExecutor threads(2);
  context.executor = &threads;
  const LearningCurve again = learning_curve(plane(600, 0.1, 1), recipe_with("linear"), options, context);
  EXPECT_EQ(again.points[1].error, c.points[1].error);
  EXPECT_EQ(again.exponent.upper, c.exponent.upper);
}

/// The nearest neighbour alone on a plane of two inputs: the error falls as the distance to it, n^(-1/2).
/// What 1000 runs give is foretold from 250, without bias over several sets, and mostly within the interval.
TEST(LearningCurve, ForetellsWhatMoreRunsGive) {
  const Recipe recipe = recipe_with(
      "knn", {{"k", 1.0}, {"weights", std::string("uniform")}, {"lengths", std::string("equal")}});
  double exponent = 0.0, log_ratio = 0.0;
  int within = 0;
  constexpr int sets = 8;
  for (std::uint64_t seed = 1; seed <= sets; ++seed) {
    CurveOptions options;
    options.score = "rmse";
    FitContext context;
    context.random = RandomStream(seed);
    const LearningCurve few = learning_curve(plane(250, 0.0, seed), recipe, options, context);
    options.sizes = {250, 500, 900};
    const LearningCurve many = learning_curve(plane(1000, 0.0, seed), recipe, options, context);
    const Estimate& foretold = few.ahead[1].second;  // at 1000 runs
    const double found = many.points[2].error * std::sqrt(900.0 / 1000.0);
    exponent += few.law.exponent / sets;
    log_ratio += std::log(foretold.value / found) / sets;
    within += foretold.lower <= found && found <= foretold.upper;
  }
  EXPECT_NEAR(exponent, 0.5, 0.15);
  EXPECT_NEAR(log_ratio, 0.0, 0.2);
  EXPECT_GE(within, sets / 2 + 1);
}

TEST(LearningCurve, SaysWhatIsWrong) {
  CurveOptions options;
  const Archive runs = plane(40, 0.1, 1);
  const auto why = [&] {
    return message_of<Error>([&] { learning_curve(runs, recipe_with("linear"), options, {}); });
  };
  options.score = "r2";
  EXPECT_NE(why().find("r2 is not"), std::string::npos) << why();
  options.score = "nrmse";
  options.sizes = {10, 20, 37};
  EXPECT_NE(why().find("37 runs: the folds have 2 to 36"), std::string::npos) << why();
  options.sizes = {10, 30, 20};
  EXPECT_NE(why().find("ascend"), std::string::npos) << why();
  options.sizes = {10, 30};
  EXPECT_NE(why().find("at least 3 sizes"), std::string::npos) << why();
  options.sizes.clear();
  options.tolerance = -1.0;
  EXPECT_NE(why().find("tolerance is -1"), std::string::npos) << why();
}

}  // namespace
}  // namespace ersatz
