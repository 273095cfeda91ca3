// Means of any degree, known noise, priors and the leave-one-out probability: values against dense formulas
// with explicit inverses, gradients against finite differences.

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/inverse_gamma.hpp>
#include <boost/math/distributions/lognormal.hpp>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/likelihood.hpp"
#include "ersatz/regression/gp/predictive_probability.hpp"
#include "functions.hpp"

namespace {

using namespace gp_test;
using gp::Density;
using gp::Estimator;
using gp::Priors;

const gp::KernelPtr& matern() {
  static const gp::KernelPtr kernel = gp::make_kernel("matern52", 2);
  return kernel;
}

/// Everything by explicit inverses, from the definitions.
struct Dense {
  Eigen::MatrixXd r, inverse, f, information, coefficients;
  double log_determinant;

  Dense(const TrainingData& data, const Vector& theta, double nugget, const Vector& noise, Index degree) {
    const Index n = data.x.rows();
    const Eigen::MatrixXd columns = data.x;
    Vector coefficients_of(theta.size());
    matern()->prepare(theta.data(), coefficients_of.data());
    Workspace workspace;
    r = Eigen::MatrixXd::Zero(n, n);
    gp::gram_lower(*matern(), {columns.data(), n, n, 2}, coefficients_of.data(), r.data(), workspace);
    r = Eigen::MatrixXd(r.selfadjointView<Eigen::Lower>());
    r.diagonal().array() += nugget;
    if (noise.size() > 0) r.diagonal() += noise;
    inverse = r.inverse();
    log_determinant = std::log(r.determinant());
    f = gp::Trend(2, degree).matrix(data.x);
    information = f.transpose() * inverse * f;
    coefficients = information.inverse() * f.transpose() * inverse * data.y;
  }
  Vector residual(const TrainingData& data, Index o) const { return data.y.col(o) - f * coefficients.col(o); }
};

double normal_log_density(double residual, double variance) {
  return -0.5 * (std::log(2.0 * M_PI * variance) + residual * residual / variance);
}

TEST(GpObjective, LikelihoodWithAMeanIsTheDenseFormula) {
  const TrainingData data = smooth_data(16, 2, 1, 21, 0.05);
  const Vector theta = Vector::Constant(2, std::log(0.5));
  for (const Index degree : {Index{-1}, Index{0}, Index{1}, Index{2}})
    for (const auto estimator : {Estimator::profile, Estimator::restricted}) {
      gp::ObjectiveOptions options;
      options.estimator = estimator;
      options.trend = degree;
      options.nugget = 1e-2;
      options.priors = Priors::none();
      gp::Likelihood objective(matern(), data.x, data.y, options);
      double value = 0.0;
      ASSERT_TRUE(objective.evaluate(theta.data(), &value, nullptr));
      const Dense dense(data, theta, 1e-2, {}, degree);
      const Index q = dense.f.cols();
      const Vector e = dense.residual(data, 0);
      const bool restricted = estimator == Estimator::restricted;
      const double freedom = static_cast<double>(restricted ? 16 - q : 16);
      const double variance = e.dot(dense.inverse * e) / freedom;
      const double expected =
          0.5 * (dense.log_determinant + freedom * (1.0 + std::log(2.0 * M_PI * variance)) +
                 (restricted && q > 0 ? std::log(dense.information.determinant()) : 0.0));
      EXPECT_NEAR(value, expected, 1e-9 * std::abs(expected)) << degree;
      EXPECT_NEAR(objective.concentrated().variance[0], variance, 1e-9 * variance);
      for (Index j = 0; j < q; ++j)
        EXPECT_NEAR(objective.concentrated().coefficients(0, j), dense.coefficients(j, 0), 1e-8);
    }
}

TEST(GpObjective, KnownNoiseIsANormalDensity) {
  // Without a mean: the density of N(0, variance (K + nugget I) + D), no concentration anywhere.
  const TrainingData data = smooth_data(12, 2, 1, 22);
  const Vector noise = Vector::LinSpaced(12, 0.001, 0.2);
  const double variance = 1.7, nugget = 1e-3;
  gp::ObjectiveOptions options;
  options.trend = gp::Trend::zero;
  options.noise = noise;
  options.nugget = nugget;
  options.priors = Priors::none();
  gp::Likelihood objective(matern(), data.x, data.y, options);
  Vector parameters(3);
  parameters << std::log(0.6), std::log(0.9), std::log(variance);
  double value = 0.0;
  ASSERT_EQ(objective.parameters(), 3);
  ASSERT_TRUE(objective.evaluate(parameters.data(), &value, nullptr));
  const Dense dense(data, parameters.head(2), nugget, noise / variance, gp::Trend::zero);
  const Eigen::MatrixXd covariance = variance * dense.r;
  const double expected = 0.5 * (std::log(covariance.determinant()) + 12.0 * std::log(2.0 * M_PI) +
                                 data.y.col(0).dot(covariance.inverse() * data.y.col(0)));
  EXPECT_NEAR(value, expected, 1e-9 * std::abs(expected));
}

TEST(GpObjective, LeaveOneOutProbabilityIsThatOfBruteForce) {
  const Index n = 14;
  const TrainingData data = smooth_data(n, 2, 2, 23, 0.1);
  const Vector theta = Vector::Constant(2, std::log(0.7));
  for (const Index degree : {Index{-1}, Index{0}, Index{1}}) {
    gp::ObjectiveOptions options;
    options.estimator = Estimator::leave_one_out;
    options.trend = degree;
    options.nugget = 1e-2;
    options.priors = Priors::none();
    gp::PredictiveProbability objective(matern(), data.x, data.y, options);
    double value = 0.0;
    ASSERT_TRUE(objective.evaluate(theta.data(), &value, nullptr));
    const Eigen::MatrixXd r = Dense(data, theta, 1e-2, {}, degree).r;
    // Residual and variance factor of each point from all others, mean estimated from the others.
    Matrix residual(n, 2);
    Vector factor(n);
    for (Index left = 0; left < n; ++left) {
      std::vector<Index> others;
      for (Index i = 0; i < n; ++i)
        if (i != left) others.push_back(i);
      const Eigen::MatrixXd inverse = Eigen::MatrixXd(r(others, others)).inverse();
      const Eigen::MatrixXd all = gp::Trend(2, degree).matrix(data.x), f = all(others, Eigen::all);
      const Vector k = r(others, left), f0 = all.row(left).transpose();
      const Eigen::MatrixXd information_inverse = Eigen::MatrixXd(f.transpose() * inverse * f).inverse();
      const Vector missing = f0 - f.transpose() * (inverse * k);
      factor[left] = r(left, left) - k.dot(inverse * k) + missing.dot(information_inverse * missing);
      for (Index o = 0; o < 2; ++o) {
        const Vector y = data.y(others, o);
        const Vector beta = information_inverse * (f.transpose() * (inverse * y));
        residual(left, o) = data.y(left, o) - f0.dot(beta) - k.dot(inverse * (y - f * beta));
      }
    }
    double expected = 0.0;
    for (Index o = 0; o < 2; ++o) {
      const double variance = (residual.col(o).array().square() / factor.array()).mean();
      EXPECT_NEAR(objective.concentrated().variance[static_cast<std::size_t>(o)], variance, 1e-8 * variance);
      for (Index i = 0; i < n; ++i) expected -= normal_log_density(residual(i, o), variance * factor[i]);
    }
    EXPECT_NEAR(value, expected, 1e-8 * std::abs(expected)) << degree;
  }
}

TEST(GpObjective, GradientsAreThoseOfFiniteDifferences) {
  const TrainingData data = smooth_data(30, 2, 2, 24, 0.05);
  Priors densities = Priors::none();
  densities.length = Density::parse("inverse-gamma(3, 1)", "");
  densities.nugget = Density::parse("log-normal(-6, 2)", "");
  densities.variance = Density::parse("gamma(2, 1.5)", "");
  for (const auto estimator : {Estimator::profile, Estimator::restricted, Estimator::leave_one_out})
    for (const Index degree : {Index{-1}, Index{0}, Index{2}})
      for (const bool noise : {false, true})
        for (const bool nugget : {false, true})
          for (const Priors& priors : {Priors(), densities}) {
            gp::ObjectiveOptions options;
            options.estimator = estimator;
            options.trend = degree;
            options.priors = priors;
            options.jitter = 1e-4;
            if (!nugget) options.nugget = 1e-3;
            if (noise) options.noise = Vector::LinSpaced(30, 1e-3, 3e-2);
            const auto objective = gp::make_objective(matern(), data.x, data.y, options);
            const Index count = objective->parameters();
            ASSERT_EQ(count, 2 + nugget + noise);
            Vector parameters(count), gradient(count);
            parameters.head(2) << std::log(0.5), std::log(1.2);
            if (nugget) parameters[2] = std::log(2e-3);
            if (noise) parameters[count - 1] = std::log(1.4);
            double value = 0.0;
            ASSERT_TRUE(objective->evaluate(parameters.data(), &value, gradient.data()));
            for (Index p = 0; p < count; ++p) {
              const double h = 1e-3;
              const auto at = [&](double step) {
                Vector moved = parameters;
                moved[p] += step;
                double v = 0.0;
                EXPECT_TRUE(objective->evaluate(moved.data(), &v, nullptr));
                return v;
              };
              const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
              EXPECT_NEAR(gradient[p], difference, 1e-7 * (1 + std::abs(difference)))
                  << "estimator " << static_cast<int>(estimator) << " degree " << degree << " noise " << noise
                  << " nugget " << nugget << " robust " << priors.robust << " parameter " << p;
            }
          }
}

TEST(GpObjective, ValueDoesNotDependOnTheOrderOfPoints) {
  TrainingData data = smooth_data(25, 2, 1, 25, 0.05), turned = data;
  turned.x = data.x.colwise().reverse();
  turned.y = data.y.colwise().reverse();
  const Vector parameters = Vector::Constant(3, std::log(0.3));
  for (const auto estimator : {Estimator::restricted, Estimator::leave_one_out}) {
    gp::ObjectiveOptions options;
    options.estimator = estimator;
    options.trend = 1;
    double one = 0.0, two = 0.0;
    ASSERT_TRUE(
        gp::make_objective(matern(), data.x, data.y, options)->evaluate(parameters.data(), &one, nullptr));
    ASSERT_TRUE(gp::make_objective(matern(), turned.x, turned.y, options)
                    ->evaluate(parameters.data(), &two, nullptr));
    EXPECT_NEAR(one, two, 1e-9 * std::abs(one));
  }
}

TEST(GpObjective, AMeanThatThePointsCannotTellIsRefused) {
  const TrainingData data = smooth_data(6, 2, 1, 26);
  gp::ObjectiveOptions options;
  options.trend = 2;  // six coefficients
  try {
    gp::Likelihood(matern(), data.x, data.y, options);
    FAIL();
  } catch (const DataError& e) {
    const std::string what = e.what();
    EXPECT_NE(what.find("6 coefficients"), std::string::npos) << what;
    EXPECT_NE(what.find("6 points"), std::string::npos) << what;
  }
  // An input with two values has no square.
  TrainingData two = smooth_data(20, 2, 1, 27);
  for (Index i = 0; i < 20; ++i) two.x(i, 1) = static_cast<double>(i % 2);
  try {
    gp::Likelihood(matern(), two.x, two.y, options);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("depend on each other"), std::string::npos) << e.what();
  }
}

