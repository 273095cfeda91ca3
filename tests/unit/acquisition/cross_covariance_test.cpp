// Covariances with anchors against those of all points together, and against dense algebra.
#include <gtest/gtest.h>

#include <Eigen/Cholesky>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/regression/gp/cross_covariance.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {
namespace {

TrainingData wavy(Index n, Index p) {
  RandomStream random(3);
  TrainingData data;
  data.x.resize(n, 2);
  data.y.resize(n, p);
  for (Index i = 0; i < n; ++i) {
    data.x.row(i) << random.uniform(), random.uniform();
    for (Index o = 0; o < p; ++o)
      data.y(i, o) = std::sin(4.0 * data.x(i, 0) + static_cast<double>(o)) + data.x(i, 1) * data.x(i, 1);
  }
  return data;
}

Matrix uniform(Index n, std::uint64_t seed) {
  RandomStream random(seed);
  Matrix X(n, 2);
  for (Index i = 0; i < n; ++i) X.row(i) << random.uniform(), random.uniform();
  return X;
}

void expect_as_all_together(const Predictor& predictor, double tolerance) {
  const Matrix anchors = uniform(7, 5), X = uniform(301, 6);
  Workspace workspace;
  Matrix all(anchors.rows() + X.rows(), 2);
  all << X, anchors;
  for (Index o = 0; o < predictor.outputs(); ++o) {
    Matrix joint(all.rows(), all.rows()), cross(X.rows(), anchors.rows());
    predictor.covariance(all, o, joint, Noise::latent, workspace);
    gp::CrossCovariance(predictor, anchors, o)(X, cross, workspace);
    const double scale = joint.diagonal().maxCoeff();
    EXPECT_LT((cross - joint.topRightCorner(X.rows(), anchors.rows())).cwiseAbs().maxCoeff(),
              tolerance * scale)
        << "output " << o;
    EXPECT_GT(cross.cwiseAbs().maxCoeff(), 0.01 * scale);
  }
}

TEST(CrossCovariance, IsThatOfAllPointsTogether) {
  for (const char* mean : {"zero", "constant", "linear"})
    for (const bool shared : {false, true}) {
      const Settings settings{{"mean", std::string(mean)}, {"shared", shared}, {"nugget", 1e-4}};
      const Fit fit = make_regressor("gp", settings)->fit(wavy(25, 2), {});
      expect_as_all_together(*fit.predictor, 1e-9);
    }
}

TEST(CrossCovariance, ServesPredictorsOfOtherKinds) {
  const Fit fit =
      make_regressor("gp", {{"method", std::string("inducing")}, {"points", 12.0}})->fit(wavy(60, 1), {});
  ASSERT_NE(fit.predictor->kind(), "gp");
  ASSERT_TRUE(fit.predictor->has_covariance());
  expect_as_all_together(*fit.predictor, 1e-9);
}

// Squared exponential of known length, zero mean, known nugget: everything by hand but the process variance.
TEST(CrossCovariance, IsWhatDenseAlgebraGives) {
  const TrainingData data = wavy(20, 1);
  const Fit fit = make_regressor("gp", {{"kernel", std::string("squared-exponential(length=0.4)")},
                                        {"mean", std::string("zero")},
                                        {"nugget", 1e-3}})
                      ->fit(data, {});
  const auto k = [](const auto& a, const auto& b) { return std::exp(-0.5 * (a - b).squaredNorm() / 0.16); };
  const Matrix anchors = uniform(4, 8), X = uniform(9, 9);
  const auto matrix = [&](const Matrix& A, const Matrix& B) {
    Eigen::MatrixXd m(A.rows(), B.rows());
    for (Index i = 0; i < A.rows(); ++i)
      for (Index j = 0; j < B.rows(); ++j) m(i, j) = k(A.row(i), B.row(j));
    return m;
  };
  Eigen::MatrixXd R = matrix(data.x, data.x);
  R.diagonal().array() += 1e-3;
  const Eigen::MatrixXd expected =
      matrix(X, anchors) - matrix(X, data.x) * R.llt().solve(matrix(data.x, anchors));
  Workspace workspace;
  Matrix cross(9, 4), mean(4, 1), variance(4, 1);
  gp::CrossCovariance(*fit.predictor, anchors, 0)(X, cross, workspace);
  fit.predictor->mean_and_variance(anchors, mean, variance, Noise::latent, workspace);
  const double process =
      variance(0, 0) /
      (1.0 - (matrix(anchors.topRows(1), data.x) * R.llt().solve(matrix(data.x, anchors.topRows(1))))(0, 0));
  EXPECT_LT((cross / process - expected).cwiseAbs().maxCoeff(), 1e-9);
}

TEST(CrossCovariance, RefusesWhatHasNone) {
  const Fit fit = make_regressor("knn")->fit(wavy(25, 1), {});
  EXPECT_THROW(gp::CrossCovariance(*fit.predictor, uniform(2, 1), 0), UsageError);
  const Fit good = make_regressor("gp")->fit(wavy(25, 1), {});
  EXPECT_THROW(gp::CrossCovariance(*good.predictor, uniform(2, 1), 1), UsageError);
}

}  // namespace
}  // namespace ersatz
