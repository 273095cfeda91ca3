// The space of a search, what it proposes, and searches that are stopped, resumed and nested.

#include "ersatz/selection/search.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

#include "core/gaussian.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/folds.hpp"
#include "selection/search_proposal.hpp"
#include "unit/emulator/small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::Scratch;
using testing::slurp;
using testing::small_archive;
using testing::spill;

const char* const nested_space = R"(
transform = ["center"]
regressor = {choices = [
  "linear",
  {name = "ridge", degree = {from = 1, to = 3, whole = true}, alpha = {from = 1e-6, to = 1e2, log = true}},
  {name = "knn", weights = {choices = ["uniform", "inverse-distance"]}},
]}
basis = {name = "pod", max_rank = {from = 2, to = 9, whole = true}}
)";

TEST(SearchSpace, OpensWhatIsOpen) {
  const SearchSpace space(nested_space, "space.toml");
  std::set<std::string> names;
  for (const SearchDimension& d : space.dimensions()) names.insert(d.name);
  EXPECT_EQ(names, (std::set<std::string>{"regressor", "regressor<1>.degree", "regressor<1>.alpha",
                                          "regressor<2>.weights", "basis.max_rank"}));
  const auto index = [&](const std::string& name) {
    for (Index k = 0; k < space.size(); ++k)
      if (space.dimensions()[static_cast<std::size_t>(k)].name == name) return k;
    return Index{-1};
  };
  Vector u = Vector::Constant(space.size(), 0.999);
  u[index("regressor")] = 0.5;
  u[index("regressor<1>.alpha")] = 0.25;
  u[index("regressor<1>.degree")] = 0.0;
  const SearchSpace::Point p = space.at(u);
  EXPECT_EQ(p.recipe.channel.regressor.name, "ridge");
  EXPECT_EQ(p.recipe.channel.regressor.settings.get("degree", Index{0}), 1);
  EXPECT_NEAR(p.recipe.channel.regressor.settings.get("alpha", 0.0), 1e-4, 1e-15);
  EXPECT_EQ(p.recipe.channel.basis.settings.get("max_rank", Index{0}), 9);
  EXPECT_EQ(p.recipe.channel.transforms.front().name, "center");
  EXPECT_EQ(p.canonical[index("regressor<2>.weights")], 0.5);  // not taken, does not count
  EXPECT_EQ(space.at(p.canonical).canonical, p.canonical);
  EXPECT_EQ(to_toml(space.at(p.canonical).recipe), to_toml(p.recipe));
}

TEST(SearchSpace, WholeNumbersHaveEqualShares) {
  const SearchSpace space("regressor = {name = \"knn\", k = {from = 2, to = 5, whole = true}}", "s");
  std::map<Index, int> counts;
  for (int i = 0; i < 4000; ++i)
    ++counts[space.at(Vector::Constant(1, (i + 0.5) / 4000.0))
                 .recipe.channel.regressor.settings.get("k", Index{0})];
  ASSERT_EQ(counts.size(), 4u);
  for (const auto& [k, n] : counts) EXPECT_NEAR(n, 1000, 2) << k;
}

TEST(SearchSpace, GridIsEachRecipeOnce) {
  // linear: 8 ranks; ridge: 3 degrees × 5 alphas × 8; knn: 2 × 8; ranks on 5 levels.
  const SearchSpace space(nested_space, "space.toml");
  const auto grid = space.grid();
  std::set<std::string> recipes;
  for (const Vector& u : grid) recipes.insert(to_toml(space.at(u).recipe));
  EXPECT_EQ(grid.size(), static_cast<std::size_t>(5 + 3 * 5 * 5 + 2 * 5));
  EXPECT_EQ(recipes.size(), grid.size());
  EXPECT_THROW(SearchSpace("regressor = {name = \"ridge\", alpha = {from = 1, to = 2, levels = 100000}}\n"
                           "basis = {name = \"pod\", tolerance = {from = 0.1, to = 0.2}}",
                           "s")
                   .grid(),
               UsageError);
}

