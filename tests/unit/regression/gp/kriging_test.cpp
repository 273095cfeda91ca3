// Universal kriging, its derivatives, samples and leave-out diagnostics against dense brute force.

#include <gtest/gtest.h>

#include "dense.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/diagnostics.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "ersatz/regression/samples.hpp"
#include "given.hpp"

namespace {

using namespace gp_test;

/// A predictor with given hyperparameters, and its dense twin, in raw units.
struct Problem {
  TrainingData data;
  gp::ConditionOptions given;
  std::shared_ptr<const gp::GpPredictor> predictor;
  Dense dense;

  Problem(Index n, const std::string& kernel, Index degree, bool known_noise, std::uint64_t seed,
          double nugget = 1e-2) {
    data = smooth_data(n, 2, 2, seed, 0.05);
    data.x.col(1) = data.x.col(1) * 40.0 + Vector::Constant(n, 3.0);
    data.y.col(0) = 1e3 + (5.0 * data.y.col(0)).array();
    const Matrix range = data.x.colwise().maxCoeff() - data.x.colwise().minCoeff();
    given.theta = {std::log(0.6), std::log(0.9)};
    given.nugget = nugget;
    if (known_noise) {
      given.noise = Vector::LinSpaced(n, 0.0, 0.1);
      given.process_variance = 1.7;
    }
    predictor = predictor_with(kernel, degree, data, given);
    const Vector y = data.y.col(0);
    dense.kernel = kernel;
    dense.lengths = Vector(2);
    dense.lengths << 0.6 * range(0, 0), 0.9 * range(0, 1);
    dense.degree = degree;
    dense.nugget = nugget;
    dense.noise = given.noise;
    if (known_noise) dense.given_variance = 1.7 * (y.array() - y.mean()).square().mean();
    dense.x = data.x;
    dense.y = y.array() - 1e3;
    dense.solve();
  }
  Matrix points(Index q, std::uint64_t seed) const {
    Matrix x = design(q, 2, seed).array() * 1.4 - 0.2;
    x.col(1) = x.col(1).array() * 40.0 + 3.0;
    return x;
  }
};

struct Case {
  std::string kernel;
  Index degree;
  bool known_noise;
};
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto* kernel : {"matern52-product", "squared-exponential"})
    for (const Index degree : {-1, 0, 1, 2})
      for (const bool known : {false, true}) all.push_back({kernel, degree, known});
  return all;
}
std::string name_of(const Case& c) {
  return c.kernel + ", degree " + std::to_string(c.degree) + (c.known_noise ? ", known noise" : "");
}

TEST(GpKriging, AnyMeanAndNoiseAgreeWithDenseMatrices) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(name_of(c));
    const Problem p(40, c.kernel, c.degree, c.known_noise, 7);
    const Matrix x = p.points(30, 8);
    // Without a mean the average of the data takes its place: that is the centre of the outputs.
    Dense dense = p.dense;
    const double shift = c.degree < 0 ? dense.y.mean() : 0.0;
    dense.y.array() -= shift;
    dense.solve();
    Workspace workspace;
    Matrix mean(30, 2), latent(30, 2), observed(30, 2), covariance(30, 30);
    p.predictor->mean_and_variance(x, mean, latent, Noise::latent, workspace);
    p.predictor->mean_and_variance(x, mean, observed, Noise::observed, workspace);
    p.predictor->covariance(x, 0, covariance, Noise::latent, workspace);
    const Eigen::MatrixXd expected = dense.covariance(x);
    const double noise = dense.nugget + (c.known_noise ? dense.noise.mean() : 0.0);
    EXPECT_LT((mean.col(0).array() - 1e3 - shift - dense.mean(x).array()).abs().maxCoeff(), 1e-9);
    EXPECT_LT((covariance - expected).cwiseAbs().maxCoeff(), 1e-11 * dense.variance);
    EXPECT_LT((latent.col(0) - expected.diagonal()).cwiseAbs().maxCoeff(), 1e-11 * dense.variance);
    EXPECT_LT((observed.col(0) - latent.col(0)).array().abs().maxCoeff(), 1.0001 * noise * dense.variance);
    EXPECT_NEAR(observed(3, 0) - latent(3, 0), noise * dense.variance, 1e-12 * dense.variance);
  }
}

