// The path of ridge regression: generalised cross-validation, every shape of data, units and order of points.
#include <gtest/gtest.h>

#include <Eigen/Cholesky>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/ridge_path.hpp"
#include "regression/ridge_path.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace problems;

Eigen::MatrixXd solve(const Eigen::MatrixXd& A, const Eigen::MatrixXd& B) { return A.llt().solve(B); }

TrainingData linear_data(Index n, Index d, std::uint64_t seed) {
  TrainingData data;
  data.x = uniform(n, d, seed);
  data.y.resize(n, 2);
  RandomStream random(seed + 1);
  for (Index i = 0; i < n; ++i) {
    data.y(i, 0) = 3.0 * data.x(i, 0) - data.x(i, d - 1) + 0.3 * random.normal();
    data.y(i, 1) = 1e6 * (data.x.row(i).sum() + 2.0 * random.normal());
  }
  return data;
}

// Everything that the path claims, from the definition: hat matrices of standardised features.
TEST(RidgePath, ErrorsAndCoefficientsAreTheirDefinition) {
  for (const auto& [n, d] : {std::pair<Index, Index>{30, 5}, {12, 30}, {300, 66}, {66, 270}}) {
    const TrainingData data = linear_data(n, d, 71);
    RidgeOptions options;
    options.degrees = {1};
    options.alphas = {1e-3, 0.1, 3.0, 40.0, 1e3};
    for (const RidgeSelection selection : {RidgeSelection::leave_one_out, RidgeSelection::gcv}) {
      options.selection = selection;
      const RidgePath path = fit_ridge_path(data, options);
      ASSERT_EQ(path.alphas.size(), 5u);
      EXPECT_EQ(path.alphas[0], 1e3);
      const Matrix F = path.features.evaluate(data.x);
      const Eigen::MatrixXd Z = Standardisation::of(F).apply(F);
      const double count = static_cast<double>(n);
      for (Index j = 0; j < 2; ++j) {
        const Vector y = data.y.col(j).array() - data.y.col(j).mean();
        Index best_loo = 0, best_gcv = 0;
        for (Index a = 0; a < 5; ++a) {
          const Eigen::MatrixXd A =
              Z.transpose() * Z + path.alphas[static_cast<std::size_t>(a)] * Eigen::MatrixXd::Identity(d, d);
          const Eigen::MatrixXd hat =
              Z * solve(A, Z.transpose()) + Eigen::MatrixXd::Constant(n, n, 1.0 / count);
          const Vector rest = y - hat * y;
          const double loo = (rest.array() / (1.0 - hat.diagonal().array())).square().mean();
          const double gcv = rest.squaredNorm() / count / std::pow(1.0 - hat.trace() / count, 2);
          EXPECT_NEAR(path.leave_one_out(a, j), loo, 1e-8 * loo) << n << " x " << d << ", alpha " << a;
          EXPECT_NEAR(path.gcv(a, j), gcv, 1e-8 * gcv) << n << " x " << d << ", alpha " << a;
          if (path.leave_one_out(a, j) < path.leave_one_out(best_loo, j)) best_loo = a;
          if (path.gcv(a, j) < path.gcv(best_gcv, j)) best_gcv = a;
          const Vector fitted = (F * path.coefficients(a).col(j)).array() + path.intercept(a)[j];
          EXPECT_NEAR((data.y.col(j) - fitted - rest).norm() / y.norm(), 0.0, 1e-9);
        }
        EXPECT_EQ(path.chosen[static_cast<std::size_t>(j)],
                  selection == RidgeSelection::gcv ? best_gcv : best_loo);
      }
      // The regressor takes the same.
      const Fit f = make_ridge_regressor(options)->fit(data, {});
      const Index a = path.chosen[1];
      const Matrix predicted = predict(*f.predictor, data.x);
      const Vector fitted = (F * path.coefficients(a).col(1)).array() + path.intercept(a)[1];
      EXPECT_NEAR((predicted.col(1) - fitted).norm() / fitted.norm(), 0.0, 1e-10);
      EXPECT_NEAR(f.summary.leave_one_out.col(1).squaredNorm() / count, path.leave_one_out(a, 1),
                  1e-8 * path.leave_one_out(a, 1));
    }
  }
}

TEST(RidgePath, EveryWayToDecomposeGivesTheSame) {
  SerialExecutor serial;
  const auto check = [&](Index n, Index m, Decomposition::Way way) {
    Matrix F = uniform(n, m, 72);
    F = Standardisation::of(F).apply(F);
    const Decomposition d = decompose(F, serial);
    EXPECT_EQ(d.way, way);
    const Index r = std::min(n - 1, m);
    ASSERT_EQ(d.rank(), r);
    for (Index l = 1; l < r; ++l) EXPECT_LE(d.s[l], d.s[l - 1]);
    EXPECT_NEAR((d.v.transpose() * d.v - Eigen::MatrixXd::Identity(r, r)).norm(), 0.0, 1e-10);
    const Eigen::MatrixXd u = d.left(0, n, d.scaled_v()).transpose();
    EXPECT_NEAR((u.transpose() * u - Eigen::MatrixXd::Identity(r, r)).norm(), 0.0, 1e-10);
    EXPECT_NEAR((u * d.s.asDiagonal() * d.v.transpose() - F).norm() / F.norm(), 0.0, 1e-12);
  };
  check(40, 10, Decomposition::Way::singular_values);
  check(10, 40, Decomposition::Way::singular_values);
  check(300, 70, Decomposition::Way::gram);
  check(70, 300, Decomposition::Way::gram_of_rows);
}

