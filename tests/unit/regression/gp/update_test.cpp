// Points appended to a Gaussian process against conditioning on all of them from scratch.

#include "ersatz/regression/gp/update.hpp"

#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/diagnostics.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "functions.hpp"
#include "given.hpp"

namespace {

using namespace gp_test;

struct Setting {
  Index degree = 0;
  double nugget = 1e-4;
  bool noise = false;
  gp::Estimator estimator = gp::Estimator::restricted;
};

/// From the first `n` points of `data`, with the scaling of them all.
std::shared_ptr<const gp::GpPredictor> of_first(Index n, const TrainingData& data, const Setting& setting) {
  gp::ScaledData scaled = gp::scale_data(data);
  gp::ConditionOptions given;
  given.theta = {std::log(0.5), std::log(0.8)};
  given.nugget = setting.nugget;
  given.estimator = setting.estimator;
  if (setting.noise) {
    given.process_variance = 1.3;
    // The same for all outputs relative to their scale, as one correlation is shared.
    given.noise = (data.noise_std.col(0).head(n) / scaled.scale[0]).array().square() / 1.3;
  }
  TrainingData some = data;
  some.x = data.x.topRows(n);
  some.y = data.y.topRows(n);
  scaled.x = Matrix(scaled.x.topRows(n));
  scaled.y = Matrix(scaled.y.topRows(n));
  const gp::Trend trend(2, setting.degree);
  gp::GpState state = gp::make_state("matern52", trend, some, scaled);
  gp::add_correlation(gp::condition(*gp::make_kernel("matern52", 2), trend, scaled.x, scaled.y, given), given,
                      scaled, {0, 1}, state);
  return std::make_shared<gp::GpPredictor>(std::move(state));
}

TrainingData problem(Index n, std::uint64_t seed) {
  TrainingData data = smooth_data(n, 2, 2, seed, 0.02);
  data.y.col(1) = data.y.col(1).array() * 1e4 + 3e5;
  const gp::ScaledData scaled = gp::scale_data(data);
  data.noise_std.resize(n, 2);
  for (Index i = 0; i < n; ++i)
    data.noise_std.row(i) = (0.01 + 0.1 * static_cast<double>(i % 5)) * scaled.scale.transpose();
  return data;
}

void expect_same(const Predictor& a, const Predictor& b, double tolerance) {
  const Matrix x = design(30, 2, 99).array() * 1.2 - 0.1;
  Workspace workspace;
  Matrix mean_a(30, 2), mean_b(30, 2), variance_a(30, 2), variance_b(30, 2), ja(2, 2), jb(2, 2);
  a.mean_and_variance(x, mean_a, variance_a, Noise::observed, workspace);
  b.mean_and_variance(x, mean_b, variance_b, Noise::observed, workspace);
  a.variance_gradient(x.data(), ja, workspace);
  b.variance_gradient(x.data(), jb, workspace);
  for (Index o = 0; o < 2; ++o) {
    const double unit = (mean_a.col(o).array() - mean_a.col(o).mean()).matrix().norm();
    EXPECT_LT((mean_a.col(o) - mean_b.col(o)).cwiseAbs().maxCoeff(), tolerance * unit);
    EXPECT_LT((variance_a.col(o) - variance_b.col(o)).cwiseAbs().maxCoeff(),
              tolerance * variance_a.col(o).maxCoeff());
    EXPECT_LT((ja.row(o) - jb.row(o)).cwiseAbs().maxCoeff(), 10 * tolerance * variance_a.col(o).maxCoeff());
    const gp::LeftOut left_a = gp::leave_one_out(a, o), left_b = gp::leave_one_out(b, o);
    EXPECT_LT((left_a.residual - left_b.residual).cwiseAbs().maxCoeff(), tolerance * unit);
    EXPECT_LT((left_a.deviation - left_b.deviation).cwiseAbs().maxCoeff(), tolerance * unit);
  }
}

TEST(GpAppend, IsConditioningOnAllPoints) {
  const TrainingData data = problem(45, 5);
  for (const Index degree : {-1, 0, 1, 2})
    for (const bool noise : {false, true})
      for (const auto estimator :
           {gp::Estimator::restricted, gp::Estimator::profile, gp::Estimator::leave_one_out}) {
        const Setting setting{degree, 1e-4, noise, estimator};
        SCOPED_TRACE(testing::Message() << "degree " << degree << (noise ? ", noise" : "") << ", estimator "
                                        << static_cast<int>(estimator));
        const auto all = of_first(45, data, setting);
        for (const Index first : {44, 40, 16}) {  // within a panel, over panels
          const Index more = 45 - first;
          const PredictorPtr grown =
              gp::append(*of_first(first, data, setting), data.x.bottomRows(more), data.y.bottomRows(more),
                         noise ? Matrix(data.noise_std.bottomRows(more)) : Matrix());
          expect_same(*all, *grown, 1e-9);
        }
      }
}

TEST(GpAppend, DuplicatesAreTakenWithANugget) {
  TrainingData data = problem(30, 15);
  data.x.row(28) = data.x.row(3);
  data.x.row(29) = data.x.row(28);
  const Setting setting{1, 1e-3};
  expect_same(*of_first(30, data, setting),
              *gp::append(*of_first(28, data, setting), data.x.bottomRows(2), data.y.bottomRows(2)), 1e-9);
}

TEST(GpAppend, PointThatMakesTheMatrixSingularIsNamedAndNothingIsLost) {
  TrainingData data = problem(30, 25);
  data.x.row(29) = data.x.row(3);
  const auto old = of_first(28, data, {0, 0.0});
  Workspace workspace;
  const Matrix x = design(5, 2, 26);
  Matrix before(5, 2), after(5, 2);
  old->mean(x, before, workspace);
  try {
    gp::append(*old, data.x.bottomRows(2), data.y.bottomRows(2));
    FAIL();
  } catch (const NumericalError& e) {
    EXPECT_NE(std::string(e.what()).find("point 1 repeats the inputs of training point 3"), std::string::npos)
        << e.what();
  }
  old->mean(x, after, workspace);
  EXPECT_EQ(before, after);
  data.x.row(29) = data.x.row(28);
  EXPECT_THROW(gp::append(*old, data.x.bottomRows(2), data.y.bottomRows(2)), NumericalError);
}

TEST(GpAppend, InterpolatesTheNewPointsAlsoOutsideOfTheOldRange) {
  TrainingData data = problem(20, 35);
  const auto old = of_first(20, data, {0, 0.0});
  Matrix x(2, 2), y(2, 2), mean(2, 2), variance(2, 2);
  x << 1.7, -0.4, 0.5, 0.5;
  y << 2.0, 1e5, 3.0, -2e5;
  const PredictorPtr grown = gp::append(*old, x, y);
  Workspace workspace;
  grown->mean_and_variance(x, mean, variance, Noise::latent, workspace);
  EXPECT_LT((mean - y).cwiseQuotient(y).cwiseAbs().maxCoeff(), 1e-9);
  EXPECT_LT(variance.col(0).maxCoeff(), 1e-9);
}

TEST(GpAppend, FittedPredictorsWithConstantsAndSharedCorrelations) {
  for (const bool shared : {false, true}) {
    TrainingData data = smooth_data(25, 3, 3, 45, 0.01);
    data.y.col(1).setConstant(4.0);
    data.x.col(2).setConstant(7.0);
    GpOptions options;
    options.starts = 1;
    options.shared = shared;
    const Fit fit = make_gp_regressor(options)->fit(data, {});
    Matrix x = design(3, 3, 46), y(3, 3);
    y << 1.0, 4.0, 2.0, 1.1, 4.0, 2.1, 0.9, 4.0, 2.2;
    const PredictorPtr grown = gp::append(*fit.predictor, x, y);
    Workspace workspace;
    Matrix mean(3, 3);
    grown->mean(x, mean, workspace);
    EXPECT_TRUE(mean.allFinite());
    EXPECT_EQ(mean(1, 1), 4.0);
    y(2, 1) = 4.5;
    EXPECT_THROW(gp::append(*fit.predictor, x, y), DataError);
  }
}

TEST(GpAppend, WhatDoesNotFitIsRefused) {
  const TrainingData data = problem(20, 55);
  const auto plain = of_first(20, data, {}), noisy = of_first(20, data, {0, 0.0, true});
  Matrix x = design(2, 2, 56), y = Matrix::Zero(2, 2);
  EXPECT_THROW(gp::append(*plain, x, Matrix::Zero(3, 2)), UsageError);
  EXPECT_THROW(gp::append(*plain, design(2, 3, 1), y), UsageError);
  EXPECT_THROW(gp::append(*plain, x, y, Matrix::Ones(2, 2)), UsageError);
  EXPECT_THROW(gp::append(*noisy, x, y), UsageError);
  EXPECT_THROW(gp::append(*noisy, x, y, Matrix::Constant(2, 2, -1.0)), DataError);
  EXPECT_THROW(gp::append(*noisy, x, y, Matrix::Ones(2, 2)), UsageError);  // not relative to the outputs
  y(1, 1) = std::nan("");
  EXPECT_THROW(gp::append(*plain, x, y), DataError);
  EXPECT_THROW(gp::append(*make_regressor("knn")->fit(data, {}).predictor, x, Matrix::Zero(2, 2)),
               UsageError);
}

}  // namespace
