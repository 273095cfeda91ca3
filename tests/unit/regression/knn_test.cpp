// Nearest neighbours: predictions against their definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/knn.hpp"
#include "unit/regression/brute_force.hpp"

namespace ersatz {
namespace {

using namespace problems;

const std::pair<const std::string, SettingValue> equal = {"lengths", std::string("equal")};

TEST(Knn, OrderOfTheRowsDoesNotMatter) {
  const TrainingData data = smooth(80, 74);
  TrainingData shuffled = data;
  const auto order = RandomStream(75).permutation(80);
  for (Index i = 0; i < 80; ++i) {
    shuffled.x.row(i) = data.x.row(order[static_cast<std::size_t>(i)]);
    shuffled.y.row(i) = data.y.row(order[static_cast<std::size_t>(i)]);
  }
  const Matrix X = uniform(20, 3, 76);
  const auto knn = make_regressor("knn");
  EXPECT_NEAR((predict(*knn->fit(data, {}).predictor, X) - predict(*knn->fit(shuffled, {}).predictor, X))
                  .cwiseAbs()
                  .maxCoeff(),
              0.0, 1e-10);
}

TEST(Knn, UniformAndInverseDistanceFollowTheirDefinitions) {
  const TrainingData data = smooth(70, 77);
  const Standardisation s = Standardisation::of(data.x);
  const Matrix Z = s.apply(data.x), X = uniform(10, 3, 78), Q = s.apply(X);
  for (const char* weights : {"uniform", "inverse-distance"}) {
    const Fit f =
        make_regressor("knn", {{"k", 6.0}, {"weights", std::string(weights)}, equal})->fit(data, {});
    const Matrix mean = predict(*f.predictor, X);
    for (Index i = 0; i < 10; ++i) {
      const Neighbours near = brute(Z, Q.row(i).data(), 6);
      double total = 0.0;
      Vector sum = Vector::Zero(2);
      for (std::size_t l = 0; l < 6; ++l) {
        const double w = weights[0] == 'u' ? 1.0 : 1.0 / std::sqrt(near.distances[l]);
        total += w;
        sum += w * data.y.row(static_cast<Index>(near.rows[l])).transpose();
      }
      for (Index j = 0; j < 2; ++j) EXPECT_NEAR(mean(i, j), sum[j] / total, 1e-11);
    }
  }
}

TEST(Knn, ExactHitTakesAll) {
  TrainingData data = smooth(50, 79);
  const Fit f =
      make_regressor("knn", {{"k", 5.0}, {"weights", std::string("inverse-distance")}})->fit(data, {});
  EXPECT_NEAR((predict(*f.predictor, data.x) - data.y).cwiseAbs().maxCoeff(), 0.0, 1e-12);
  // Two runs at one place: their average.
  data.x.row(7) = data.x.row(31);
  const Fit g =
      make_regressor("knn", {{"k", 5.0}, {"weights", std::string("inverse-distance")}})->fit(data, {});
  const Matrix at = predict(*g.predictor, data.x.row(7));
  EXPECT_NEAR((at - 0.5 * (data.y.row(7) + data.y.row(31))).cwiseAbs().maxCoeff(), 0.0, 1e-12);
}

TEST(Knn, LocalLinearFollowsAPlaneAndIsContinuous) {
  TrainingData data;
  data.x = uniform(200, 2, 80);
  data.y = data.x * (Matrix(2, 1) << 3.0, -2.0).finished();
  const Fit plane =
      make_regressor("knn", {{"k", 12.0}, {"weights", std::string("local-linear")}})->fit(data, {});
  const Matrix X = uniform(50, 2, 81);
  EXPECT_LT(nrmse(X * (Matrix(2, 1) << 3.0, -2.0).finished(), predict(*plane.predictor, X)), 1e-3);
  for (Index i = 0; i < 200; ++i) data.y(i, 0) = std::sin(9.0 * data.x(i, 0)) * data.x(i, 1);
  const Fit wave =
      make_regressor("knn", {{"k", 12.0}, {"weights", std::string("local-linear")}})->fit(data, {});
  Matrix line(5001, 2);
  for (Index i = 0; i < line.rows(); ++i) line.row(i) << 0.2 + 1.2e-4 * static_cast<double>(i), 0.5;
  const Matrix y = predict(*wave.predictor, line);
  double jump = 0.0;
  for (Index i = 1; i < line.rows(); ++i) jump = std::max(jump, std::abs(y(i, 0) - y(i - 1, 0)));
  EXPECT_LT(jump, 0.01);  // the slope is 4.5: 5.4e-4 a step; a jump to another neighbour would be far larger
}

TEST(Knn, LeaveOneOutEqualsPredictionsWithoutThePoint) {
  const TrainingData data = smooth(40, 82, 0.1);
  const Standardisation s = Standardisation::of(data.x);
  const Matrix Z = s.apply(data.x);
  std::vector<double> errors;
  const std::vector<double> ks = {1.0, 3.0, 8.0};
  for (const double k : ks) {
    const Fit f =
        make_regressor("knn", {{"k", k}, {"weights", std::string("uniform")}, equal})->fit(data, {});
    Matrix expected(40, 2);
    for (Index i = 0; i < 40; ++i) {
      const Neighbours near = brute(Z, Z.row(i).data(), static_cast<Index>(k), i);
      expected.row(i) = data.y.row(i);
      for (const double row : near.rows) expected.row(i) -= data.y.row(static_cast<Index>(row)) / k;
    }
    EXPECT_NEAR((f.summary.leave_one_out - expected).cwiseAbs().maxCoeff(), 0.0, 1e-11);
    // The scale of the variance is set by these residuals.
    for (Index j = 0; j < 2; ++j)
      EXPECT_NEAR(f.summary.leave_one_out_std.col(j).squaredNorm() / expected.col(j).squaredNorm(), 1.0,
                  1e-10);
    const Standardisation outputs = Standardisation::of(data.y);
    errors.push_back((expected * outputs.inverse_scale.asDiagonal()).squaredNorm());
  }
  const Fit chosen =
      make_regressor("knn", {{"k", ks}, {"weights", std::string("uniform")}, equal})->fit(data, {});
  const auto best = std::min_element(errors.begin(), errors.end()) - errors.begin();
  EXPECT_EQ(chosen.summary.facts[1].second, text(ks[static_cast<std::size_t>(best)]));
}

TEST(Knn, VarianceFollowsTheNeighbourhood) {
  // Flat on the left, rough on the right.
  TrainingData data;
  data.x = uniform(200, 1, 83);
  data.y.resize(200, 1);
  RandomStream random(84);
  for (Index i = 0; i < 200; ++i) data.y(i, 0) = data.x(i, 0) < 0.5 ? 0.0 : random.normal();
  const Fit f = make_regressor("knn", {{"k", 8.0}, {"weights", std::string("uniform")}})->fit(data, {});
  Matrix X(2, 1);
  X << 0.2, 0.8;
  const auto variance = predict_variance(*f.predictor, X).second;
  EXPECT_GT(variance(0, 0), 0.0);
  EXPECT_GT(variance(1, 0), 5.0 * variance(0, 0));
}

TEST(Knn, LeaveOneOutOverSomeOfThePointsIsReported) {
  const TrainingData data = smooth(300, 85);
  const Fit f = make_regressor("knn", {{"loo_points", 100.0}})->fit(data, {});
  bool said = false;
  for (const auto& [name, value] : f.summary.facts) said = said || value == "100 of 300";
  EXPECT_TRUE(said);
  EXPECT_EQ(f.summary.leave_one_out.size(), 0);
}

TEST(Knn, SettingsAreChecked) {
  EXPECT_THROW(make_regressor("knn", {{"k", 0.0}}), UsageError);
  EXPECT_THROW(make_regressor("knn", {{"k", 1.5}}), UsageError);
  EXPECT_THROW(make_regressor("knn", {{"k", std::string("many")}}), UsageError);
  EXPECT_THROW(make_regressor("knn", {{"weights", std::string("heavy")}}), UsageError);
  EXPECT_THROW(make_regressor("knn", {{"metric", std::string("cosine")}}), UsageError);
  EXPECT_THROW(make_regressor("knn", {{"lengths", std::string("long")}}), UsageError);
  EXPECT_THROW(make_regressor("knn", {{"radius", 0.0}}), UsageError);
  EXPECT_THROW(make_regressor("knn", {{"radius", 1.0}, {"k", 3.0}}), UsageError);
  const Fit f = make_regressor("knn", {{"k", 50.0}})->fit(smooth(10, 86), {});
  EXPECT_NE(all_warnings(f.summary).find("k is 50"), std::string::npos);
  EXPECT_THROW(predict(*f.predictor, Matrix::Constant(1, 3, 1e200)), NumericalError);
}

}  // namespace
}  // namespace ersatz
