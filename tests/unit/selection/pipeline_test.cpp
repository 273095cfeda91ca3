// The whole pipeline on the borehole function: small errors, sane error bars, and every kind of poor data.

#include "ersatz/selection/pipeline.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "ersatz/campaign/farm.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/scores.hpp"
#include "ersatz/simulators/test_functions.hpp"
#include "ersatz/simulators/waveform.hpp"
#include "ersatz/transform/conditioning.hpp"
#include "unit/emulator/small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::recipe_with;

Archive borehole_runs(Index n, std::uint64_t seed) {
  const auto simulator = make_test_function("borehole");
  RandomStream random(seed);
  return simulate(*simulator, simulator->space().sample(n, random)).archive;
}

bool same_bits(const Matrix& a, const Matrix& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(double)) == 0;
}

/// One run set aside has no spread: no errors in units of it, and no advice that they are equal.
TEST(Pipeline, OneTestRunRecommendsNothing) {
  const testing::Scratch scratch;
  const Model model = train_model(borehole_runs(5, 3), recipe_with("ridge"), {}, 1);
  ASSERT_TRUE(model.validation);
  ASSERT_EQ(model.validation->n, 1);
  ASSERT_GE(model.comparison.size(), 4u);
  for (const ComparisonRow& row : model.comparison) {
    EXPECT_TRUE(std::isnan(row.nrmse) && std::isnan(row.nrmse_se)) << row.regressor;
    EXPECT_EQ(row.why.find("simpler"), std::string::npos) << row.regressor;
  }
  save_model(scratch("m.h5"), model);
  EXPECT_TRUE(std::isnan(load_model(scratch("m.h5")).comparison[0].nrmse));
}

TEST(Pipeline, LearnsTheBorehole) {
  const testing::Scratch scratch;
  const Archive runs = borehole_runs(100, 1), fresh = borehole_runs(400, 2);
  const Model model = train_model(runs, recipe_with("gp"), {}, 1);
  ASSERT_TRUE(model.validation);
  EXPECT_EQ(model.validation->n, 20);
  EXPECT_EQ(model.info.training_runs, 100);
  const Validation v = validate(model.emulator, fresh);
  EXPECT_LT(v.outputs[0].nrmse, 0.05);
  EXPECT_GT(v.outputs[0].coverage_68, 0.5);
  EXPECT_LT(v.outputs[0].coverage_68, 0.9);
  EXPECT_GT(v.outputs[0].coverage_95, 0.8);
  // What it says about itself on the runs set aside is of the size that fresh ones confirm.
  EXPECT_LT(v.outputs[0].nrmse, 2.0 * model.validation->outputs[0].nrmse);
  EXPECT_FALSE(model.comparison.empty());

  save_model(scratch("m.h5"), model);
  const Model loaded = load_model(scratch("m.h5"));
  const Prediction a = model.emulator.predict(fresh.parameters, true),
                   b = loaded.emulator.predict(fresh.parameters, true);
  EXPECT_TRUE(same_bits(a.mean[0], b.mean[0]));
  EXPECT_TRUE(same_bits(a.std[0], b.std[0]));
  EXPECT_EQ(loaded.validation->outputs[0].nrmse, model.validation->outputs[0].nrmse);
  EXPECT_EQ(loaded.comparison.size(), model.comparison.size());
}

