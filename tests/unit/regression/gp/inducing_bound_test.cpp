// The variational bound: against dense matrices, the exact likelihood, finite differences.

#include "regression/gp/inducing_bound.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/likelihood.hpp"
#include "functions.hpp"
#include "regression/gp/inducing_points.hpp"

namespace {

using namespace gp_test;
using gp::InducingBound;
using gp::InducingData;

SerialExecutor serial;

Eigen::MatrixXd covariance(const gp::Kernel& kernel, const double* theta, const Matrix& a, const Matrix& b) {
  std::vector<double> coefficients(static_cast<std::size_t>(kernel.parameters()));
  kernel.prepare(theta, coefficients.data());
  const Eigen::MatrixXd columns = b;
  Eigen::MatrixXd k(b.rows(), a.rows());
  Workspace workspace;
  for (Index i = 0; i < a.rows(); ++i)
    kernel.row(a.row(i).data(), {columns.data(), b.rows(), b.rows(), b.cols()}, coefficients.data(),
               k.col(i).data(), workspace);
  return k.transpose();
}

/// The formulas of Titsias (2009) with n × n matrices: minus the bound, C, K - Q.
struct Dense {
  double value = 0.0;
  Eigen::MatrixXd c, left;
  Eigen::MatrixXd trend;
  std::vector<double> variance;