TEST(GpPriors, DensitiesAreThoseOfBoost) {
  const boost::math::gamma_distribution<> gamma(2.5, 1.0 / 1.7);
  const boost::math::inverse_gamma_distribution<> inverse(3.0, 0.8);
  const boost::math::lognormal_distribution<> lognormal(-2.0, 1.3);
  for (const double t : {0.01, 0.3, 1.0, 4.0}) {
    const auto check = [&](const char* text, double density) {
      const Density ours = Density::parse(text, "");
      EXPECT_NEAR(ours.log_density(std::log(t)), std::log(density), 1e-11 * (1 + std::abs(std::log(density))))
          << text << " at " << t;
      const double h = 1e-4, u = std::log(t);
      EXPECT_NEAR(ours.slope(u), (ours.log_density(u + h) - ours.log_density(u - h)) / (2 * h),
                  1e-6 * (1 + std::abs(ours.slope(u))));
    };
    check("gamma(2.5, 1.7)", boost::math::pdf(gamma, t));
    check(" inverse-gamma( 3 ,0.8) ", boost::math::pdf(inverse, t));
    check("log-normal(-2, 1.3)", boost::math::pdf(lognormal, t));
  }
}

TEST(GpPriors, TextIsReadBackAndNonsenseIsRefused) {
  EXPECT_EQ(Density::parse("inverse-gamma(3,1)", "").text(), "inverse-gamma(3, 1)");
  for (const char* wrong : {"", "gamma", "gamma(1)", "gamma(1, 2", "gamma(0, 1)", "gamma(1, -1)",
                            "normal(0, 1)", "log-normal(0, 0)", "gamma(1, 2) x", "gamma(nan, 1)"})
    EXPECT_THROW(Density::parse(wrong, "length_prior"), UsageError) << wrong;
  Priors both;
  both.length = Density(Density::Family::gamma, 2, 1);
  EXPECT_THROW(both.check(), UsageError);
  both.robust = false;
  EXPECT_NO_THROW(both.check());
}

}  // namespace