/// What the report shows of a basis: errors against the rank by direct projection.
TEST(Pipeline, TellsWhatTheBasisLeaves) {
  const testing::Scratch scratch;
  const Archive runs = testing::small_archive(60);
  Recipe recipe = recipe_with("linear");
  recipe.decoder = {"identity", {}};
  const Model model = train_model(runs, recipe, {}, 1);
  save_model(scratch("m.h5"), model);
  const Model loaded = load_model(scratch("m.h5"));
  ASSERT_EQ(loaded.info.channels.size(), 3u);
  EXPECT_EQ(loaded.info.channels[0].basis_view.rank.size(), 0);  // one value: no basis
  recipe.test_fraction = 0.0;
  const Model whole = train_model(runs, recipe, {}, 1);
  const Prepared prepared = prepare(runs, recipe);
  for (const std::size_t c : {1u, 2u}) {
    const BasisView& part = loaded.info.channels[c].basis_view;
    EXPECT_EQ(part.validation_error.size(), part.rank.size());
    EXPECT_GE(part.validation_error[2], 0.2 * part.training_error[2]);
    EXPECT_EQ(part.axis, c == 1 ? "lambda" : "time");
    EXPECT_EQ(part.elements, model.info.channels[c].basis_view.elements);

    const BasisView& view = whole.info.channels[c].basis_view;
    EXPECT_EQ(view.validation_error.size(), 0);
    const PreparedChannel& p = prepared.channels[c];
    const Index parts = c == 2 ? 2 : 1;
    ASSERT_EQ(view.rank.size(), p.elements + 1);
    EXPECT_EQ(view.elements.rows(), std::min<Index>(3, p.elements));
    const Matrix z = forward_rows(*p.transform, runs.values[c]);
    for (const Index r : {Index{0}, Index{1}, p.elements}) {
      Matrix left = z;
      const Matrix e = p.basis->elements().topRows(parts * r);  // orthonormal, real and imaginary parts alike
      left -= (z * e.transpose()) * e;
      EXPECT_NEAR(view.training_error[r], left.norm() / z.norm(), 1e-10) << c << " " << r;
    }
  }
}

/// Aligned inspirals to the frequency domain, amplitude and phase learnt apart.
TEST(Pipeline, LearnsInTheFrequencyDomain) {
  const auto simulator = make_waveform_aligned({-3000.0, 1001, 0.06, 1e-10});
  const auto runs = [&](Index n, std::uint64_t seed) {
    RandomStream random(seed);
    return simulate(*simulator, simulator->space().sample(n, random)).archive;
  };
  Conditioning c;
  c.taper = taper_from_string("planck:0.7:0.25");
  c.frequencies = Vector::LinSpaced(60, -0.0125, -0.0095);
  c.align_at = -0.011;
  Recipe recipe = recipe_with("ridge", {{"degree", 4.0}});
  recipe.decoder = {"amplitude-phase", {}};
  recipe.test_fraction = 0.0;
  const Emulator e = train_model(condition(runs(150, 1), {}, c), recipe, {}, 1).emulator;
  MismatchOptions ligo;
  ligo.noise = NoiseCurve::named("advanced-ligo");
  ligo.total_mass = 60.0;
  for (const MismatchOptions& o : {MismatchOptions{}, ligo}) {
    const Validation v = validate(e, condition(runs(60, 2), {}, c), 1, o);
    EXPECT_LT(v.outputs[0].mismatch_median, 1e-4);
    EXPECT_LT(v.outputs[0].mismatch_p95, 1e-3);
  }
}

TEST(Pipeline, SameBitsWhateverTheThreads) {
  const Archive runs = borehole_runs(50, 3);
  const Matrix X = borehole_runs(20, 4).parameters;
  for (const char* regressor : {"gp", "ridge", "lasso"}) {
    std::vector<Prediction> predictions;
    for (const Index threads : {1, 2, 1}) {
      const auto executor = make_executor(threads);
      FitContext context;
      context.executor = executor.get();
      context.random = RandomStream(5);
      predictions.push_back(train_emulator(runs, recipe_with(regressor), context).emulator.predict(X, true));
    }
    for (const std::size_t k : {1u, 2u}) {
      EXPECT_TRUE(same_bits(predictions[0].mean[0], predictions[k].mean[0])) << regressor << k;
      EXPECT_TRUE(same_bits(predictions[0].std[0], predictions[k].std[0])) << regressor << k;
    }
  }
}