TEST(SearchSpace, SaysWhatIsWrong) {
  const auto why = [](const std::string& toml) {
    return message_of<UsageError>([&] { SearchSpace(toml, "s.toml"); });
  };
  const auto says = [&](const std::string& toml, const std::string& what) {
    EXPECT_NE(why(toml).find(what), std::string::npos) << toml << ": " << why(toml);
    EXPECT_EQ(why(toml).rfind("s.toml", 0), 0u) << why(toml);
  };
  says("regressor = \"gp\"", "nothing is open");
  says("regressor = {choices = []}", "'choices' of 'regressor'");
  says("regressor = {choices = [\"gp\"], from = 1}", "unknown key 'from'");
  says("regressor = {name = \"ridge\", alpha = {from = 2, to = 1}}", "from 2 to 1");
  says("regressor = {name = \"ridge\", alpha = {from = 0, to = 1, log = true}}", "begins at 0");
  says("regressor = {name = \"ridge\", alpha = {from = 1}}", "lacks 'to'");
  says("regressor = {name = \"ridge\", alpha = {from = nan, to = 1}}", "finite");
  says("regressor = {name = \"ridge\", alpha = {from = 1, to = 2, steps = 3}}", "unknown key 'steps'");
  says("regressor = {name = \"knn\", k = {from = 1.5, to = 4, whole = true}}", "whole numbers");
  says("regressor = {choices = [\"gp\", \"oracle\"]}", "oracle");
  says("regressor = {name = \"ridge\", alfa = {from = 1, to = 2}}", "alfa");
  says("test_fraction = {from = 0.1, to = 0.2}", "test_fraction");
  says("regressor = {choices = [", "line 1");
}

/// E[max(b - Y, 0)] by drawing.
TEST(Search, ExpectedImprovement) {
  RandomStream random(3);
  for (const auto& [mean, deviation, best] :
       {std::tuple{0.3, 0.5, 0.0}, std::tuple{-0.2, 0.1, 0.0}, std::tuple{2.0, 1.5, 1.0}}) {
    const int n = 400000;
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < n; ++i) {
      const double gain = std::max(best - (mean + deviation * random.normal()), 0.0);
      sum += gain;
      squares += gain * gain;
    }
    EXPECT_NEAR(expected_improvement(best, mean, deviation), sum / n, 5.0 * std::sqrt(squares) / n);
  }
  EXPECT_EQ(expected_improvement(3.0, 1.0, 0.0), 2.0);
  EXPECT_EQ(expected_improvement(1.0, 3.0, 0.0), 0.0);
}

// Searches with a regressor whose error is known ------------------------------------------------------------

/// Predicts the mean of the training outputs plus an offset that grows with the distance of (a, b) from
/// (0.3, 0.01) (b by its logarithm).
class Offset final : public Predictor {
 public:
  Offset(Index inputs, Vector value) : inputs_(inputs), value_(std::move(value)) {}
  std::string kind() const override { return "offset"; }
  Index inputs() const override { return inputs_; }
  Index outputs() const override { return value_.size(); }
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace&) const override {
    for (Index i = 0; i < X.rows(); ++i) mean.row(i) = value_.transpose();
  }
  void save(const h5::Group&) const override {}

 private:
  Index inputs_;
  Vector value_;
};

class OffsetRegressor final : public Regressor {
 public:
  OffsetRegressor(double a, double b) : a_(a), b_(b) {}
  std::string name() const override { return "offset"; }
  std::string settings() const override { return ""; }
  Fit fit(const TrainingData& data, const FitContext&) const override {
    const double off = std::hypot(a_ - 0.3, 0.2 * (std::log10(b_) + 2.0));
    Fit fit;
    fit.predictor = std::make_shared<Offset>(
        data.x.cols(), Vector((data.y.colwise().mean().array() + 20.0 * off).matrix().transpose()));
    return fit;
  }

 private:
  double a_, b_;
};

void register_offset() {
  static const bool once = [] {
    register_regressor("offset", [](const Settings& s) -> RegressorPtr {
      s.check_known("regressor offset", {"a", "b"});
      return std::make_shared<OffsetRegressor>(s.get("a", 0.0), s.get("b", 1.0));
    });
    return true;
  }();
  (void)once;
}

const char* const bowl =
    "regressor = {name = \"offset\", a = {from = 0.0, to = 1.0}, b = {from = 1e-4, to = 1, log = true}}\n"
    "test_fraction = 0.25\n";

Archive one_output(Index n) {
  Archive a = small_archive(n);
  a.outputs.resize(1);
  a.values.resize(1);
  return a;
}

