// Folds, mismatches, scores against direct formulas, and the leaderboard's choice.

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "ersatz/core/error.hpp"
#include "ersatz/selection/compare.hpp"
#include "ersatz/selection/folds.hpp"
#include "ersatz/selection/scores.hpp"
#include "ersatz/transform/input_map.hpp"
#include "unit/emulator/small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::recipe_with;
using testing::small_archive;
constexpr double pi = 3.14159265358979323846;

// Folds -------------------------------------------------------------------------------------------------

Matrix repeated_points() {  // 30 rows, 12 different points
  Matrix X(30, 2);
  for (Index i = 0; i < 30; ++i) X.row(i) << static_cast<double>(i % 12), -1.0;
  return X;
}

TEST(Folds, EveryRowOnceAndCopiesTogether) {
  const Matrix X = repeated_points();
  for (const Index k : {2, 5, 12}) {
    const auto splits = k_folds(X, k, RandomStream(3));
    ASSERT_EQ(static_cast<Index>(splits.size()), k);
    std::multiset<Index> tested;
    for (const Split& s : splits) {
      EXPECT_EQ(s.train.size() + s.test.size(), 30u);
      EXPECT_TRUE(std::is_sorted(s.train.begin(), s.train.end()));
      EXPECT_TRUE(std::is_sorted(s.test.begin(), s.test.end()));
      tested.insert(s.test.begin(), s.test.end());
      std::set<double> learnt;
      for (const Index i : s.train) learnt.insert(X(i, 0));
      for (const Index i : s.test) EXPECT_EQ(learnt.count(X(i, 0)), 0u);
    }
    EXPECT_EQ(tested.size(), 30u);
    EXPECT_EQ(std::set<Index>(tested.begin(), tested.end()).size(), 30u);
  }
  EXPECT_EQ(k_folds(X, 5, RandomStream(3))[2].test, k_folds(X, 5, RandomStream(3))[2].test);
  EXPECT_NE(k_folds(X, 5, RandomStream(3))[2].test, k_folds(X, 5, RandomStream(4))[2].test);
  EXPECT_THROW(k_folds(X, 13, RandomStream(3)), UsageError);
  EXPECT_THROW(k_folds(X, 1, RandomStream(3)), UsageError);
}

TEST(Folds, RandomSplit) {
  const Matrix X = repeated_points();
  const Split s = random_split(X, 0.25, RandomStream(1));
  std::set<double> tested, learnt;
  for (const Index i : s.test) tested.insert(X(i, 0));
  for (const Index i : s.train) learnt.insert(X(i, 0));
  EXPECT_EQ(tested.size(), 3u);
  EXPECT_EQ(learnt.size(), 9u);
  EXPECT_THROW(random_split(X, 0.01, RandomStream(1)), UsageError);
  EXPECT_THROW(random_split(X, 0.99, RandomStream(1)), UsageError);
}

// Scores ------------------------------------------------------------------------------------------------

/// Predicts what it was told: mean b x, standard deviation s, for one input in 0 … 1.
class Told final : public Predictor {
 public:
  Told(Index outputs, double deviation) : outputs_(outputs), deviation_(deviation) {}
  std::string kind() const override { return "told"; }
  Index inputs() const override { return 1; }
  Index outputs() const override { return outputs_; }
  bool has_variance() const override { return true; }
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace&) const override {
    for (Index i = 0; i < X.rows(); ++i)
      for (Index j = 0; j < outputs_; ++j) mean(i, j) = X(i, 0) * static_cast<double>(j + 1);
  }
  void mean_and_variance(ConstMatrixRef X, MatrixRef m, MatrixRef variance, Noise,
                         Workspace& w) const override {
    mean(X, m, w);
    variance.setConstant(deviation_ * deviation_);
  }
  void save(const h5::Group&) const override {}

 private:
  Index outputs_;
  double deviation_;
};

struct ToldCase {
  Emulator emulator;
  Archive archive;
};

