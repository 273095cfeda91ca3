// Priors against the distributions of Boost.Math, quadrature, and their own draws.
#include "ersatz/inference/prior.hpp"

#include <gtest/gtest.h>

#include <boost/math/distributions/lognormal.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/triangular.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <fstream>

#include "ersatz/core/error.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;

/// Density, distribution function and quantile against a distribution of Boost's.
template <class Distribution>
void expect_same(const Prior& prior, const Distribution& expected) {
  for (const double p : {1e-8, 0.01, 0.3, 0.5, 0.77, 0.999}) {
    const double x = quantile(expected, p);
    EXPECT_NEAR(prior.quantile(p), x, 1e-10 * (1.0 + std::abs(x)));
    EXPECT_NEAR(prior.cdf(x), p, 1e-12);
    EXPECT_NEAR(prior.log_density(x), std::log(pdf(expected, x)), 1e-9);
  }
}

/// The slope by differences, the mass by quadrature, the distribution function as its integral.
void expect_consistent(const Prior& prior, double from, double to) {
  using boost::math::quadrature::gauss_kronrod;
  const auto density = [&](double x) { return std::exp(prior.log_density(x)); };
  const int pieces = 200;
  double below = prior.cdf(from);
  for (int i = 0; i < pieces; ++i) {
    const double a = from + (to - from) * i / pieces, b = from + (to - from) * (i + 1) / pieces;
    below += gauss_kronrod<double, 15>::integrate(density, a, b, 3, 1e-10);
    EXPECT_NEAR(prior.cdf(b), below, 1e-6) << b;
    const double x = a + 0.37 * (b - a), h = 1e-6 * (to - from);
    const double slope = (prior.log_density(x + h) - prior.log_density(x - h)) / (2.0 * h);
    if (std::isfinite(slope)) {
      EXPECT_NEAR(prior.slope(x), slope, 1e-4 * (1.0 + std::abs(slope))) << x;
    }
    EXPECT_NEAR(prior.quantile(prior.cdf(x)), x, 1e-7 * (to - from)) << x;
  }
  EXPECT_NEAR(below, prior.cdf(to), 1e-6);
}

TEST(Prior, NormalAndLogNormalAreThoseOfBoost) {
  expect_same(*normal_prior(-2.0, 0.3), boost::math::normal(-2.0, 0.3));
  expect_same(*log_normal_prior(0.7, 1.3), boost::math::lognormal(0.7, 1.3));
  EXPECT_EQ(log_normal_prior(0.0, 1.0)->log_density(-1.0), -INFINITY);
}

TEST(Prior, DensitiesIntegrateToTheirDistributionFunctions) {
  expect_consistent(*uniform_prior(-1.0, 3.0), -1.0, 3.0);
  expect_consistent(*log_uniform_prior(0.1, 30.0), 0.1, 30.0);
  expect_consistent(*normal_prior(1.0, 2.0), -6.0, 8.0);
  expect_consistent(*log_normal_prior(0.0, 0.5), 0.2, 5.0);
  const auto truncated = truncated_prior(normal_prior(1.0, 2.0), 0.5, INFINITY);
  EXPECT_EQ(truncated->cdf(0.5), 0.0);
  EXPECT_EQ(truncated->log_density(0.49), -INFINITY);
  expect_consistent(*truncated, 0.5, 9.0);
  expect_consistent(
      *table_prior(Vector::LinSpaced(5, 0.0, 4.0), (Vector(5) << 0.0, 3.0, 1.0, 1.0, 0.5).finished()), 0.0,
      4.0);
}

TEST(Prior, ATableOfThreePointsIsTheTriangularDistribution) {
  const auto prior =
      table_prior((Vector(3) << 1.0, 2.0, 5.0).finished(), (Vector(3) << 0.0, 7.0, 0.0).finished());
  expect_same(*prior, boost::math::triangular(1.0, 2.0, 5.0));
  EXPECT_EQ(prior->log_density(0.9), -INFINITY);
  EXPECT_EQ(prior->log_density(5.1), -INFINITY);
}

