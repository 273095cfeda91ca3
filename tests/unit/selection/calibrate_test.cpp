// Calibrated emulators: factors against closed forms, the model file, and coverage on fresh runs.

#include "ersatz/selection/calibrate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ersatz/campaign/farm.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/standardisation.hpp"
#include "ersatz/selection/pipeline.hpp"
#include "ersatz/selection/scores.hpp"
#include "ersatz/simulators/test_functions.hpp"
#include "unit/emulator/small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::recipe_with;
using testing::small_archive;

Archive runs_of(const std::string& simulator, Index n, std::uint64_t seed) {
  const auto s = make_test_function(simulator);
  RandomStream random(seed);
  return simulate(*s, s->space().sample(n, random)).archive;
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

TEST(Calibrate, NormalHalfWidths) {
  EXPECT_NEAR(normal_half_width(0.95), 1.9599639845400545, 1e-12);
  EXPECT_NEAR(normal_half_width(0.68268949213708590), 1.0, 1e-12);
  for (const double z : {1e-3, 0.3, 2.0, 5.0})
    EXPECT_NEAR(normal_half_width(std::erf(z / std::sqrt(2.0))), z, 1e-7);
  EXPECT_THROW(normal_half_width(0.0), UsageError);
  EXPECT_THROW(normal_half_width(1.0), UsageError);
}

/// Errors three times as large as the deviations say, normal, independent in four bins; a fifth one is
/// constant.
struct Residuals {
  std::vector<Matrix> mean, std_dev, truth;
};

Residuals residuals(Index n) {
  RandomStream random(5);
  Residuals r{{Matrix::Zero(n, 5)}, {Matrix(n, 5)}, {Matrix(n, 5)}};
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < 5; ++j) {
      r.std_dev[0](i, j) = std::exp(random.normal());
      r.truth[0](i, j) = j == 4 ? 0.0 : (j == 3 ? 6.0 : 3.0) * r.std_dev[0](i, j) * random.normal();
    }
  return r;
}

TEST(Calibrate, FactorsOfNormalErrors) {
  const Residuals r = residuals(20000);
  const Calibration bins = calibrate(r.mean, r.std_dev, r.truth, true, "test");
  ASSERT_EQ(bins.levels.size(), 11);
  EXPECT_EQ(bins.method, "test");
  const OutputCalibration& c = bins.outputs[0];
  for (Index j = 0; j < 3; ++j) EXPECT_NEAR(c.scale[j], 3.0, 0.1);
  EXPECT_NEAR(c.scale[3], 6.0, 0.2);
  EXPECT_EQ(c.scale[4], 1.0);
  for (Index l = 0; l < 11; ++l) {
    EXPECT_NEAR(c.interval[l], normal_half_width(bins.levels[l]), 0.05);
    // Four independent ones within: (2 Φ(b) - 1)⁴.
    EXPECT_NEAR(std::pow(2.0 * normal_cdf(c.band[l]) - 1.0, 4), bins.levels[l], 0.02);
  }
  const Calibration whole = calibrate(r.mean, r.std_dev, r.truth, false, "test");
  EXPECT_EQ(whole.outputs[0].scale, Vector::Constant(5, whole.outputs[0].scale[0]));
  EXPECT_GT(whole.outputs[0].scale[0], 3.2);
  EXPECT_LT(whole.outputs[0].scale[0], 4.5);
}

TEST(Calibrate, FewRunsSayNothingAboutHighLevels) {
  const Residuals r = residuals(12);
  const Calibration c = calibrate(r.mean, r.std_dev, r.truth, false, "test");
  EXPECT_EQ(c.levels[c.levels.size() - 1], 0.9);  // 12 of 13 is less than 95 %
  const Residuals two = residuals(2);
  EXPECT_NE(
      message_of<DataError>([&] { calibrate(two.mean, two.std_dev, two.truth, false, ""); }).find("2 runs"),
      std::string::npos);
}

