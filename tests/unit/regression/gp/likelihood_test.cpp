// Kernels, likelihood and conditioning against finite differences, plain formulas and published numbers.

#include "ersatz/regression/gp/likelihood.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "functions.hpp"
#include "regression/gp/triangular.hpp"

namespace {

using namespace gp_test;
using gp::Estimator;
using gp::Priors;

TEST(GpKernel, UnknownNameSaysWhichAreKnown) {
  try {
    gp::make_kernel("mattern", 2);
    FAIL();
  } catch (const UsageError& e) {
    EXPECT_NE(std::string(e.what()).find("matern52-product"), std::string::npos);
  }
}

TEST(GpKernel, GramMatrixAndItsGradientAreTheFormulas) {
  const Index n = 23, d = 3;
  const Matrix x = design(n, d, 1);
  const Vector lengths = Vector::LinSpaced(d, 0.3, 0.9);
  const Eigen::MatrixXd columns = x;
  const gp::Points points{columns.data(), n, n, d};
  Workspace workspace;
  for (const auto& name : gp::kernel_names()) {
    const auto kernel = gp::make_kernel(name, d);
    Vector theta = lengths.array().log(), c(d);
    kernel->prepare(theta.data(), c.data());
    Eigen::MatrixXd k = Eigen::MatrixXd::Zero(n, n);
    gp::gram_lower(*kernel, points, c.data(), k.data(), workspace);
    const Eigen::MatrixXd expected = correlation_matrix(name, x, lengths);
    EXPECT_LT((k.triangularView<Eigen::Lower>().toDenseMatrix() -
               expected.triangularView<Eigen::Lower>().toDenseMatrix())
                  .cwiseAbs()
                  .maxCoeff(),
              1e-15 * 20)
        << name;

    const Eigen::MatrixXd half = Eigen::MatrixXd::Random(n, n), w = half + half.transpose();
    Eigen::MatrixXd consumed = w;
    Vector gradient = Vector::Zero(d);
    gp::gram_contract(*kernel, points, c.data(), consumed.data(), gradient.data(), workspace);
    for (Index p = 0; p < d; ++p) {
      const double h = 1e-5;
      Vector up = lengths, down = lengths;
      up[p] *= std::exp(h);
      down[p] *= std::exp(-h);
      const double difference =
          w.cwiseProduct(correlation_matrix(name, x, up) - correlation_matrix(name, x, down)).sum() / (2 * h);
      EXPECT_NEAR(gradient[p], difference, 1e-8 * (1 + std::abs(difference))) << name << " length " << p;
    }
  }
}

struct Case {
  std::string kernel;
  Estimator estimator;
  bool robust;
  bool estimate_nugget;
  Index outputs;
};

TEST(GpTriangular, InverseTimesTheFactorIsOne) {
  for (const int n : {1, 5, 64, 65, 130, 257}) {
    Eigen::MatrixXd a = Eigen::MatrixXd::Zero(n + 3, n);  // a stride of its own
    a.topRows(n) = Eigen::MatrixXd(Eigen::MatrixXd::Random(n, n).triangularView<Eigen::StrictlyLower>()) / n;
    a.topRows(n).diagonal().setLinSpaced(0.5, 2.0);
    Eigen::MatrixXd inverse = a;
    gp::invert_lower(n, inverse.data(), n + 3);
    EXPECT_LT((inverse.topRows(n) * a.topRows(n) - Eigen::MatrixXd::Identity(n, n)).cwiseAbs().maxCoeff(),
              1e-14);
    EXPECT_EQ(inverse.bottomRows(3).norm(), 0.0);
  }
}

TEST(GpLikelihood, GradientIsThatOfFiniteDifferences) {
  const TrainingData data = smooth_data(40, 3, 3, 5, 0.02);
  std::vector<Case> cases;
  for (const auto& name : gp::kernel_names()) cases.push_back({name, Estimator::restricted, true, true, 1});
  for (const auto estimator : {Estimator::profile, Estimator::restricted})
    for (const bool prior : {false, true})
      for (const bool nugget : {true, false})
        for (const Index outputs : {1, 3}) cases.push_back({"matern52", estimator, prior, nugget, outputs});
  for (const auto& c : cases) {
    gp::ObjectiveOptions options;
    options.estimator = c.estimator;
    options.priors.robust = c.robust;
    if (!c.estimate_nugget) options.nugget = 1e-3;
    gp::Likelihood objective(gp::make_kernel(c.kernel, 3), data.x, data.y.leftCols(c.outputs), options);
    Vector theta(objective.parameters());
    theta.head(3) << std::log(0.4), std::log(0.9), std::log(2.0);
    if (c.estimate_nugget) theta[3] = std::log(1e-3);
    Vector gradient(theta.size());
    double value = 0.0;
    ASSERT_TRUE(objective.evaluate(theta.data(), &value, gradient.data()));
    for (Index p = 0; p < theta.size(); ++p) {
      const double h = 1e-4;
      const auto at = [&](double step) {
        Vector moved = theta;
        moved[p] += step;
        double v = 0.0;
        EXPECT_TRUE(objective.evaluate(moved.data(), &v, nullptr));
        return v;
      };
      const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      EXPECT_NEAR(gradient[p], difference, 1e-7 * (1 + std::abs(difference)))
          << c.kernel << " outputs " << c.outputs << " parameter " << p;
    }
  }
}

TEST(GpLikelihood, ValueIsThatOfTheNormalDensity) {
  // Profile: the log density of N(mean, variance R) at the optimal mean and variance. Restricted: of n - 1
  // contrasts, log|R| + log(1ᵀ R⁻¹ 1) + (n - 1) (1 + log 2π variance).
  const TrainingData data = smooth_data(15, 2, 1, 9);
  const Vector lengths = Vector::Constant(2, 0.6);
  Eigen::MatrixXd r = correlation_matrix("matern52", data.x, lengths);
  r.diagonal().array() += 1e-2;
  const Eigen::LLT<Eigen::MatrixXd> llt(r);
  const double log_determinant = 2.0 * llt.matrixL().toDenseMatrix().diagonal().array().log().sum();
  const Vector ones = Vector::Ones(15), y = data.y.col(0), s = llt.solve(ones);
  const double mean = s.dot(y) / s.sum(),
               sum = (y.array() - mean).matrix().dot(llt.solve((y.array() - mean).matrix()));
  for (const auto estimator : {Estimator::profile, Estimator::restricted}) {
    gp::ObjectiveOptions options;
    options.estimator = estimator;
    options.priors = Priors::none();
    options.nugget = 1e-2;
    gp::Likelihood objective(gp::make_kernel("matern52", 2), data.x, data.y, options);
    const Vector theta = lengths.array().log();
    double value = 0.0;
    ASSERT_TRUE(objective.evaluate(theta.data(), &value, nullptr));
    const bool restricted = estimator == Estimator::restricted;
    const double freedom = restricted ? 14 : 15;
    const double expected = 0.5 * (log_determinant + freedom * (1 + std::log(2 * M_PI * sum / freedom)) +
                                   (restricted ? std::log(s.sum()) : 0.0));
    EXPECT_NEAR(value, expected, 1e-10 * std::abs(expected));
    EXPECT_NEAR(objective.concentrated().coefficients(0, 0), mean, 1e-12);
    EXPECT_NEAR(objective.concentrated().variance[0], sum / freedom, 1e-11 * sum);
  }
}

TEST(GpLikelihood, SingularMatrixIsRefusedNotSmoothedOver) {
  Matrix x(3, 1), y(3, 1);
  x << 0.0, 0.0, 1.0;
  y << 1.0, 2.0, 3.0;
  gp::ObjectiveOptions options;
  options.nugget = 0.0;
  gp::Likelihood objective(gp::make_kernel("matern52", 1), x, y, options);
  const double theta = 0.0;
  double value = 0.0;
  EXPECT_FALSE(objective.evaluate(&theta, &value, nullptr));
}

}  // namespace