FitContext seeded(std::uint64_t seed) {
  FitContext context;
  context.random = RandomStream(seed);
  return context;
}

bool same(const SearchResult& a, const SearchResult& b) {
  if (a.trials.size() != b.trials.size() || a.best != b.best) return false;
  for (std::size_t i = 0; i < a.trials.size(); ++i)
    if (a.trials[i].unit != b.trials[i].unit || a.trials[i].score != b.trials[i].score) return false;
  return true;
}

TEST(Search, BayesianFindsTheBottom) {
  register_offset();
  const Archive runs = one_output(24);
  const SearchSpace space(bowl, "bowl");
  SearchOptions options;
  options.folds = 2;
  options.trials = 25;
  const SearchResult bayes = search(runs, space, options, seeded(1));
  ASSERT_GE(bayes.best, 0);
  EXPECT_EQ(bayes.trials.size(), 25u);
  const auto& settings = bayes.recipe.channel.regressor.settings;
  EXPECT_NEAR(settings.get("a", -1.0), 0.3, 0.05);
  EXPECT_NEAR(std::log10(settings.get("b", -1.0)), -2.0, 0.25);
  EXPECT_EQ(bayes.test_runs, 6);
  EXPECT_EQ(bayes.searched_runs, 18);
  // Better than as many at random, in the mean of five seeds.
  options.method = SearchMethod::random;
  double by_chance = 0.0, by_gain = 0.0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    options.method = SearchMethod::random;
    const SearchResult r = search(runs, space, options, seeded(seed));
    by_chance += r.trials[static_cast<std::size_t>(r.best)].score;
    options.method = SearchMethod::bayesian;
    const SearchResult b = search(runs, space, options, seeded(seed));
    by_gain += b.trials[static_cast<std::size_t>(b.best)].score;
  }
  EXPECT_LT(by_gain, by_chance);
}

TEST(Search, GridEndsWhenAllAreTried) {
  register_offset();
  const SearchSpace space(
      "regressor = {name = \"offset\", a = {from = 0.0, to = 0.6, levels = 3}, b = {choices = [0.001, 0.01, "
      "1.0]}}",
      "grid");
  SearchOptions options;
  options.method = SearchMethod::grid;
  options.folds = 2;
  const SearchResult r = search(one_output(20), space, options, seeded(1));
  EXPECT_EQ(r.trials.size(), 9u);
  EXPECT_EQ(r.end, SearchEnd::finished);
  EXPECT_NEAR(r.recipe.channel.regressor.settings.get("a", 0.0), 0.3, 1e-12);
  EXPECT_EQ(r.recipe.channel.regressor.settings.get("b", 0.0), 0.01);
  ThreadExecutor threads(8);  // four recipes at a time: 4, 4 and the last one
  FitContext parallel = seeded(1);
  parallel.executor = &threads;
  EXPECT_TRUE(same(r, search(one_output(20), space, options, parallel)));
}

TEST(Search, ResumedIsUndisturbed) {
  register_offset();
  const Scratch scratch;
  const Archive runs = one_output(24);
  const SearchSpace space(bowl, "bowl");
  for (const SearchMethod method : {SearchMethod::random, SearchMethod::bayesian}) {
    SearchOptions options;
    options.method = method;
    options.folds = 2;
    options.trials = 14;
    options.nested = 2;
    const SearchResult whole = search(runs, space, options, seeded(4));
    for (const Index workers : {3, 9}) {  // two recipes at a time, and five: 14 is no multiple of it
      ThreadExecutor threads(workers);
      FitContext parallel = seeded(4);
      parallel.executor = &threads;
      const SearchResult other = search(runs, space, options, parallel);
      EXPECT_TRUE(same(whole, other)) << workers;
      EXPECT_EQ(whole.nested->first, other.nested->first);
    }
    EXPECT_FALSE(same(whole, search(runs, space, options, seeded(5))));

    options.history = scratch(std::string(to_string(method)) + ".jsonl");
    options.trials = 6;
    search(runs, space, options, seeded(4));
    // A line that a kill has torn.
    spill(options.history, slurp(options.history) + "{\"unit\":[0.5,");
    options.resume = true;
    options.trials = 14;
    const SearchResult resumed = search(runs, space, options, seeded(4));
    EXPECT_EQ(resumed.kept, 6);
    EXPECT_TRUE(same(whole, resumed));
    ASSERT_TRUE(whole.nested && resumed.nested);
    EXPECT_EQ(whole.nested->first, resumed.nested->first);
    // Once more: nothing is left to do.
    const std::string before = slurp(options.history);
    EXPECT_TRUE(same(whole, search(runs, space, options, seeded(4))));
    EXPECT_EQ(slurp(options.history), before);
  }
}