TEST(Calibrate, Options) {
  EXPECT_EQ(calibration_options("none").method, CalibrationOptions::Method::none);
  const CalibrationOptions o = calibration_options("split", {{"fraction", 0.4}, {"per", std::string("bin")}});
  EXPECT_EQ(o.fraction, 0.4);
  EXPECT_TRUE(o.per_bin);
  EXPECT_EQ(calibration_options("cross-validation", {{"folds", 7.0}}).folds, 7);
  EXPECT_NE(message_of<UsageError>([] { calibration_options("jacknife"); }).find("cross-validation"),
            std::string::npos);
  EXPECT_THROW(calibration_options("split", {{"fraction", 1.0}}), UsageError);
  EXPECT_THROW(calibration_options("split", {{"folds", 5.0}}), UsageError);
  EXPECT_THROW(calibration_options("cross-validation", {{"folds", 2.5}}), UsageError);
  EXPECT_THROW(calibration_options("cross-validation", {{"per", std::string("row")}}), UsageError);
  EXPECT_THROW(calibration_options("none", {{"per", std::string("bin")}}), UsageError);
}

TEST(Calibrate, RecipesKeepIt) {
  const Recipe r = recipe_from_toml("calibration = {name = \"split\", fraction = 0.3}", "here");
  EXPECT_EQ(r.calibration.name, "split");
  const Recipe again = recipe_from_toml(to_toml(r), "there");
  EXPECT_EQ(again.calibration.settings.get("fraction", 0.0), 0.3);
  EXPECT_EQ(recipe_from_toml("", "here").calibration.name, "none");
  Recipe wrong = recipe_with("linear");
  wrong.calibration = {"oracle", {}};
  EXPECT_NE(message_of<UsageError>([&] { train_model(small_archive(20), wrong, {}, 1); }).find("oracle"),
            std::string::npos);
}

/// The file, restriction to bins, covariances: all of them know the factors.
TEST(Calibrate, GoesWithTheEmulator) {
  const testing::Scratch scratch;
  const Archive runs = small_archive(60);
  Recipe recipe = recipe_with("ridge");
  recipe.decoder = {"identity", {}};
  recipe.calibration = {"cross-validation", {{"per", std::string("bin")}}};
  const Model model = train_model(runs, recipe, {}, 1);
  const Emulator& e = model.emulator;
  ASSERT_EQ(e.calibration().outputs.size(), 3u);
  EXPECT_NE(e.calibration().method.find("5 folds of 60 runs"), std::string::npos);
  save_model(scratch("m.h5"), model);
  const Emulator loaded = open_emulator(scratch("m.h5"));
  const Matrix X = runs.parameters.topRows(3);
  const Prediction plain = e.calibrated({}).predict(X, true), p = e.predict(X, true),
                   q = loaded.predict(X, true);
  for (std::size_t o = 0; o < 3; ++o) {
    const Vector& scale = e.calibration().outputs[o].scale;
    EXPECT_EQ(p.mean[o], plain.mean[o]);
    EXPECT_EQ(p.std[o], q.std[o]);
    EXPECT_LT((p.std[o] - plain.std[o] * scale.asDiagonal()).cwiseAbs().maxCoeff(), 1e-14);
    EXPECT_EQ(e.interval_factor(o, 0.93), loaded.interval_factor(o, 0.95));
    EXPECT_GE(e.band_factor(o, 0.95), e.interval_factor(o, 0.95));
  }
  EXPECT_NE(e.calibration().outputs[1].scale[0], e.calibration().outputs[1].scale[20]);
  Workspace workspace;
  for (const OutputCovariance& c : e.covariance(X.row(0).data(), workspace))
    for (std::size_t w = 0; w < c.outputs.size(); ++w) {
      const Vector diagonal = c.factors[w].colwise().squaredNorm().transpose() + c.diagonal[w];
      const Vector std_dev = p.std[static_cast<std::size_t>(c.outputs[w])].row(0).transpose();
      EXPECT_LT((diagonal.cwiseSqrt() - std_dev).cwiseAbs().maxCoeff(), 1e-12);
    }
  const Emulator some = e.restricted("lambda", {20, 3});
  const Prediction s = some.predict(X, true);
  EXPECT_NEAR(s.std[1](0, 0), p.std[1](0, 20), 1e-12);
  EXPECT_NEAR(s.std[1](0, 1), p.std[1](0, 3), 1e-12);

  EXPECT_NE(message_of<UsageError>([&] { e.interval_factor(0, 0.99); }).find("nothing above 0.95"),
            std::string::npos);
  EXPECT_THROW(e.interval_factor(3, 0.9), UsageError);
  EXPECT_THROW(e.interval_factor(0, 1.0), UsageError);
  EXPECT_THROW(e.calibrated({}).band_factor(0, 0.9), UsageError);
  EXPECT_NEAR(e.calibrated({}).interval_factor(0, 0.95), 1.96, 1e-3);
  Calibration wrong = e.calibration();
  wrong.outputs[1].scale.conservativeResize(7);
  EXPECT_THROW(e.calibrated(wrong), UsageError);
  wrong = e.calibration();
  wrong.outputs.pop_back();
  EXPECT_THROW(e.calibrated(wrong), UsageError);
  wrong = e.calibration();
  wrong.outputs[0].band[0] = INFINITY;
  EXPECT_THROW(e.calibrated(wrong), UsageError);
}