TEST(GpKriging, DerivativesAreThoseOfFiniteDifferences) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(name_of(c));
    const Problem p(25, c.kernel, c.degree, c.known_noise, 17);
    Matrix x = p.points(3, 18), jacobian(2, 2), gradient(2, 2);
    Workspace workspace;
    for (Index i = 0; i < x.rows(); ++i) {
      p.predictor->jacobian(x.row(i).data(), jacobian, workspace);
      p.predictor->variance_gradient(x.row(i).data(), gradient, workspace);
      for (Index k = 0; k < 2; ++k) {
        const double step = (k == 1 ? 40.0 : 1.0) * 1e-4;
        const auto at = [&](double s) {
          Matrix moved = x.row(i), mean(1, 2), variance(1, 2);
          moved(0, k) += s * step;
          p.predictor->mean_and_variance(moved, mean, variance, Noise::observed, workspace);
          return std::make_pair(mean, variance);
        };
        const auto a = at(-2), b = at(-1), d = at(1), e = at(2);
        for (Index o = 0; o < 2; ++o) {
          const auto slope = [&](const auto& of) {
            return (8 * (of(d)(0, o) - of(b)(0, o)) - (of(e)(0, o) - of(a)(0, o))) / 12;
          };
          const double unit = p.predictor->state().outputs[static_cast<std::size_t>(o)].scale;
          EXPECT_NEAR(jacobian(o, k) * step, slope([](const auto& v) { return v.first; }), 2e-9 * unit);
          EXPECT_NEAR(gradient(o, k) * step, slope([](const auto& v) { return v.second; }),
                      1e-9 * unit * unit);
        }
      }
    }
  }
}

TEST(GpKriging, PullsWhatTheJacobianAndTheVarianceGradientGive) {
  RandomStream random(21);
  for (const Case& c : cases()) {
    SCOPED_TRACE(name_of(c));
    const Problem p(25, c.kernel, c.degree, c.known_noise, 17);
    const Predictor& predictor = *p.predictor;
    Matrix x = p.points(3, 18), jacobian(2, 2), slopes(2, 2), mean(1, 2), variance(1, 2);
    Workspace workspace;
    Vector tape(predictor.tape_size()), recorded(2), spread(2), gradient(2), by_mean(2), by_variance(2);
    for (Index i = 0; i < x.rows(); ++i) {
      const double* at = x.row(i).data();
      predictor.mean_and_variance(x.middleRows(i, 1), mean, variance, Noise::latent, workspace);
      predictor.jacobian(at, jacobian, workspace);
      predictor.variance_gradient(at, slopes, workspace);
      predictor.record(at, recorded.data(), spread.data(), tape.data(), workspace);
      EXPECT_TRUE(recorded == mean.row(0).transpose() && spread == variance.row(0).transpose());
      for (double& w : by_mean) w = random.normal();
      for (double& w : by_variance) w = random.normal();
      const Vector of_mean = jacobian.transpose() * by_mean, of_variance = slopes.transpose() * by_variance;
      predictor.pull(at, tape.data(), by_mean.data(), by_variance.data(), gradient.data(), workspace);
      EXPECT_LT((gradient - of_mean - of_variance).norm(), 1e-10 * (of_mean.norm() + of_variance.norm()));
      predictor.record(at, recorded.data(), nullptr, tape.data(), workspace);
      EXPECT_TRUE(recorded == mean.row(0).transpose());
      predictor.pull(at, tape.data(), by_mean.data(), nullptr, gradient.data(), workspace);
      EXPECT_LT((gradient - of_mean).norm(), 1e-10 * of_mean.norm());
    }
    const Vector shares = predictor.variance_shares();
    if (shares.size() > 0) {
      EXPECT_NEAR(variance(0, 1) / variance(0, 0), shares[1] / shares[0], 1e-12 * shares[1] / shares[0]);
    }
  }
}

TEST(GpKriging, VarianceGradientOfKernelsThatAreNotStationary) {
  TrainingData data = smooth_data(20, 2, 1, 19, 0.1);
  for (const char* const kernel : {"matern52 + linear", "squared-exponential * linear",
                                   "periodic * matern32-product + constant", "rational-quadratic + linear"}) {
    gp::ConditionOptions given;
    for (const auto& h : gp::make_kernel(kernel, 2)->hyperparameters(20))
      given.theta.push_back(std::log(h.start) + 0.1);
    given.nugget = 1e-2;
    const auto predictor = predictor_with(kernel, 1, data, given);
    Workspace workspace;
    Matrix x(1, 2), gradient(1, 2), mean(1, 1), variance(1, 1);
    x << 0.37, 1.2;
    predictor->variance_gradient(x.data(), gradient, workspace);
    for (Index k = 0; k < 2; ++k) {
      const double step = 1e-4;
      const auto at = [&](double s) {
        Matrix moved = x;
        moved(0, k) += s * step;
        predictor->mean_and_variance(moved, mean, variance, Noise::latent, workspace);
        return variance(0, 0);
      };
      const double slope = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
      EXPECT_NEAR(gradient(0, k), slope, 1e-7 * predictor->state().outputs[0].process_variance) << kernel;
    }
  }
}

