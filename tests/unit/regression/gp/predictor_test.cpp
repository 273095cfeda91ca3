// What a fitted Gaussian process answers: formulas, derivatives, sameness of bits, files.

#include "regression/gp/predictor.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "functions.hpp"

namespace {

using namespace gp_test;

Fit fitted(const TrainingData& data, const std::string& kernel, bool shared = false) {
  GpOptions options;
  options.kernel = kernel;
  options.shared = shared;
  options.starts = 1;
  return make_gp_regressor(options)->fit(data, {});
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

TEST(GpPredictor, IsUniversalKrigingFromScratch) {
  // With the hyperparameters of the fit, the plain formulas (Santner, Williams & Notz 2003, section 3.3).
  const TrainingData data = smooth_data(30, 2, 1, 11, 0.05);
  const Fit fit = fitted(data, "squared-exponential");
  const auto& state = dynamic_cast<const gp::GpPredictor&>(*fit.predictor).state();
  const auto& r = state.correlations.at(0);
  const Matrix x = design(20, 2, 12);
  const auto k = [&](const double* a, const double* b) {
    double r2 = 0.0;
    for (Index i = 0; i < 2; ++i) {
      const double h =
          (a[i] - b[i]) / state.range[i] / std::exp(r.hyperparameters[static_cast<std::size_t>(i)]);
      r2 += h * h;
    }
    return std::exp(-r2 / 2);
  };
  const Index n = 30, q = 20;
  Eigen::MatrixXd R(n, n), c(n, q), prior(q, q);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      R(i, j) = k(data.x.row(i).data(), data.x.row(j).data()) + (i == j) * r.nugget;
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < q; ++j) c(i, j) = k(data.x.row(i).data(), x.row(j).data());
  for (Index i = 0; i < q; ++i)
    for (Index j = 0; j < q; ++j) prior(i, j) = k(x.row(i).data(), x.row(j).data());
  const Eigen::LLT<Eigen::MatrixXd> llt(R);
  const Vector ones = Vector::Ones(n), y = data.y.col(0), s = llt.solve(ones);
  const double mean = s.dot(y) / s.sum();
  const Vector residual = llt.solve((y.array() - mean).matrix());
  const double variance = (y.array() - mean).matrix().dot(residual) / static_cast<double>(n - 1);
  const Vector missing = Vector::Ones(q) - c.transpose() * s;
  const Eigen::MatrixXd covariance =
      variance * (prior - c.transpose() * llt.solve(c) + missing * missing.transpose() / s.sum());

  const Answer latent = ask(*fit.predictor, x), observed = ask(*fit.predictor, x, Noise::observed);
  Workspace workspace;
  Matrix got(q, q), noisy(q, q);
  fit.predictor->covariance(x, 0, got, Noise::latent, workspace);
  fit.predictor->covariance(x, 0, noisy, Noise::observed, workspace);
  for (Index j = 0; j < q; ++j) {
    EXPECT_NEAR(latent.mean(j, 0), mean + c.col(j).dot(residual), 1e-9);
    EXPECT_NEAR(latent.variance(j, 0), covariance(j, j), 1e-9 * variance);
    EXPECT_NEAR(observed.variance(j, 0), covariance(j, j) + variance * r.nugget, 1e-9 * variance);
    EXPECT_NEAR(noisy(j, j) - got(j, j), variance * r.nugget, 1e-12 * variance);
    EXPECT_EQ(observed.mean(j, 0), latent.mean(j, 0));
  }
  EXPECT_LT((got - covariance).cwiseAbs().maxCoeff(), 1e-9 * variance);
}

TEST(GpPredictor, JacobianIsThatOfFiniteDifferences) {
  TrainingData data = smooth_data(40, 3, 2, 21, 0.01);
  data.x.col(1) *= 1e3;  // units do not matter
  for (const auto& kernel : gp::kernel_names()) {
    const Fit fit = fitted(data, kernel);
    Workspace workspace;
    Matrix x(1, 3), jacobian(2, 3), up(1, 2), down(1, 2);
    x << 0.31, 470.0, 0.62;
    fit.predictor->jacobian(x.data(), jacobian, workspace);
    for (Index k = 0; k < 3; ++k) {
      const double h = k == 1 ? 1e-2 : 1e-5;
      Matrix moved = x;
      moved(0, k) = x(0, k) + h;
      fit.predictor->mean(moved, up, workspace);
      moved(0, k) = x(0, k) - h;
      fit.predictor->mean(moved, down, workspace);
      for (Index o = 0; o < 2; ++o)
        EXPECT_NEAR(jacobian(o, k) * h, (up(0, o) - down(0, o)) / 2, 1e-9) << kernel;
    }
  }
}

TEST(GpPredictor, SameBitsAloneAndInABatch) {
  const TrainingData data = smooth_data(37, 3, 3, 31, 0.01);
  for (const bool shared : {false, true})
    for (const auto& kernel : gp::kernel_names()) {
      const Fit fit = fitted(data, kernel, shared);
      const Matrix x = design(75, 3, 32);
      const Answer batch = ask(*fit.predictor, x);
      Workspace workspace;
      Matrix mean(75, 3);
      fit.predictor->mean(x, mean, workspace);
      for (Index i = 0; i < x.rows(); ++i) {
        const Answer alone = ask(*fit.predictor, x.row(i));
        for (Index o = 0; o < 3; ++o) {
          ASSERT_EQ(batch.mean(i, o), alone.mean(0, o));
          ASSERT_EQ(batch.variance(i, o), alone.variance(0, o));
          ASSERT_EQ(batch.mean(i, o), mean(i, o));
        }
      }
    }
}

TEST(GpPredictor, VarianceIsNeverNegativeAndSmallAtThePoints) {
  for (const auto& kernel : gp::kernel_names()) {
    const TrainingData data = smooth_data(60, 2, 1, 41);
    const Fit fit = fitted(data, kernel);
    const Answer at = ask(*fit.predictor, data.x);
    Matrix near = data.x;
    near.array() += 1e-9;
    const Answer beside = ask(*fit.predictor, near);
    EXPECT_GE(at.variance.minCoeff(), 0.0);
    EXPECT_GE(beside.variance.minCoeff(), 0.0);
    EXPECT_LT(at.variance.maxCoeff(), 1e-6);
    EXPECT_LT((at.mean - data.y).cwiseAbs().maxCoeff(), 1e-5) << kernel;
    // Far away: the mean of the process, and more than its variance.
    const Answer far = ask(*fit.predictor, Matrix::Constant(1, 2, 1e6));
    const auto& state = dynamic_cast<const gp::GpPredictor&>(*fit.predictor).state();
    const double expected = state.outputs[0].centre + state.outputs[0].scale * state.trends(0, 0);
    EXPECT_NEAR(far.mean(0, 0), expected, 1e-9 * std::abs(expected));
    EXPECT_GT(far.variance(0, 0), state.outputs[0].process_variance);
  }
}

TEST(GpPredictor, ComesBackFromAFileWithTheSameBits) {
  TrainingData data = smooth_data(25, 3, 3, 51, 0.01);
  data.y.col(1).setConstant(4.0);
  data.x.col(2).setConstant(7.0);
  for (const bool shared : {false, true}) {
    const Fit fit = fitted(data, "matern52", shared);
    h5::File file = h5::File::in_memory("gp.h5");
    fit.predictor->save(file.root().create_group("gp"));
    const PredictorPtr loaded = load_gp_predictor(file.root().group("gp"));
    ASSERT_EQ(loaded->inputs(), 3);
    ASSERT_EQ(loaded->outputs(), 3);
    const Matrix x = design(30, 3, 52);
    for (const Noise noise : {Noise::latent, Noise::observed}) {
      const Answer a = ask(*fit.predictor, x, noise), b = ask(*loaded, x, noise);
      EXPECT_EQ(a.mean, b.mean);
      EXPECT_EQ(a.variance, b.variance);
    }
    Workspace workspace;
    Matrix a(3, 3), b(3, 3);
    fit.predictor->jacobian(x.data(), a, workspace);
    loaded->jacobian(x.data(), b, workspace);
    EXPECT_EQ(a, b);
  }
}

TEST(GpPredictor, DamagedFileIsRefused) {
  const Fit fit = fitted(smooth_data(10, 2, 1, 61), "matern52");
  h5::File file = h5::File::in_memory("gp.h5");
  const h5::Group group = file.root().create_group("gp");
  fit.predictor->save(group);
  group.set("kernel", "from the future");
  EXPECT_THROW(load_gp_predictor(group), StorageError);
  EXPECT_THROW(load_gp_predictor(file.root()), StorageError);
}

TEST(GpPredictor, NotANumberIsRefusedAndFarAwayIsFinite) {
  const Fit fit = fitted(smooth_data(10, 2, 1, 61), "matern52-product");
  Workspace workspace;
  Matrix x = Matrix::Zero(3, 2), mean(3, 1), jacobian(1, 2);
  x(2, 1) = std::nan("");
  try {
    fit.predictor->mean(x, mean, workspace);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("point 2, input 1"), std::string::npos);
  }
  EXPECT_THROW(fit.predictor->jacobian(x.row(2).data(), jacobian, workspace), DataError);
  x.setConstant(1e200);
  const Answer far = ask(*fit.predictor, x);
  EXPECT_TRUE(far.mean.allFinite() && far.variance.allFinite());
  fit.predictor->jacobian(x.data(), jacobian, workspace);
  EXPECT_EQ(jacobian.norm(), 0.0);
}

TEST(GpPredictor, WrongShapesAreNamed) {
  const Fit fit = fitted(smooth_data(10, 2, 1, 61), "matern52");
  Workspace workspace;
  Matrix x = Matrix::Zero(2, 3), mean(2, 1);
  EXPECT_THROW(fit.predictor->mean(x, mean, workspace), UsageError);
  x = Matrix::Zero(2, 2);
  Matrix wrong(2, 2);
  EXPECT_THROW(fit.predictor->mean(x, wrong, workspace), UsageError);
  EXPECT_THROW(fit.predictor->covariance(x, 1, wrong, Noise::latent, workspace), UsageError);
}

}  // namespace
