// Diagnostics where the answer is known; tests/peers/inference compares numbers with other codes.
#include "ersatz/inference/diagnostics.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/inference/divergence.hpp"
#include "unit/inference/densities.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::correlated;
using testing::normal_density;

/// x_t = phi x_{t-1} + noise, variance 1, from the stationary distribution.
Matrix autoregressive(Index chains, Index steps, double phi, std::uint64_t seed) {
  Matrix x(chains, steps);
  for (Index c = 0; c < chains; ++c) {
    RandomStream random = RandomStream(seed).split(static_cast<std::uint64_t>(c));
    x(c, 0) = random.normal();
    for (Index t = 1; t < steps; ++t)
      x(c, t) = phi * x(c, t - 1) + std::sqrt(1.0 - phi * phi) * random.normal();
  }
  return x;
}

TEST(Diagnostics, autoregressive_chains) {
  // tau = (1 + phi) / (1 - phi).
  for (const double phi : {0.0, 0.5, 0.9, -0.5}) {
    const Matrix x = autoregressive(4, 20000, phi, 1);
    const double tau = (1.0 + phi) / (1.0 - phi);
    // Where draws alternate, sums up to an odd and an even lag differ much, and the window ends too soon.
    if (phi >= 0.0) {
      EXPECT_NEAR(autocorrelation_time(x) / tau, 1.0, 0.1) << phi;
    }
    EXPECT_NEAR(bulk_effective_size(x) * tau / 80000.0, 1.0, 0.12) << phi;
    EXPECT_LT(r_hat(x), 1.01);
    EXPECT_GT(r_hat(x), 0.999);
  }
  // Indicators of the tails forget faster: Gaussian with correlation rho have 0.5 … 1 of its tau.
  const Matrix x = autoregressive(4, 20000, 0.9, 2);
  EXPECT_GT(tail_effective_size(x), bulk_effective_size(x));
}

TEST(Diagnostics, chains_apart) {
  Matrix x = autoregressive(4, 1000, 0.0, 3);
  EXPECT_LT(r_hat(x), 1.01);
  const Matrix same = x;
  x.row(2).array() += 1.0;
  EXPECT_GT(r_hat(x), 1.05);
  EXPECT_LT(bulk_effective_size(x), 100.0);
  // The same mean with another width: what plain R-hat does not see.
  x = same;
  x.row(1) *= 4.0;
  EXPECT_GT(r_hat(x), 1.05);
  // A drift within one chain.
  const Matrix drift = Matrix(Vector::LinSpaced(1000, 0.0, 3.0).transpose()) + same.topRows(1);
  EXPECT_GT(r_hat(drift), 1.2);
}

TEST(Diagnostics, invariant_under_monotone_maps) {
  const Matrix x = autoregressive(3, 501, 0.6, 4);
  const Matrix y = (3.0 * x.array()).exp();
  EXPECT_NEAR(bulk_effective_size(x), bulk_effective_size(y), 1e-8);
  EXPECT_NEAR(tail_effective_size(x), tail_effective_size(y), 1e-8);
}

TEST(Diagnostics, constant_and_short) {
  EXPECT_TRUE(std::isnan(r_hat(Matrix::Ones(2, 50))));
  EXPECT_TRUE(std::isnan(bulk_effective_size(Matrix::Ones(2, 50))));
  EXPECT_TRUE(std::isnan(tail_effective_size(Matrix::Ones(2, 50))));
  EXPECT_TRUE(std::isnan(autocorrelation_time(Matrix::Ones(2, 50))));
  EXPECT_NE(testing::message_of<UsageError>([] {
              r_hat(Matrix::Ones(2, 3));
            }).find("at least four steps, got 2 of 3"),
            std::string::npos);
  // Split chains of four steps have no pair of correlations to sum: nothing is better than twice the draws.
  for (const Index steps : {4, 6, 9}) {
    const Matrix x = autoregressive(2, steps, 0.0, 5);
    EXPECT_TRUE(std::isnan(bulk_effective_size(x)) && std::isnan(tail_effective_size(x))) << steps;
    EXPECT_TRUE(std::isfinite(r_hat(x))) << steps;
  }
  EXPECT_TRUE(std::isfinite(bulk_effective_size(autoregressive(2, 10, 0.0, 5))));
}

TEST(Diagnostics, summary_of_a_normal) {
  const MarginalSummary s = summarise(autoregressive(4, 50000, 0.0, 6));
  EXPECT_NEAR(s.mean, 0.0, 0.01);
  EXPECT_NEAR(s.deviation, 1.0, 0.01);
  EXPECT_NEAR(s.median, 0.0, 0.015);
  EXPECT_NEAR(s.lower68, -1.0, 0.015);
  EXPECT_NEAR(s.upper68, 1.0, 0.015);
  EXPECT_NEAR(s.lower95, -1.959964, 0.03);
  EXPECT_NEAR(s.upper95, 1.959964, 0.03);
}

// Of normal distributions: (tr(S⁻¹ P) + (m - n)ᵀ S⁻¹ (m - n) - d + ln |S|/|P|) / 2 from draws of N(n, P).
TEST(Divergence, of_normals_is_the_closed_form) {
  const Matrix P = correlated(3), S = 1.3 * P + 0.2 * Matrix::Identity(3, 3);
  const Vector n = Vector::LinSpaced(3, -1.0, 1.0), m = n + Vector::Constant(3, 0.4);
  const auto p = normal_density(n, P), q = normal_density(m, S);
  RandomStream random(8);
  const Eigen::LLT<Matrix> factor(P);
  Matrix draws(20000, 3);
  for (Index i = 0; i < draws.rows(); ++i) {
    Vector z(3);
    for (double& v : z) v = random.normal();
    draws.row(i) = (n + factor.matrixL() * z).transpose();
  }
  const Matrix inverse = S.inverse();
  const double expected = 0.5 * ((inverse * P).trace() + (m - n).dot(inverse * (m - n)) - 3.0 +
                                 std::log(S.determinant() / P.determinant()));
  EXPECT_NEAR(divergence(p, q, draws), expected, 0.04 * expected);
  // Two that are alike come out as such from few draws.
  EXPECT_NEAR(divergence(p, normal_density(n, P), draws.topRows(20)), 0.0, 1e-12);
  EXPECT_THROW(divergence(p, q, draws.topRows(0)), UsageError);
  EXPECT_THROW(divergence(p, q, draws.leftCols(2)), UsageError);
}

}  // namespace
}  // namespace ersatz
