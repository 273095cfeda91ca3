// Lengths of the inputs, learnt by leave-one-out.
#include <gtest/gtest.h>

#include <numeric>

#include "ersatz/regression/standardisation.hpp"
#include "regression/knn_lengths.hpp"
#include "regression/knn_loo.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace problems;

std::string word(const char* s) { return s; }

std::string fact(const FitSummary& summary, const std::string& name) {
  for (const auto& [key, value] : summary.facts)
    if (key == name) return value;
  return "";
}

// "x0 0.29, x1 286": the number behind each name.
std::vector<double> numbers(const std::string& lengths) {
  std::vector<double> values;
  for (std::size_t at = 0; at != std::string::npos; at = lengths.find(", ", at)) {
    if (at > 0) at += 2;
    values.push_back(std::stod(lengths.substr(lengths.find(' ', at) + 1)));
  }
  return values;
}

/// Friedman 1 (Friedman 1991): five inputs matter, five do not.
TrainingData friedman(Index n, std::uint64_t seed) {
  TrainingData data;
  data.x = uniform(n, 10, seed);
  data.y.resize(n, 1);
  for (Index i = 0; i < n; ++i) {
    const double* x = data.x.row(i).data();
    data.y(i, 0) = 10.0 * std::sin(3.14159265358979323846 * x[0] * x[1]) +
                   20.0 * (x[2] - 0.5) * (x[2] - 0.5) + 10.0 * x[3] + 5.0 * x[4];
  }
  return data;
}

double error(const char* weights, const char* metric, const char* lengths, const TrainingData& data,
             const TrainingData& test) {
  const Fit f = make_regressor(
                    "knn", {{"weights", word(weights)}, {"metric", word(metric)}, {"lengths", word(lengths)}})
                    ->fit(data, {});
  return nrmse(test.y, predict(*f.predictor, test.x));
}

TEST(KnnLengths, InputsThatDoNotMatterGetLongLengths) {
  const TrainingData data = friedman(250, 131);
  const Standardisation s = Standardisation::of(data.x);
  for (const char* weights : {"kernel", "local-linear"}) {
    const Fit f = make_regressor("knn", {{"weights", word(weights)}})->fit(data, {});
    std::vector<double> lengths = numbers(fact(f.summary, "lengths"));
    ASSERT_EQ(lengths.size(), 10U);
    for (std::size_t a = 0; a < 10; ++a) lengths[a] *= s.inverse_scale[static_cast<Index>(a)];
    const double shortest = *std::min_element(lengths.begin(), lengths.end());
    EXPECT_NEAR(shortest, 1.0, 1e-3) << weights;
    // A plane needs no short lengths in the inputs that act linearly, 3 and 4.
    for (std::size_t a = 0; a < (weights[0] == 'k' ? 5U : 3U); ++a)
      EXPECT_LT(lengths[a], 3.0) << weights << ", input " << a;
    for (std::size_t a = 5; a < 10; ++a)
      EXPECT_GT(lengths[a], weights[0] == 'k' ? 3.5 : 30.0) << weights << ", input " << a;
  }
}

TEST(KnnLengths, TheErrorDrops) {
  const TrainingData data = friedman(200, 132), test = friedman(200, 133);
  for (const char* weights : {"uniform", "local-linear"})
    for (const char* metric : {"euclidean", "manhattan"})
      EXPECT_LT(error(weights, metric, "learnt", data, test),
                (weights[0] == 'l' ? 0.6 : 0.75) * error(weights, metric, "equal", data, test))
          << weights << ", " << metric;
  const TrainingData hole = borehole_data(150, 134), rest = borehole_data(300, 135);
  EXPECT_LT(error("auto", "euclidean", "learnt", hole, rest),
            0.6 * error("auto", "euclidean", "equal", hole, rest));
}

TEST(KnnLengths, NoiseAloneKeepsThemEqual) {
  TrainingData data = friedman(150, 136);
  RandomStream random(137);
  for (Index i = 0; i < 150; ++i) data.y(i, 0) = random.normal();
  const Fit f = make_regressor("knn")->fit(data, {});
  EXPECT_NE(f.summary.settings.find("equal lengths"), std::string::npos) << f.summary.settings;
}

TEST(KnnLengths, GradientAgreesWithDifferences) {
  const TrainingData data = smooth(80, 138, 0.05);
  const Matrix points = Standardisation::of(data.x).apply(data.x),
               values = Standardisation::of(data.y).apply(data.y);
  std::vector<Index> rows(80);
  std::iota(rows.begin(), rows.end(), Index{0});
  SerialExecutor executor;
  for (const NeighbourMetric metric : {NeighbourMetric::euclidean, NeighbourMetric::manhattan})
    for (const NeighbourRule& rule : {NeighbourRule{NeighbourWeights::kernel, 12, 0.0},
                                      NeighbourRule{NeighbourWeights::local_linear, 12, 0.0},
                                      NeighbourRule{NeighbourWeights::local_linear, 79, 0.0},
                                      NeighbourRule{NeighbourWeights::kernel, 0, 1.1}}) {
      const Vector at = (Vector(3) << 0.1, -0.7, -0.2).finished();
      const auto evaluate = [&](const Vector& log_scale, Vector& gradient) {
        const Matrix scaled = points * log_scale.array().exp().matrix().asDiagonal();
        return LeaveOneOut(scaled, metric, values, rows, rows).error_gradient(rule, executor, gradient);
      };
      Vector gradient, unused;
      evaluate(at, gradient);
      for (Index a = 0; a < 3; ++a) {
        const double step = 1e-7;
        Vector low = at, high = at;
        low[a] -= step;
        high[a] += step;
        const double slope = (evaluate(high, unused) - evaluate(low, unused)) / (2.0 * step);
        EXPECT_NEAR(gradient[a], slope, 1e-5 * (0.1 + std::abs(slope)))
            << to_string(metric) << ", " << to_string(rule.weights) << ", k " << rule.k;
      }
    }
}

TEST(KnnLengths, ComeOnTheScaleOfTheInputs) {
  const TrainingData data = smooth(100, 139);
  TrainingData other = data;
  other.x.col(1) = data.x.col(1) * 1e6;
  const auto a = numbers(fact(make_regressor("knn")->fit(data, {}).summary, "lengths"));
  const auto b = numbers(fact(make_regressor("knn")->fit(other, {}).summary, "lengths"));
  EXPECT_NEAR(b[0], a[0], 1e-3 * a[0]);
  EXPECT_NEAR(b[1], 1e6 * a[1], 1e3 * a[1]);
  EXPECT_NEAR(b[2], a[2], 1e-3 * a[2]);
}

TEST(KnnLengths, SameBitsOnAnyNumberOfThreads) {
  const TrainingData data = friedman(150, 140);
  ThreadExecutor three(3);
  FitContext context;
  context.executor = &three;
  const RegressorPtr knn = make_regressor("knn", {{"loo_points", 100.0}});
  const Matrix X = uniform(20, 10, 141);
  EXPECT_TRUE(predict(*knn->fit(data, {}).predictor, X) == predict(*knn->fit(data, context).predictor, X));
}

}  // namespace
}  // namespace ersatz