/// An emulator that says ± deviation, and n runs that scatter about its mean by `scatter`.
ToldCase told(Index n, Index m, double deviation, double scatter) {
  Archive a;
  a.space = ParameterSpace({{"x", "", 0.0, 1.0}});
  RandomStream random(8);
  a.parameters = a.space.sample(n, random);
  a.axes = {{"j", "", Vector::LinSpaced(m, 1.0, static_cast<double>(m))}};
  a.outputs = {{"y", "", "j", m, false}};
  a.values = {Matrix(n, m)};
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < m; ++j)
      a.values[0](i, j) = a.parameters(i, 0) * static_cast<double>(j + 1) + scatter * random.normal();
    a.status.push_back(RunStatus::done);
    a.messages.emplace_back();
    a.seconds.push_back(1.0);
  }
  Emulator::Parts parts;
  parts.space = a.space;
  parts.axes = a.axes;
  parts.outputs = a.outputs;
  parts.input_map = fit_input_map(a.space).transform;
  parts.channels = {{"y",
                     chain({}, m),
                     fit_basis("none", {}, a.values[0], false),
                     std::make_shared<Told>(m, deviation),
                     {}}};
  h5::File file = h5::File::in_memory("d");
  file.root().set("kind", "identity");
  file.root().set("output", "y");
  file.root().set("size", static_cast<std::int64_t>(m));
  file.root().set("complex", std::int64_t{0});
  parts.decodings = {{load_decoder(file.root()), {0}, {0}}};
  parts.guard = fit_domain_guard(a.parameters);
  return {Emulator(std::move(parts)), a};
}

TEST(Scores, AreTheDirectFormulas) {
  const ToldCase s = told(7, 3, 0.3, 0.5);
  const Validation v = validate(s.emulator, s.archive);
  const Matrix mean = s.emulator.predict(s.archive.parameters, false).mean[0], truth = s.archive.values[0];
  const Matrix error = mean - truth;
  const OutputScores& o = v.outputs.at(0);
  EXPECT_EQ(v.n, 7);
  EXPECT_NEAR(o.rmse, std::sqrt(error.squaredNorm() / 21.0), 1e-15);
  Matrix spread = truth;
  for (Index j = 0; j < 3; ++j) spread.col(j).array() -= truth.col(j).mean();
  EXPECT_NEAR(o.nrmse, error.norm() / spread.norm(), 1e-14);
  EXPECT_NEAR(o.r2, 1.0 - error.squaredNorm() / spread.squaredNorm(), 1e-14);
  EXPECT_EQ(o.max_abs, error.cwiseAbs().maxCoeff());
  std::vector<double> relative;
  for (Index i = 0; i < 7; ++i) relative.push_back(error.row(i).norm() / truth.row(i).norm());
  std::sort(relative.begin(), relative.end());
  EXPECT_NEAR(o.median_relative_l2, relative[3], 1e-15);
  EXPECT_NEAR(o.p95_relative_l2, relative[5] + 0.7 * (relative[6] - relative[5]), 1e-14);  // 0.95 · 6 = 5.7

  // CRPS by its definition, ∫ (F(t) - 1[t >= y])² dt, and the log score by the density.
  double crps = 0.0, log_score = 0.0, within = 0.0;
  for (Index i = 0; i < 7; ++i)
    for (Index j = 0; j < 3; ++j) {
      const double m = mean(i, j), y = truth(i, j), low = std::min(m, y) - 4.0, high = std::max(m, y) + 4.0;
      const int steps = 40000;
      const double h = (high - low) / steps;
      for (int k = 0; k < steps; ++k) {
        const double t = low + (k + 0.5) * h;
        const double f = 0.5 * std::erfc((m - t) / (0.3 * std::sqrt(2.0))) - (t >= y ? 1.0 : 0.0);
        crps += f * f * h;
      }
      log_score -= std::log(std::exp(-0.5 * std::pow((y - m) / 0.3, 2)) / (0.3 * std::sqrt(2.0 * pi)));
      within += std::abs(y - m) <= 0.3;
    }
  EXPECT_NEAR(o.crps, crps / 21.0, 2e-4);
  EXPECT_NEAR(o.log_score, log_score / 21.0, 1e-12);
  EXPECT_NEAR(o.coverage_68, within / 21.0, 1e-15);
  EXPECT_TRUE(std::isnan(o.mismatch_median));
  EXPECT_EQ(o.constant_bins, 0);
}

