// Gaussian and Student t likelihoods against dense matrices, Monte Carlo, formulae and differences.
#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <cmath>

#include "emulators.hpp"
#include "ersatz/core/error.hpp"
#include "inference/linear_form.hpp"
#include "inference/low_rank_covariance.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::correlated;
using testing::differences;
using testing::message_of;
using testing::observe;
using testing::small_emulator;

const Matrix truth = (Matrix(1, 2) << 4.0, 0.2).finished();
const Matrix near = (Matrix(1, 2) << 4.2, 0.17).finished();

/// ln of the density of y with everything as dense matrices.
double dense(const Vector& residual, const Eigen::MatrixXd& covariance, double degrees = 0.0) {
  const Eigen::LLT<Eigen::MatrixXd> llt(covariance);
  const double m = static_cast<double>(residual.size());
  const double chi2 = residual.dot(llt.solve(residual));
  const double half_log_determinant = llt.matrixLLT().diagonal().array().log().sum();
  if (degrees == 0.0) return -0.5 * chi2 - half_log_determinant - 0.5 * m * std::log(2.0 * M_PI);
  return std::lgamma(0.5 * (degrees + m)) - std::lgamma(0.5 * degrees) - 0.5 * m * std::log(degrees * M_PI) -
         half_log_determinant - 0.5 * (degrees + m) * std::log(1.0 + chi2 / degrees);
}

Eigen::MatrixXd data_covariance(const Observation& o) {
  if (o.covariance.size() > 0) return o.covariance;
  return o.deviations.cwiseAbs2().asDiagonal();
}

/// Mean and covariance of the emulator at the entries of an observation, as a user would put them together.
struct Dense {
  Vector mean;
  Eigen::MatrixXd covariance;
};
Dense dense_emulator(const Emulator& emulator, const Observation& o, const Vector& x) {
  Workspace workspace;
  const Matrix row = x.transpose();
  const Prediction p = emulator.predict(row, false);
  const auto covariances = emulator.covariance(x.data(), workspace);
  const auto entries = observed_entries(o, emulator.outputs());
  Dense d{Vector(o.size()), Eigen::MatrixXd::Zero(o.size(), o.size())};
  for (Index i = 0; i < o.size(); ++i) {
    const ObservedEntry a = entries[static_cast<std::size_t>(i)];
    d.mean[i] = p.mean[a.output](0, a.entry);
    for (Index j = 0; j < o.size(); ++j) {
      const ObservedEntry b = entries[static_cast<std::size_t>(j)];
      for (const OutputCovariance& c : covariances)
        for (std::size_t k = 0; k < c.outputs.size(); ++k)
          for (std::size_t l = 0; l < c.outputs.size(); ++l) {
            if (static_cast<std::size_t>(c.outputs[k]) != a.output ||
                static_cast<std::size_t>(c.outputs[l]) != b.output)
              continue;
            d.covariance(i, j) += c.factors[k].col(a.entry).dot(c.factors[l].col(b.entry));
            if (i == j) d.covariance(i, j) += c.diagonal[k][a.entry];
          }
    }
  }
  return d;
}

