// Conformal prediction: ranks by brute force, closed forms, and coverage in finite samples of every
// regressor. ERSATZ_REPEATS sets how many data sets the coverage is averaged over (12; the slow tier: 200).

#include "ersatz/selection/conformal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/regression/regressor.hpp"
#include "ersatz/selection/folds.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;

Matrix normal(Index n, Index m, RandomStream& random) {
  Matrix x(n, m);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) x(i, j) = random.normal();
  return x;
}

std::vector<double> sorted(const Matrix& m) {
  std::vector<double> v(m.data(), m.data() + m.size());
  std::sort(v.begin(), v.end());
  return v;
}

TEST(Conformal, QuantileIsTheRankThatTheoryAsksFor) {
  RandomStream random(1);
  for (Index n = 1; n <= 40; ++n) {
    const std::vector<double> scores = sorted(normal(n, 1, random));
    for (const int percent : {10, 50, 68, 80, 90, 95, 99}) {
      const Index rank = (percent * (n + 1) + 99) / 100;  // ⌈(n + 1) level⌉ in whole numbers
      const double found = conformal_quantile(scores, percent / 100.0);
      if (rank > n)
        EXPECT_TRUE(std::isinf(found)) << n << " " << percent;
      else
        EXPECT_EQ(found, scores[static_cast<std::size_t>(rank - 1)]) << n << " " << percent;
    }
  }
  EXPECT_EQ(conformal_quantile({3.0, 1.0, 2.0}, 0.75), 3.0);
  EXPECT_TRUE(std::isinf(conformal_quantile({}, 0.5)));
  EXPECT_THROW(conformal_quantile({1.0}, 0.0), UsageError);
  EXPECT_THROW(conformal_quantile({1.0}, 1.0), UsageError);
  EXPECT_THROW(conformal_quantile({1.0}, std::nan("")), UsageError);
  EXPECT_NE(message_of<DataError>([] {
              conformal_quantile({1.0, std::nan("")}, 0.5);
            }).find("score 1"),
            std::string::npos);
}

TEST(Conformal, QuantilesOfRows) {
  RandomStream random(2);
  const Matrix scores = normal(30, 4, random).cwiseAbs();
  EXPECT_EQ(pooled_quantile(scores.leftCols(1), 0.8), conformal_quantile({sorted(scores.leftCols(1))}, 0.8));
  // k = ⌈31 · 0.8⌉ = 25 of 30, so 100 of 120.
  EXPECT_EQ(pooled_quantile(scores, 0.8), sorted(scores)[99]);
  const Matrix largest = scores.rowwise().maxCoeff();
  EXPECT_EQ(simultaneous_quantile(scores, 0.8), sorted(largest)[24]);
  const Vector columns = columnwise_quantiles(scores, 0.8);
  for (Index j = 0; j < 4; ++j) EXPECT_EQ(columns[j], sorted(scores.col(j))[24]);
  Matrix broken = scores;
  broken(3, 2) = std::nan("");
  EXPECT_THROW(pooled_quantile(broken, 0.8), DataError);
  EXPECT_THROW(simultaneous_quantile(broken, 0.8), DataError);
  EXPECT_THROW(columnwise_quantiles(broken, 0.8), DataError);
}

TEST(Conformal, Scores) {
  Matrix truth(1, 3), mean(1, 3), std_dev(1, 3);
  truth << 1.0, 2.0, 3.0;
  mean << 2.0, 0.0, 3.0;
  std_dev << 0.5, 4.0, 0.0;
  const Matrix plain = conformal_scores(truth, mean, Matrix()),
               scaled = conformal_scores(truth, mean, std_dev);
  EXPECT_EQ(plain(0, 0), 1.0);
  EXPECT_EQ(plain(0, 1), 2.0);
  EXPECT_EQ(scaled(0, 0), 2.0);
  EXPECT_EQ(scaled(0, 1), 0.5);
  EXPECT_EQ(scaled(0, 2), 0.0);
  EXPECT_THROW(conformal_scores(truth, mean.leftCols(2), Matrix()), UsageError);
  EXPECT_THROW(conformal_scores(truth, mean, std_dev.leftCols(2)), UsageError);
}

/// n = 9 and 80 %: the eighth of nine, which a tenth exceeds with probability 2/10 exactly.
TEST(Conformal, CoverageIsExact) {
  RandomStream random(3);
  const int draws = 20000;
  int covered = 0;
  for (int k = 0; k < draws; ++k) {
    std::vector<double> scores(9);
    for (double& s : scores) s = std::exp(3.0 * random.normal());
    covered += std::exp(3.0 * random.normal()) <= conformal_quantile(scores, 0.8);
  }
  EXPECT_NEAR(covered / static_cast<double>(draws), 0.8, 4.0 * std::sqrt(0.16 / draws));
}