TEST(Scores, CoverageOfACalibratedPredictor) {
  const Index n = 3000, m = 4;
  const double count = static_cast<double>(n * m);
  const Validation good = validate(told(n, m, 0.5, 0.5).emulator, told(n, m, 0.5, 0.5).archive);
  EXPECT_NEAR(good.outputs[0].coverage_68, 0.6827, 5.0 * std::sqrt(0.6827 * 0.3173 / count));
  EXPECT_NEAR(good.outputs[0].coverage_95, 0.95, 5.0 * std::sqrt(0.95 * 0.05 / count));
  EXPECT_NEAR(good.outputs[0].crps, 0.5 / std::sqrt(pi), 0.01);  // σ/√π, by definition
  const OutputDiagnostics& d = good.diagnostics[0];
  for (Index l = 0; l < d.nominal.size(); ++l)
    EXPECT_NEAR(d.observed[l], d.nominal[l], 5.0 * 0.5 / std::sqrt(count));
  for (const double p : d.pit) EXPECT_NEAR(p, 0.05, 5.0 * std::sqrt(0.05 / count));
  // Error bars half as large as the error cover P(|z| < 1/2) = 38.3%.
  const Validation bold = validate(told(n, m, 0.25, 0.5).emulator, told(n, m, 0.25, 0.5).archive);
  EXPECT_NEAR(bold.outputs[0].coverage_68, 0.3829, 5.0 * 0.5 / std::sqrt(count));
  EXPECT_GT(bold.outputs[0].crps, good.outputs[0].crps);
}

TEST(Scores, ConstantBinsAndRowsOfZeros) {
  ToldCase s = told(9, 3, 0.3, 0.5);
  s.archive.values[0].col(1).setConstant(2.5);
  s.archive.values[0].row(4) << 0.0, 2.5, 0.0;
  EXPECT_EQ(validate(s.emulator, s.archive).outputs[0].constant_bins, 1);
  // Relative to a row of zeros the error is infinite; the median is not.
  s.archive.values[0].row(4).setZero();
  const OutputScores o = validate(s.emulator, s.archive).outputs[0];
  EXPECT_TRUE(std::isfinite(o.median_relative_l2));
  EXPECT_TRUE(std::isinf(o.p95_relative_l2));
  s = told(3, 2, 0.3, 0.5);
  s.archive.values[0].row(0).setZero();
  EXPECT_TRUE(std::isfinite(validate(s.emulator, s.archive).outputs[0].median_relative_l2));
  s.archive.values[0].setConstant(1.0);
  const OutputScores flat = validate(s.emulator, s.archive).outputs[0];
  EXPECT_TRUE(std::isnan(flat.nrmse));
  EXPECT_TRUE(std::isnan(flat.crps));
  EXPECT_EQ(flat.constant_bins, 2);
}

TEST(Scores, RefusesOtherParametersAndShapes) {
  const ToldCase s = told(5, 3, 0.3, 0.5);
  Archive other = s.archive;
  other.space = ParameterSpace({{"z", "", 0.0, 1.0}});
  EXPECT_THROW(validate(s.emulator, other), DataError);
  other = told(5, 4, 0.3, 0.5).archive;
  EXPECT_THROW(validate(s.emulator, other), DataError);
  other = s.archive;
  other.axes[0].values[1] += 1e-3;
  const std::string why = message_of<DataError>([&] { validate(s.emulator, other); });
  EXPECT_NE(why.find("bin 1"), std::string::npos) << why;
  other.axes[0].values = s.archive.axes[0].values * (1.0 + 1e-12);
  EXPECT_NO_THROW(validate(s.emulator, other));
  other = s.archive;
  other.outputs[0].name = "w";
  EXPECT_THROW(validate(s.emulator, other), DataError);
  for (RunStatus& status : other.status) status = RunStatus::failed;
  EXPECT_THROW(validate(s.emulator, other), DataError);
}

