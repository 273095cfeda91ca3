// Fits with means, known noise, replicates, priors and the leave-one-out probability.

#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "functions.hpp"
#include "regression/gp/predictor.hpp"

namespace {

using namespace gp_test;

struct Answer {
  Matrix mean, variance;
};
Answer ask(const Fit& fit, const Matrix& x, Noise noise = Noise::latent) {
  Workspace workspace;
  Answer a{Matrix(x.rows(), fit.predictor->outputs()), Matrix(x.rows(), fit.predictor->outputs())};
  fit.predictor->mean_and_variance(x, a.mean, a.variance, noise, workspace);
  return a;
}

const gp::GpState& state_of(const Fit& fit) {
  return dynamic_cast<const gp::GpPredictor&>(*fit.predictor).state();
}

std::string fact(const Fit& fit, const std::string& key) {
  for (const auto& [name, value] : fit.summary.facts)
    if (name == key) return value;
  return {};
}

double rms(const Matrix& a) { return std::sqrt(a.squaredNorm() / static_cast<double>(a.size())); }

TEST(GpFit, ALinearMeanExtrapolatesALine) {
  // y = 3 + 2 x0 - x1 + a ripple: far outside, the line is what is left.
  TrainingData data;
  data.x = design(40, 2, 31).array() * 10.0;
  data.y.resize(40, 1);
  for (Index i = 0; i < 40; ++i)
    data.y(i, 0) = 3.0 + 2.0 * data.x(i, 0) - data.x(i, 1) + 0.1 * std::sin(3.0 * data.x(i, 0));
  GpOptions options;
  options.trend = 1;
  options.bounds = {0.01, 0.3};
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  Matrix far(1, 2);
  far << 100.0, -50.0;
  const Answer a = ask(fit, far);
  EXPECT_NEAR(a.mean(0, 0), 3.0 + 200.0 + 50.0, 3.0);
  EXPECT_GT(a.variance(0, 0), state_of(fit).outputs[0].process_variance);  // the line is uncertain out there
  EXPECT_NE(fact(fit, "mean of output 0").find("input 1"), std::string::npos)
      << fact(fit, "mean of output 0");
}

TEST(GpFit, APolynomialIsItsMean) {
  TrainingData data = smooth_data(30, 2, 1, 32);
  for (Index i = 0; i < 30; ++i)
    data.y(i, 0) = 1.0 + data.x(i, 0) * data.x(i, 1) - 2.0 * data.x(i, 1) * data.x(i, 1) +
                   1e-4 * std::sin(20.0 * data.x(i, 0));
  GpOptions options;
  options.trend = 2;
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  const Matrix x = design(50, 2, 33) * 3.0;
  const Matrix mean = ask(fit, x).mean;
  for (Index i = 0; i < 50; ++i)
    EXPECT_NEAR(mean(i, 0), 1.0 + x(i, 0) * x(i, 1) - 2.0 * x(i, 1) * x(i, 1), 2e-2);
}

TEST(GpFit, NoMeanGoesBackToTheMiddleOfTheData) {
  const TrainingData data = smooth_data(20, 1, 1, 34);
  GpOptions options;
  options.trend = gp::Trend::zero;
  options.bounds = {0.1, 0.2};
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  EXPECT_NEAR(ask(fit, Matrix::Constant(1, 1, 50.0)).mean(0, 0), data.y.mean(), 1e-10);
}

TEST(GpFit, KnownNoiseIsTrustedPointByPoint) {
  // Half of the points are nearly exact, half are useless, and the fit is told which.
  TrainingData data = smooth_data(60, 1, 1, 35);
  const Matrix truth = data.y;
  data.noise_std.resize(60, 1);
  RandomStream random(7);
  for (Index i = 0; i < 60; ++i) {
    data.noise_std(i, 0) = i % 2 ? 1e-4 : 2.0;
    data.y(i, 0) += data.noise_std(i, 0) * random.normal();
  }
  const Fit fit = make_gp_regressor(GpOptions())->fit(data, {});
  EXPECT_LT(rms(ask(fit, data.x).mean - truth), 1e-2);
  // Observed is latent plus the mean of the known variances.
  const Answer latent = ask(fit, data.x), observed = ask(fit, data.x, Noise::observed);
  EXPECT_NEAR((observed.variance - latent.variance).mean(), 0.5 * (4.0 + 1e-8), 1e-6);
  TrainingData blind = data;
  blind.noise_std.resize(0, 0);
  EXPECT_GT(rms(ask(make_gp_regressor(GpOptions())->fit(blind, {}), data.x).mean - truth),
            5.0 * rms(ask(fit, data.x).mean - truth));
}

TEST(GpFit, NoiseAsASettingIsNoiseOfEveryPoint) {
  TrainingData data = smooth_data(50, 2, 2, 36, 0.1);
  GpOptions options;
  options.noise = 0.1;
  const Fit one = make_gp_regressor(options)->fit(data, {});
  data.noise_std = Matrix::Constant(50, 2, 0.1);
  const Fit two = make_gp_regressor(GpOptions())->fit(data, {});
  EXPECT_EQ(ask(one, data.x).mean, ask(two, data.x).mean);
  EXPECT_THROW(make_gp_regressor(options)->fit(data, {}), DataError);  // known twice
  // About the same as estimating it from this much data.
  TrainingData blind = data;
  blind.noise_std.resize(0, 0);
  EXPECT_LT(rms(ask(one, data.x).mean - ask(make_gp_regressor(GpOptions())->fit(blind, {}), data.x).mean),
            0.05);
}

TEST(GpFit, UnitsOfTheOutputDoNotMatterToKnownNoise) {
  TrainingData data = smooth_data(30, 2, 1, 37, 0.05), scaled = data;
  data.noise_std = Matrix::Constant(30, 1, 0.05);
  scaled.y = 1e6 * data.y.array() - 3e6;
  scaled.noise_std = 1e6 * data.noise_std;
  const Answer a = ask(make_gp_regressor(GpOptions())->fit(data, {}), data.x),
               b = ask(make_gp_regressor(GpOptions())->fit(scaled, {}), data.x);
  EXPECT_LT(rms((b.mean.array() + 3e6).matrix() / 1e6 - a.mean), 1e-4);
  EXPECT_LT(rms(b.variance / 1e12 - a.variance), 1e-4 * a.variance.mean());
}

TEST(GpFit, ExtraNoiseBesideKnownNoiseIsFound) {
  TrainingData data = smooth_data(120, 1, 1, 38, 0.2);
  data.noise_std = Matrix::Constant(120, 1, 0.01);  // far too small
  GpOptions options;
  options.extra_noise = true;
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  EXPECT_NEAR(std::sqrt(state_of(fit).outputs[0].noise_variance), 0.2, 0.05);
}

TEST(GpFit, SharedCorrelationWithKnownNoiseIsRefused) {
  TrainingData data = smooth_data(20, 1, 2, 39);
  data.noise_std = Matrix::Constant(20, 2, 0.1);
  GpOptions options;
  options.shared = true;
  EXPECT_THROW(make_gp_regressor(options)->fit(data, {}), DataError);
  data.y = Matrix(data.y.leftCols(1));
  data.noise_std = Matrix(data.noise_std.leftCols(1));
  EXPECT_NO_THROW(make_gp_regressor(options)->fit(data, {}));
}

TEST(GpFit, ReplicatedRunsTellTheNoise) {
  // Five runs at each of 20 points.
  TrainingData data;
  const Matrix places = design(20, 1, 40);
  data.x.resize(100, 1);
  data.y.resize(100, 1);
  RandomStream random(8);
  for (Index i = 0; i < 100; ++i) {
    data.x(i, 0) = places(i / 5, 0);
    data.y(i, 0) = smooth(&data.x(i, 0), 1) + 0.1 * random.normal();
  }
  const Fit fit = make_gp_regressor(GpOptions())->fit(data, {});
  EXPECT_NEAR(std::sqrt(state_of(fit).outputs[0].noise_variance), 0.1, 0.02);
  const Matrix x = design(50, 1, 41);
  Matrix truth(50, 1);
  for (Index i = 0; i < 50; ++i) truth(i, 0) = smooth(x.row(i).data(), 1);
  const Answer a = ask(fit, x);
  EXPECT_LT(rms(a.mean - truth), 0.05);
  Index inside = 0;
  for (Index i = 0; i < 50; ++i)
    inside += std::abs(a.mean(i, 0) - truth(i, 0)) < 3.0 * std::sqrt(a.variance(i, 0));
  EXPECT_GE(inside, 45);
}

TEST(GpFit, LeaveOneOutProbabilityFitsItsOwnResiduals) {
  // By definition of its process variance, squared residuals over variances average to one.
  const TrainingData data = smooth_data(40, 2, 3, 42, 0.02);
  for (const bool shared : {false, true}) {
    GpOptions options;
    options.likelihood = gp::Estimator::leave_one_out;
    options.trend = 1;
    options.shared = shared;
    const Fit fit = make_gp_regressor(options)->fit(data, {});
    for (Index o = 0; o < 3; ++o)
      EXPECT_NEAR((fit.summary.leave_one_out.col(o).array() / fit.summary.leave_one_out_std.col(o).array())
                      .square()
                      .mean(),
                  1.0, 1e-8);
    EXPECT_LT(rms(ask(fit, data.x).mean - data.y), 0.05);
  }
}

TEST(GpFit, APriorPullsALengthToItsMode) {
  const TrainingData data = smooth_data(15, 1, 1, 43);
  const auto length = [&](const char* prior) {
    const auto regressor = make_gp_regressor(
        Settings{{"kernel", std::string("matern52")}, {"length_prior", std::string(prior)}});
    return std::exp(state_of(regressor->fit(data, {})).correlations[0].hyperparameters[0]);
  };
  EXPECT_NEAR(length("log-normal(-1.5, 0.01)"), std::exp(-1.5), 0.01);
  EXPECT_GT(length("log-normal(0.5, 2)"), 0.5);
}

TEST(GpFit, SummaryTellsStartsAndBounds) {
  TrainingData data = smooth_data(30, 2, 1, 44);
  data.input_names = {"mass", "spin"};
  GpOptions options;
  options.bounds = {0.05, 0.2};
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  const std::string line = fact(fit, "output 0");
  EXPECT_NE(line.find("of 3 won, others "), std::string::npos) << line;
  EXPECT_NE(line.find(" behind"), std::string::npos) << line;
  EXPECT_NE(fact(fit, "at its bound").find("length of mass is at its largest, 0.2 ranges"), std::string::npos)
      << fact(fit, "at its bound");
  EXPECT_NE(fact(fit, "mean of output 0").find("±"), std::string::npos);
}

TEST(GpFit, NewSettingsFromARecipe) {
  const auto regressor = make_gp_regressor(Settings{{"kernel", std::string("matern32")},
                                                    {"mean", std::string("linear")},
                                                    {"noise", 0.1},
                                                    {"likelihood", std::string("leave-one-out")},
                                                    {"length_prior", std::string("inverse-gamma(3, 1)")},
                                                    {"variance_prior", std::string("log-normal(0, 1)")}});
  EXPECT_EQ(regressor->settings(),
            "matern32, mean of degree 1, noise 0.1, length ~ inverse-gamma(3, 1), process variance ~ "
            "log-normal(0, 1), leave-one-out probability");
  EXPECT_NO_THROW(regressor->fit(smooth_data(20, 2, 1, 45, 0.1), {}));
  for (const auto& wrong :
       {Settings{{"mean", std::string("cubic")}}, Settings{{"mean", 1.5}}, Settings{{"mean", -1.0}},
        Settings{{"noise", -0.1}}, Settings{{"length_prior", std::string("flat")}},
        Settings{{"length_prior", std::string("gamma(2, 1)")}, {"prior", std::string("robust")}},
        Settings{{"likelihood", std::string("marginal")}}})
    EXPECT_THROW(make_gp_regressor(wrong), UsageError);
}

TEST(GpFit, OneTwoAndThreePoints) {
  for (const Index n : {1, 2, 3})
    for (const auto estimator : {gp::Estimator::restricted, gp::Estimator::leave_one_out})
      for (const bool noise : {false, true}) {
        TrainingData data;
        data.x = Matrix::NullaryExpr(n, 1, [](Index i, Index) { return static_cast<double>(i * i); });
        data.y = data.x.array() * 2.0 + 1.0;
        if (noise) data.noise_std = Matrix::Constant(n, 1, 0.1);
        GpOptions options;
        options.likelihood = estimator;
        const Fit fit = make_gp_regressor(options)->fit(data, {});
        const Answer a = ask(fit, Matrix::Constant(1, 1, 0.5));
        EXPECT_TRUE(a.mean.allFinite());
        EXPECT_GE(a.variance(0, 0), 0.0);
      }
  TrainingData few = smooth_data(3, 2, 1, 46);
  few.input_names = {"mass", "spin"};
  GpOptions options;
  options.trend = 1;
  EXPECT_THROW(make_gp_regressor(options)->fit(few, {}), DataError);
}

TEST(GpFit, OutputsOfAnyScaleAndConstantOnesStandSideBySide) {
  TrainingData data = smooth_data(25, 2, 4, 47);
  data.y.col(0) *= 1e-100;
  data.y.col(1) *= 1e120;
  data.y.col(2).setConstant(7.0);
  for (const bool shared : {false, true}) {
    GpOptions options;
    options.trend = 1;
    options.shared = shared;
    const Fit fit = make_gp_regressor(options)->fit(data, {});
    const Matrix mean = ask(fit, data.x).mean;
    for (const Index o : {0, 1, 3})
      EXPECT_LT((mean.col(o) - data.y.col(o)).norm(), 1e-2 * data.y.col(o).norm()) << o;
    EXPECT_EQ(mean.col(2), data.y.col(2));
  }
}

}  // namespace
