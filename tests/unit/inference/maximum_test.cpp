// Unconstrained space, maxima and normal approximations against closed forms and differences.
#include "ersatz/inference/maximum.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "ersatz/core/error.hpp"
#include "unit/inference/densities.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::bounded_density;
using testing::correlated;
using testing::infinite;
using testing::message_of;
using testing::normal_density;

TEST(Unconstrained, maps_there_and_back_within_bounds) {
  const auto density = bounded_density();
  const UnconstrainedMap map(density.parameters());
  for (const double u : {-30.0, -3.0, 0.0, 0.7, 30.0}) {
    const Vector from = Vector::Constant(4, u);
    Vector theta(4), back(4);
    map.to_bounded(from.data(), theta.data());
    EXPECT_GE(theta[0], 0.0);
    EXPECT_GE(theta[2], -1.0);
    EXPECT_LE(theta[2], 2.0);
    EXPECT_LE(theta[3], 0.0);
    if (std::abs(u) > 5.0) continue;
    map.to_unbounded(theta.data(), back.data());
    EXPECT_LT((back - from).cwiseAbs().maxCoeff(), 1e-12);
  }
  const Vector edge{{0.0, 0.0, 2.0, 0.0}};
  Vector u(4);
  map.to_unbounded(edge.data(), u.data());
  EXPECT_TRUE(u.allFinite());
  EXPECT_NE(message_of<UsageError>([] {
              UnconstrainedMap({{"a", "", 1.0, 1.0}});
            }).find("'a': its bounds 1 and 1"),
            std::string::npos);
}

TEST(Unconstrained, jacobian_and_gradient_by_differences) {
  const auto density = bounded_density();
  const UnconstrainedDensity target(density);
  Workspace workspace;
  const Vector u{{0.3, -1.2, 0.8, -0.4}};
  Vector gradient(4), theta_up(4), theta_down(4), slopes(4);
  const UnconstrainedValue value = target.evaluate(u.data(), gradient.data(), workspace);
  target.map().slopes(u.data(), slopes.data());
  EXPECT_NEAR(value.log_density - value.parts.sum(), slopes.array().log().sum(), 1e-12);
  for (Index i = 0; i < 4; ++i) {
    Vector up = u, down = u;
    up[i] += 1e-5;
    down[i] -= 1e-5;
    target.map().to_bounded(up.data(), theta_up.data());
    target.map().to_bounded(down.data(), theta_down.data());
    EXPECT_NEAR(slopes[i], (theta_up[i] - theta_down[i]) / 2e-5, 1e-8);
    EXPECT_NEAR(gradient[i],
                (target.evaluate(up.data(), nullptr, workspace).log_density -
                 target.evaluate(down.data(), nullptr, workspace).log_density) /
                    2e-5,
                1e-8);
  }
  const Vector far = Vector::Constant(4, 1000.0);  // exp(1000) is beyond doubles
  EXPECT_EQ(target.evaluate(far.data(), gradient.data(), workspace).log_density, -infinite);
}

TEST(Unconstrained, gradients_by_differences_where_there_are_none) {
  const Vector mean{{1.0, -2.0}};
  const auto with = normal_density(mean, correlated(2), true);
  const auto without = normal_density(mean, correlated(2), false);
  Workspace workspace;
  const Vector u{{0.3, 0.9}};
  Vector a(2), b(2);
  UnconstrainedDensity(with).evaluate(u.data(), a.data(), workspace);
  UnconstrainedDensity(without).evaluate(u.data(), b.data(), workspace);
  EXPECT_LT((a - b).cwiseAbs().maxCoeff(), 1e-8);
}

TEST(Maximum, normal_and_its_covariance) {
  const Vector mean{{1.0, -2.0, 0.5}};
  const Matrix covariance = correlated(3);
  SerialExecutor serial;
  Workspace workspace;
  for (const bool gradient : {true, false}) {
    const auto density = normal_density(mean, covariance, gradient);
    const auto maxima = find_maxima(density, 5.0 * Matrix::Random(6, 3), {}, serial);
    ASSERT_EQ(maxima.size(), 1u);
    EXPECT_TRUE(maxima[0].converged);
    EXPECT_LT((maxima[0].theta - mean).cwiseAbs().maxCoeff(), 1e-5);
    const auto laplace = laplace_approximation(density, maxima[0], workspace);
    ASSERT_EQ(laplace.covariance.rows(), 3) << laplace.why_not;
    EXPECT_LT((laplace.covariance - covariance).cwiseAbs().maxCoeff(), gradient ? 1e-6 : 1e-3);
  }
}

// Scales apart by 10^4 along diagonals: the curvature's steps fit each direction.
TEST(Maximum, scales_that_differ) {
  const Vector scale{{1e-4, 1.0}};
  const Matrix covariance = scale.asDiagonal() * correlated(2) * scale.asDiagonal();
  const auto density = normal_density(Vector::Zero(2), covariance);
  SerialExecutor serial;
  Workspace workspace;
  const auto maxima = find_maxima(density, Matrix::Ones(1, 2), {}, serial);
  EXPECT_LT(std::abs(maxima[0].theta[0]), 1e-6);
  EXPECT_LT(std::abs(maxima[0].theta[1]), 1e-2);
  const auto laplace = laplace_approximation(density, maxima[0], workspace);
  ASSERT_EQ(laplace.covariance.rows(), 2) << laplace.why_not;
  EXPECT_NEAR(laplace.covariance(0, 0) / covariance(0, 0), 1.0, 1e-4);
  EXPECT_NEAR(laplace.covariance(0, 1) / covariance(0, 1), 1.0, 1e-4);
}