/// A second complex output on a shorter axis of its own is not of the same waveform.
TEST(Scores, GroupsAreModesOnOneAxis) {
  Archive a = small_archive(20);
  const auto add = [&a](const std::string& name, const std::string& axis, Index size) {
    a.outputs.push_back({name, "", axis, size, true});
    a.values.push_back(a.values[2].leftCols(2 * size));
  };
  a.axes.push_back({"short", "s", Vector::LinSpaced(7, 0.0, 1.0)});
  add("brief", "short", 7);
  const Emulator e = train_emulator(a, recipe_with("linear")).emulator;
  EXPECT_TRUE(validate(e, a).groups.empty());
  add("second", "time", 30);
  const Validation v = validate(train_emulator(a, recipe_with("linear")).emulator, a);
  ASSERT_EQ(v.groups.size(), 1u);
  EXPECT_EQ(v.groups[0].members, (std::vector<std::string>{"wave", "second"}));
  // Two equal modes: the mismatch of one.
  EXPECT_NEAR(v.groups[0].mismatch_median, v.outputs[2].mismatch_median, 1e-12);
  EXPECT_EQ(v.groups[0].mismatch.size(), 20);
  EXPECT_EQ(v.groups[0].worst.error, v.groups[0].mismatch.maxCoeff());
  EXPECT_EQ(v.mismatch.noise_curve, "flat");
}

/// Steps that are not equal are no series in time: reported, not guessed. What is asked for is named.
TEST(Scores, MismatchesAreWhatWasAskedFor) {
  const Archive a = small_archive(20);
  const Emulator e = train_emulator(a, recipe_with("linear")).emulator;
  MismatchOptions flat;
  flat.maximise = Maximise::none;
  const Validation plain = validate(e, a, 1, flat), both = validate(e, a, 2, {});
  EXPECT_EQ(plain.mismatch.maximised_over, "nothing");
  EXPECT_LE(both.outputs[2].mismatch_p95, plain.outputs[2].mismatch_p95);
  EXPECT_EQ(both.diagnostics[2].mismatch, validate(e, a, 1, {}).diagnostics[2].mismatch);
  MismatchOptions noisy;
  noisy.noise =
      NoiseCurve::tabulated("table", Vector::LinSpaced(3, 0.1, 10.0), Vector::LinSpaced(3, 1.0, 2.0));
  noisy.low = 0.2;
  const Validation v = validate(e, a, 1, noisy);
  EXPECT_EQ(v.mismatch.noise_curve, "table");
  EXPECT_EQ(v.mismatch.settings, "frequencies from 0.2");
  EXPECT_TRUE(std::isfinite(v.outputs[2].mismatch_median));
  noisy.total_mass = 60.0;  // the axis is in seconds
  EXPECT_THROW(validate(e, a, 1, noisy), UsageError);

  Archive uneven = a;
  uneven.axes[2].values[7] += 0.05;
  const Emulator other = train_emulator(uneven, recipe_with("linear")).emulator;
  const Validation none = validate(other, uneven);
  EXPECT_TRUE(std::isnan(none.outputs[2].mismatch_median));
  EXPECT_NE(none.outputs[2].missing.find("bin 7"), std::string::npos) << none.outputs[2].missing;

  const auto rows = compare(a, Recipe{}, {{"mean", {}}, {"linear", {}}}, 3, {}, flat);
  EXPECT_GT(rows[0].mismatch_median, rows[1].mismatch_median);
  EXPECT_GT(rows[1].mismatch_median, 0.0);
}

// The leaderboard -----------------------------------------------------------------------------------------

Archive scalar_archive(Index n, std::uint64_t seed, double (*f)(double, double), double noise) {
  Archive a = told(n, 1, 1.0, 0.0).archive;
  a.space = ParameterSpace({{"p", "", 0.0, 1.0}, {"q", "", 0.0, 1.0}});
  RandomStream random(seed);
  a.parameters = a.space.sample(n, random);
  for (Index i = 0; i < n; ++i)
    a.values[0](i, 0) = f(a.parameters(i, 0), a.parameters(i, 1)) + noise * random.normal();
  return a;
}

