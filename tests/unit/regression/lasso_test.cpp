// Coordinate descent: optimality conditions, the duality gap, closed forms, and data that make it hard.
#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/lasso.hpp"
#include "ersatz/regression/standardisation.hpp"
#include "regression/lasso_path.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace problems;

// Standardised columns, a sparse truth and some noise.
struct Data {
  Eigen::MatrixXd F, gram;
  Vector y;

  Data(Index n, Index m, std::uint64_t seed) {
    const Matrix raw = uniform(n, m, seed);
    F = Standardisation::of(raw).apply(raw);
    RandomStream random(seed + 1);
    y = Vector::Zero(n);
    for (Index t = 0; t < std::min<Index>(m, 5); ++t) y += (1.0 + static_cast<double>(t)) * F.col(t);
    for (Index i = 0; i < n; ++i) y[i] += 0.5 * random.normal();
    finish();
  }
  void finish() {
    y.array() -= y.mean();
    gram = F.transpose() * F / static_cast<double>(F.rows());
  }
  LassoProblem problem(bool covariance) const {
    LassoProblem p;
    if (covariance) p.gram = &gram;
    p.columns = &F;
    p.y = y.data();
    p.points = static_cast<double>(F.rows());
    p.diagonal = F.colwise().squaredNorm() / p.points;
    p.correlation = F.transpose() * y / p.points;
    p.y2 = y.squaredNorm() / p.points;
    return p;
  }
  double objective(const Vector& b, double alpha, double l1_ratio) const {
    return 0.5 * (y - F * b).squaredNorm() / static_cast<double>(F.rows()) +
           alpha * l1_ratio * b.lpNorm<1>() + 0.5 * alpha * (1.0 - l1_ratio) * b.squaredNorm();
  }
};

TEST(Lasso, OptimalityConditionsHoldAlongThePath) {
  for (const Index m : {20, 150})
    for (const double l1_ratio : {1.0, 0.4}) {
      const Data data(60, m, 51);
      const bool covariance = m <= 60;
      const LassoProblem problem = data.problem(covariance);
      const LassoControl control{l1_ratio, 1e-12, 100000};
      LassoState state = start(problem);
      const double top = largest_alpha(problem, l1_ratio);
      for (int a = 0; a < 15; ++a) {
        const double alpha = top * std::pow(10.0, -0.2 * a), l1 = alpha * l1_ratio;
        descend(problem, alpha, control, state);
        ASSERT_TRUE(state.converged) << "alpha " << alpha;
        const Vector g = data.F.transpose() * (data.y - data.F * state.beta) / 60.0 -
                         alpha * (1.0 - l1_ratio) * state.beta.col(0);
        for (Index t = 0; t < m; ++t) {
          if (state.beta(t) != 0.0)
            EXPECT_NEAR(g[t], state.beta(t) > 0.0 ? l1 : -l1, 1e-5 * top);
          else
            EXPECT_LE(std::abs(g[t]), l1 + 1e-5 * top);
        }
        if (a == 0) {
          EXPECT_EQ(state.beta.cwiseAbs().maxCoeff(), 0.0);
        }
      }
      EXPECT_GT((state.beta.array() != 0.0).count(), 5);
    }
}

TEST(Lasso, GapBoundsTheDistanceToTheOptimum) {
  for (const double l1_ratio : {1.0, 0.5}) {
    const Data data(50, 30, 52);
    const LassoProblem problem = data.problem(true);
    const double alpha = 0.05 * largest_alpha(problem, l1_ratio);
    LassoState best = start(problem), loose = start(problem);
    descend(problem, alpha, {l1_ratio, 1e-13, 100000}, best);
    descend(problem, alpha, {l1_ratio, 1e-2, 100000}, loose);
    const double optimum = data.objective(best.beta.col(0), alpha, l1_ratio);
    const double reached = data.objective(loose.beta.col(0), alpha, l1_ratio);
    EXPECT_LE(reached - optimum, loose.gap * reached + 1e-14);
    EXPECT_LE(loose.gap, 1e-2);
    EXPECT_LE(best.gap, 1e-13);
    EXPECT_LE(loose.sweeps, best.sweeps);
  }
}

TEST(Lasso, CovarianceAndResidualUpdatesAgree) {
  const Data data(50, 30, 53);
  const LassoControl control{1.0, 1e-12, 100000};
  LassoState a = start(data.problem(true)), b = start(data.problem(false));
  const double alpha = 0.03 * largest_alpha(data.problem(true), 1.0);
  descend(data.problem(true), alpha, control, a);
  descend(data.problem(false), alpha, control, b);
  EXPECT_NEAR((a.beta - b.beta).cwiseAbs().maxCoeff(), 0.0, 1e-5);
  EXPECT_NEAR(data.objective(a.beta.col(0), alpha, 1.0), data.objective(b.beta.col(0), alpha, 1.0), 1e-11);
}