TEST(Calibrate, SplitLearnsFromTheRest) {
  const Archive runs = small_archive(60);
  Recipe recipe = recipe_with("linear");
  recipe.test_fraction = 0.0;
  recipe.calibration = {"split", {{"fraction", 0.5}}};
  const Model model = train_model(runs, recipe, {}, 1);
  EXPECT_EQ(model.info.training_runs, 30);
  EXPECT_EQ(model.emulator.guard().size(), 30);
  EXPECT_EQ(model.info.data_hash, runs.data_hash());
}

// A regressor that tells nothing of its error ------------------------------------------------------------

/// The value of the nearest run.
class Nearest final : public Predictor {
 public:
  Nearest(Matrix x, Matrix y) : x_(std::move(x)), y_(std::move(y)) {}
  std::string kind() const override { return "nearest-test"; }
  Index inputs() const override { return x_.cols(); }
  Index outputs() const override { return y_.cols(); }
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace&) const override {
    for (Index i = 0; i < X.rows(); ++i) {
      Index at = 0;
      (x_.rowwise() - X.row(i)).rowwise().squaredNorm().minCoeff(&at);
      mean.row(i) = y_.row(at);
    }
  }
  void save(const h5::Group& group) const override {
    group.write("x", x_);
    group.write("y", y_);
  }

 private:
  Matrix x_, y_;
};

class NearestRegressor final : public Regressor {
 public:
  std::string name() const override { return "nearest-test"; }
  std::string settings() const override { return ""; }
  Fit fit(const TrainingData& data, const FitContext&) const override {
    return {std::make_shared<Nearest>(data.x, data.y), {}};
  }
};

void register_nearest() {
  static const bool once = [] {
    register_regressor("nearest-test",
                       [](const Settings&) -> RegressorPtr { return std::make_shared<NearestRegressor>(); });
    register_predictor("nearest-test", [](const h5::Group& g) -> PredictorPtr {
      return std::make_shared<Nearest>(g.read_matrix("x"), g.read_matrix("y"));
    });
    return true;
  }();
  (void)once;
}

