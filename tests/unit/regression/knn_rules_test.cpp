// Metrics, radii, kernel weights and Jacobians of nearest neighbours.
#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"
#include "regression/knn_predictor.hpp"
#include "unit/regression/brute_force.hpp"

namespace ersatz {
namespace {

using namespace problems;

std::string word(const char* s) { return s; }

Fit fit(const TrainingData& data, Settings settings) {
  if (!settings.has("lengths")) settings.set("lengths", word("equal"));
  return make_regressor("knn", settings)->fit(data, {});
}

double tricube(double r, double h) { return std::pow(1.0 - std::pow(r / h, 3), 3); }

TEST(KnnRules, ManhattanDistancesFollowTheirDefinition) {
  const TrainingData data = smooth(70, 111);
  const Standardisation s = Standardisation::of(data.x);
  const Matrix Z = s.apply(data.x), X = uniform(10, 3, 112), Q = s.apply(X);
  const Fit f = fit(data, {{"k", 5.0}, {"weights", word("inverse-distance")}, {"metric", word("manhattan")}});
  const Matrix mean = predict(*f.predictor, X);
  for (Index i = 0; i < 10; ++i) {
    const Neighbours near = brute(Z, Q.row(i).data(), 5, -1, NeighbourMetric::manhattan);
    double total = 0.0;
    Vector sum = Vector::Zero(2);
    for (std::size_t l = 0; l < 5; ++l) {
      total += 1.0 / near.distances[l];
      sum += data.y.row(static_cast<Index>(near.rows[l])).transpose() / near.distances[l];
    }
    for (Index j = 0; j < 2; ++j) EXPECT_NEAR(mean(i, j), sum[j] / total, 1e-11);
  }
}

TEST(KnnRules, KernelWeightsFollowTheirDefinition) {
  const TrainingData data = smooth(70, 113);
  const Standardisation s = Standardisation::of(data.x);
  const Matrix Z = s.apply(data.x), X = uniform(10, 3, 114), Q = s.apply(X);
  const double radius = 0.9;
  for (const bool by_radius : {false, true}) {
    Settings settings{{"weights", word("kernel")}};
    settings.set(by_radius ? "radius" : "k", by_radius ? radius : 9.0);
    const Matrix mean = predict(*fit(data, settings).predictor, X);
    for (Index i = 0; i < 10; ++i) {
      const Neighbours near = brute(Z, Q.row(i).data(), 70);
      const double h =
          by_radius ? std::max(radius, std::sqrt(near.distances[2])) : std::sqrt(near.distances[9]);
      double total = 0.0;
      Vector sum = Vector::Zero(2);
      for (std::size_t l = 0; l < 70 && std::sqrt(near.distances[l]) < h; ++l) {
        const double w = tricube(std::sqrt(near.distances[l]), h);
        total += w;
        sum += w * data.y.row(static_cast<Index>(near.rows[l])).transpose();
      }
      for (Index j = 0; j < 2; ++j) EXPECT_NEAR(mean(i, j), sum[j] / total, 1e-11) << by_radius;
    }
  }
}

TEST(KnnRules, RadiusAveragesAllInside) {
  const TrainingData data = smooth(60, 115, 0.1);
  const Standardisation s = Standardisation::of(data.x);
  const Matrix Z = s.apply(data.x);
  const double radius = 0.8;
  const Fit f = fit(data, {{"radius", radius}, {"weights", word("uniform")}});
  for (Index i = 0; i < 60; ++i) {
    // Leave-one-out: all others inside, or the nearest.
    const Neighbours near = brute(Z, Z.row(i).data(), 59, i);
    std::size_t inside = 0;
    while (inside < 59 && near.distances[inside] <= radius * radius) ++inside;
    inside = std::max<std::size_t>(inside, 1);
    Vector sum = Vector::Zero(2);
    for (std::size_t l = 0; l < inside; ++l)
      sum += data.y.row(static_cast<Index>(near.rows[l])).transpose() / static_cast<double>(inside);
    for (Index j = 0; j < 2; ++j)
      EXPECT_NEAR(f.summary.leave_one_out(i, j), data.y(i, j) - sum[j], 1e-11) << i;
  }
}

TEST(KnnRules, TinyAndHugeRadii) {
  const TrainingData data = smooth(50, 116);
  const Matrix X = uniform(20, 3, 117);
  const Matrix nearest = predict(*fit(data, {{"k", 1.0}, {"weights", word("uniform")}}).predictor, X);
  const Fit tiny = fit(data, {{"radius", 1e-9}, {"weights", word("uniform")}});
  EXPECT_LT((predict(*tiny.predictor, X) - nearest).cwiseAbs().maxCoeff(), 1e-12);
  const Fit huge = fit(data, {{"radius", 1e9}, {"weights", word("uniform")}});
  const Matrix average = data.y.colwise().mean();
  EXPECT_LT((predict(*huge.predictor, X).rowwise() - average.row(0)).cwiseAbs().maxCoeff(), 1e-11);
  // A plane through all points is least squares, to the stabiliser.
  TrainingData plane = data;
  plane.y = (data.x * (Matrix(3, 1) << 1.0, 2.0, -4.0).finished()).array() + 7.0;
  const Fit linear = fit(plane, {{"radius", 1e9}, {"weights", word("local-linear")}});
  const Matrix truth = (X * (Matrix(3, 1) << 1.0, 2.0, -4.0).finished()).array() + 7.0;
  EXPECT_LT(nrmse(truth, predict(*linear.predictor, X)), 1e-3);
}

TEST(KnnRules, NobodyInsideTheRadiusIsFlaggedByTheVariance) {
  TrainingData data = smooth(200, 118);
  const Fit f = fit(data, {{"radius", 0.7}, {"weights", word("uniform")}});
  const Matrix variance =
      predict_variance(*f.predictor, (Matrix(2, 3) << 0.5, 0.5, 0.5, 9.0, 9.0, 9.0).finished()).second;
  const Standardisation outputs = Standardisation::of(data.y);
  for (Index j = 0; j < 2; ++j) {
    EXPECT_NEAR(variance(1, j), outputs.scale(j) * outputs.scale(j), 1e-9 * variance(1, j));
    EXPECT_LT(variance(0, j), 0.5 * variance(1, j));
  }
}

TEST(KnnRules, LeaveOneOutChoosesTheRadius) {
  const TrainingData data = smooth(150, 119, 0.02);
  const std::vector<double> radii = {0.3, 0.6, 1.2, 2.4};
  std::vector<double> errors;
  const Standardisation outputs = Standardisation::of(data.y);
  for (const double radius : radii) {
    const Fit f = fit(data, {{"radius", radius}, {"weights", word("kernel")}});
    errors.push_back((f.summary.leave_one_out * outputs.inverse_scale.asDiagonal()).squaredNorm());
  }
  const auto best = static_cast<std::size_t>(std::min_element(errors.begin(), errors.end()) - errors.begin());
  const Fit f = fit(data, {{"radius", radii}, {"weights", word("kernel")}});
  EXPECT_EQ(f.summary.facts[1].first, "radius");
  EXPECT_EQ(f.summary.facts[1].second, brief(radii[best]));
}

TEST(KnnRules, SmoothWeightsHaveAJacobian) {
  TrainingData data = smooth(120, 120, 0.05);
  data.x.col(0) *= 1e3;
  data.x.conservativeResize(120, 4);
  data.x.col(3).setConstant(2.0);
  Matrix X = uniform(12, 4, 121);
  X.col(0) *= 1e3;
  Workspace workspace;
  for (const char* weights : {"kernel", "local-linear"})
    for (const char* metric : {"euclidean", "manhattan"})
      for (const char* lengths : {"equal", "learnt"})
        for (const double k : {2.0, 9.0, 119.0, 0.0}) {
          if (k == 2.0 && weights[0] == 'l') continue;
          Settings settings{{"weights", word(weights)}, {"metric", word(metric)}, {"lengths", word(lengths)}};
          settings.set(k > 0.0 ? "k" : "radius", k > 0.0 ? k : 0.8);
          const Fit f = fit(data, settings);
          SCOPED_TRACE(text(weights, ", ", metric, ", ", lengths, ", k ", k));
          ASSERT_TRUE(f.predictor->has_jacobian());
          int far = 0;
          Matrix jacobian(2, 4);
          for (Index i = 0; i < X.rows(); ++i) {
            f.predictor->jacobian(X.row(i).data(), jacobian, workspace);
            EXPECT_EQ(jacobian(0, 3), 0.0);
            for (Index a = 0; a < 3; ++a) {
              const double step = a == 0 ? 1e-3 : 1e-6;
              Matrix low = X.row(i), high = X.row(i);
              low(0, a) -= step;
              high(0, a) += step;
              const Matrix slope = (predict(*f.predictor, high) - predict(*f.predictor, low)) / (2.0 * step);
              for (Index j = 0; j < 2; ++j) {
                const double scale = (j == 0 ? 1.0 : 20.0) / (a == 0 ? 1e3 : 1.0);
                far += std::abs(jacobian(j, a) - slope(0, j)) > 2e-5 * (scale + std::abs(slope(0, j)));
              }
            }
          }
          EXPECT_LE(far, 2);  // of 72: a kink may lie between the two points of a difference
        }
}

TEST(KnnRules, WeightsThatJumpHaveNone) {
  const TrainingData data = smooth(30, 122);
  Workspace workspace;
  Matrix jacobian(2, 3);
  const Matrix x = uniform(1, 3, 123);
  for (const auto& [weights, k] :
       {std::pair{"uniform", 5.0}, {"inverse-distance", 5.0}, {"kernel", 1.0}, {"local-linear", 2.0}}) {
    const Fit f = fit(data, {{"weights", word(weights)}, {"k", k}});
    EXPECT_FALSE(f.predictor->has_jacobian()) << weights;
    EXPECT_THROW(f.predictor->jacobian(x.data(), jacobian, workspace), UsageError);
  }
}

TEST(KnnRules, SmoothWeightsWithARadiusAreContinuous) {
  // Along a line that leaves the points, where fewer and fewer are inside.
  TrainingData data = smooth(80, 124);
  for (const char* weights : {"kernel", "local-linear"}) {
    const Fit f = fit(data, {{"radius", 0.35}, {"weights", word(weights)}});
    Matrix line(8001, 3);
    for (Index i = 0; i < line.rows(); ++i) line.row(i).setConstant(0.5 + 1.5e-4 * static_cast<double>(i));
    const Matrix y = predict(*f.predictor, line);
    double jump = 0.0;
    for (Index i = 1; i < line.rows(); ++i) jump = std::max(jump, std::abs(y(i, 0) - y(i - 1, 0)));
    EXPECT_LT(jump, 0.05) << weights;
    EXPECT_GT((y.col(0).array() - y(0, 0)).abs().maxCoeff(), 0.1) << weights;
  }
}

TEST(KnnRules, VarianceIsCalibratedForEveryRule) {
  const TrainingData data = smooth(60, 125, 0.1);
  for (const char* weights : {"uniform", "inverse-distance", "kernel", "local-linear"})
    for (const char* metric : {"euclidean", "manhattan"})
      for (const bool by_radius : {false, true}) {
        Settings settings{{"weights", word(weights)}, {"metric", word(metric)}};
        settings.set(by_radius ? "radius" : "k", by_radius ? 3.0 : 6.0);
        const Fit f = fit(data, settings);
        for (Index j = 0; j < 2; ++j)
          EXPECT_NEAR(
              f.summary.leave_one_out_std.col(j).squaredNorm() / f.summary.leave_one_out.col(j).squaredNorm(),
              1.0, 1e-10)
              << weights << metric << by_radius;
      }
}

TEST(KnnRules, EveryRuleComesBackFromAFile) {
  const TrainingData data = smooth(40, 126, 0.1);
  const Matrix X = uniform(10, 3, 127);
  for (const char* metric : {"euclidean", "manhattan"})
    for (const bool by_radius : {false, true}) {
      Settings settings{{"metric", word(metric)}, {"weights", word("kernel")}, {"lengths", word("learnt")}};
      settings.set(by_radius ? "radius" : "k", by_radius ? 0.9 : 6.0);
      const Fit f = fit(data, settings);
      const h5::File file = h5::File::in_memory("rules");
      save_predictor(file.root(), *f.predictor);
      const PredictorPtr loaded = load_predictor(file.root());
      EXPECT_TRUE(predict(*loaded, X) == predict(*f.predictor, X));
      EXPECT_TRUE(predict_variance(*loaded, X).second == predict_variance(*f.predictor, X).second);
    }
}

TEST(KnnRules, FewPointsAndRepeatsAreHandled) {
  for (const Index n : {1, 2, 3, 5})
    for (const char* weights : {"uniform", "inverse-distance", "kernel", "local-linear"})
      for (const double radius : {1e-3, 0.5, 1e3}) {
        TrainingData data = smooth(n, 128);
        const Matrix X = uniform(5, 3, 129);
        EXPECT_TRUE(
            predict(*fit(data, {{"radius", radius}, {"weights", word(weights)}}).predictor, X).allFinite())
            << n << weights << radius;
        if (n < 2) continue;
        data.x.row(n - 1) = data.x.row(0);
        const Fit f = fit(data, {{"radius", radius}, {"weights", word(weights)}});
        EXPECT_TRUE(predict(*f.predictor, data.x).allFinite()) << n << weights << radius;
        const auto variance = predict_variance(*f.predictor, data.x).second;
        EXPECT_TRUE(variance.allFinite() && variance.minCoeff() >= 0.0) << n << weights << radius;
      }
}

}  // namespace
}  // namespace ersatz