/// A gamma density of shape 4 and scale 0.5 above 2, in a box that is wide: the maximum at 2 + 1.5, where the
/// curvature is (shape - 1) / 1.5².
TEST(Maximum, inside_of_bounds) {
  const auto function = [](const double* x, double* g) {
    const double t = x[0] - 2.0;
    if (g) g[0] = 3.0 / t - 2.0;
    return 3.0 * std::log(t) - 2.0 * t;
  };
  const testing::Density<decltype(function)> density({{"t", "", 2.0, 50.0}}, function);
  SerialExecutor serial;
  Workspace workspace;
  const Matrix starts{{2.1}, {45.0}, {10.0}};
  const auto maxima = find_maxima(density, starts, {}, serial);
  ASSERT_EQ(maxima.size(), 1u);
  EXPECT_NEAR(maxima[0].theta[0], 3.5, 1e-5);
  const auto laplace = laplace_approximation(density, maxima[0], workspace);
  EXPECT_NEAR(laplace.covariance(0, 0), 1.5 * 1.5 / 3.0, 1e-4);
  // Of the density over u it is elsewhere: shifted by the slope of the Jacobian.
  MaximumOptions with;
  with.with_jacobian = true;
  const auto other = find_maxima(density, starts, with, serial);
  EXPECT_GT(other[0].theta[0], 3.7);
}

TEST(Maximum, at_a_bound) {
  const auto density = bounded_density();  // falls from 0 on in "exponential", rises to 0 in "below"
  SerialExecutor serial;
  Workspace workspace;
  const auto maxima = find_maxima(density, Matrix{{1.0, 2.0, 0.5, -3.0}}, {}, serial);
  EXPECT_NEAR(maxima[0].theta[0], 0.2, 1e-4);
  EXPECT_LT(maxima[0].theta[1], 1e-4);
  EXPECT_GT(maxima[0].theta[3], -1e-4);
  const auto laplace = laplace_approximation(density, maxima[0], workspace);
  EXPECT_EQ(laplace.covariance.size(), 0);
  EXPECT_NE(laplace.why_not.find("stands at the bound 0 of 'exponential'"), std::string::npos)
      << laplace.why_not;
  // Chains can begin there nevertheless.
  const Matrix starts = starting_points(density, maxima, 50, RandomStream(1));
  EXPECT_TRUE(starts.allFinite());
  EXPECT_GT(starts.col(1).minCoeff(), 0.0);
  EXPECT_GT(starts.col(1).maxCoeff(), 0.5);
  EXPECT_LT(starts.col(3).maxCoeff(), 0.0);
}

/// What the data leave open has no deviation within its bounds, wherever the search ended.
TEST(Maximum, not_constrained_between_bounds) {
  const auto function = [](const double* x, double* g) {
    if (g) {
      g[0] = -(x[0] - 0.4) / 1e-4;
      g[1] = -1e-9 * (x[1] - 0.3);
    }
    return -0.5 * std::pow(x[0] - 0.4, 2) / 1e-4 - 0.5e-9 * std::pow(x[1] - 0.3, 2);
  };
  const testing::Density<decltype(function)> density({{"a", "", 0.0, 1.0}, {"b", "", 0.0, 1.0}}, function);
  SerialExecutor serial;
  Workspace workspace;
  const auto maxima = find_maxima(density, Matrix{{0.5, 0.4}}, {}, serial);
  const auto laplace = laplace_approximation(density, maxima[0], workspace);
  EXPECT_EQ(laplace.covariance.size(), 0);
  EXPECT_NE(laplace.why_not.find("'b' is not constrained"), std::string::npos) << laplace.why_not;
}

/// A log-normal is a normal of the logarithm, however small its scale; above 0, below 0, and between bounds
/// that are far apart.
TEST(Maximum, of_scales_far_below_one) {
  SerialExecutor serial;
  Workspace workspace;
  const double spread = 0.1;
  for (const double scale : {1e-8, 1e-12, 1e-20})
    for (const auto& [lower, upper, sign] :
         {std::tuple(0.0, infinite, 1.0), std::tuple(-infinite, 0.0, -1.0), std::tuple(0.0, 1.0, 1.0)}) {
      const auto function = [scale, spread, sign = sign](const double* x, double* g) {
        const double y = std::log(sign * x[0] / scale) / spread;
        if (g) g[0] = -(y / spread + 1.0) / x[0];
        return -0.5 * y * y - std::log(sign * x[0]);
      };
      const testing::Density<decltype(function)> density({{"a", "", lower, upper}}, function);
      const Matrix starts{{1.3 * sign * scale}, {0.7 * sign * scale}};
      const auto maxima = find_maxima(density, starts, {}, serial);
      ASSERT_EQ(maxima.size(), 1u) << scale << " " << upper;
      const double top = scale * std::exp(-spread * spread);  // the mode
      EXPECT_NEAR(maxima[0].theta[0] / (sign * top), 1.0, 1e-4) << scale << " " << upper;
      const auto laplace = laplace_approximation(density, maxima[0], workspace);
      ASSERT_EQ(laplace.covariance.size(), 1) << laplace.why_not;
      EXPECT_NEAR(std::sqrt(laplace.covariance(0, 0)) / (spread * top), 1.0, 1e-3) << scale << " " << upper;
      const Matrix chains = starting_points(density, maxima, 100, RandomStream(1));
      EXPECT_LT((chains.array() * sign / scale).log().abs().maxCoeff(), 12.0 * spread)
          << scale << " " << upper;
    }
}

