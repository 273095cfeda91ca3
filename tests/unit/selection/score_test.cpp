// Scores against closed forms, and the choice by scores other than the NRMSE.

#include "ersatz/selection/score.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "ersatz/core/error.hpp"
#include "ersatz/selection/compare.hpp"
#include "ersatz/selection/folds.hpp"
#include "ersatz/selection/pipeline.hpp"
#include "unit/emulator/small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::small_archive;

/// Truth 3, 0.5, 2, 7 predicted as 2.5, 0, 2, 8.
struct Four {
  Matrix truth = (Matrix(4, 1) << 3.0, 0.5, 2.0, 7.0).finished();
  Matrix prediction = (Matrix(4, 1) << 2.5, 0.0, 2.0, 8.0).finished();
  Matrix std = (Matrix(4, 1) << 0.5, 1.0, 0.25, 2.0).finished();
  double of(const char* name, Index inputs = 1) const {
    return find_score(name).value({"y", prediction, truth, std, inputs});
  }
};

TEST(Score, ClosedForms) {
  const Four f;
  const double squares = 0.25 + 0.25 + 0.0 + 1.0, spread = 9.0 + 0.25 + 4.0 + 49.0 - 12.5 * 12.5 / 4.0;
  EXPECT_NEAR(f.of("rmse"), std::sqrt(squares / 4.0), 1e-15);
  EXPECT_NEAR(f.of("nrmse"), std::sqrt(squares / spread), 1e-15);
  EXPECT_NEAR(f.of("r2"), 1.0 - squares / spread, 1e-15);
  EXPECT_NEAR(f.of("adjusted-r2", 1), 1.0 - squares / spread * 3.0 / 2.0, 1e-15);
  EXPECT_TRUE(std::isnan(f.of("adjusted-r2", 3)));  // four rows cannot tell
  EXPECT_EQ(f.of("max-error"), 1.0);
  // Relative errors 1/6, 1, 0, 1/7: the median is between 1/7 and 1/6.
  EXPECT_NEAR(f.of("relative-l2"), 0.5 * (1.0 / 6.0 + 1.0 / 7.0), 1e-15);
  const double a = std::log(3.5 / 4.0), b = std::log(1.0 / 1.5), c = std::log(9.0 / 8.0);
  EXPECT_NEAR(f.of("rmsle"), std::sqrt((a * a + b * b + c * c) / 4.0), 1e-15);
}

/// The densities and the integrals of (F - step)² themselves.
TEST(Score, OfDistributions) {
  const Four f;
  double crps = 0.0, log_score = 0.0;
  for (Index i = 0; i < 4; ++i) {
    const double m = f.prediction(i, 0), s = f.std(i, 0), y = f.truth(i, 0);
    log_score -= std::log(std::exp(-0.5 * std::pow((y - m) / s, 2)) / (s * std::sqrt(2.0 * std::acos(-1.0))));
    const double low = std::min(m, y) - 9.0 * s, high = std::max(m, y) + 9.0 * s, h = (high - low) / 200000.0;
    for (int k = 0; k < 200000; ++k) {
      const double t = low + (k + 0.5) * h;
      const double d = 0.5 * std::erfc((m - t) / (s * std::sqrt(2.0))) - (t >= y ? 1.0 : 0.0);
      crps += d * d * h;
    }
  }
  EXPECT_NEAR(f.of("crps"), crps / 4.0, 2e-5);
  EXPECT_NEAR(f.of("log-score"), log_score / 4.0, 1e-13);
  Four flat;
  flat.truth.setConstant(2.0);
  EXPECT_TRUE(std::isnan(flat.of("crps")));
  EXPECT_TRUE(std::isnan(flat.of("nrmse")));
}

TEST(Score, RefusesWhatItIsNotOf) {
  Four f;
  f.prediction(1, 0) = -3.0;  // counts as 0, which it was
  EXPECT_EQ(f.of("rmsle"), Four().of("rmsle"));
  f.truth(2, 0) = -0.25;
  const std::string why = message_of<UsageError>([&] { f.of("rmsle"); });
  EXPECT_NE(why.find("'y' has -0.25"), std::string::npos) << why;
  const std::string unknown = message_of<UsageError>([] { find_score("mse"); });
  EXPECT_NE(unknown.find("unknown score 'mse'; known: nrmse, rmse"), std::string::npos) << unknown;
}

