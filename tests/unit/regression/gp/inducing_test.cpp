// Gaussian processes with inducing points: fits and what they answer.

#include "regression/gp/inducing.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "functions.hpp"
#include "regression/gp/exact.hpp"
#include "regression/gp/inducing_predictor.hpp"

namespace {

using namespace gp_test;

GpOptions few(Index points, const std::string& kernel = "squared-exponential") {
  GpOptions options;
  options.method = "inducing";
  options.kernel = kernel;
  options.points = points;
  options.starts = 1;
  return options;
}

struct Answer {
  Matrix mean, variance;
};
Answer ask(const Predictor& predictor, const Matrix& x, Noise noise = Noise::latent) {
  Workspace workspace;
  Answer a{Matrix(x.rows(), predictor.outputs()), Matrix(x.rows(), predictor.outputs())};
  predictor.mean_and_variance(x, a.mean, a.variance, noise, workspace);
  return a;
}

bool warns(const Fit& fit, const std::string& about) {
  for (const auto& w : fit.summary.warnings)
    if (w.find(about) != std::string::npos) return true;
  return false;
}

const gp::InducingState& state_of(const Fit& fit) {
  return dynamic_cast<const gp::InducingPredictor&>(*fit.predictor).state();
}

TEST(InducingGp, IsTitsiasPosteriorFromScratch) {
  // With the hyperparameters and locations of the fit, Titsias (2009), eqs 6 and 10, by dense inverses.
  const TrainingData data = smooth_data(80, 2, 2, 1, 0.05);
  for (const Index trend : {Index{0}, Index{1}}) {
    GpOptions options = few(7);
    options.trend = trend;
    options.nugget = 0.01;  // dense inverses need a matrix that is well conditioned
    const Fit fit = gp::make_inducing_gp(options)->fit(data, {});
    const auto& state = state_of(fit);
    const gp::Trend functions(2, trend);
    const Matrix x = design(15, 2, 2);
    const Answer latent = ask(*fit.predictor, x), observed = ask(*fit.predictor, x, Noise::observed);
    for (Index o = 0; o < 2; ++o) {
      const auto& set = state.sets.at(static_cast<std::size_t>(o));
      const auto scaled = [&](const Matrix& points) {
        return Matrix((points.rowwise() - state.lower.transpose()).array().rowwise() /
                      state.range.transpose().array());
      };
      const auto k = [&](const Matrix& a, const Matrix& b) {
        Eigen::MatrixXd result(a.rows(), b.rows());
        for (Index i = 0; i < a.rows(); ++i)
          for (Index j = 0; j < b.rows(); ++j) {
            double r2 = 0.0;
            for (Index c = 0; c < 2; ++c)
              r2 += std::pow((a(i, c) - b(j, c)) / std::exp(set.hyperparameters[static_cast<std::size_t>(c)]),
                             2);
            result(i, j) = std::exp(-0.5 * r2);
          }
        return result;
      };
      const Matrix z = set.points.transpose(), train = scaled(data.x), test = scaled(x);
      Eigen::MatrixXd kmm = k(z, z);
      kmm.diagonal().array() += set.jitter;
      const Eigen::MatrixXd inverse = kmm.inverse(), kmn = k(z, train), kmx = k(z, test);
      Eigen::MatrixXd c = kmn.transpose() * inverse * kmn;
      c.diagonal().array() += set.nugget;
      const Eigen::MatrixXd c_inverse = c.inverse(), cross = kmn.transpose() * inverse * kmx,
                            f = functions.matrix(train), fx = functions.matrix(test);
      const Eigen::MatrixXd a = (f.transpose() * c_inverse * f).inverse();
      const Eigen::VectorXd beta = a * f.transpose() * c_inverse * data.y.col(o);
      const Eigen::VectorXd left = data.y.col(o) - f * beta;
      const Eigen::VectorXd mean = fx * beta + cross.transpose() * c_inverse * left;
      EXPECT_LT((latent.mean.col(o) - mean).norm(), 1e-5 * mean.norm());
      const double variance = left.dot(c_inverse * left) / (80.0 - static_cast<double>(functions.size()));
      const Eigen::MatrixXd h = fx.transpose() - f.transpose() * c_inverse * cross;
      const Eigen::MatrixXd covariance =
          variance * (k(test, test) - cross.transpose() * c_inverse * cross + h.transpose() * a * h);
      Workspace workspace;
      Matrix ours(15, 15);
      fit.predictor->covariance(x, o, ours, Noise::latent, workspace);
      EXPECT_LT((ours - covariance).cwiseAbs().maxCoeff(), 1e-5 * variance);
      EXPECT_LT((latent.variance.col(o) - covariance.diagonal()).cwiseAbs().maxCoeff(), 1e-5 * variance);
      EXPECT_LT(((observed.variance.col(o) - latent.variance.col(o)).array() - variance * set.nugget)
                    .abs()
                    .maxCoeff(),
                1e-5 * variance);
    }
  }
}

TEST(InducingGp, ConvergesToTheExactProcess) {
  const TrainingData data = smooth_data(150, 2, 1, 3, 0.02), test = smooth_data(100, 2, 1, 4);
  GpOptions options = few(0);
  const Fit exact = gp::make_exact_gp(options)->fit(data, {});
  const Answer truth = ask(*exact.predictor, test.x);
  double last_mean = HUGE_VAL, last_deviation = HUGE_VAL;
  for (const Index m : {3, 8, 20, 150}) {
    options.points = m;
    const Fit fit = gp::make_inducing_gp(options)->fit(data, {});
    const Answer answer = ask(*fit.predictor, test.x);
    const double mean = (answer.mean - truth.mean).norm() / truth.mean.norm();
    const double deviation =
        (answer.variance.cwiseSqrt() - truth.variance.cwiseSqrt()).norm() / truth.variance.cwiseSqrt().norm();
    EXPECT_LT(mean, std::max(0.5 * last_mean, 2e-3)) << m;
    EXPECT_LT(deviation, std::max(0.5 * last_deviation, 5e-2)) << m;
    last_mean = mean;
    last_deviation = deviation;
  }
  EXPECT_LT(last_mean, 2e-3);
}

TEST(InducingGp, LocationsAreBetterWhereTheyWereMoved) {
  // The stages of the summary: no stage ends below where it began.
  const TrainingData data = smooth_data(150, 2, 1, 5, 0.05);
  const Fit fit = gp::make_inducing_gp(few(6))->fit(data, {});
  bool found = false;
  for (const auto& [key, value] : fit.summary.facts)
    if (key == "stages of output 0") {
      double before = 0.0, after = 0.0;
      const auto at = value.find("locations moved ");
      ASSERT_NE(at, std::string::npos);
      ASSERT_EQ(std::sscanf(value.c_str() + at, "locations moved %lf to %lf", &before, &after), 2);
      EXPECT_GT(after, before + 1.0);
      found = true;
    }
  EXPECT_TRUE(found);
}

TEST(InducingGp, JacobianIsTheDerivativeOfTheMean) {
  const TrainingData data = smooth_data(60, 3, 2, 6, 0.02);
  for (const Index trend : {gp::Trend::zero, Index{0}, Index{2}}) {
    GpOptions options = few(10, "matern52");
    options.trend = trend;
    const Fit fit = gp::make_inducing_gp(options)->fit(data, {});
    const Matrix x = design(3, 3, 7);
    Workspace workspace;
    Matrix jacobian(2, 3), up(1, 2), down(1, 2);
    for (Index i = 0; i < 3; ++i) {
      fit.predictor->jacobian(x.row(i).data(), jacobian, workspace);
      for (Index k = 0; k < 3; ++k) {
        Matrix point = x.row(i);
        point(0, k) += 1e-4;
        fit.predictor->mean(point, up, workspace);
        point(0, k) -= 2e-4;
        fit.predictor->mean(point, down, workspace);
        for (Index o = 0; o < 2; ++o)
          EXPECT_NEAR(jacobian(o, k), (up(0, o) - down(0, o)) / 2e-4,
                      1e-5 * (1.0 + std::abs(jacobian(o, k))));
      }
    }
  }
}

TEST(InducingGp, SameBitsAloneInABatchAndFromAFile) {
  const TrainingData data = smooth_data(100, 3, 2, 8, 0.02);
  GpOptions options = few(17, "matern52-product");
  options.trend = 1;
  const Fit fit = gp::make_inducing_gp(options)->fit(data, {});
  const Matrix x = design(130, 3, 9);
  const Answer batch = ask(*fit.predictor, x, Noise::observed);
  for (const Index i : {0, 63, 64, 129}) {
    const Answer alone = ask(*fit.predictor, x.middleRows(i, 1), Noise::observed);
    EXPECT_EQ(alone.mean, batch.mean.middleRows(i, 1));
    EXPECT_EQ(alone.variance, batch.variance.middleRows(i, 1));
  }
  h5::File file = h5::File::in_memory("model");
  save_predictor(file.root(), *fit.predictor);
  const PredictorPtr loaded = load_predictor(file.root());
  EXPECT_EQ(loaded->kind(), "gp-inducing");
  const Answer again = ask(*loaded, x, Noise::observed);
  EXPECT_EQ(again.mean, batch.mean);
  EXPECT_EQ(again.variance, batch.variance);
  Workspace workspace;
  Matrix a(2, 3), b(2, 3);
  fit.predictor->jacobian(x.data(), a, workspace);
  loaded->jacobian(x.data(), b, workspace);
  EXPECT_EQ(a, b);
}

TEST(InducingGp, SameBitsOnAnyNumberOfThreads) {
  const TrainingData data = smooth_data(100, 2, 9, 10, 0.1);
  const auto regressor = gp::make_inducing_gp([] {
    GpOptions options = few(6);
    options.max_iterations = 3;
    return options;
  }());
  const Matrix x = design(20, 2, 11);
  const Fit one = regressor->fit(data, {});
  for (const Index threads : {2, 3}) {  // 9 outputs: tasks by output on 2 threads, by rows on 3
    ThreadExecutor executor(threads);
    FitContext context;
    context.executor = &executor;
    const Fit many = regressor->fit(data, context);
    EXPECT_EQ(ask(*one.predictor, x).mean, ask(*many.predictor, x).mean);
    EXPECT_EQ(ask(*one.predictor, x).variance, ask(*many.predictor, x).variance);
    EXPECT_EQ(one.summary.leave_one_out, many.summary.leave_one_out);
    EXPECT_EQ(one.summary.facts, many.summary.facts);
  }
}

TEST(InducingGp, SharedPointsServeSimilarOutputs) {
  const TrainingData data = smooth_data(120, 2, 4, 12), test = smooth_data(100, 2, 4, 13);
  GpOptions options = few(30);
  options.shared = true;
  const Fit fit = gp::make_inducing_gp(options)->fit(data, {});
  EXPECT_EQ(state_of(fit).sets.size(), 1u);
  EXPECT_LT((ask(*fit.predictor, test.x).mean - test.y).norm() / test.y.norm(), 1e-2);
}

TEST(InducingGp, TooFewPointsAreNamed) {
  TrainingData data;
  data.x = design(150, 1, 14);
  data.y = (12.0 * data.x.array()).sin();
  const Fit fit = gp::make_inducing_gp(few(4))->fit(data, {});
  EXPECT_TRUE(warns(fit, "more inducing points would help"));
  EXPECT_FALSE(warns(gp::make_inducing_gp(few(30))->fit(data, {}), "more inducing points would help"));
}

TEST(InducingGp, CopesWithDegenerateData) {
  TrainingData data;
  data.x = Matrix::Constant(1, 2, 0.5);
  data.y = Matrix::Constant(1, 1, 3.0);
  const Fit one = gp::make_inducing_gp(few(5))->fit(data, {});
  EXPECT_EQ(ask(*one.predictor, Matrix::Zero(1, 2)).mean(0, 0), 3.0);
  EXPECT_TRUE(warns(one, "one point"));

  data = smooth_data(2, 1, 1, 15);
  EXPECT_TRUE(ask(*gp::make_inducing_gp(few(5))->fit(data, {}).predictor, data.x).mean.allFinite());

  data = smooth_data(40, 3, 2, 16, 0.01);  // an output and an input that do not vary, duplicates
  data.y.col(1).setConstant(-2.5);
  data.x.col(1).setConstant(1e5);
  data.x.bottomRows(20) = Matrix(data.x.topRows(20));
  GpOptions options = few(40);
  options.nugget = 0.0;
  const Fit fit = gp::make_inducing_gp(options)->fit(data, {});
  EXPECT_TRUE(warns(fit, "nugget of at least 1e-08"));
  EXPECT_LE(state_of(fit).sets.at(0).points.cols(), 20);
  const Answer answer = ask(*fit.predictor, data.x);
  EXPECT_TRUE(answer.mean.allFinite());
  EXPECT_EQ(answer.mean.col(1), Vector::Constant(40, -2.5));
  EXPECT_EQ(answer.variance.col(1), Vector::Zero(40));

  data.x.setConstant(2.0);  // replicates of one point
  const Fit replicates = gp::make_inducing_gp(few(5))->fit(data, {});
  EXPECT_NEAR(ask(*replicates.predictor, data.x).mean(0, 0), data.y.col(0).mean(), 1e-12);
}

TEST(InducingGp, RefusesWhatItDoesNotDo) {
  TrainingData data = smooth_data(10, 2, 1, 17);
  data.noise_std = Matrix::Constant(10, 1, 0.1);
  EXPECT_THROW(gp::make_inducing_gp(few(5))->fit(data, {}), DataError);
  GpOptions negative = few(-1);
  negative.method = "inducing";
  EXPECT_THROW(make_gp_regressor(negative), UsageError);
  GpOptions options = few(5);
  options.likelihood = gp::Estimator::leave_one_out;
  EXPECT_THROW(gp::make_inducing_gp(options), UsageError);
  const auto regressor = make_gp_regressor(
      Settings{{"method", std::string("inducing")}, {"points", 12.0}, {"kernel", std::string("matern32")}});
  EXPECT_EQ(regressor->settings(), "matern32, 12 inducing points, nugget estimated");
}

}  // namespace