TEST(Search, StopsAndKeeps) {
  register_offset();
  const Scratch scratch;
  const SearchSpace space(bowl, "bowl");
  std::atomic<bool> stop{true};
  SearchOptions options;
  options.folds = 2;
  options.stop = &stop;
  options.history = scratch("h.jsonl");
  const SearchResult none = search(one_output(20), space, options, seeded(1));
  EXPECT_EQ(none.end, SearchEnd::stopped);
  EXPECT_EQ(none.best, -1);
  stop = false;
  options.resume = true;
  options.seconds = 1e-9;
  EXPECT_EQ(search(one_output(20), space, options, seeded(1)).end, SearchEnd::out_of_time);
}

TEST(Search, RefusesAnotherHistory) {
  register_offset();
  const Scratch scratch;
  const SearchSpace space(bowl, "bowl");
  SearchOptions options;
  options.folds = 2;
  options.trials = 2;
  options.history = scratch("h.jsonl");
  search(one_output(20), space, options, seeded(1));
  const auto why = [&](const Archive& runs, std::uint64_t seed) {
    return message_of<UsageError>([&] { search(runs, space, options, seeded(seed)); });
  };
  EXPECT_NE(why(one_output(20), 1).find("--resume"), std::string::npos);
  options.resume = true;
  EXPECT_EQ(why(one_output(20), 1), "");
  EXPECT_NE(why(one_output(20), 2).find("seed is"), std::string::npos);
  EXPECT_NE(why(one_output(21), 1).find("data is"), std::string::npos);
  spill(options.history, "a recipe for soup\n");
  EXPECT_NE(why(one_output(20), 1).find("no history of a search"), std::string::npos);
  options.history.clear();
  options.trials = 0;
  EXPECT_THROW(search(one_output(20), space, options, seeded(1)), UsageError);
}

/// What the test runs hold changes nothing of a search, whatever it is.
TEST(Search, NeverSeesTheTestRuns) {
  const SearchSpace space(
      "regressor = {choices = [\"linear\", {name = \"ridge\", degree = 2}]}\ntest_fraction = 0.25", "s");
  Archive runs = one_output(32);
  SearchOptions options;
  options.folds = 3;
  options.trials = 2;
  const SearchResult clean = search(runs, space, options, seeded(9));
  const Split split = random_split(runs.parameters, 0.25, RandomStream(9).split("test"));
  for (const Index i : split.test) runs.values[0](i, 0) = 1e6 * static_cast<double>(i + 1);
  EXPECT_TRUE(same(clean, search(runs, space, options, seeded(9))));
  runs.values[0](split.train[0], 0) += 0.1;
  EXPECT_FALSE(same(clean, search(runs, space, options, seeded(9))));
}

/// Recipes that differ by luck alone: the best of many looks better than it is, the nested figure does not.
TEST(Search, NestedFigureIsHonest) {
  const SearchSpace space(
      "regressor = {name = \"knn\", k = {from = 1, to = 12, whole = true}, lengths = \"equal\", "
      "weights = {choices = [\"uniform\", \"inverse-distance\"]}}\ntest_fraction = 0.0",
      "s");
  double gap = 0.0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Archive noise = one_output(24);
    RandomStream random(seed);
    for (Index i = 0; i < 24; ++i) noise.values[0](i, 0) = random.normal();
    SearchOptions options;
    options.method = SearchMethod::grid;
    options.folds = 3;
    options.nested = 3;
    const SearchResult r = search(noise, space, options, seeded(seed));
    ASSERT_TRUE(r.nested);
    gap += (r.nested->first - r.trials[static_cast<std::size_t>(r.best)].score) / 8.0;
  }
  EXPECT_GT(gap, 0.0);
}

}  // namespace
}  // namespace ersatz
