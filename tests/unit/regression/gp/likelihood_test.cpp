// Kernels, likelihood and conditioning against finite differences, plain formulas and published numbers.

#include "ersatz/regression/gp/likelihood.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "functions.hpp"
#include "regression/gp/predictor.hpp"
#include "regression/gp/triangular.hpp"

namespace {

using namespace gp_test;
using gp::Estimator;
using gp::Priors;

double correlation(const std::string& name, const double* a, const double* b, const Vector& lengths) {
  double r2 = 0.0, m3 = 1.0, m5 = 1.0;
  const auto g3 = [](double h) { return (1 + std::sqrt(3.0) * h) * std::exp(-std::sqrt(3.0) * h); };
  const auto g5 = [](double h) {
    return (1 + std::sqrt(5.0) * h + 5.0 / 3.0 * h * h) * std::exp(-std::sqrt(5.0) * h);
  };
  for (Index k = 0; k < lengths.size(); ++k) {
    const double h = std::abs(a[k] - b[k]) / lengths[k];
    r2 += h * h;
    m3 *= g3(h);
    m5 *= g5(h);
  }
  if (name == "squared-exponential") return std::exp(-r2 / 2);
  if (name == "matern32") return g3(std::sqrt(r2));
  if (name == "matern52") return g5(std::sqrt(r2));
  return name == "matern32-product" ? m3 : m5;
}

Eigen::MatrixXd correlation_matrix(const std::string& name, const Matrix& x, const Vector& lengths) {
  Eigen::MatrixXd k(x.rows(), x.rows());
  for (Index i = 0; i < x.rows(); ++i)
    for (Index j = 0; j < x.rows(); ++j)
      k(i, j) = correlation(name, x.row(i).data(), x.row(j).data(), lengths);
  return k;
}

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
  EXPECT_THROW(gp::condition(*gp::make_kernel("matern52", 1), x, y, &theta, 0.0, 0.0, Estimator::profile),
               NumericalError);
}

TEST(GpConditioning, LeaveOneOutIsThatOfBruteForce) {
  const TrainingData data = smooth_data(18, 2, 2, 3, 0.1);
  const Index n = data.x.rows();
  const std::string name = "matern32-product";
  const Vector lengths = Vector::Constant(2, 0.7), theta = lengths.array().log();
  const double nugget = 1e-2;
  const auto c = gp::condition(*gp::make_kernel(name, 2), data.x, data.y, theta.data(), nugget, 0.0,
                               Estimator::restricted);
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
      const double variance = c.concentrated.variance[static_cast<std::size_t>(o)];
      const double mean = s.dot(y) / s.sum(), fixed = c.concentrated.coefficients(o, 0);
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
  options.priors = Priors::none();
  options.nugget = 0.0;
  options.bounds = {1e-3, 2.0};
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  const auto& state = dynamic_cast<const gp::GpPredictor&>(*fit.predictor).state();
  const auto& theta = state.correlations.at(0).hyperparameters;
  EXPECT_NEAR(std::exp(theta[0]), 0.8254355, 2e-4);
  EXPECT_NEAR(std::exp(theta[1]), 2.0, 1e-3);
  EXPECT_NEAR(state.outputs[0].mean, 306.5783, 0.05);
  EXPECT_NEAR(state.outputs[0].process_variance, 145556.6, 30.0);

  // With the published ranges, to all published digits.
  const double published[2] = {std::log(0.8254355), std::log(2.0)};
  const auto c = gp::condition(*gp::make_kernel("matern52-product", 2), data.x, data.y, published, 0.0, 0.0,
                               Estimator::profile);
  EXPECT_NEAR(c.concentrated.coefficients(0, 0), 306.5783, 1e-4);
  EXPECT_NEAR(c.concentrated.variance[0], 145556.6, 0.1);
  const double means[] = {286.993256592263, 61.1933200186092, 13.3103372396603};
  for (Index i = 0; i < 3; ++i)
    EXPECT_NEAR(data.y(i, 0) - c.fixed_mean_residual(i, 0), means[i], 1e-5 * means[i]) << i;
  EXPECT_NEAR(c.leave_one_out_deviation(0, 0), 10.772546332554, 1e-5);
  EXPECT_NEAR(c.leave_one_out_deviation(1, 0), 5.74056179816984, 1e-5);
}

}  // namespace
