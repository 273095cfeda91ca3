// What holds for every Gaussian process, over random problems.

#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>

#include "functions.hpp"
#include "given.hpp"

namespace {

using namespace gp_test;

struct RandomProblem {
  TrainingData data;
  gp::ConditionOptions given;
  std::string kernel;
  Index degree = 0;
  Matrix x;  ///< where predictions are asked for

  explicit RandomProblem(std::uint64_t seed) {
    RandomStream random(seed);
    const auto pick = [&](std::uint64_t n) { return static_cast<Index>(random.below(n)); };
    const char* const kernels[] = {"matern52", "matern32-product", "matern52-product", "matern32"};
    const Index d = 1 + pick(4), n = 12 + pick(40);
    kernel = kernels[pick(4)];
    degree = pick(3) - 1;
    data = smooth_data(n, d, 1 + pick(3), seed);
    data.y *= std::exp(20.0 * random.uniform() - 10.0);
    for (Index k = 0; k < d; ++k) given.theta.push_back(std::log(0.2 + random.uniform()));
    const double nuggets[] = {0.0, 0.0, 1e-8, 1e-2};
    given.nugget = nuggets[pick(4)];
    if (pick(3) == 0) {
      given.noise = Vector::NullaryExpr(n, [&](Index) { return 0.1 * random.uniform(); });
      given.process_variance = 0.5 + random.uniform();
    }
    x = design(20, d, seed + 1).array() * 1.5 - 0.25;
  }
  bool exact() const { return given.nugget == 0.0 && given.noise.size() == 0; }
};

struct Answers {
  Matrix mean, latent, observed;
};
Answers ask(const Predictor& p, const Matrix& x) {
  Workspace workspace;
  Answers a{Matrix(x.rows(), p.outputs()), Matrix(x.rows(), p.outputs()), Matrix(x.rows(), p.outputs())};
  p.mean_and_variance(x, a.mean, a.latent, Noise::latent, workspace);
  p.mean_and_variance(x, a.mean, a.observed, Noise::observed, workspace);
  return a;
}

constexpr std::uint64_t problems = 40;

TEST(GpProperties, InterpolatesWithoutNoiseAndIsCertainThere) {
  int exact = 0;
  for (std::uint64_t seed = 1; seed <= problems; ++seed) {
    const RandomProblem p(seed);
    const auto predictor = predictor_with(p.kernel, p.degree, p.data, p.given);
    const Answers at = ask(*predictor, p.data.x);
    for (Index o = 0; o < p.data.y.cols(); ++o) {
      const auto& output = predictor->state().outputs[static_cast<std::size_t>(o)];
      EXPECT_GE(at.latent.col(o).minCoeff(), 0.0) << seed;
      if (!p.exact()) continue;
      EXPECT_LT((at.mean.col(o) - p.data.y.col(o)).cwiseAbs().maxCoeff(), 1e-9 * output.scale) << seed;
      EXPECT_LT(at.latent.col(o).maxCoeff(), 1e-9 * output.process_variance) << seed;
      ++exact;
    }
  }
  EXPECT_GT(exact, 10);
}

TEST(GpProperties, CovarianceIsSymmetricPositiveSemidefinite) {
  for (std::uint64_t seed = 1; seed <= problems; ++seed) {
    const RandomProblem p(seed);
    const auto predictor = predictor_with(p.kernel, p.degree, p.data, p.given);
    Matrix x(2 * p.x.rows() + 5, p.x.cols());  // points, points beside them, training points
    x << p.x, p.x.array() + 1e-6, p.data.x.topRows(5);
    Workspace workspace;
    Matrix covariance(x.rows(), x.rows());
    predictor->covariance(x, 0, covariance, Noise::latent, workspace);
    EXPECT_EQ(covariance, covariance.transpose());
    const Vector values = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(covariance).eigenvalues();
    EXPECT_GT(values.minCoeff(), -1e-10 * values.maxCoeff()) << seed;
    EXPECT_GE(ask(*predictor, x).latent.minCoeff(), 0.0);
  }
}

TEST(GpProperties, UnitsDoNotMatter) {
  for (std::uint64_t seed = 1; seed <= problems; ++seed) {
    const RandomProblem p(seed);
    RandomStream random(seed + 77);
    const Vector a = Vector::NullaryExpr(p.x.cols(), [&](Index) { return (random.uniform() - 0.5) * 1e5; });
    const Vector b = Vector::NullaryExpr(p.x.cols(), [&](Index) { return random.uniform() * 10.0; });
    const double c = -std::exp(random.normal() * 10.0);
    const auto change = [&](const Matrix& x) {
      return Matrix((x * a.asDiagonal()).rowwise() + b.transpose());
    };
    TrainingData other = p.data;
    other.x = change(p.data.x);
    other.y = c * p.data.y.array() + 3.0 * c;
    const Answers first = ask(*predictor_with(p.kernel, p.degree, p.data, p.given), p.x),
                  second = ask(*predictor_with(p.kernel, p.degree, other, p.given), change(p.x));
    const double unit = p.data.y.cwiseAbs().maxCoeff(), square = first.observed.maxCoeff();
    EXPECT_LT((first.mean.array() - (second.mean.array() / c - 3.0)).abs().maxCoeff(), 1e-7 * (unit + 3.0))
        << seed;
    EXPECT_LT((first.latent - second.latent / (c * c)).cwiseAbs().maxCoeff(), 1e-7 * square) << seed;
    EXPECT_LT((first.observed - second.observed / (c * c)).cwiseAbs().maxCoeff(), 1e-7 * square) << seed;
  }
}

TEST(GpProperties, OrderOfThePointsDoesNotMatter) {
  for (std::uint64_t seed = 1; seed <= problems; ++seed) {
    const RandomProblem p(seed);
    const std::vector<Index> order = RandomStream(seed).permutation(p.data.x.rows());
    TrainingData other = p.data;
    other.x = p.data.x(order, Eigen::all);
    other.y = p.data.y(order, Eigen::all);
    gp::ConditionOptions given = p.given;
    if (given.noise.size() > 0) given.noise = p.given.noise(order);
    const Answers first = ask(*predictor_with(p.kernel, p.degree, p.data, p.given), p.x),
                  second = ask(*predictor_with(p.kernel, p.degree, other, given), p.x);
    EXPECT_LT((first.mean - second.mean).cwiseAbs().maxCoeff(), 1e-8 * p.data.y.cwiseAbs().maxCoeff())
        << seed;
    EXPECT_LT((first.observed - second.observed).cwiseAbs().maxCoeff(), 1e-8 * first.observed.maxCoeff())
        << seed;
  }
}

TEST(GpProperties, ObservedIsLatentAndNoise) {
  for (std::uint64_t seed = 1; seed <= problems; ++seed) {
    const RandomProblem p(seed);
    const auto predictor = predictor_with(p.kernel, p.degree, p.data, p.given);
    const Answers a = ask(*predictor, p.x);
    const double noise = p.given.nugget + (p.given.noise.size() > 0 ? p.given.noise.mean() : 0.0);
    for (Index o = 0; o < p.data.y.cols(); ++o) {
      const double variance = predictor->state().outputs[static_cast<std::size_t>(o)].process_variance;
      EXPECT_LT(((a.observed - a.latent).col(o).array() - noise * variance).abs().maxCoeff(),
                1e-13 * a.observed.maxCoeff());
    }
  }
}

}  // namespace