TEST(Pipeline, AutoTakesTheSimplestThatServes) {
  Archive runs = borehole_runs(60, 6);
  for (Index i = 0; i < 60; ++i)
    runs.values[0](i, 0) = 3.0 * runs.parameters(i, 0) + 1e-3 * runs.parameters(i, 7);
  const Model model = train_model(runs, recipe_with("auto"), {}, 1);
  EXPECT_EQ(model.info.channels[0].regressor.rfind("linear", 0), 0u) << model.info.channels[0].regressor;
}

TEST(Pipeline, FailedRunsAreLeftOut) {
  Archive runs = borehole_runs(40, 7);
  std::vector<Index> good;
  for (Index i = 0; i < 40; ++i) {
    if (i % 4 == 1) {
      runs.status[static_cast<std::size_t>(i)] = RunStatus::failed;
      runs.values[0].row(i).setConstant(std::nan(""));
    } else {
      good.push_back(i);
    }
  }
  const Matrix X = borehole_runs(10, 8).parameters;
  const TrainedEmulator some = train_emulator(runs, recipe_with("ridge")),
                        only = train_emulator(runs.subset(good), recipe_with("ridge"));
  EXPECT_TRUE(same_bits(some.emulator.predict(X, true).std[0], only.emulator.predict(X, true).std[0]));
  EXPECT_EQ(some.info.failed_runs, 10);
  EXPECT_EQ(some.info.training_runs, 30);

  for (RunStatus& s : runs.status) s = RunStatus::failed;
  const std::string why = message_of<DataError>([&] { train_model(runs, Recipe{}, {}, 1); });
  EXPECT_NE(why.find("40 of them failed"), std::string::npos) << why;
  runs = borehole_runs(5, 9);
  runs.values[0](3, 0) = std::nan("");
  EXPECT_NE(message_of<DataError>([&] { train_emulator(runs, Recipe{}); }).find("row 3"), std::string::npos);
}

/// Trains, and checks that every prediction at the runs is finite; the warnings.
std::vector<std::string> poor(const Archive& runs, const std::string& regressor) {
  const Model model = train_model(runs, recipe_with(regressor), {}, 1);
  const Prediction p = model.emulator.predict(runs.parameters, model.emulator.has_std());
  EXPECT_TRUE(p.mean[0].allFinite());
  if (!p.std.empty()) {
    EXPECT_TRUE(p.std[0].allFinite());
  }
  return model.info.warnings;
}

TEST(Pipeline, PoorDataEndWellOrAreRefusedByName) {
  for (const char* regressor : {"mean", "linear", "ridge", "gp"}) {
    SCOPED_TRACE(regressor);
    EXPECT_THROW(train_model(borehole_runs(1, 10), recipe_with(regressor), {}, 1), DataError);
    const auto few = poor(borehole_runs(2, 10), regressor);
    ASSERT_FALSE(few.empty());
    EXPECT_NE(few[0].find("only 2 runs"), std::string::npos) << few[0];
    Archive constant = borehole_runs(30, 11);
    constant.values[0].setConstant(42.0);
    poor(constant, regressor);
    const Model flat = train_model(constant, recipe_with(regressor), {}, 1);
    EXPECT_NEAR(flat.emulator.predict(borehole_runs(3, 12).parameters, false).mean[0](1, 0), 42.0, 1e-9);

    const Archive base = borehole_runs(15, 13);
    std::vector<Index> rows(30);
    for (std::size_t i = 0; i < 30; ++i) rows[i] = static_cast<Index>(i % 15);
    poor(base.subset(rows), regressor);  // every point twice

    // One point many times: nothing can be set aside, and that is said.
    const auto warnings = poor(base.subset(std::vector<Index>(12, 0)), regressor);
    ASSERT_FALSE(warnings.empty());
    EXPECT_NE(warnings[0].find("set aside"), std::string::npos) << warnings[0];
  }
}

}  // namespace
}  // namespace ersatz