TEST(Conformal, SplitIntervals) {
  RandomStream random(4);
  const Matrix scores = normal(50, 2, random).cwiseAbs(), mean = normal(5, 2, random),
               std_dev = normal(5, 2, random).cwiseAbs();
  const Vector width = columnwise_quantiles(scores, 0.9);
  const Intervals plain = split_intervals(scores, mean, Matrix(), 0.9),
                  scaled = split_intervals(scores, mean, std_dev, 0.9);
  for (Index i = 0; i < 5; ++i)
    for (Index j = 0; j < 2; ++j) {
      EXPECT_EQ(plain.upper(i, j), mean(i, j) + width[j]);
      EXPECT_EQ(plain.lower(i, j), mean(i, j) - width[j]);
      EXPECT_EQ(scaled.upper(i, j), mean(i, j) + width[j] * std_dev(i, j));
    }
  EXPECT_TRUE(std::isinf(split_intervals(scores.topRows(5), mean, Matrix::Zero(5, 2), 0.9).upper(0, 0)));
  EXPECT_THROW(split_intervals(scores.leftCols(1), mean, Matrix(), 0.9), UsageError);
}

/// By the definition of Barber et al., sorted in full.
TEST(Conformal, CrossIntervals) {
  RandomStream random(5);
  const Index n = 23, q = 4, m = 2, folds = 4;
  CrossPredictions p;
  p.scores = normal(n, m, random).cwiseAbs();
  for (Index i = 0; i < n; ++i) p.fold.push_back(i % folds);
  for (Index f = 0; f < folds; ++f) {
    p.means.push_back(normal(q, m, random));
    p.stds.push_back(normal(q, m, random).cwiseAbs());
  }
  const double level = 0.8, alpha = 0.2;
  const Intervals found = cross_intervals(p, level);
  for (Index x = 0; x < q; ++x)
    for (Index j = 0; j < m; ++j) {
      std::vector<double> low, high;
      for (Index i = 0; i < n; ++i) {
        const auto f = static_cast<std::size_t>(p.fold[static_cast<std::size_t>(i)]);
        low.push_back(p.means[f](x, j) - p.scores(i, j) * p.stds[f](x, j));
        high.push_back(p.means[f](x, j) + p.scores(i, j) * p.stds[f](x, j));
      }
      std::sort(low.begin(), low.end());
      std::sort(high.begin(), high.end());
      EXPECT_EQ(found.lower(x, j), low[static_cast<std::size_t>(std::floor(alpha * 24.0)) - 1]);
      EXPECT_EQ(found.upper(x, j), high[static_cast<std::size_t>(std::ceil(level * 24.0)) - 1]);
    }
  // Folds that agree: split conformal.
  for (auto& mean : p.means) mean = p.means[0];
  p.stds.clear();
  const Intervals agreed = cross_intervals(p, level),
                  split = split_intervals(p.scores, p.means[0], Matrix(), level);
  EXPECT_EQ(agreed.lower, split.lower);
  EXPECT_EQ(agreed.upper, split.upper);
  // Too few runs for the level, and what does not fit together.
  EXPECT_TRUE(std::isinf(cross_intervals(p, 0.99).upper(0, 0)));
  CrossPredictions wrong = p;
  wrong.fold[3] = 4;
  EXPECT_THROW(cross_intervals(wrong, level), UsageError);
  wrong = p;
  wrong.fold.pop_back();
  EXPECT_THROW(cross_intervals(wrong, level), UsageError);
  wrong = p;
  wrong.means.clear();
  EXPECT_THROW(cross_intervals(wrong, level), UsageError);
  wrong = p;
  wrong.scores(0, 0) = std::nan("");
  EXPECT_THROW(cross_intervals(wrong, level), DataError);
}

// Coverage of every regressor -----------------------------------------------------------------------------

int repeats(int light) {
  const char* text = std::getenv("ERSATZ_REPEATS");
  return text ? std::atoi(text) : light;
}

/// Two outputs of four inputs, with noise that is heavier than normal and grows with an input.
TrainingData draw(Index n, RandomStream& random) {
  TrainingData d;
  d.x.resize(n, 4);
  d.y.resize(n, 2);
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < 4; ++k) d.x(i, k) = random.uniform();
    const double a = d.x(i, 0), b = d.x(i, 1), c = d.x(i, 2);
    const double heavy = random.normal() * std::exp(0.5 * random.normal());
    d.y(i, 0) = std::sin(5.0 * a) + b * c + 0.2 * a * heavy;
    d.y(i, 1) = std::abs(b - 0.4) + 0.05 * random.normal();
  }
  return d;
}

struct Predicted {
  Matrix mean, std_dev;
};

Predicted predict(const Predictor& predictor, const Matrix& X) {
  Predicted p{Matrix(X.rows(), predictor.outputs()), Matrix()};
  Workspace workspace;
  if (predictor.has_variance()) {
    Matrix variance(X.rows(), predictor.outputs());
    predictor.mean_and_variance(X, p.mean, variance, Noise::observed, workspace);
    p.std_dev = variance.cwiseSqrt();
  } else {
    predictor.mean(X, p.mean, workspace);
  }
  return p;
}