TEST(RidgePath, GramInPanelsHasTheSameBitsOnThreads) {
  SerialExecutor serial;
  ThreadExecutor three(3);
  Matrix F = uniform(2080, 520, 73);  // three panels
  F = Standardisation::of(F).apply(F);
  const Decomposition a = decompose(F, serial), b = decompose(F, three);
  ASSERT_EQ(a.way, Decomposition::Way::gram);
  EXPECT_TRUE((a.s.array() == b.s.array()).all());
  EXPECT_TRUE((a.v.array() == b.v.array()).all());
  const Eigen::MatrixXd gram = F.transpose() * F;
  EXPECT_NEAR((gram * a.v - a.v * a.s.cwiseAbs2().asDiagonal()).norm() / gram.norm(), 0.0, 1e-12);
}

// A point that alone decides a coefficient: nothing is free there, and alpha = 0 takes the limit.
TEST(RidgePath, PointsThatAreFittedWhateverTheirValue) {
  for (const Index n : {40, 400}) {  // singular values, Gram matrix
    const Index d = n == 40 ? 3 : 70;
    TrainingData data = linear_data(n, d, 74);
    data.x.col(d - 1).setZero();
    data.x(7, d - 1) = 1.0;
    for (const double alpha : {1e-9, 1e-3, 1.0}) {
      const Fit f = make_regressor("ridge", {{"degree", 1.0}, {"alpha", alpha}})->fit(data, {});
      EXPECT_TRUE(f.summary.leave_one_out.allFinite());
      // Features are standardised over all points, so refit with the same ones.
      const Eigen::MatrixXd Z = Standardisation::of(data.x).apply(data.x);
      Eigen::MatrixXd others(n - 1, d);
      others << Z.topRows(7), Z.bottomRows(n - 8);
      Vector y(n - 1);
      y << data.y.col(0).head(7), data.y.col(0).tail(n - 8);
      const Vector mean = others.colwise().mean();
      const Eigen::MatrixXd C = others.rowwise() - mean.transpose();
      const Vector b = solve(C.transpose() * C + alpha * Eigen::MatrixXd::Identity(d, d),
                             C.transpose() * Vector(y.array() - y.mean()));
      const double expected = data.y(7, 0) - y.mean() - b.dot(Z.row(7).transpose() - mean);
      EXPECT_NEAR(f.summary.leave_one_out(7, 0), expected, 2e-5) << n << ", alpha " << alpha;
    }
  }
}

TEST(RidgePath, GcvNeedsNoOrderAndSettingsAreChecked) {
  EXPECT_THROW(make_regressor("ridge", {{"selection", std::string("aic")}}), UsageError);
  RidgeOptions two;
  EXPECT_THROW(fit_ridge_path(linear_data(20, 2, 75), two), UsageError);
  const Fit f = make_regressor("ridge", {{"selection", std::string("gcv")}})->fit(smooth(60, 76, 0.02), {});
  bool found = false;
  for (const auto& [name, value] : f.summary.facts)
    found = found || name.find("generalised cross-validation") != std::string::npos;
  EXPECT_TRUE(found);
}

class Invariance : public testing::TestWithParam<std::pair<std::string, Settings>> {};

// Other units, another order of the rows: the same function, to rounding.
TEST_P(Invariance, UnitsAndOrder) {
  const auto& [name, settings] = GetParam();
  for (const Index n : {40, 9}) {
    TrainingData data = smooth(n, 77, 0.05);
    data.x.conservativeResize(n, 4);
    data.x.col(3).setConstant(-3.0);
    if (n > 20) data.x.row(11) = data.x.row(4);
    TrainingData other = data;
    const auto change = [](Matrix X) {
      X.col(0) = X.col(0) * 1e6;
      X.col(1) = X.col(1).array() * 1e-7 + 3e-7;
      X.col(2) = X.col(2).array() * -32.0 + 1000.0;
      return X;
    };
    for (Index i = 0; i < n; ++i) {
      const Index from = (7 * i + 3) % n;
      other.x.row(i) = change(data.x).row(from);
      other.y.row(i) = data.y.row(from).array() * 1e-20 + 4e-19;
    }
    Matrix X = uniform(20, 4, 78);
    const Fit a = make_regressor(name, settings)->fit(data, {}),
              b = make_regressor(name, settings)->fit(other, {});
    const auto [mean, variance] = predict_variance(*a.predictor, X);
    const auto [other_mean, other_variance] = predict_variance(*b.predictor, change(X));
    for (Index j = 0; j < 2; ++j) {
      const double spread = (mean.col(j).array() - mean.col(j).mean()).matrix().norm() + 1e-3;
      EXPECT_LT(((other_mean.col(j).array() - 4e-19) * 1e20 - mean.col(j).array()).matrix().norm(),
                1e-7 * spread)
          << n << " points, output " << j;
      EXPECT_LT((other_variance.col(j) * 1e40 - variance.col(j)).norm(),
                1e-5 * variance.col(j).norm() + 1e-12)
          << n << " points, output " << j;
    }
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < 2; ++j)
        EXPECT_NEAR(b.summary.leave_one_out(i, j) * 1e20, a.summary.leave_one_out((7 * i + 3) % n, j),
                    1e-6 * (1.0 + std::abs(data.y(i, j))));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Regressors, Invariance,
    testing::Values(
        std::pair<std::string, Settings>{"linear", {{"degree", 2.0}}},
        std::pair<std::string, Settings>{"ridge", {{"degree", 3.0}, {"alpha", 0.01}}},
        std::pair<std::string, Settings>{"ridge", {{"degree", 2.0}, {"features", std::string("legendre")}}},
        std::pair<std::string, Settings>{"chaos", {}},
        std::pair<std::string, Settings>{"chaos", {{"features", std::string("hermite")}, {"q_norm", 0.75}}}),
    [](const auto& info) { return info.param.first + std::to_string(info.index); });

}  // namespace
}  // namespace ersatz