/// One output, no complex ones, with a large error in few places.
Archive rough_archive(Index n) {
  Archive a = small_archive(n);
  a.outputs.resize(1);
  a.values.resize(1);
  return a;
}

TEST(Score, DecidesComparisons) {
  const Archive a = rough_archive(40);
  const std::vector<Contestant> entrants{{"mean", {}}, {"linear", {}}, {"gp", {}}};
  const auto by_nrmse = compare(a, Recipe{}, entrants, 4, {});
  for (const char* name : {"rmse", "relative-l2", "r2", "adjusted-r2", "max-error", "crps", "log-score"}) {
    const auto rows = compare(a, Recipe{}, entrants, 4, {}, {}, name);
    EXPECT_TRUE(rows[2].chosen) << name;  // sin(a) over nine radians: only the process follows
    EXPECT_EQ(rows[2].score, name);
    EXPECT_EQ(rows[1].nrmse, by_nrmse[1].nrmse) << name;
    EXPECT_FALSE(rows[1].why.empty());
    const bool larger = find_score(name).larger_is_better;
    EXPECT_EQ(rows[2].value > rows[1].value, larger) << name;
  }
  EXPECT_TRUE(by_nrmse[2].score.empty());
  EXPECT_THROW(compare(a, Recipe{}, entrants, 4, {}, {}, "mismatch"), UsageError);
  EXPECT_THROW(compare(a, Recipe{}, entrants, 4, {}, {}, "luck"), UsageError);
}

/// A user's own, which likes bad predictions: the mean wins.
TEST(Score, OfAUser) {
  register_score({"perverse", "", true, false, false, OverOutputs::mean,
                  [](const ScoreData& d) { return (d.prediction - d.truth).cwiseAbs().sum(); }});
  const auto rows = compare(rough_archive(40), Recipe{}, {{"mean", {}}, {"gp", {}}}, 4, {}, {}, "perverse");
  EXPECT_TRUE(rows[0].chosen);
  EXPECT_GT(rows[0].value, rows[1].value);
  EXPECT_THROW(register_score({"perverse", "", true, false, false, OverOutputs::mean,
                               [](const ScoreData&) { return 0.0; }}),
               UsageError);
  EXPECT_THROW(register_score({"empty", "", true, false, false, OverOutputs::mean, nullptr}), UsageError);
}

TEST(Score, MismatchDecides) {
  const auto rows = compare(small_archive(30), Recipe{}, {{"mean", {}}, {"gp", {}}}, 3, {}, {}, "mismatch");
  EXPECT_TRUE(rows[1].chosen);
  EXPECT_LT(rows[1].value, rows[0].value);
}

// Leaks ---------------------------------------------------------------------------------------------------

TEST(Leaks, CopiesAndNeighboursAreFound) {
  RandomStream random(5);
  Matrix X(200, 3);
  for (Index i = 0; i < X.size(); ++i) X.data()[i] = 100.0 * random.uniform();
  EXPECT_EQ(find_repeats(X).copies, 0);
  EXPECT_EQ(find_repeats(X).close, 0);
  X.row(150) = X.row(20);  // a copy
  X.row(40) = X.row(171);  // near, below
  X(40, 1) += 1e-6;
  const Repeats r = find_repeats(X);
  EXPECT_EQ(r.copies, 1);
  EXPECT_EQ(r.close, 1);
  EXPECT_EQ(r.row, 171);
  EXPECT_EQ(r.earlier, 40);
  // Against all pairs, at a distance that many have.
  Index close = 0;
  Matrix U = X;
  for (Index k = 0; k < 3; ++k) {
    const double low = U.col(k).minCoeff(), range = U.col(k).maxCoeff() - low;
    U.col(k) = ((U.col(k).array() - low) / range).matrix();
  }
  for (Index i = 0; i < 200; ++i) {
    bool found = false;
    for (Index j = 0; j < i; ++j) {
      const double d = (U.row(i) - U.row(j)).cwiseAbs().maxCoeff();
      found = found || (d <= 0.1 && d > 0.0);
    }
    close += found;
  }
  EXPECT_GT(close, 20);
  EXPECT_EQ(find_repeats(X, 0.1).close, close);
}