TEST(GpKriging, LinearMeanReproducesALinearFunctionFarOutside) {
  TrainingData data = smooth_data(20, 3, 1, 3);
  const Vector slope = Vector::LinSpaced(3, -2.0, 5.0);
  const auto linear = [&](const Matrix& x) { return Vector((x * slope).array() + 7.0); };
  RandomStream random(4);
  data.y = linear(data.x);
  for (Index i = 0; i < 20; ++i)
    data.y(i, 0) += 1e-9 * random.normal();  // a residual of exactly 0 is no data
  gp::ConditionOptions given;
  given.theta = {0.0, 0.0, 0.0};
  given.nugget = 1e-3;
  const auto predictor = predictor_with("matern52", 1, data, given);
  const Matrix far = (design(10, 3, 5).array() - 0.5) * 1e4;
  Matrix mean(10, 1), jacobian(1, 3);
  Workspace workspace;
  predictor->mean(far, mean, workspace);
  EXPECT_LT(((mean.col(0) - linear(far)).array() / linear(far).array().abs()).abs().maxCoeff(), 1e-7);
  predictor->jacobian(far.data(), jacobian, workspace);
  EXPECT_LT((jacobian.transpose() - slope).cwiseAbs().maxCoeff(), 1e-7);
}

TEST(GpKriging, MeanAndNoiseComeBackFromAFileWithTheSameBits) {
  for (const Case& c : cases()) {
    const Problem p(21, c.kernel, c.degree, c.known_noise, 27);
    h5::File file = h5::File::in_memory("gp.h5");
    p.predictor->save(file.root().create_group("gp"));
    const PredictorPtr loaded = load_gp_predictor(file.root().group("gp"));
    const Matrix x = p.points(20, 28);
    Workspace workspace;
    Matrix mean(20, 2), variance(20, 2), mean_back(20, 2), variance_back(20, 2);
    p.predictor->mean_and_variance(x, mean, variance, Noise::observed, workspace);
    loaded->mean_and_variance(x, mean_back, variance_back, Noise::observed, workspace);
    EXPECT_EQ(mean, mean_back) << name_of(c);
    EXPECT_EQ(variance, variance_back) << name_of(c);
    EXPECT_EQ(gp::leave_one_out(*p.predictor, 1).residual, gp::leave_one_out(*loaded, 1).residual);
    const auto& state = dynamic_cast<const gp::GpPredictor&>(*loaded).state();
    EXPECT_EQ(state.variance_given, c.known_noise);
    EXPECT_EQ(state.estimator, gp::Estimator::restricted);
  }
}

TEST(GpLeaveOut, FoldsAreThoseOfBruteForceRefits) {
  const Index n = 24;
  for (const Case& c : cases()) {
    if (c.degree < 0) continue;
    SCOPED_TRACE(name_of(c));
    const Problem p(n, c.kernel, c.degree, c.known_noise, 37);
    std::vector<std::vector<Index>> folds = {{5}, {0, 23, 7}, {1, 2, 3, 4, 6, 8, 9}, {22, 10}};
    const auto left = gp::leave_out(*p.predictor, 0, folds);
    ASSERT_EQ(left.size(), folds.size());
    for (std::size_t k = 0; k < folds.size(); ++k) {
      const std::vector<Index>& fold = folds[k];
      std::vector<Index> others;
      for (Index i = 0; i < n; ++i)
        if (std::find(fold.begin(), fold.end(), i) == fold.end()) others.push_back(i);
      Dense refit = p.dense;
      refit.x = p.dense.x(others, Eigen::all);
      refit.y = p.dense.y(others);
      if (c.known_noise) refit.noise = p.dense.noise(others);
      refit.given_variance = p.dense.variance;
      refit.solve();
      const Matrix out = p.dense.x(fold, Eigen::all);
      Eigen::MatrixXd covariance = refit.covariance(out);
      covariance.diagonal().array() += refit.variance * refit.nugget;
      if (c.known_noise) covariance.diagonal() += refit.variance * p.dense.noise(fold);
      const Vector residual = p.dense.y(fold) - refit.mean(out);
      EXPECT_LT((left[k].residual - residual).cwiseAbs().maxCoeff(), 1e-9);
      EXPECT_LT((left[k].covariance - covariance).cwiseAbs().maxCoeff(), 1e-9 * refit.variance);
      EXPECT_LT((left[k].deviation - covariance.diagonal().cwiseSqrt()).cwiseAbs().maxCoeff(), 1e-9);
    }
  }
}