/// Kolmogorov-Smirnov: sqrt(n) D is above 1.95 once in a thousand.
TEST(Prior, DrawsFollowTheDistributionFunction) {
  const PriorPtr priors[] = {
      uniform_prior(2.0, 3.0),
      log_uniform_prior(1e-3, 1.0),
      normal_prior(0.0, 1.0),
      log_normal_prior(0.0, 1.0),
      truncated_prior(normal_prior(0.0, 1.0), 1.0, 2.0),
      table_prior(Vector::LinSpaced(3, 0.0, 2.0), (Vector(3) << 1.0, 0.0, 2.0).finished())};
  for (const PriorPtr& prior : priors) {
    RandomStream random(3);
    const int n = 4000;
    std::vector<double> p;
    for (int i = 0; i < n; ++i) {
      const double x = prior->sample(random);
      ASSERT_TRUE(std::isfinite(prior->log_density(x))) << prior->describe() << " at " << x;
      p.push_back(prior->cdf(x));
    }
    std::sort(p.begin(), p.end());
    double distance = 0.0;
    for (int i = 0; i < n; ++i)
      distance = std::max({distance, std::abs(p[static_cast<std::size_t>(i)] - i / double(n)),
                           std::abs(p[static_cast<std::size_t>(i)] - (i + 1) / double(n))});
    EXPECT_LT(std::sqrt(n) * distance, 1.95) << prior->describe();
  }
}

TEST(Prior, ByName) {
  const testing::Scratch scratch;
  std::ofstream(scratch("p.csv")) << "value,density\n0,1\n1,1\n3,0\n";
  const auto table = make_prior("table", {{"file", scratch("p.csv")}});
  EXPECT_NEAR(std::exp(table->log_density(0.5)), 0.5, 1e-14);  // mass 1 + 1
  EXPECT_NEAR(table->cdf(1.0), 0.5, 1e-14);
  const auto cut = make_prior("normal", {{"mean", 0.0}, {"deviation", 1.0}, {"lower", 0.0}});
  EXPECT_NEAR(cut->quantile(0.5), quantile(boost::math::normal(), 0.75), 1e-12);
  EXPECT_TRUE(make_prior("fixed", {{"value", 2.0}})->fixed());
  EXPECT_EQ(prior_names().size(), 6u);
}

TEST(Prior, WhatMakesNoSenseIsRefused) {
  EXPECT_THROW(uniform_prior(1.0, 1.0), UsageError);
  EXPECT_THROW(uniform_prior(0.0, INFINITY), UsageError);
  EXPECT_THROW(log_uniform_prior(0.0, 1.0), UsageError);
  EXPECT_THROW(normal_prior(0.0, 0.0), UsageError);
  EXPECT_THROW(log_normal_prior(NAN, 1.0), UsageError);
  EXPECT_THROW(truncated_prior(normal_prior(0.0, 1.0), 8.0, 9.0), UsageError);
  EXPECT_THROW(truncated_prior(normal_prior(0.0, 1.0), 1.0, 0.0), UsageError);
  EXPECT_THROW(table_prior(Vector::Ones(3), Vector::Ones(3)), UsageError);
  EXPECT_THROW(table_prior(Vector::LinSpaced(3, 0.0, 1.0), Vector::Zero(3)), UsageError);
  EXPECT_THROW(table_prior(Vector::LinSpaced(3, 0.0, 1.0), -Vector::Ones(3)), UsageError);
  const auto unknown = message_of<UsageError>([] { make_prior("gauss", {}); });
  EXPECT_NE(unknown.find("log-normal"), std::string::npos);
  EXPECT_NE(message_of<UsageError>([] {
              make_prior("normal", {{"mean", 0.0}});
            }).find("'deviation' is missing"),
            std::string::npos);
  EXPECT_THROW(make_prior("uniform", {{"lower", 0.0}, {"upper", 1.0}, {"mean", 0.0}}), UsageError);
}

}  // namespace
}  // namespace ersatz
