// Factor, inverse and products in blocks: against Eigen, and the same bits on any number of threads.

#include "regression/gp/blocked.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/blas.hpp"
#include "ersatz/regression/gp/likelihood.hpp"
#include "functions.hpp"

namespace {

using namespace gp_test;

TEST(GpBlocked, FactorInverseAndProductsAreThoseOfEigen) {
  const SingleThreadedBlas single;
  gp::Team team(3);
  for (const Index n : {1, 7, 64, 65, 200, 530}) {
    const Eigen::MatrixXd b = Eigen::MatrixXd::Random(n, n);
    const Eigen::MatrixXd a = b * b.transpose() + static_cast<double>(n) * Eigen::MatrixXd::Identity(n, n);
    Eigen::MatrixXd work = Eigen::MatrixXd::Constant(n, n, 3.0);
    work.triangularView<Eigen::Lower>() = a;
    ASSERT_TRUE(gp::factor_blocked(work, team));
    const Eigen::MatrixXd l = work.triangularView<Eigen::Lower>();
    EXPECT_LT((l * l.transpose() - a).cwiseAbs().maxCoeff(), 1e-12 * a.cwiseAbs().maxCoeff()) << n;
    gp::invert_lower_blocked(work, team);
    const Eigen::MatrixXd inverse = work.triangularView<Eigen::Lower>();
    EXPECT_LT((inverse * l - Eigen::MatrixXd::Identity(n, n)).cwiseAbs().maxCoeff(), 1e-12) << n;
    gp::multiply_lower_blocked(work, team);
    const Eigen::MatrixXd whole = work.selfadjointView<Eigen::Lower>();
    EXPECT_LT((whole * a - Eigen::MatrixXd::Identity(n, n)).cwiseAbs().maxCoeff(), 1e-11) << n;
    const Eigen::MatrixXd w = Eigen::MatrixXd::Random(n, 5), before = work;
    gp::update_lower_blocked(-0.5, w, 3, 2.0, work, team);
    const Eigen::MatrixXd expected = 2.0 * before - 0.5 * w.leftCols(3) * w.leftCols(3).transpose();
    const Eigen::MatrixXd difference = (work - expected).triangularView<Eigen::Lower>();
    EXPECT_LT(difference.cwiseAbs().maxCoeff(), 1e-13 * (1.0 + expected.cwiseAbs().maxCoeff())) << n;
    for (Index j = 1; j < n; ++j) EXPECT_EQ(work(0, j), 3.0);  // above the diagonal nothing is touched
  }
}

TEST(GpBlocked, WhatIsNotPositiveDefiniteHasNoFactor) {
  gp::Team team(2);
  Eigen::MatrixXd a = Eigen::MatrixXd::Identity(300, 300);
  a(250, 250) = -1.0;
  EXPECT_FALSE(gp::factor_blocked(a, team));
}

TEST(GpBlocked, AnObjectiveHasTheSameBitsOnAnyNumberOfThreads) {
  const TrainingData data = smooth_data(310, 3, 2, 61, 0.01);
  for (const auto estimator : {gp::Estimator::restricted, gp::Estimator::leave_one_out}) {
    std::vector<double> values;
    std::vector<Vector> gradients;
    for (const Index threads : {1, 2, 3}) {
      gp::ObjectiveOptions options;
      options.estimator = estimator;
      options.trend = 1;
      options.threads = threads;
      const auto objective = gp::make_objective(gp::make_kernel("matern52", 3), data.x, data.y, options);
      Vector parameters = Vector::Constant(4, std::log(0.5)), gradient(4);
      double value = 0.0;
      ASSERT_TRUE(objective->evaluate(parameters.data(), &value, gradient.data()));
      values.push_back(value);
      gradients.push_back(gradient);
    }
    for (std::size_t t = 1; t < 3; ++t) {
      EXPECT_EQ(values[t], values[0]);
      EXPECT_EQ(gradients[t], gradients[0]);
    }
  }
}

}  // namespace