  Dense(const gp::Kernel& kernel, const double* theta, double g, double jitter, const TrainingData& data,
        const Matrix& z, const gp::Trend& trend_functions, bool restricted) {
    const Index n = data.x.rows(), p = data.y.cols(), q = trend_functions.size();
    const Eigen::MatrixXd k = covariance(kernel, theta, data.x, data.x),
                          kmn = covariance(kernel, theta, z, data.x);
    Eigen::MatrixXd kmm = covariance(kernel, theta, z, z);
    kmm.diagonal().array() += jitter * kmm.diagonal().mean();
    const Eigen::MatrixXd q_matrix = kmn.transpose() * kmm.ldlt().solve(kmn);
    left = k - q_matrix;
    c = q_matrix;
    c.diagonal().array() += g;
    const Eigen::LLT<Eigen::MatrixXd> factor(c);
    const Eigen::MatrixXd f = trend_functions.matrix(data.x);
    const Eigen::MatrixXd a = f.transpose() * factor.solve(f);
    if (q > 0) trend = a.ldlt().solve(f.transpose() * factor.solve(Eigen::MatrixXd(data.y)));
    const double freedom = static_cast<double>(restricted ? n - q : n);
    for (Index o = 0; o < p; ++o) {
      Vector e = data.y.col(o);
      if (q > 0) e -= f * trend.col(o);
      variance.push_back(e.dot(factor.solve(e)) / freedom);
      value += 0.5 * (2.0 * Eigen::MatrixXd(factor.matrixL()).diagonal().array().log().sum() +
                      freedom * (1.0 + std::log(2.0 * M_PI) + std::log(variance.back())) + left.trace() / g);
      if (restricted && q > 0) value += 0.5 * std::log(a.determinant());
    }
  }
};

TEST(InducingBound, IsTitsiasFormulaWithDenseMatrices) {
  const TrainingData data = smooth_data(60, 3, 2, 1, 0.1);
  const Matrix z = design(9, 3, 2);
  for (const char* name : {"squared-exponential", "matern52-product"})
    for (const Index degree : {gp::Trend::zero, Index{0}, Index{1}})
      for (const bool restricted : {false, true}) {
        const auto kernel = gp::make_kernel(name, 3);
        const gp::Trend trend(3, degree);
        const InducingData inducing(data.x, data.y, trend);
        gp::InducingOptions options;
        options.estimator = restricted ? gp::Estimator::restricted : gp::Estimator::profile;
        options.jitter = 1e-8;
        InducingBound bound(kernel, inducing, z, options, serial);
        const std::vector<double> at = {-0.2, 0.1, 0.4, std::log(3e-3)};
        double value = 0.0;
        ASSERT_TRUE(bound.evaluate(at.data(), &value, nullptr));
        const Dense dense(*kernel, at.data(), 3e-3, 1e-8, data, z, trend, restricted);
        EXPECT_NEAR(value, dense.value, 1e-7 * std::abs(dense.value)) << name << degree << restricted;
        EXPECT_NEAR(bound.solution().variance[1], dense.variance[1], 1e-7 * dense.variance[1]);
        EXPECT_NEAR(bound.solution().trace, dense.left.trace() / 3e-3, 1e-6 * dense.left.trace() / 3e-3);
        if (degree >= 0) {
          const Eigen::MatrixXd beta = bound.solution().trend + inducing.offset();
          EXPECT_LT((beta - dense.trend).cwiseAbs().maxCoeff(), 1e-7 * dense.trend.cwiseAbs().maxCoeff());
        }
      }
}

TEST(InducingBound, NeverAboveTheExactLikelihoodAndEqualWhenEveryPointInduces) {
  const TrainingData data = smooth_data(40, 2, 1, 3, 0.05);
  const auto kernel = gp::make_kernel("matern52", 2);
  const InducingData inducing(data.x, data.y, gp::Trend(2, 0));
  for (const auto estimator : {gp::Estimator::profile, gp::Estimator::restricted}) {
    gp::ObjectiveOptions exact_options;
    exact_options.estimator = estimator;
    exact_options.priors = gp::Priors::none();
    gp::Likelihood likelihood(kernel, data.x, data.y, exact_options);
    gp::InducingOptions options;
    options.estimator = estimator;
    RandomStream random(4);
    for (int trial = 0; trial < 30; ++trial) {
      const Index m = 1 + static_cast<Index>(random.uniform() * 25.0);
      const std::vector<double> at = {std::log(0.05 + random.uniform()), std::log(0.05 + random.uniform()),
                                      std::log(1e-6) + 12.0 * random.uniform()};
      double exact = 0.0, value = 0.0;
      ASSERT_TRUE(likelihood.evaluate(at.data(), &exact, nullptr));
      InducingBound few(kernel, inducing, design(m, 2, static_cast<std::uint64_t>(trial)), options, serial);
      ASSERT_TRUE(few.evaluate(at.data(), &value, nullptr));
      EXPECT_GE(value, exact - 1e-6 * std::abs(exact)) << m;
      InducingBound all(kernel, inducing, data.x, options, serial);
      ASSERT_TRUE(all.evaluate(at.data(), &value, nullptr));
      // The jitter of K_mm is the only difference.
      EXPECT_NEAR(value, exact, 1e-6 * std::abs(exact) + 40.0 * 1e-10 / std::exp(at[2]));
    }
  }
}

TEST(InducingBound, GradientAgreesWithFiniteDifferences) {
  const TrainingData data = smooth_data(50, 3, 2, 5, 0.1);
  const Matrix z = design(7, 3, 6);
  for (const auto& name : {"squared-exponential", "matern32", "matern52", "matern52-product"})
    for (const Index degree : {gp::Trend::zero, Index{0}, Index{1}})
      for (const auto estimator : {gp::Estimator::profile, gp::Estimator::restricted}) {
        const auto kernel = gp::make_kernel(name, 3);
        const InducingData inducing(data.x, data.y, gp::Trend(3, degree));
        gp::InducingOptions options;
        options.estimator = estimator;
        options.move = true;
        options.steps = {0.5, 0.7, 1.3};
        options.jitter = 1e-6;
        InducingBound bound(kernel, inducing, z, options, serial);
        const Index count = bound.parameters();
        ASSERT_EQ(count, 3 + 1 + 21);
        std::vector<double> at(static_cast<std::size_t>(count)), gradient(at.size());
        RandomStream random(7);
        for (auto& a : at) a = 0.05 * random.normal();
        at[0] = -0.5;
        at[1] = -0.2;
        at[3] = std::log(0.02);
        double value = 0.0;
        ASSERT_TRUE(bound.evaluate(at.data(), &value, gradient.data()));
        for (std::size_t i = 0; i < at.size(); ++i) {
          const double h = 1e-4;
          double f[4];
          const double shifts[4] = {-2.0, -1.0, 1.0, 2.0};
          for (int s = 0; s < 4; ++s) {
            auto moved = at;
            moved[i] += shifts[s] * h;
            ASSERT_TRUE(bound.evaluate(moved.data(), &f[s], nullptr));
          }
          const double difference = (f[0] - 8.0 * f[1] + 8.0 * f[2] - f[3]) / (12.0 * h);
          EXPECT_NEAR(gradient[i], difference, 1e-6 * (1.0 + std::abs(difference)))
              << name << " trend " << degree << " parameter " << i;
        }
      }
}

TEST(InducingBound, SameBitsOnAnyNumberOfThreads) {
  const TrainingData data = smooth_data(3500, 2, 2, 8, 0.1);
  const auto kernel = gp::make_kernel("squared-exponential", 2);
  const InducingData inducing(data.x, data.y, gp::Trend(2, 0));
  gp::InducingOptions options;
  options.move = true;
  options.steps = {1.0, 1.0};
  struct Result {
    Vector value;  // and gradient
    Matrix residual, deviation;
  };
  const auto run = [&](Executor& executor) {
    InducingBound bound(kernel, inducing, design(20, 2, 9), options, executor);
    const Index count = bound.parameters();
    Vector at = Vector::Zero(count);
    at[0] = at[1] = -0.7;
    at[2] = -4.0;
    Result result{Vector(count + 1), {}, {}};
    EXPECT_TRUE(bound.evaluate(at.data(), &result.value[count], result.value.data()));
    bound.leave_one_out(result.residual, result.deviation);
    return result;
  };
  const Result one = run(serial);
  for (const Index threads : {2, 3}) {
    ThreadExecutor executor(threads);
    const Result many = run(executor);
    EXPECT_EQ(one.value, many.value);
    EXPECT_EQ(one.residual, many.residual);
    EXPECT_EQ(one.deviation, many.deviation);
  }
}

TEST(InducingBound, LeaveOneOutIsTheModelWithoutThePoint) {
  const TrainingData data = smooth_data(30, 2, 2, 10, 0.1);
  const Matrix z = design(6, 2, 11);
  const auto kernel = gp::make_kernel("squared-exponential", 2);
  const InducingData inducing(data.x, data.y, gp::Trend(2, 1));
  InducingBound bound(kernel, inducing, z, {}, serial);
  const double g = 0.01;
  const std::vector<double> at = {-0.5, -0.3, std::log(g)};
  double value = 0.0;
  ASSERT_TRUE(bound.evaluate(at.data(), &value, nullptr));
  Matrix residual, deviation;
  bound.leave_one_out(residual, deviation);
  const Dense dense(*kernel, at.data(), g, 1e-10, data, z, gp::Trend(2, 1), true);
  const Eigen::MatrixXd f = gp::Trend(2, 1).matrix(data.x);
  for (const Index i : {0, 7, 29}) {
    std::vector<Index> others;
    for (Index j = 0; j < 30; ++j)
      if (j != i) others.push_back(j);
    const Eigen::MatrixXd c = dense.c(others, others), fo = f(others, Eigen::all);
    const Eigen::VectorXd k = dense.c(others, i);
    const Eigen::LLT<Eigen::MatrixXd> factor(c);
    const Eigen::MatrixXd a = fo.transpose() * factor.solve(fo);
    const Eigen::VectorXd h = f.row(i).transpose() - fo.transpose() * factor.solve(k);
    for (Index o = 0; o < 2; ++o) {
      const Eigen::VectorXd y = data.y(others, o);
      const Eigen::VectorXd beta = a.ldlt().solve(fo.transpose() * factor.solve(y));
      const double mean = f.row(i).dot(beta) + k.dot(factor.solve(y - fo * beta));
      // Titsias 2009, eq. 6: the prior variance is that of the full process.
      const double latent =
          dense.c(i, i) - g + dense.left(i, i) - k.dot(factor.solve(k)) + h.dot(a.ldlt().solve(h));
      EXPECT_NEAR(residual(i, o), data.y(i, o) - mean, 1e-7);
      EXPECT_NEAR(deviation(i, o), std::sqrt(dense.variance[static_cast<std::size_t>(o)] * latent), 1e-6);
    }
  }
}

TEST(InducingBound, CopesWithLocationsThatCoincide) {
  const TrainingData data = smooth_data(40, 2, 1, 12, 0.1);
  const Matrix apart = design(5, 2, 13);
  Matrix z(6, 2);
  z << apart, apart.topRows(1);
  const auto kernel = gp::make_kernel("squared-exponential", 2);
  const InducingData inducing(data.x, data.y, gp::Trend(2, 0));
  const std::vector<double> at = {-0.5, -0.3, std::log(0.01)};
  double twice = 0.0, once = 0.0;
  InducingBound six(kernel, inducing, z, {}, serial), five(kernel, inducing, apart, {}, serial);
  ASSERT_TRUE(six.evaluate(at.data(), &twice, nullptr));
  ASSERT_TRUE(five.evaluate(at.data(), &once, nullptr));
  EXPECT_NEAR(twice, once, 1e-5 * std::abs(once));
}

TEST(InducingBound, NamesWhatItCannotDo) {
  const TrainingData data = smooth_data(3, 2, 1, 14);
  EXPECT_THROW(InducingData(data.x, data.y, gp::Trend(2, 1)), DataError);
  TrainingData line = smooth_data(20, 2, 1, 14);
  line.x.col(1) = line.x.col(0);
  EXPECT_THROW(InducingData(line.x, line.y, gp::Trend(2, 1)), DataError);
  const InducingData inducing(data.x, data.y, gp::Trend(2, 0));
  EXPECT_THROW(InducingBound(gp::make_kernel("matern52", 2), inducing, Matrix(0, 2), {}, serial), UsageError);
}

TEST(GreedyPoints, AreThePivotsOfACholeskyFactorisation) {
  const Matrix x = design(40, 2, 15);
  const auto kernel = gp::make_kernel("squared-exponential", 2);
  const std::vector<double> theta = {-0.8, -0.5};
  const Matrix z = gp::greedy_points(*kernel, theta.data(), x, 12);
  ASSERT_EQ(z.rows(), 12);
  // From scratch, each step anew: the point with the largest conditional variance.
  EXPECT_EQ(z.row(0), x.row(0));
  for (Index t = 1; t < 12; ++t) {
    const Matrix before = z.topRows(t);
    const Eigen::MatrixXd kmm = covariance(*kernel, theta.data(), before, before),
                          kmn = covariance(*kernel, theta.data(), before, x);
    const Eigen::VectorXd left =
        1.0 - (kmn.array() * kmm.ldlt().solve(kmn).array()).colwise().sum().transpose();
    Index chosen = -1;
    for (Index i = 0; i < x.rows(); ++i)
      if (x.row(i) == z.row(t)) chosen = i;
    ASSERT_GE(chosen, 0);
    EXPECT_NEAR(left[chosen], left.maxCoeff(), 1e-9);
  }
}

TEST(GreedyPoints, TakeDuplicatesOnce) {
  Matrix x = design(20, 2, 16);
  x.bottomRows(10) = Matrix(x.topRows(10));
  const auto kernel = gp::make_kernel("matern52", 2);
  const std::vector<double> theta = {-2.0, -2.0};
  EXPECT_EQ(gp::greedy_points(*kernel, theta.data(), x, 20).rows(), 10);
}

}  // namespace