TEST(LowRankCovariance, AgreesWithDenseMatrices) {
  RandomStream random(2);
  const auto draw = [&](Index rows, Index columns) {
    Matrix m(rows, columns);
    for (Index i = 0; i < m.size(); ++i) m.data()[i] = random.normal();
    return m;
  };
  const Index m = 40;
  for (const Index k : {0, 1, 7, 60}) {
    const Matrix factors = 3.0 * draw(k, m), some = draw(m, m);
    const Vector residual = draw(1, m).row(0).transpose();
    Vector variances(m);
    for (Index j = 0; j < m; ++j) variances[j] = 0.1 + random.uniform();
    const Eigen::MatrixXd full = some * some.transpose() + 0.1 * Eigen::MatrixXd::Identity(m, m);
    const Matrix lower = Eigen::LLT<Eigen::MatrixXd>(full).matrixL();
    for (const bool diagonal : {true, false}) {
      const LowRankCovariance c =
          diagonal ? LowRankCovariance(variances, factors) : LowRankCovariance(lower, 1.5, factors);
      Eigen::MatrixXd noise =
          diagonal ? Eigen::MatrixXd(variances.asDiagonal()) : Eigen::MatrixXd(2.25 * full);
      const Eigen::MatrixXd all = noise + factors.transpose() * factors;
      const Eigen::MatrixXd inverse = all.inverse();
      const auto s = c.solve(residual);
      EXPECT_NEAR(s.chi2, residual.dot(inverse * residual), 1e-9 * s.chi2);
      EXPECT_NEAR(c.log_determinant(), std::log(all.determinant()), 1e-9);
      EXPECT_LT((s.alpha - inverse * residual).cwiseAbs().maxCoeff(), 1e-9);
      EXPECT_NEAR(s.whitened_square, s.alpha.dot(noise * s.alpha), 1e-9 * s.chi2);
      EXPECT_LT((c.inverse_diagonal() - inverse.diagonal()).cwiseAbs().maxCoeff(), 1e-9);
      if (k == 0) continue;
      EXPECT_LT((s.xi - factors * s.alpha).cwiseAbs().maxCoeff(), 1e-9);
      const Vector explained = (factors * inverse * factors.transpose()).diagonal();
      EXPECT_LT((Vector::Ones(k) - c.inverse_core() - explained).cwiseAbs().maxCoeff(), 1e-9);
    }
  }
}

TEST(LinearForm, IsTheEmulatorItself) {
  const Emulator emulator = small_emulator(true);
  const Observation o = observe(emulator, truth, {"y", "flux", "wave"});
  const auto form = LinearForm::of(emulator, observed_entries(o, emulator.outputs()));
  ASSERT_TRUE(form);
  EXPECT_EQ(form->coefficients(), 1 + 2 + 4);  // two complex elements
  Workspace workspace;
  Vector c(7), v(7);
  const Vector x = near.row(0).transpose();
  form->evaluate(x.data(), c.data(), v.data(), nullptr, workspace);
  const Dense d = dense_emulator(emulator, o, x);
  EXPECT_LT((form->offset + form->rows.transpose() * c - d.mean).cwiseAbs().maxCoeff(),
            1e-12 * d.mean.norm());
  Eigen::MatrixXd covariance =
      form->rows.transpose() * v.asDiagonal() * form->rows + form->modes.transpose() * form->modes;
  covariance.diagonal() += form->rest;
  EXPECT_LT((covariance - d.covariance).cwiseAbs().maxCoeff(), 1e-12 * d.covariance.norm());
  EXPECT_FALSE(LinearForm::of(small_emulator(false), observed_entries(o, emulator.outputs())));
}

/// Calibrated: deviations are scaled by another factor in each bin.
Emulator scaled_bin_by_bin(const Emulator& emulator) {
  Calibration c{"test", (Vector(1) << 0.9).finished(), {}};
  for (const OutputSpec& output : emulator.outputs())
    c.outputs.push_back(
        {Vector::LinSpaced(output.width(), 0.7, 2.0), Vector::Constant(1, 1.6), Vector::Constant(1, 2.0)});
  return emulator.calibrated(c);
}