/// Learns as `linear` does, and keeps what it was given.
class Recording final : public Regressor {
 public:
  static std::vector<TrainingData>& seen() {
    static std::vector<TrainingData> all;
    return all;
  }
  std::string name() const override { return "recording"; }
  std::string settings() const override { return ""; }
  Fit fit(const TrainingData& data, const FitContext& context) const override {
    seen().push_back(data);
    return make_regressor("linear")->fit(data, context);
  }
};

std::vector<TrainingData> recorded(const std::function<void()>& work) {
  Recording::seen().clear();
  work();
  return Recording::seen();
}

bool same(const TrainingData& a, const TrainingData& b) {
  return a.x == b.x && a.y == b.y && a.input_lower == b.input_lower && a.input_upper == b.input_upper;
}

/// Whatever held-out runs hold: scalers, transforms, bases and regressors are given the same bits without
/// them.
TEST(Leaks, NothingThatIsFittedSeesHeldOutRuns) {
  register_regressor("recording",
                     [](const Settings&) -> RegressorPtr { return std::make_shared<Recording>(); });
  const Archive clean = small_archive(30);
  const auto poisoned = [&](const std::vector<Index>& rows) {
    Archive a = clean;
    for (const Index i : rows)
      for (Matrix& values : a.values) values.row(i) *= 3.0 + 0.1 * static_cast<double>(i);
    return a;
  };
  FitContext context;
  context.random = RandomStream(6);
  const auto folds = k_folds(clean.parameters, 3, context.random.split("folds"));
  const auto compared = [&](const Archive& a) {
    return recorded([&] { compare(a, Recipe{}, {{"recording", {}}}, 3, context); });
  };
  const auto before = compared(clean), after = compared(poisoned(folds[1].test));
  ASSERT_EQ(before.size(), after.size());
  const std::size_t channels = before.size() / 3;
  ASSERT_GE(channels, 3u);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(same(before[i], after[i]), i / channels == 1)
        << "fit " << i;  // the other folds learn from them

  // train_model: the first emulator has not seen the test runs, the final one has.
  const Split split = random_split(clean.parameters, 0.2, context.random.split("test"));
  const Recipe recipe = testing::recipe_with("recording");
  Model model = train_model(clean, recipe, context, 1);
  const auto trained = [&](const Archive& a) {
    return recorded([&] { train_model(a, recipe, context, 1); });
  };
  const auto first = trained(clean), second = trained(poisoned(split.test));
  ASSERT_EQ(first.size(), 2 * channels);
  ASSERT_EQ(second.size(), 2 * channels);
  for (std::size_t i = 0; i < first.size(); ++i)
    EXPECT_EQ(same(first[i], second[i]), i < channels) << "fit " << i;

  // The model says which runs have tested it, and that it was the first one.
  const testing::Scratch scratch;
  ASSERT_TRUE(model.validation);
  EXPECT_EQ(model.validation->test_uses, 1);
  EXPECT_EQ(model.validation->test_hash, clean.subset(split.test).data_hash());
  const Model earlier = model;
  const std::size_t warnings = model.info.warnings.size();
  count_test_use(model, earlier);
  EXPECT_EQ(model.validation->test_uses, 2);
  EXPECT_EQ(model.info.warnings.size(), warnings + 1);
  save_model(scratch("m.h5"), model);
  EXPECT_EQ(load_model(scratch("m.h5")).validation->test_uses, 2);
  EXPECT_EQ(load_model(scratch("m.h5")).validation->test_hash, model.validation->test_hash);
  Model other = train_model(poisoned(split.test), recipe, context, 1);
  count_test_use(other, earlier);  // other runs: a fresh test
  EXPECT_EQ(other.validation->test_uses, 1);
}

}  // namespace
}  // namespace ersatz
