// Conditioning on data against brute force and published numbers.

#include "ersatz/regression/gp/conditioning.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "functions.hpp"
#include "regression/gp/predictor.hpp"

namespace {

using namespace gp_test;
using gp::Estimator;

TEST(GpConditioning, SingularMatrixIsRefused) {
  Matrix x(3, 1), y(3, 1);
  x << 0.0, 0.0, 1.0;
  y << 1.0, 2.0, 3.0;
  gp::ConditionOptions given;
  given.theta = {0.0};
  EXPECT_THROW(gp::condition(*gp::make_kernel("matern52", 1), gp::Trend(1, 0), x, y, given), NumericalError);
}

TEST(GpConditioning, LeaveOneOutIsThatOfBruteForce) {
  const TrainingData data = smooth_data(18, 2, 2, 3, 0.1);
  const Index n = data.x.rows();
  const std::string name = "matern32-product";
  const Vector lengths = Vector::Constant(2, 0.7), theta = lengths.array().log();
  const double nugget = 1e-2;
  gp::ConditionOptions given;
  given.theta = {theta[0], theta[1]};
  given.nugget = nugget;
  const auto c = gp::condition(*gp::make_kernel(name, 2), gp::Trend(2, 0), data.x, data.y, given);
  Eigen::MatrixXd r = correlation_matrix(name, data.x, lengths);
  r.diagonal().array() += nugget;
  for (Index left = 0; left < n; ++left) {
    std::vector<Index> others;
    for (Index i = 0; i < n; ++i)
      if (i != left) others.push_back(i);
    const Eigen::MatrixXd r1 = r(others, others);
    const Vector k = r(others, left), ones = Vector::Ones(n - 1);
    const Eigen::LLT<Eigen::MatrixXd> llt(r1);
    const Vector s = llt.solve(ones);
    for (Index o = 0; o < 2; ++o) {
      const Vector y = data.y(others, o);
      const double variance = c.process_variance[o];
      const double mean = s.dot(y) / s.sum(), fixed = c.trend(o, 0);
      const double missing = 1.0 - s.dot(k), spread = 1.0 + nugget - k.dot(llt.solve(k));
      const auto predicted = [&](double m) { return m + k.dot(llt.solve((y.array() - m).matrix())); };
      EXPECT_NEAR(c.leave_one_out_residual(left, o), data.y(left, o) - predicted(mean), 1e-10);
      EXPECT_NEAR(c.leave_one_out_deviation(left, o),
                  std::sqrt(variance * (spread + missing * missing / s.sum())), 1e-10);
      EXPECT_NEAR(c.fixed_mean_residual(left, o), data.y(left, o) - predicted(fixed), 1e-10);
      EXPECT_NEAR(c.fixed_mean_deviation(left, o), std::sqrt(variance * spread), 1e-10);
    }
  }
}

/// DiceKriging's own test of leave-one-out: Branin on a 4 × 4 grid, product Matérn 5/2, constant trend,
/// maximum likelihood. The numbers are those of its test suite (R package DiceKriging, tests/testthat).
TEST(GpConditioning, BraninGridAsDiceKriging) {
  TrainingData data;
  data.x.resize(16, 2);
  data.y.resize(16, 1);
  for (Index i = 0; i < 16; ++i) {
    const double u = static_cast<double>(i % 4) / 3.0, v = static_cast<double>(i / 4) / 3.0;
    const double a = 15.0 * u - 5.0, b = 15.0 * v;
    data.x.row(i) << u, v;
    data.y(i, 0) = std::pow(b - 5.0 / (4.0 * M_PI * M_PI) * a * a + 5.0 / M_PI * a - 6.0, 2) +
                   10.0 * (1.0 - 1.0 / (8.0 * M_PI)) * std::cos(a) + 10.0;
  }
  GpOptions options;
  options.kernel = "matern52-product";
  options.likelihood = Estimator::profile;
  options.priors = gp::Priors::none();
  options.nugget = 0.0;
  options.bounds = {1e-3, 2.0};
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  const auto& state = dynamic_cast<const gp::GpPredictor&>(*fit.predictor).state();
  const auto& theta = state.correlations.at(0).hyperparameters;
  EXPECT_NEAR(std::exp(theta[0]), 0.8254355, 2e-4);
  EXPECT_NEAR(std::exp(theta[1]), 2.0, 1e-3);
  EXPECT_NEAR(state.outputs[0].centre + state.outputs[0].scale * state.trends(0, 0), 306.5783, 0.05);
  EXPECT_NEAR(state.outputs[0].process_variance, 145556.6, 30.0);

  // With the published ranges, to all published digits.
  gp::ConditionOptions given;
  given.theta = {std::log(0.8254355), std::log(2.0)};
  given.estimator = Estimator::profile;
  const auto c =
      gp::condition(*gp::make_kernel("matern52-product", 2), gp::Trend(2, 0), data.x, data.y, given);
  EXPECT_NEAR(c.trend(0, 0), 306.5783, 1e-4);
  EXPECT_NEAR(c.process_variance[0], 145556.6, 0.1);
  const double means[] = {286.993256592263, 61.1933200186092, 13.3103372396603};
  for (Index i = 0; i < 3; ++i)
    EXPECT_NEAR(data.y(i, 0) - c.fixed_mean_residual(i, 0), means[i], 1e-5 * means[i]) << i;
  EXPECT_NEAR(c.leave_one_out_deviation(0, 0), 10.772546332554, 1e-5);
  EXPECT_NEAR(c.leave_one_out_deviation(1, 0), 5.74056179816984, 1e-5);
}

}  // namespace