TEST(GpLeaveOut, OneByOneIsWhatConditioningReports) {
  const TrainingData data = smooth_data(30, 2, 2, 41, 0.1);
  GpOptions options;
  options.starts = 1;
  const Fit fit = make_gp_regressor(options)->fit(data, {});
  for (const Index o : {0, 1}) {
    const gp::LeftOut left = gp::leave_one_out(*fit.predictor, o);
    EXPECT_LT((left.residual - fit.summary.leave_one_out.col(o)).cwiseAbs().maxCoeff(), 1e-10);
    EXPECT_EQ(left.covariance.size(), 0);
  }
}

TEST(GpLeaveOut, FoldsThatMakeNoSenseAreNamed) {
  const Problem p(12, "matern52", 1, false, 47);
  EXPECT_THROW(gp::leave_out(*p.predictor, 0, {{1, 12}}), UsageError);
  EXPECT_THROW(gp::leave_out(*p.predictor, 0, {{1, 2}, {3, 1}}), UsageError);
  EXPECT_THROW(gp::leave_out(*p.predictor, 0, {{}}), UsageError);
  EXPECT_THROW(gp::leave_out(*p.predictor, 2, {{1}}), UsageError);
  // Two points are left for three coefficients.
  EXPECT_THROW(gp::leave_out(*p.predictor, 0, {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}), DataError);
  // Only one of the points says anything about the second input.
  TrainingData data = smooth_data(12, 2, 1, 48);
  data.x.col(1).setZero();
  data.x(4, 1) = 1.0;
  const auto predictor = predictor_with("matern52", 1, data, p.given);
  EXPECT_THROW(gp::leave_out(*predictor, 0, {{4, 5}}), DataError);
  EXPECT_NO_THROW(gp::leave_out(*predictor, 0, {{3, 5}}));
}

TEST(GpSamples, HaveMeanAndCovarianceOfThePosterior) {
  const Problem p(15, "matern52", 1, false, 57);
  const Matrix x = p.points(4, 58);
  Workspace workspace;
  for (const Noise noise : {Noise::latent, Noise::observed}) {
    const Index count = 40000;
    const Matrix draws = draw_samples(*p.predictor, x, 0, count, noise, RandomStream(3));
    Matrix mean(4, 2), covariance(4, 4);
    p.predictor->mean(x, mean, workspace);
    p.predictor->covariance(x, 0, covariance, noise, workspace);
    const Eigen::RowVectorXd average = draws.colwise().mean();
    const Eigen::MatrixXd centred = draws.rowwise() - average,
                          scatter = centred.transpose() * centred / static_cast<double>(count);
    for (Index i = 0; i < 4; ++i) {
      EXPECT_NEAR(average[i], mean(i, 0), 4.0 * std::sqrt(covariance(i, i) / static_cast<double>(count)));
      for (Index j = 0; j < 4; ++j)
        EXPECT_NEAR(scatter(i, j), covariance(i, j),
                    4.0 * std::sqrt(2.0 * covariance(i, i) * covariance(j, j) / static_cast<double>(count)));
    }
    EXPECT_EQ(draws, draw_samples(*p.predictor, x, 0, count, noise, RandomStream(3)));
  }
}

TEST(GpSamples, GoThroughTheDataAndAgreeWherePointsCoincide) {
  const Problem p(15, "matern52", 0, false, 67, 0.0);
  Matrix x(18, 2);
  x << p.data.x, p.points(2, 68), p.points(1, 68);
  x.row(17) = x.row(16);
  const Matrix draws = draw_samples(*p.predictor, x, 0, 5, Noise::latent, RandomStream(1));
  const double unit = std::sqrt(p.predictor->state().outputs[0].process_variance);
  for (Index s = 0; s < 5; ++s) {
    EXPECT_LT((draws.row(s).head(15).transpose() - p.data.y.col(0)).cwiseAbs().maxCoeff(), 1e-4 * unit);
    EXPECT_NEAR(draws(s, 16), draws(s, 17), 1e-4 * unit);
  }
  EXPECT_GT((draws.col(16).array() - draws.col(16).mean()).abs().maxCoeff(), 1e-3 * unit);
}

}  // namespace
