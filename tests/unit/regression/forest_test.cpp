// What is special to the random forest: its trees against their definition, out-of-bag residuals, files.
#include "ersatz/regression/forest.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "regression/forest_growth.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace problems;

class Forest : public testing::Test {
 protected:
  void SetUp() override {
    if (!forest_is_built()) GTEST_SKIP() << "built without XGBoost";
  }
};

double squared_error(const std::vector<Index>& rows, const Vector& y, const Vector& weight) {
  double sum = 0.0, total = 0.0, error = 0.0;
  for (const Index row : rows) {
    sum += weight[row] * y[row];
    total += weight[row];
  }
  for (const Index row : rows) error += weight[row] * (y[row] - sum / total) * (y[row] - sum / total);
  return error;
}

// Each split of a grown tree leaves the least squared error that any threshold on any input leaves of the
// sample there (Breiman et al. 1984), found by trying all; leaves hold one value each.
TEST_F(Forest, SplitsAreTheBestOnes) {
  const Index n = 24, d = 3;
  const TrainingData data = smooth(n, 5, 0.2);
  Matrix ranks(n, d);
  for (Index k = 0; k < d; ++k)
    for (Index i = 0; i < n; ++i)
      ranks(i, k) = static_cast<double>((data.x.col(k).array() < data.x(i, k)).count());
  Vector y = data.y.col(0);
  y.array() -= y.mean();
  y /= std::sqrt(y.squaredNorm() / static_cast<double>(n));
  RandomStream random(3);
  Matrix weights = Matrix::Zero(n, 4);
  for (Index t = 0; t < 4; ++t)
    for (Index i = 0; i < n; ++i)
      weights(static_cast<Index>(random.below(static_cast<std::uint64_t>(n))), t) += 1.0;
  const std::vector<GrownTree> trees = grow_trees(ranks, y, weights, {4, 1, 1.0}, RandomStream(1));
  ASSERT_EQ(trees.size(), 4u);
  Index splits = 0;
  for (Index t = 0; t < 4; ++t) {
    const Vector w = weights.col(t);
    std::vector<Index> all;
    for (Index i = 0; i < n; ++i)
      if (w[i] > 0.0) all.push_back(i);
    std::vector<std::pair<Index, std::vector<Index>>> open{{0, all}};
    while (!open.empty()) {
      const auto [at, rows] = open.back();
      open.pop_back();
      const GrownNode& node = trees[static_cast<std::size_t>(t)][static_cast<std::size_t>(at)];
      if (node.input < 0) {
        EXPECT_LT(squared_error(rows, y, w), 1e-5);
        continue;
      }
      ++splits;
      const auto left_with = [&](Index input, double below) {
        std::vector<Index> left, right;
        for (const Index row : rows) (ranks(row, input) < below ? left : right).push_back(row);
        return std::pair(left, right);
      };
      double least = HUGE_VAL;
      for (Index k = 0; k < d; ++k)
        for (const Index row : rows) {
          const auto [left, right] = left_with(k, ranks(row, k));
          if (!left.empty()) least = std::min(least, squared_error(left, y, w) + squared_error(right, y, w));
        }
      const auto [left, right] = left_with(node.input, node.below);
      ASSERT_FALSE(left.empty() || right.empty());
      EXPECT_NEAR(squared_error(left, y, w) + squared_error(right, y, w), least, 1e-5);
      open.push_back({node.left, left});
      open.push_back({node.right, right});
    }
  }
  EXPECT_GT(splits, 30);
}

TEST_F(Forest, LeavesAreMeansAndThresholdsHalfWay) {
  // One tree on two places: a sample with both splits half way between them.
  TrainingData data;
  data.x.resize(2, 1);
  data.y.resize(2, 1);
  data.x << 1.0, 4.0;
  data.y << -5.0, 7.0;
  FitContext context;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    context.random = RandomStream(seed);
    const Fit fit = make_forest_regressor(ForestOptions{1, 1, 1.0})->fit(data, context);
    Matrix X(3, 1);
    X << 0.0, std::nextafter(2.5, 0.0), 2.5;
    const Matrix mean = predict(*fit.predictor, X);
    EXPECT_TRUE(mean(0, 0) == mean(2, 0) || (mean(0, 0) == -5.0 && mean(1, 0) == -5.0 && mean(2, 0) == 7.0));
  }
}