TEST(Lasso, OrthogonalColumnsGiveSoftThresholding) {
  Data data(64, 8, 54);
  const Eigen::MatrixXd centred = data.F.rowwise() - data.F.colwise().mean();
  const Eigen::MatrixXd Q = centred.householderQr().householderQ() * Eigen::MatrixXd::Identity(64, 8);
  data.F = Q * 8.0;  // FᵀF / n = 1
  data.finish();
  const LassoProblem problem = data.problem(true);
  const double alpha = 0.3 * largest_alpha(problem, 0.7);
  LassoState state = start(problem);
  descend(problem, alpha, {0.7, 1e-12, 1000}, state);
  for (Index t = 0; t < 8; ++t) {
    const double c = problem.correlation(t), l1 = 0.7 * alpha;
    const double soft = std::abs(c) > l1 ? (c > 0 ? c - l1 : c + l1) : 0.0;
    EXPECT_NEAR(state.beta(t), soft / (1.0 + 0.3 * alpha), 1e-12);
  }
}

TEST(Lasso, TiedColumnsEnd) {
  Data data(40, 20, 55);
  for (Index t = 10; t < 20; ++t) data.F.col(t) = data.F.col(t - 10);  // each column twice
  data.F.col(3).setZero();
  data.finish();
  for (const bool covariance : {true, false}) {
    const LassoProblem problem = data.problem(covariance);
    LassoState state = start(problem);
    for (int a = 0; a < 30; ++a) {
      descend(problem, largest_alpha(problem, 1.0) * std::pow(10.0, -0.1 * a), {1.0, 1e-8, 2000}, state);
      ASSERT_TRUE(state.converged);
    }
    EXPECT_TRUE(state.beta.allFinite());
    EXPECT_EQ(state.beta(3), 0.0);
  }
}

TEST(Lasso, SparsePolynomialIsFoundAmongMoreFeaturesThanPoints) {
  TrainingData data;
  data.x = uniform(60, 12, 56);  // 90 features of degree 2
  data.y.resize(60, 2);
  for (Index i = 0; i < 60; ++i) {
    data.y(i, 0) = 3.0 * data.x(i, 0) - 2.0 * data.x(i, 5) + 1e4;
    data.y(i, 1) = 4.0 * (data.x(i, 2) - 0.5) * (data.x(i, 7) - 0.5);
  }
  const Fit f = make_regressor("lasso")->fit(data, {});
  EXPECT_TRUE(f.summary.converged) << all_warnings(f.summary);
  Matrix X = uniform(100, 12, 57), truth(100, 2);
  for (Index i = 0; i < 100; ++i) {
    truth(i, 0) = 3.0 * X(i, 0) - 2.0 * X(i, 5) + 1e4;
    truth(i, 1) = 4.0 * (X(i, 2) - 0.5) * (X(i, 7) - 0.5);
  }
  const Matrix predicted = predict(*f.predictor, X);
  EXPECT_LT(nrmse(truth.col(0), predicted.col(0)), 0.01);
  EXPECT_LT(nrmse(truth.col(1), predicted.col(1)), 0.05);
}

TEST(Lasso, VarianceIsTheCrossValidationError) {
  const TrainingData data = smooth(300, 58, 0.3);
  const Fit f = make_regressor("lasso")->fit(data, {});
  const auto variance = predict_variance(*f.predictor, uniform(3, 3, 59), Noise::observed).second;
  EXPECT_NEAR(variance(0, 0), 0.09, 0.025);
  EXPECT_NEAR(variance(0, 1), 36.0, 10.0);
  EXPECT_EQ(variance(0, 0), variance(2, 0));
}

TEST(Lasso, FoldsComeFromTheRandomStream) {
  const TrainingData data = smooth(40, 60, 0.3);
  const Matrix X = uniform(5, 3, 61);
  const auto variance = [&](std::uint64_t seed) {
    FitContext context;
    context.random = RandomStream(seed);
    return predict_variance(*make_regressor("lasso")->fit(data, context).predictor, X).second(0, 0);
  };
  EXPECT_EQ(variance(1), variance(1));
  EXPECT_NE(variance(1), variance(2));
}

TEST(Lasso, RunningOutOfIterationsIsReported) {
  const TrainingData data = smooth(40, 62);
  const Fit f =
      make_regressor("lasso", {{"max_iterations", 1.0}, {"alpha", 1e-6}, {"degree", 3.0}})->fit(data, {});
  EXPECT_FALSE(f.summary.converged);
  EXPECT_NE(all_warnings(f.summary).find("duality gap"), std::string::npos);
  EXPECT_TRUE(predict(*f.predictor, data.x).allFinite());
}

TEST(Lasso, SettingsAreChecked) {
  for (const auto& [key, value] : std::vector<std::pair<std::string, double>>{{"l1_ratio", 0.0},
                                                                              {"l1_ratio", 1.5},
                                                                              {"alpha", -1.0},
                                                                              {"folds", 1.0},
                                                                              {"tolerance", 0.0},
                                                                              {"max_iterations", 0.0},
                                                                              {"path_ratio", 1.0},
                                                                              {"path_length", 0.0},
                                                                              {"degree", 0.0}})
    EXPECT_THROW(make_regressor("lasso", {{key, value}}), UsageError) << key;
}

}  // namespace
}  // namespace ersatz