/// Every way an evaluation can go, against dense matrices: compressed, Woodbury, full covariance of the data;
/// calibrated emulators, whose deviations are scaled bin by bin.
TEST(GaussianLikelihood, AgreesWithDenseMatrices) {
  for (const bool linear : {true, false})
    for (const bool calibrated : {false, true}) {
      Emulator emulator = small_emulator(linear);
      if (calibrated) emulator = scaled_bin_by_bin(emulator);
      const ForwardModelPtr model = forward_model(emulator);
      for (const bool full : {false, true}) {
        Observation o = observe(emulator, truth, {"y", "flux", "wave"});
        if (full) o = correlated(o);
        const Vector x = near.row(0).transpose();
        const Dense d = dense_emulator(emulator, o, x);
        Workspace workspace;
        for (const auto error : {EmulatorError::full, EmulatorError::diagonal, EmulatorError::none})
          for (const double degrees : {0.0, 4.0}) {
            GaussianOptions options;
            options.emulator_error = error;
            options.degrees_of_freedom = degrees;
            Eigen::MatrixXd own = Eigen::MatrixXd::Zero(o.size(), o.size());
            if (error == EmulatorError::full) own = d.covariance;
            if (error == EmulatorError::diagonal) own.diagonal() = d.covariance.diagonal();
            const double expected = dense(o.values - d.mean, data_covariance(o) + own, degrees);
            const auto plain = gaussian_likelihood(model, o, options);
            EXPECT_NEAR(plain->evaluate(x.data(), nullptr, workspace).log, expected,
                        1e-8 * std::abs(expected));
            EXPECT_TRUE(plain->evaluate(x.data(), nullptr, workspace).inside_domain);

            options.nuisance = {"log_jitter", "amplitude", "error_scale"};
            const auto scaled = gaussian_likelihood(model, o, options);
            ASSERT_EQ(scaled->size(), 5);
            Vector theta(5);
            theta << x, std::log(0.02), 1.1, 1.3;
            Eigen::MatrixXd covariance = 1.69 * data_covariance(o) + 1.21 * own;
            covariance.diagonal().array() += 0.0004;
            const double value = dense(o.values - 1.1 * d.mean, covariance, degrees);
            EXPECT_NEAR(scaled->evaluate(theta.data(), nullptr, workspace).log, value,
                        1e-8 * std::abs(value));
          }
      }
    }
}

/// Coefficients drawn from the emulator's own distribution: the mean of the likelihoods given them is the
/// likelihood with its covariance.
TEST(GaussianLikelihood, IsTheMeanOverTheCoefficients) {
  const Emulator emulator = small_emulator(true, "ridge");
  const Observation o = observe(emulator, truth, {"flux"});
  const ForwardModelPtr model = forward_model(emulator);
  Workspace workspace;
  const Vector x = near.row(0).transpose();
  const double with = gaussian_likelihood(model, o)->evaluate(x.data(), nullptr, workspace).log;
  const auto form = LinearForm::of(emulator, observed_entries(o, emulator.outputs()));
  ASSERT_TRUE(form);
  Vector c(2), v(2);
  form->evaluate(x.data(), c.data(), v.data(), nullptr, workspace);
  RandomStream random(4);
  const int draws = 200000;
  Vector likelihoods(draws);
  for (int i = 0; i < draws; ++i) {
    Vector mean = form->offset + form->rows.transpose() * c;
    for (Index a = 0; a < 2; ++a) mean += std::sqrt(v[a]) * random.normal() * form->rows.row(a).transpose();
    for (Index a = 0; a < form->modes.rows(); ++a) mean += random.normal() * form->modes.row(a).transpose();
    double log = 0.0;
    for (Index j = 0; j < o.size(); ++j) {
      const double variance = o.deviations[j] * o.deviations[j] + form->rest[j];
      log -= 0.5 * std::pow(o.values[j] - mean[j], 2) / variance + 0.5 * std::log(2.0 * M_PI * variance);
    }
    likelihoods[i] = std::exp(log - with);
  }
  const double mean = likelihoods.mean();
  const double error = std::sqrt((likelihoods.array() - mean).square().mean() / draws);
  EXPECT_LT(error, 0.05);
  EXPECT_NEAR(mean, 1.0, 4.0 * error);
}