// Predictions lie between the outputs; another unit of an input changes nothing (a power of two: no bit).
TEST_F(Forest, StaysWithinTheOutputsInAnyUnit) {
  const TrainingData data = smooth(60, 3);
  TrainingData other = data;
  other.x.col(1) *= 1024.0;
  const RegressorPtr forest = make_regressor("forest");
  const Fit a = forest->fit(data, {}), b = forest->fit(other, {});
  EXPECT_EQ(predict(*a.predictor, data.x), predict(*b.predictor, other.x));
  const Matrix mean = predict(*a.predictor, 3.0 * uniform(200, 3, 4));
  for (Index j = 0; j < 2; ++j) {
    EXPECT_LE(mean.col(j).maxCoeff(), data.y.col(j).maxCoeff());
    EXPECT_GE(mean.col(j).minCoeff(), data.y.col(j).minCoeff());
  }
}

// Out-of-bag residuals are as large as errors on fresh points, and tell nothing of points that stand twice.
TEST_F(Forest, OutOfBagErrorIsThatOfFreshPoints) {
  const TrainingData data = borehole_data(300, 30), fresh = borehole_data(2000, 31);
  const Fit fit = make_regressor("forest")->fit(data, {});
  const double left_out = std::sqrt(fit.summary.leave_one_out.squaredNorm() / 300.0),
               error = std::sqrt((predict(*fit.predictor, fresh.x) - fresh.y).squaredNorm() / 2000.0);
  EXPECT_NEAR(left_out / error, 1.0, 0.15);
  TrainingData twice = data;
  twice.x.conservativeResize(600, 8);
  twice.y.conservativeResize(600, 1);
  twice.x.bottomRows(300) = data.x;
  twice.y.bottomRows(300) = data.y;
  const Fit doubled = make_regressor("forest")->fit(twice, {});
  EXPECT_NEAR(std::sqrt(doubled.summary.leave_one_out.squaredNorm() / 600.0) / left_out, 1.0, 0.1);
}

TEST_F(Forest, FewTreesHaveNoVariance) {
  const TrainingData data = smooth(30, 6);
  const Fit fit = make_forest_regressor(ForestOptions{1, 1, 1.0})->fit(data, {});
  EXPECT_FALSE(fit.predictor->has_variance());
  EXPECT_EQ(fit.summary.leave_one_out.size(), 0);
  EXPECT_NE(all_warnings(fit.summary).find("few"), std::string::npos);
}

TEST_F(Forest, LargerLeavesAreFewerAndSmoother) {
  const TrainingData data = smooth(200, 7, 1.0);
  const TrainingData test = smooth(500, 8);
  double error[2];
  for (const Index leaf : {1, 10})
    error[leaf > 1] = nrmse(
        test.y,
        predict(*make_regressor("forest", {{"leaf", static_cast<double>(leaf)}})->fit(data, {}).predictor,
                test.x));
  EXPECT_LT(error[1], error[0]);  // of noise, averages over more are nearer to the truth
}

TEST_F(Forest, RefusesSettingsThatMakeNone) {
  EXPECT_THROW(make_regressor("forest", {{"trees", 0.0}}), UsageError);
  EXPECT_THROW(make_regressor("forest", {{"leaf", 0.0}}), UsageError);
  EXPECT_THROW(make_regressor("forest", {{"inputs", 0.0}}), UsageError);
  EXPECT_THROW(make_regressor("forest", {{"inputs", 1.5}}), UsageError);
}

// Without XGBoost: a message that names the package, and no entry among the names.
TEST(ForestLibrary, SaysWhatIsMissing) {
  const auto names = regressor_names();
  EXPECT_EQ(std::count(names.begin(), names.end(), "forest"), forest_is_built() ? 1 : 0);
  if (forest_is_built()) return;
  try {
    make_regressor("forest");
    FAIL() << "a forest without what grows it";
  } catch (const UsageError& e) {
    EXPECT_NE(std::string(e.what()).find("libxgboost-dev"), std::string::npos) << e.what();
  }
}

// A file made by hand predicts without any library: two trees over two inputs.
TEST(ForestLibrary, FilesPredictWithoutIt) {
  const h5::File file = h5::File::in_memory("forest");
  const h5::Group group = file.root().create_group("predictor");
  group.set("kind", "forest");
  group.set("inputs", std::int64_t{2});
  group.set("has_variance", std::int64_t{0});
  group.write("centre", Vector(Vector::Constant(1, 10.0)));
  Matrix nodes(4, 3);
  nodes << 1, 0.5, 2, -1, -1, 0, -1, 3, 0, -1, 2, 0;
  const h5::Group output = group.create_group("output0");
  output.write("nodes", nodes);
  output.write("roots", std::vector<std::int64_t>{0, 3});
  const PredictorPtr p = load_predictor(group);
  Matrix X(2, 2);
  X << 9.0, 0.4, -9.0, 0.5;
  const Matrix mean = predict(*p, X);
  EXPECT_EQ(mean(0, 0), 10.0 + (-1.0 + 2.0) / 2.0);
  EXPECT_EQ(mean(1, 0), 10.0 + (3.0 + 2.0) / 2.0);
}

}  // namespace
}  // namespace ersatz
