// Fits: accuracy, calibration, settings, threads, and data that are not well behaved.

#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "functions.hpp"
#include "regression/gp/predictor.hpp"

namespace {

using namespace gp_test;

const gp::GpState& state_of(const Fit& fit) {
  return dynamic_cast<const gp::GpPredictor&>(*fit.predictor).state();
}

Matrix mean_at(const Fit& fit, const Matrix& x) {
  Workspace workspace;
  Matrix mean(x.rows(), fit.predictor->outputs());
  fit.predictor->mean(x, mean, workspace);
  return mean;
}

Matrix deviation_at(const Fit& fit, const Matrix& x, Noise noise = Noise::latent) {
  Workspace workspace;
  Matrix mean(x.rows(), fit.predictor->outputs()), variance = mean;
  fit.predictor->mean_and_variance(x, mean, variance, noise, workspace);
  return variance.cwiseSqrt();
}

bool warns(const Fit& fit, const std::string& what) {
  for (const auto& w : fit.summary.warnings)
    if (w.find(what) != std::string::npos) return true;
  return false;
}

TEST(GpRegressor, LearnsASmoothFunctionWithHonestErrors) {
  const TrainingData data = smooth_data(80, 3, 2, 1), test = smooth_data(500, 3, 2, 2);
  for (const auto& kernel : {"matern52", "matern52-product", "squared-exponential"}) {
    GpOptions options;
    options.kernel = kernel;
    const Fit fit = make_gp_regressor(options)->fit(data, {});
    EXPECT_TRUE(fit.summary.usable);
    EXPECT_TRUE(fit.summary.converged) << kernel;
    const Matrix error = mean_at(fit, test.x) - test.y, deviation = deviation_at(fit, test.x);
    EXPECT_LT(error.norm() / (test.y.rowwise() - test.y.colwise().mean()).norm(), 1e-2) << kernel;
    const double inside = (error.array().abs() < 1.96 * deviation.array()).cast<double>().mean();
    EXPECT_GT(inside, 0.85) << kernel;
    EXPECT_EQ(fit.summary.leave_one_out.rows(), 80);
    EXPECT_EQ(fit.summary.leave_one_out.cols(), 2);
  }
}

TEST(GpRegressor, AlignedSmoothCurvesToAMillionth) {
  // A nugget's floor must not limit what smooth, noise-free data give.
  TrainingData data;
  data.x = Vector::LinSpaced(60, 0.0, 1.0);
  data.y.resize(60, 1);
  const auto f = [](double u) { return std::sin(6.0 * u) * std::exp(u); };
  for (Index i = 0; i < 60; ++i) data.y(i, 0) = f(data.x(i, 0));
  GpOptions options;
  options.kernel = "squared-exponential";
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  const Matrix x = Vector::LinSpaced(997, 0.0, 1.0);
  const Matrix mean = mean_at(fit, x);
  double error = 0.0, norm = 0.0;
  for (Index i = 0; i < x.rows(); ++i) {
    error += std::pow(mean(i, 0) - f(x(i, 0)), 2);
    norm += std::pow(f(x(i, 0)), 2);
  }
  EXPECT_LT(std::sqrt(error / norm), 1e-6);
}

TEST(GpRegressor, FindsTheNoise) {
  const TrainingData data = smooth_data(200, 2, 1, 3, 0.1);
  const Fit fit = make_gp_regressor(GpOptions())->fit(data, {});
  EXPECT_NEAR(std::sqrt(state_of(fit).outputs[0].noise_variance), 0.1, 0.02);
  const Matrix latent = deviation_at(fit, data.x), observed = deviation_at(fit, data.x, Noise::observed);
  EXPECT_LT(latent.maxCoeff(), 0.1);
  EXPECT_GT(observed.minCoeff(), 0.08);
}

TEST(GpRegressor, SameBitsOnAnyNumberOfThreads) {
  const TrainingData data = smooth_data(50, 3, 5, 4, 0.01);
  const auto regressor = make_gp_regressor(GpOptions());
  FitContext context;
  context.random = RandomStream(17);
  const Fit serial = regressor->fit(data, context);
  const Matrix x = design(40, 3, 5);
  for (const Index threads : {2, 3}) {
    ThreadExecutor executor(threads);
    context.executor = &executor;
    const Fit parallel = regressor->fit(data, context);
    EXPECT_EQ(mean_at(serial, x), mean_at(parallel, x));
    EXPECT_EQ(deviation_at(serial, x), deviation_at(parallel, x));
    EXPECT_EQ(serial.summary.facts, parallel.summary.facts);
  }
}

TEST(GpRegressor, UnitsDoNotMatter) {
  const TrainingData data = smooth_data(50, 2, 1, 6, 0.01);
  TrainingData other = data;
  other.x.col(0) = other.x.col(0).array() * 4096.0 + 1024.0;
  other.y.array() = other.y.array() * 1e-6 - 3e-6;
  const auto regressor = make_gp_regressor(GpOptions());
  const Fit a = regressor->fit(data, {}), b = regressor->fit(other, {});
  Matrix x = design(40, 2, 7), moved = x;
  moved.col(0) = moved.col(0).array() * 4096.0 + 1024.0;
  EXPECT_LT((mean_at(b, moved).array() - (mean_at(a, x).array() * 1e-6 - 3e-6)).abs().maxCoeff(), 1e-9);
  EXPECT_LT((deviation_at(b, moved) - 1e-6 * deviation_at(a, x)).cwiseAbs().maxCoeff(), 1e-9);
}

TEST(GpRegressor, SharedCorrelationServesSimilarOutputs) {
  const TrainingData data = smooth_data(60, 2, 4, 8), test = smooth_data(200, 2, 4, 9);
  GpOptions options;
  options.shared = true;
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  EXPECT_EQ(state_of(fit).correlations.size(), 1u);
  EXPECT_LT((mean_at(fit, test.x) - test.y).norm() / test.y.norm(), 1e-2);
}

TEST(GpRegressor, OnePointAndTwo) {
  TrainingData data;
  data.x = Matrix::Constant(1, 2, 0.5);
  data.y = Matrix::Constant(1, 1, 3.0);
  const Fit one = make_gp_regressor(GpOptions())->fit(data, {});
  EXPECT_EQ(mean_at(one, Matrix::Zero(1, 2))(0, 0), 3.0);
  EXPECT_TRUE(warns(one, "one point"));

  data.x.resize(2, 1);
  data.x << 0.0, 1.0;
  data.y.resize(2, 1);
  data.y << 1.0, 2.0;
  const Fit two = make_gp_regressor(GpOptions())->fit(data, {});
  const Matrix mean = mean_at(two, data.x), deviation = deviation_at(two, Matrix::Constant(1, 1, 0.5));
  EXPECT_NEAR(mean(0, 0), 1.0, 0.3);
  EXPECT_NEAR(mean(1, 0), 2.0, 0.3);
  EXPECT_TRUE(std::isfinite(deviation(0, 0)));
}

TEST(GpRegressor, ConstantOutputsAndInputs) {
  TrainingData data = smooth_data(30, 3, 2, 10);
  data.y.col(1).setConstant(-2.5);
  data.x.col(1).setConstant(1e5);
  data.input_names = {"a", "b", "c"};
  const Fit fit = make_gp_regressor(GpOptions())->fit(data, {});
  EXPECT_TRUE(warns(fit, "input b does not vary"));
  EXPECT_TRUE(warns(fit, "predicted as constant"));
  const Matrix x = design(5, 3, 11);
  EXPECT_EQ(mean_at(fit, x).col(1), Vector::Constant(5, -2.5));
  EXPECT_EQ(deviation_at(fit, x).col(1), Vector::Zero(5));
  EXPECT_EQ(fit.summary.leave_one_out.col(1), Vector::Zero(30));
  Workspace workspace;
  Matrix jacobian(2, 3);
  fit.predictor->jacobian(x.data(), jacobian, workspace);
  EXPECT_EQ(jacobian(0, 1), 0.0);
  EXPECT_EQ(jacobian.row(1).norm(), 0.0);
  EXPECT_GT(std::abs(jacobian(0, 0)), 0.0);
}

TEST(GpRegressor, ReplicatesOfOnePoint) {
  TrainingData data;
  data.x = Matrix::Constant(4, 1, 2.0);
  data.y.resize(4, 1);
  data.y << 1.0, 2.0, 3.0, 6.0;
  const Fit fit = make_gp_regressor(GpOptions())->fit(data, {});
  const Matrix x = Matrix::Zero(1, 1);
  const double variance = (4.0 + 1.0 + 0.0 + 9.0) / 3.0;
  EXPECT_DOUBLE_EQ(mean_at(fit, x)(0, 0), 3.0);
  EXPECT_DOUBLE_EQ(deviation_at(fit, x)(0, 0), std::sqrt(variance / 4.0));
  EXPECT_DOUBLE_EQ(deviation_at(fit, x, Noise::observed)(0, 0), std::sqrt(variance / 4.0 + variance));
  EXPECT_DOUBLE_EQ(fit.summary.leave_one_out(3, 0), 6.0 - 2.0);
}

TEST(GpRegressor, DuplicatesNeedANuggetAndSaySo) {
  TrainingData data = smooth_data(30, 2, 1, 12);
  data.x.row(7) = data.x.row(3);
  data.y(7, 0) = data.y(3, 0) + 0.5;
  GpOptions options;
  options.nugget = 0.0;
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  EXPECT_TRUE(warns(fit, "rows 3 and 7, with different outputs"));
  EXPECT_GT(state_of(fit).correlations[0].nugget, 1e-6);
  EXPECT_TRUE(mean_at(fit, data.x).allFinite());
}

TEST(GpRegressor, JitterIsReportedNeverSilent) {
  // Two points that nearly coincide: squared exponential without a nugget is singular whatever the lengths.
  TrainingData data;
  data.x.resize(6, 1);
  data.x << 0.0, 1e-12, 0.3, 0.5, 0.8, 1.0;
  data.y = data.x.array().square();
  GpOptions options;
  options.kernel = "squared-exponential";
  options.nugget = 0.0;
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  EXPECT_TRUE(warns(fit, "jitter up to 1e-10"));
  EXPECT_EQ(state_of(fit).correlations[0].jitter, 1e-10);
  EXPECT_EQ(state_of(fit).outputs[0].noise_variance, 0.0);
}

TEST(GpRegressor, InputThatDoesNotMatterIsNamed) {
  TrainingData data = smooth_data(60, 2, 1, 13);
  Matrix x(60, 3);
  x << data.x, design(60, 1, 99);
  data.x = x;
  data.input_names = {"mass", "spin", "noise"};
  const Fit fit = make_gp_regressor(GpOptions())->fit(data, {});
  bool named = false;
  for (const auto& [key, value] : fit.summary.facts)
    if (key == "does not matter") {
      EXPECT_NE(value.find("noise"), std::string::npos);
      named = true;
    }
  EXPECT_TRUE(named);
}

TEST(GpRegressor, SettingsFromARecipe) {
  const auto regressor = make_gp_regressor(Settings{{"kernel", std::string("matern32")},
                                                    {"nugget", 0.01},
                                                    {"likelihood", std::string("profile")},
                                                    {"prior", std::string("none")},
                                                    {"starts", 2.0}});
  EXPECT_EQ(regressor->name(), "gp");
  EXPECT_EQ(regressor->settings(), "matern32, nugget 0.01, no prior, profile likelihood");
  const Fit fit = regressor->fit(smooth_data(20, 2, 1, 14), {});
  EXPECT_EQ(state_of(fit).correlations[0].nugget, 0.01);
  EXPECT_NO_THROW(make_gp_regressor(Settings{{"nugget", std::string("estimated")}}));
  for (const auto& wrong :
       {Settings{{"nugget", -1.0}}, Settings{{"nugget", std::string("none")}}, Settings{{"kernal", 1.0}},
        Settings{{"kernel", std::string("cubic")}}, Settings{{"starts", 0.0}},
        Settings{{"prior", std::string("flat")}}, Settings{{"bounds", std::vector<double>{2.0, 1.0}}},
        Settings{{"bounds", std::vector<double>{2.0}}}})
    EXPECT_THROW(make_gp_regressor(wrong), UsageError);
}

}  // namespace