TEST(GaussianLikelihood, GradientsAreThoseOfDifferences) {
  for (const char* regressor : {"gp", "ridge"})
    for (const bool linear : {true, false}) {
      const Emulator emulator = small_emulator(linear, regressor);
      const ForwardModelPtr model = forward_model(emulator);
      for (const bool full : {false, true})
        for (const auto error : {EmulatorError::full, EmulatorError::diagonal, EmulatorError::none})
          for (const bool scaled : {false, true}) {
            Observation o = observe(emulator, truth, {"y", "flux", "wave"});
            if (full) o = correlated(o);
            GaussianOptions options;
            options.emulator_error = error;
            options.degrees_of_freedom = full ? 5.0 : 0.0;
            if (scaled) options.nuisance = {"amplitude", "error_scale", "log_jitter"};
            const auto likelihood = gaussian_likelihood(model, o, options);
            ASSERT_TRUE(likelihood->has_gradient());
            Vector theta(likelihood->size()), steps(likelihood->size()), gradient(likelihood->size());
            theta.head(2) = near.row(0).transpose();
            steps.head(2) << 5e-3, 1e-3;
            if (scaled) {
              theta.tail(3) << 1.05, 0.9, -3.0;
              steps.tail(3).setConstant(1e-3);
            }
            Workspace workspace;
            const double value = likelihood->evaluate(theta.data(), gradient.data(), workspace).log;
            EXPECT_EQ(value, likelihood->evaluate(theta.data(), nullptr, workspace).log);
            const Vector expected = differences(*likelihood, theta, steps);
            // Means of nearly interpolating processes are differences of large terms: their rounding counts.
            // What the likelihood itself takes by differences is as good as these are.
            const bool exact = linear && (error == EmulatorError::none || regressor == std::string("gp"));
            const double tolerance = error == EmulatorError::none ? 5e-5 : exact ? 1e-4 : 5e-4;
            EXPECT_LT((gradient - expected).norm(), tolerance * expected.norm())
                << regressor << (linear ? " linear" : " not linear") << (full ? " full" : "")
                << (scaled ? " scaled" : "") << " error " << static_cast<int>(error) << ": "
                << gradient.transpose() << " for " << expected.transpose();
          }
    }
}

/// Coefficients that share a correlation: their variances are one function of the parameters, and the data's
/// covariance is diagonalised once.
TEST(GaussianLikelihood, OneVarianceForAllCoefficients) {
  for (const bool calibrated : {false, true})
    for (const bool full : {false, true}) {
      Emulator emulator = small_emulator(true, "gp", {{"shared", true}});
      if (calibrated) emulator = scaled_bin_by_bin(emulator);
      Observation o = observe(emulator, truth, {"wave"});
      const auto form = LinearForm::of(emulator, observed_entries(o, emulator.outputs()));
      ASSERT_TRUE(form);
      ASSERT_EQ(form->shares.size(), 4);
      // Far smaller errors than the emulator's own, so that its covariance counts.
      o.deviations *= 0.01;
      if (full) o = correlated(o);
      GaussianOptions options;
      options.degrees_of_freedom = full ? 5.0 : 0.0;
      const auto likelihood = gaussian_likelihood(forward_model(emulator), o, options);
      const Vector x = near.row(0).transpose();
      const Dense d = dense_emulator(emulator, o, x);
      const double expected =
          dense(o.values - d.mean, data_covariance(o) + d.covariance, options.degrees_of_freedom);
      Workspace workspace;
      Vector gradient(2);
      const double value = likelihood->evaluate(x.data(), gradient.data(), workspace).log;
      EXPECT_NEAR(value, expected, 1e-7 * std::abs(expected));
      EXPECT_EQ(value, likelihood->evaluate(x.data(), nullptr, workspace).log);
      const Vector slopes = differences(*likelihood, x, Eigen::Vector2d(5e-3, 1e-3));
      EXPECT_LT((gradient - slopes).norm(), 1e-4 * slopes.norm())
          << gradient.transpose() << " for " << slopes.transpose();
    }
}