/// There and back; and from the bounds themselves.
TEST(UnconstrainedMap, keeps_what_is_close_to_a_bound) {
  const UnconstrainedMap map(
      {{"a", "", 0.0, infinite}, {"b", "", -infinite, 2.0}, {"c", "", 0.0, 1e3}, {"d", "", -1e3, 0.0}});
  for (const double small : {1e-3, 1e-12, 1e-15, 1e-100}) {
    const double theta[] = {small, 2.0 - std::max(small, 1e-15), small, -small};
    double u[4], back[4];
    map.to_unbounded(theta, u);
    map.to_bounded(u, back);
    EXPECT_NEAR(back[0] / small, 1.0, 1e-12);
    EXPECT_EQ(back[1], theta[1]);
    EXPECT_NEAR(back[2] / small, 1.0, 1e-12);
    if (small > 1e-12) {  // the other end: to the spacing of numbers next to -1000
      EXPECT_NEAR(back[3], -small, 1e-12);
    }
  }
  const double at[] = {0.0, 2.0, 0.0, 0.0};
  double u[4], back[4];
  map.to_unbounded(at, u);
  map.to_bounded(u, back);
  for (int k = 0; k < 4; ++k) EXPECT_TRUE(std::isfinite(u[k])) << k;
  EXPECT_GT(back[0], 0.0);
  EXPECT_LT(back[1], 2.0);
  EXPECT_GT(back[2], 0.0);
  EXPECT_LT(back[3], 0.0);
}

TEST(Maximum, two_maxima_and_none) {
  const auto function = [](const double* x, double* g) {
    const double a = -0.5 * std::pow(x[0] - 4.0, 2), b = -0.5 * std::pow(x[0] + 4.0, 2) - 1.0;
    const double top = std::max(a, b), sum = std::exp(a - top) + std::exp(b - top);
    if (g) g[0] = (std::exp(a - top) * (4.0 - x[0]) + std::exp(b - top) * (-4.0 - x[0])) / sum;
    return top + std::log(sum);
  };
  const testing::Density<decltype(function)> density(testing::free_parameters(1), function);
  SerialExecutor serial;
  const auto maxima = find_maxima(density, Matrix{{-6.0}, {-3.0}, {1.0}, {7.0}}, {}, serial);
  ASSERT_EQ(maxima.size(), 2u);
  EXPECT_NEAR(maxima[0].theta[0], 4.0, 1e-4);
  EXPECT_NEAR(maxima[1].theta[0], -4.0, 1e-4);
  // Chains begin at both in turn, about twice as far apart as the posterior is wide.
  const Matrix starts = starting_points(density, maxima, 400, RandomStream(1));
  double sum = 0.0;
  for (Index k = 0; k < 400; ++k) sum += std::pow(starts(k, 0) - (k % 2 == 0 ? 4.0 : -4.0), 2) / 400.0;
  EXPECT_NEAR(std::sqrt(sum), 2.0, 0.3);

  // Of -6, 5, -3 the climb begins at 5, of 1, -7 at 1: the lower hill is not climbed.
  MaximumOptions best_of_three;
  best_of_three.draws_per_climb = 3;
  const auto one = find_maxima(density, Matrix{{-6.0}, {5.0}, {-3.0}, {1.0}, {-7.0}}, best_of_three, serial);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_NEAR(one[0].theta[0], 4.0, 1e-4);

  const auto nowhere = [](const double*, double*) { return -infinite; };
  const testing::Density<decltype(nowhere)> zero(testing::free_parameters(1), nowhere);
  EXPECT_NE(message_of<NumericalError>([&] {
              find_maxima(zero, Matrix::Ones(3, 1), {}, serial);
            }).find("zero at all of the 3 points"),
            std::string::npos);
}

// Same bits on threads.
TEST(Maximum, any_executor) {
  const auto density = testing::banana_density();
  const Matrix starts = Matrix::Random(5, 2);
  SerialExecutor serial;
  const auto threads = make_executor(3);
  const auto a = find_maxima(density, starts, {}, serial), b = find_maxima(density, starts, {}, *threads);
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(a[0].theta, b[0].theta);
}

}  // namespace
}  // namespace ersatz