double share_inside(const Intervals& intervals, const Matrix& truth) {
  return static_cast<double>(
             ((truth.array() >= intervals.lower.array()) && (truth.array() <= intervals.upper.array()))
                 .count()) /
         static_cast<double>(truth.size());
}

class ConformalCoverage : public ::testing::TestWithParam<std::string> {};

TEST_P(ConformalCoverage, SplitHoldsNinetyPercent) {
  const RegressorPtr regressor = make_regressor(GetParam());
  const int times = repeats(12);
  double plain = 0.0, normalised = 0.0;
  for (int r = 0; r < times; ++r) {
    RandomStream random = RandomStream(7).split(static_cast<std::uint64_t>(r));
    const TrainingData train = draw(50, random), calibration = draw(300, random), fresh = draw(1000, random);
    const PredictorPtr predictor = regressor->fit(train, {}).predictor;
    const Predicted c = predict(*predictor, calibration.x), f = predict(*predictor, fresh.x);
    plain += share_inside(
        split_intervals(conformal_scores(calibration.y, c.mean, Matrix()), f.mean, Matrix(), 0.9), fresh.y);
    normalised += share_inside(
        split_intervals(conformal_scores(calibration.y, c.mean, c.std_dev), f.mean, f.std_dev, 0.9), fresh.y);
  }
  plain /= times;
  normalised /= times;
  std::printf("%s: split conformal 90 %% covers %.2f %%, normalised %.2f %%\n", GetParam().c_str(),
              100.0 * plain, 100.0 * normalised);
  EXPECT_GE(plain, 0.88);
  EXPECT_LE(plain, 0.92);
  EXPECT_GE(normalised, 0.88);
  EXPECT_LE(normalised, 0.92);
}

Matrix rows_of(const Matrix& m, const std::vector<Index>& rows) {
  Matrix some(static_cast<Index>(rows.size()), m.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) some.row(static_cast<Index>(i)) = m.row(rows[i]);
  return some;
}

/// Coverage of 90 % intervals, with as many folds.
double cross_coverage(const Regressor& regressor, const TrainingData& data, const TrainingData& fresh,
                      Index folds) {
  CrossPredictions p;
  p.fold.resize(static_cast<std::size_t>(data.x.rows()));
  p.scores.resize(data.y.rows(), data.y.cols());
  const std::vector<Split> splits = k_folds(data.x, folds, RandomStream(1));
  for (std::size_t f = 0; f < splits.size(); ++f) {
    TrainingData part;
    part.x = rows_of(data.x, splits[f].train);
    part.y = rows_of(data.y, splits[f].train);
    const PredictorPtr predictor = regressor.fit(part, {}).predictor;
    const Predicted out = predict(*predictor, rows_of(data.x, splits[f].test)),
                    at = predict(*predictor, fresh.x);
    const Matrix scores = conformal_scores(rows_of(data.y, splits[f].test), out.mean, out.std_dev);
    for (std::size_t i = 0; i < splits[f].test.size(); ++i) {
      p.fold[static_cast<std::size_t>(splits[f].test[i])] = static_cast<Index>(f);
      p.scores.row(splits[f].test[i]) = scores.row(static_cast<Index>(i));
    }
    p.means.push_back(at.mean);
    if (at.std_dev.rows() > 0) p.stds.push_back(at.std_dev);
  }
  return share_inside(cross_intervals(p, 0.9), fresh.y);
}

/// The guarantee is 1 - 2 alpha = 80 %; what is seen is near 90 %.
TEST_P(ConformalCoverage, CrossKeepsItsGuarantee) {
  const std::string& name = GetParam();
  const bool slow = name == "gp" || name == "chaos" || name == "lasso" || name == "knn" || name == "forest";
  const RegressorPtr regressor = make_regressor(name);
  const int times = std::min(repeats(slow ? 2 : 8), slow ? 20 : 200);
  double jackknife = 0.0, cross = 0.0;
  for (int r = 0; r < times; ++r) {
    RandomStream random = RandomStream(8).split(static_cast<std::uint64_t>(r));
    const TrainingData data = draw(40, random), fresh = draw(500, random);
    jackknife += cross_coverage(*regressor, data, fresh, 40) / times;
    cross += cross_coverage(*regressor, data, fresh, 5) / times;
  }
  std::printf(
      "%s: jackknife+ 90 %% covers %.2f %%, CV+ with 5 folds %.2f %% (guaranteed: 80 %%, less a term)\n",
      name.c_str(), 100.0 * jackknife, 100.0 * cross);
  EXPECT_GE(jackknife, 0.8);
  EXPECT_GE(cross, 0.8);
}

INSTANTIATE_TEST_SUITE_P(Of, ConformalCoverage, ::testing::ValuesIn(regressor_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ersatz