/// Outside of the domain, within the box: rejected, or the emulator's covariance times the square of the
/// score.
TEST(GaussianLikelihood, OutsideOfTheDomain) {
  Archive corner = testing::small_archive(25);
  std::vector<Index> rows;  // nothing above b = 0.2
  for (Index i = 0; i < corner.size(); ++i)
    if (corner.parameters(i, 1) < 0.2) rows.push_back(i);
  Recipe recipe = testing::recipe_with("gp");
  recipe.decoder = {"identity", {}};
  recipe.channel.transforms = {{"center", {}}};
  const Emulator emulator = train_emulator(corner.subset(rows), recipe).emulator;
  const ForwardModelPtr model = forward_model(emulator);
  const Observation o = observe(emulator, truth, {"y", "flux"});
  Workspace workspace;
  const Vector x = (Vector(2) << 4.0, 0.95).finished();
  const double score = emulator.domain_score(x.data(), workspace);
  ASSERT_GT(score, 1.0);
  Vector gradient = Vector::Constant(2, 7.0);
  const auto rejected = gaussian_likelihood(model, o)->evaluate(x.data(), gradient.data(), workspace);
  EXPECT_EQ(rejected.log, -INFINITY);
  EXPECT_FALSE(rejected.inside_domain);
  EXPECT_EQ(gradient[0], 7.0);
  GaussianOptions options;
  options.outside = Outside::widen;
  const auto widened = gaussian_likelihood(model, o, options);
  const auto value = widened->evaluate(x.data(), gradient.data(), workspace);
  EXPECT_FALSE(value.inside_domain);
  const Dense d = dense_emulator(emulator, o, x);
  const double expected = dense(o.values - d.mean, data_covariance(o) + score * score * d.covariance);
  EXPECT_NEAR(value.log, expected, 1e-8 * std::abs(expected));
  const Vector slopes = differences(*widened, x, Vector::Constant(2, 1e-3));
  for (Index i = 0; i < 2; ++i) EXPECT_NEAR(gradient[i], slopes[i], 1e-4 * slopes.norm());
  // Beyond the box.
  const Vector beyond = (Vector(2) << 4.0, 1.2).finished();
  EXPECT_EQ(widened->evaluate(beyond.data(), nullptr, workspace).log, -INFINITY);
}

TEST(GaussianLikelihood, WhatMakesNoSenseIsRefused) {
  const Emulator emulator = small_emulator(true, "ridge");
  const ForwardModelPtr model = forward_model(emulator);
  const Observation good = observe(emulator, truth, {"flux"});
  Observation o = good;
  o.parts[0].output = "flix";
  EXPECT_NE(message_of<UsageError>([&] { gaussian_likelihood(model, o); }).find("flux"), std::string::npos);
  o = good;
  o.parts[0].entries[0] = 24;
  EXPECT_THROW(gaussian_likelihood(model, o), UsageError);
  o = good;
  o.deviations[3] = 0.0;
  EXPECT_NE(message_of<DataError>([&] { gaussian_likelihood(model, o); }).find("value 3"), std::string::npos);
  o = correlated(good);
  o.covariance(0, 1) += 1.0;
  EXPECT_THROW(gaussian_likelihood(model, o), DataError);
  o = correlated(good);
  o.covariance(0, 1) = o.covariance(1, 0) = 2.0 * std::sqrt(o.covariance(0, 0) * o.covariance(1, 1));
  EXPECT_NE(message_of<DataError>([&] { gaussian_likelihood(model, o); }).find("positive definite"),
            std::string::npos);
  GaussianOptions options;
  options.nuisance = {"amplitude", "amplitude"};
  EXPECT_THROW(gaussian_likelihood(model, good, options), UsageError);
  options = {};
  options.emulator_error = EmulatorError::none;
  options.outside = Outside::widen;
  EXPECT_THROW(gaussian_likelihood(model, good, options), UsageError);
  EXPECT_THROW(emulator_error_from_string("some"), UsageError);
  EXPECT_THROW(outside_from_string("ignore"), UsageError);
}

}  // namespace
}  // namespace ersatz