const ComparisonRow& winner(const std::vector<ComparisonRow>& rows) {
  const auto it = std::find_if(rows.begin(), rows.end(), [](const ComparisonRow& r) { return r.chosen; });
  EXPECT_NE(it, rows.end());
  EXPECT_EQ(std::count_if(rows.begin(), rows.end(), [](const ComparisonRow& r) { return r.chosen; }), 1);
  return *it;
}

TEST(Compare, TheSimplestThatServes) {
  const auto contestants = default_contestants();
  // A plane, exactly, and with noise.
  for (const double noise : {0.0, 0.1}) {
    const auto rows = compare(scalar_archive(
                                  60, 1, [](double p, double q) { return 2.0 * p - q; }, noise),
                              Recipe{}, contestants, 5, {});
    ASSERT_EQ(rows.size(), contestants.size());
    EXPECT_EQ(winner(rows).regressor, "linear") << noise << " " << winner(rows).why;
    EXPECT_NE(winner(rows).why, "");
    for (const ComparisonRow& r : rows) EXPECT_FALSE(r.why.empty()) << r.regressor;
    EXPECT_GT(rows[0].nrmse, 0.9);  // the mean explains nothing
  }
  // Noise alone.
  const auto rows = compare(scalar_archive(
                                60, 2, [](double, double) { return 0.0; }, 1.0),
                            Recipe{}, contestants, 5, {});
  EXPECT_EQ(winner(rows).regressor, "mean");
  EXPECT_NE(winner(rows).why.find("no regressor predicts better than the average"), std::string::npos);
  // Something that only the flexible ones can follow.
  const auto curved =
      compare(scalar_archive(
                  60, 3, [](double p, double q) { return std::sin(9.0 * p) * std::cos(4.0 * q); }, 0.0),
              Recipe{}, contestants, 5, {});
  EXPECT_EQ(winner(curved).regressor, "gp");
}

/// A run has no spread of its own: its error counts in units of that of all.
TEST(Compare, FoldsOfOneRun) {
  const auto line = [](double p, double q) { return 3.0 * p - 2.0 * q; };
  for (const char* score : {"nrmse", "rmse"}) {
    const auto rows = compare(scalar_archive(12, 6, line, 0.0), Recipe{}, {{"mean", {}}, {"linear", {}}}, 12,
                              {}, {}, score);
    EXPECT_EQ(winner(rows).regressor, "linear") << score;
    EXPECT_GT(rows[0].nrmse, 0.5);
    EXPECT_LT(rows[1].nrmse, 1e-10);
  }
  const auto constant = [](double, double) { return 4.0; };
  EXPECT_EQ(
      winner(compare(scalar_archive(12, 6, constant, 0.0), Recipe{}, {{"mean", {}}, {"linear", {}}}, 12, {}))
          .regressor,
      "mean");
}

class Failing final : public Regressor {
 public:
  std::string name() const override { return "failing"; }
  std::string settings() const override { return ""; }
  Fit fit(const TrainingData&, const FitContext&) const override { throw NumericalError("singular, always"); }
};

TEST(Compare, WhoCannotBeFittedStaysInTheTable) {
  register_regressor("failing", [](const Settings&) -> RegressorPtr { return std::make_shared<Failing>(); });
  const auto line = [](double p, double) { return p; };
  const auto rows = compare(scalar_archive(12, 4, line, 0.0), Recipe{},
                            {{"mean", {}}, {"failing", {}}, {"linear", {}}}, 3, {});
  EXPECT_EQ(winner(rows).regressor, "linear");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_TRUE(std::isnan(rows[1].nrmse));
  EXPECT_NE(rows[1].why.find("singular, always"), std::string::npos) << rows[1].why;
  EXPECT_THROW(compare(scalar_archive(3, 5, line, 0.0), Recipe{}, {{"mean", {}}}, 5, {}), UsageError);
}

}  // namespace
}  // namespace ersatz