TEST(Calibrate, PredictorsWithoutVarianceGetErrorBars) {
  register_nearest();
  const testing::Scratch scratch;
  Recipe recipe = recipe_with("nearest-test");
  const Archive fresh = small_archive(400, 9);
  for (const char* calibration : {"none", "split", "cross-validation"}) {
    recipe.calibration = {calibration, {}};
    const Model model = train_model(small_archive(200), recipe, {}, 1);
    ASSERT_TRUE(model.emulator.has_std()) << calibration;
    EXPECT_GT(model.emulator.channels()[0].residual_variance[0], 0.0);
    const Validation v = validate(model.emulator, fresh);
    for (const OutputScores& s : v.outputs) {
      EXPECT_GT(s.coverage_68, 0.55) << calibration << " " << s.name;
      EXPECT_LT(s.coverage_68, calibration == std::string("none") ? 0.95 : 0.8)
          << calibration << " " << s.name;
      EXPECT_GT(s.coverage_95, 0.85) << calibration << " " << s.name;
    }
    save_model(scratch("m.h5"), model);
    const Prediction a = model.emulator.predict(fresh.parameters, true),
                     b = open_emulator(scratch("m.h5")).predict(fresh.parameters, true);
    EXPECT_EQ(a.std[1], b.std[1]);
  }
  // The mean square of what five folds leave, by hand: the same deviation everywhere.
  const Model model = train_model(small_archive(200), recipe_with("nearest-test"), {}, 1);
  const Prediction p = model.emulator.predict(fresh.parameters, true);
  EXPECT_LT(p.std[0].maxCoeff() - p.std[0].minCoeff(), 1e-12);
}

TEST(Calibrate, TooFewRunsForErrorBars) {
  register_nearest();
  Recipe recipe = recipe_with("nearest-test");
  recipe.test_fraction = 0.0;
  const Archive few = small_archive(4);
  EXPECT_FALSE(train_model(few, recipe, {}, 1).emulator.has_std());
  recipe.calibration = {"cross-validation", {{"folds", 2.0}}};
  EXPECT_THROW(train_model(few, recipe, {}, 1), UsageError);
}

// Coverage on fresh runs -----------------------------------------------------------------------------------

int repeats(int light) {
  const char* text = std::getenv("ERSATZ_REPEATS");
  return text ? std::min(std::atoi(text), 40) : light;
}

/// `split` with 300 runs aside: within three points, or three standard errors of what so few calibration runs
/// can tell. Cross-validation is held to that over many data sets; over four of them to be cautious.
TEST(CalibrateCoverage, GaussianProcess) {
  Recipe recipe = recipe_with("gp");
  recipe.test_fraction = 0.0;
  const Archive fresh = runs_of("borehole", 2000, 999);
  for (const char* name : {"split", "cross-validation"}) {
    const bool split = name == std::string("split");
    double c68 = 0.0, c95 = 0.0, before = 0.0;
    const int times = repeats(4);
    for (int r = 0; r < times; ++r) {
      recipe.calibration = {name, split ? Settings{{"fraction", 300.0 / 450.0}} : Settings{}};
      const Model model =
          train_model(runs_of("borehole", split ? 450 : 200, static_cast<std::uint64_t>(r)), recipe, {}, 1);
      const Validation v = validate(model.emulator, fresh);
      c68 += v.outputs[0].coverage_68 / times;
      c95 += v.outputs[0].coverage_95 / times;
      before += validate(model.emulator.calibrated({}), fresh).outputs[0].coverage_68 / times;
    }
    std::printf("borehole, gp, %s: 68 %% bars cover %.1f %%, 95 %% bars %.1f %% (before: %.1f %%)\n", name,
                100.0 * c68, 100.0 * c95, 100.0 * before);
    const auto slack = [&](double level) {
      return std::max(0.03, 3.0 * std::sqrt(level * (1.0 - level) / ((split ? 300.0 : 200.0) * times)));
    };
    EXPECT_GE(c68, 0.6827 - slack(0.6827)) << name;
    EXPECT_LE(c68, split || times >= 20 ? 0.6827 + slack(0.6827) : 0.80) << name;
    EXPECT_GE(c95, 0.95 - slack(0.95)) << name;
    EXPECT_LE(c95, 0.95 + slack(0.95)) << name;
  }
}

}  // namespace
}  // namespace ersatz
