// The nearest-neighbour Gaussian process against the exact one, brute force and finite differences.
#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "ersatz/regression/gp/likelihood.hpp"
#include "regression/gp/vecchia_likelihood.hpp"
#include "regression/gp/vecchia_order.hpp"
#include "regression/gp/vecchia_predictor.hpp"
#include "unit/regression/gp/functions.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace gp_test;
using namespace problems;

double distance(const Matrix& x, Index a, Index b) { return (x.row(a) - x.row(b)).norm(); }

TEST(Lanes, EightFactorsAreThoseOfEigen) {
  for (const char* name : {"generic", "avx2", "avx512"}) {
    const kernels::Table* table = kernels::table_named(name);
    if (!table) continue;
    for (const Index n : {1, 2, 3, 4, 5, 8, 13, 31}) {
      std::vector<double> packed(static_cast<std::size_t>(kernels::lanes_size(n)));
      std::vector<double> b(static_cast<std::size_t>(8 * n));
      std::vector<Eigen::MatrixXd> a;
      RandomStream random(static_cast<std::uint64_t>(n));
      for (Index l = 0; l < 8; ++l) {
        Eigen::MatrixXd half(n, n + 2);
        for (auto& v : half.reshaped()) v = random.normal();
        a.push_back(half * half.transpose());
        for (Index i = 0; i < n; ++i)
          for (Index j = 0; j <= i; ++j)
            packed[static_cast<std::size_t>(kernels::lanes_index(i, j) + l)] = a.back()(i, j);
        for (Index i = 0; i < n; ++i) b[static_cast<std::size_t>(8 * i + l)] = random.normal();
      }
      std::vector<double> x = b;
      double pivot[8];
      table->lanes_factor(packed.data(), n, 1e-14, pivot);
      table->lanes_forward(packed.data(), n, x.data());
      table->lanes_backward(packed.data(), n, x.data());
      for (Index l = 0; l < 8; ++l) {
        const Eigen::LLT<Eigen::MatrixXd> llt(a[static_cast<std::size_t>(l)]);
        const Eigen::MatrixXd lower = llt.matrixL();
        EXPECT_NEAR(pivot[l], lower(n - 1, n - 1) * lower(n - 1, n - 1), 1e-10 * pivot[l])
            << name << " " << n;
        Vector rhs(n), solution(n);
        for (Index i = 0; i < n; ++i) {
          rhs[i] = b[static_cast<std::size_t>(8 * i + l)];
          solution[i] = x[static_cast<std::size_t>(8 * i + l)];
          for (Index j = 0; j < i; ++j)
            EXPECT_NEAR(packed[static_cast<std::size_t>(kernels::lanes_index(i, j) + l)], lower(i, j),
                        1e-9 * lower.norm());
        }
        EXPECT_LT((a[static_cast<std::size_t>(l)] * solution - rhs).norm(), 1e-8 * rhs.norm() * 10.0);
      }
    }
  }
}

TEST(Lanes, WhatIsRoundingIsLeftOut) {
  // Twice the same row: the second is dropped, the others stay what they are.
  double packed[8 * 6] = {}, pivot[8], b[8 * 3] = {};
  const double a[3][3] = {{2.0, 2.0, 1.0}, {2.0, 2.0, 1.0}, {1.0, 1.0, 3.0}};
  for (Index l = 0; l < 8; ++l)
    for (Index i = 0; i < 3; ++i)
      for (Index j = 0; j <= i; ++j) packed[kernels::lanes_index(i, j) + l] = a[i][j];
  kernels::table().lanes_factor(packed, 3, 1e-13, pivot);
  EXPECT_EQ(packed[kernels::lanes_index(1, 1)], 0.0);
  EXPECT_NEAR(pivot[3], 2.5, 1e-14);
  for (Index l = 0; l < 8; ++l) {
    b[l] = 3.0;
    b[8 + l] = 7.0;
    b[16 + l] = 4.0;
  }
  kernels::table().lanes_forward(packed, 3, b);
  kernels::table().lanes_backward(packed, 3, b);
  EXPECT_NEAR(b[5], 1.0, 1e-14);
  EXPECT_EQ(b[8 + 5], 0.0);
  EXPECT_NEAR(b[16 + 5], 1.0, 1e-14);
}

TEST(VecchiaOrder, MaximinIsGreedy) {
  for (const Index d : {1, 3}) {
    const Index n = 400;
    Matrix x = uniform(n, d, 3);
    x.row(17) = x.row(5);
    x.row(111) = x.row(5);
    const gp::MaximinOrder order = gp::maximin_order(x.data(), n, d);
    EXPECT_EQ(order.exact, n);
    std::vector<std::int32_t> sorted = order.order;
    std::sort(sorted.begin(), sorted.end());
    for (Index i = 0; i < n; ++i) ASSERT_EQ(sorted[static_cast<std::size_t>(i)], i);
    const Matrix centre = x.colwise().mean();
    EXPECT_NEAR((x.row(order.order[0]) - centre).norm(),
                (x.rowwise() - centre.row(0)).rowwise().norm().minCoeff(), 1e-15);
    std::vector<double> nearest(static_cast<std::size_t>(n), INFINITY);
    for (Index i = 1; i < n; ++i) {
      double farthest = 0.0;
      for (Index j = 0; j < n; ++j) {
        auto& near = nearest[static_cast<std::size_t>(j)];
        near = std::min(near, distance(x, j, order.order[static_cast<std::size_t>(i - 1)]));
        farthest = std::max(farthest, near);
      }
      const auto chosen = static_cast<std::size_t>(order.order[static_cast<std::size_t>(i)]);
      ASSERT_NEAR(nearest[chosen], farthest, 1e-12) << i;
      ASSERT_NEAR(order.distances[static_cast<std::size_t>(i)], farthest, 1e-12);
      ASSERT_LE(order.distances[static_cast<std::size_t>(i)],
                order.distances[static_cast<std::size_t>(i - 1)]);
    }
    EXPECT_EQ(order.distances.back(), 0.0);
  }
}

TEST(VecchiaOrder, CutShortItIsStillCoarseToFine) {
  const Index n = 5000, d = 3;
  const Matrix x = uniform(n, d, 4);
  const gp::MaximinOrder whole = gp::maximin_order(x.data(), n, d);
  const gp::MaximinOrder cut = gp::maximin_order(x.data(), n, d, 3e5);
  ASSERT_GT(cut.exact, 10);
  ASSERT_LT(cut.exact, n / 2);
  for (Index i = 0; i < cut.exact; ++i)
    ASSERT_EQ(cut.order[static_cast<std::size_t>(i)], whole.order[static_cast<std::size_t>(i)]);
  std::vector<std::int32_t> sorted = cut.order;
  std::sort(sorted.begin(), sorted.end());
  for (Index i = 0; i < n; ++i) ASSERT_EQ(sorted[static_cast<std::size_t>(i)], i);
  // The distance to the nearest of the first half, over that of the exact ordering: close to each other.
  const auto covering = [&](const gp::MaximinOrder& order) {
    double sum = 0.0;
    for (Index i = n / 2; i < n; i += 25) {
      double near = INFINITY;
      for (Index j = 0; j < n / 2; ++j)
        near = std::min(near, distance(x, order.order[static_cast<std::size_t>(i)],
                                       order.order[static_cast<std::size_t>(j)]));
      sum += near;
    }
    return sum;
  };
  EXPECT_LT(covering(cut), 1.15 * covering(whole));
}

TEST(VecchiaOrder, NeighboursAreThoseOfBruteForce) {
  SerialExecutor serial;
  ThreadExecutor three(3);
  for (const Index d : {1, 4, 11}) {
    const Index n = 700, m = 9;
    Matrix x = uniform(n, d, 5);
    for (Index i = 300; i < 320; ++i) x.row(i) = x.row(7);
    const auto found = gp::preceding_neighbours(x.data(), n, d, m, serial);
    EXPECT_EQ(found, gp::preceding_neighbours(x.data(), n, d, m, three));
    for (Index i = 0; i < n; ++i) {
      std::vector<std::pair<double, std::int32_t>> all;
      for (Index j = 0; j < i; ++j)
        all.push_back({(x.row(i) - x.row(j)).squaredNorm(), static_cast<std::int32_t>(j)});
      std::sort(all.begin(), all.end());
      for (Index j = 0; j < m; ++j) {
        const std::int32_t f = found[static_cast<std::size_t>(i * m + j)];
        if (j >= i)
          ASSERT_EQ(f, -1);
        else
          ASSERT_NEAR((x.row(i) - x.row(f)).squaredNorm(), all[static_cast<std::size_t>(j)].first, 1e-14);
      }
    }
  }
}

struct Setting {
  gp::Estimator estimator;
  Index trend, outputs;
  bool nugget, noise;
};
std::vector<Setting> settings() {
  using gp::Estimator;
  return {
      {Estimator::restricted, 0, 1, true, false}, {Estimator::profile, 0, 2, true, false},
      {Estimator::restricted, 1, 2, true, false}, {Estimator::restricted, gp::Trend::zero, 1, false, false},
      {Estimator::restricted, 0, 1, false, true}, {Estimator::profile, 1, 1, true, true}};
}

gp::ObjectiveOptions options_of(const Setting& s, Index n) {
  gp::ObjectiveOptions options;
  options.estimator = s.estimator;
  options.trend = s.trend;
  if (!s.nugget) options.nugget = 1e-4;
  if (s.noise) options.noise = Vector::LinSpaced(n, 0.001, 0.02);
  return options;
}
Vector parameters_of(const Setting& s) {
  std::vector<double> p = {-0.9, -0.3, 0.2};
  if (s.nugget) p.push_back(std::log(1e-3));
  if (s.noise) p.push_back(0.3);
  return Eigen::Map<Vector>(p.data(), static_cast<Index>(p.size()));
}

TEST(VecchiaLikelihood, WithAllPredecessorsItIsTheExactOne) {
  const Index n = 60;
  const TrainingData data = smooth_data(n, 3, 2, 6, 0.05);
  SerialExecutor serial;
  for (const char* name : {"matern52", "matern32-product", "squared-exponential"})
    for (const Setting& s : settings()) {
      const gp::KernelPtr kernel = gp::make_kernel(name, 3);
      const Matrix y = data.y.leftCols(s.outputs);
      const gp::ObjectiveOptions options = options_of(s, n);
      const Vector p = parameters_of(s);
      gp::Likelihood exact(kernel, data.x, y, options);
      double expected = 0.0;
      Vector slope(exact.parameters());
      ASSERT_TRUE(exact.evaluate(p.data(), &expected, slope.data()));
      double last = INFINITY;
      for (const Index m : {Index{3}, Index{12}, n - 1, n + 5}) {
        const gp::VecchiaData ordered =
            gp::order_for_vecchia(data.x, y, options.noise, Vector::Ones(3), m, serial);
        gp::VecchiaLikelihood vecchia(kernel, ordered, options, serial);
        ASSERT_EQ(vecchia.parameters(), exact.parameters());
        double value = 0.0;
        Vector gradient(vecchia.parameters());
        ASSERT_TRUE(vecchia.evaluate(p.data(), &value, gradient.data()));
        const double error = std::abs(value - expected);
        EXPECT_LT(error, last) << name << " " << m;
        last = std::max(error, 1e-9);
        if (m < n - 1) continue;
        EXPECT_NEAR(value, expected, 1e-8 * std::abs(expected)) << name;
        EXPECT_LT((gradient - slope).norm(), 1e-6 * slope.norm()) << name;
        const Matrix mean = exact.concentrated().coefficients.transpose();
        EXPECT_LT((vecchia.concentrated().mean - mean).norm(), 1e-8 * (1.0 + mean.norm()));
      }
    }
}

TEST(VecchiaLikelihood, GradientIsThatOfFiniteDifferencesOnAnyNumberOfThreads) {
  const Index n = 530;
  const TrainingData data = smooth_data(n, 3, 2, 7, 0.05);
  SerialExecutor serial;
  ThreadExecutor two(2), three(3);
  for (const char* name : {"matern52", "matern52-product"})
    for (const Setting& s : settings()) {
      const gp::KernelPtr kernel = gp::make_kernel(name, 3);
      const gp::ObjectiveOptions options = options_of(s, n);
      const gp::VecchiaData ordered = gp::order_for_vecchia(data.x, data.y.leftCols(s.outputs), options.noise,
                                                            Vector::Ones(3), 11, serial);
      gp::VecchiaLikelihood vecchia(kernel, ordered, options, serial);
      const Vector p = parameters_of(s);
      double value = 0.0;
      Vector gradient(p.size());
      ASSERT_TRUE(vecchia.evaluate(p.data(), &value, gradient.data()));
      for (Index k = 0; k < p.size(); ++k) {
        const double step = 1e-5;
        Vector above = p, below = p;
        above[k] += step;
        below[k] -= step;
        double high = 0.0, low = 0.0;
        ASSERT_TRUE(vecchia.evaluate(above.data(), &high, nullptr));
        ASSERT_TRUE(vecchia.evaluate(below.data(), &low, nullptr));
        EXPECT_NEAR(gradient[k], (high - low) / (2.0 * step), 1e-5 * (1.0 + std::abs(gradient[k])))
            << name << " " << k;
      }
      for (Executor* executor : {&two, &three}) {
        gp::VecchiaLikelihood threaded(kernel, ordered, options, *executor);
        double other = 0.0;
        Vector slope(p.size());
        ASSERT_TRUE(threaded.evaluate(p.data(), &other, slope.data()));
        EXPECT_EQ(other, value);
        EXPECT_EQ(slope, gradient);
      }
    }
}

/// The state of a predictor whose mean and variances come from all predecessors.
gp::VecchiaState state_for(const TrainingData& data, const std::string& name, const Vector& theta,
                           double nugget, Index trend, Index neighbours) {
  const Index n = data.x.rows(), d = data.x.cols();
  SerialExecutor serial;
  gp::ObjectiveOptions options;
  options.nugget = nugget;
  options.trend = trend;
  const gp::VecchiaData ordered =
      gp::order_for_vecchia(data.x, data.y, Vector(), Vector::Ones(d), n - 1, serial);
  gp::VecchiaLikelihood objective(gp::make_kernel(name, d), ordered, options, serial);
  double value = 0.0;
  EXPECT_TRUE(objective.evaluate(theta.data(), &value, nullptr));
  gp::VecchiaState s;
  s.kernel = name;
  s.inputs = d;
  s.mean_degree = trend;
  s.neighbours = neighbours;
  for (Index k = 0; k < d; ++k) s.active.push_back(k);
  s.lower = Vector::Zero(d);
  s.range = Vector::Ones(d);
  s.points = data.x;
  s.constant = s.constant_variance = s.constant_noise = Vector::Zero(data.y.cols());
  gp::VecchiaGroup g;
  for (Index o = 0; o < data.y.cols(); ++o) g.outputs.push_back(o);
  g.hyperparameters.assign(theta.begin(), theta.end());
  g.nugget = nugget;
  g.mean = objective.concentrated().mean;
  g.mean_covariance = objective.concentrated().mean_covariance;
  g.process_variance = objective.concentrated().variance;
  g.noise_variance = nugget * g.process_variance;
  g.values = data.y - gp::Trend(d, trend).matrix(data.x) * g.mean;
  s.groups.push_back(g);
  return s;
}

/// Universal kriging by the formulas (Rasmussen & Williams 2006, eqs 2.41, 2.42), at the kernel's own rows.
struct Kriging {
  Matrix mean, variance;
  Eigen::MatrixXd covariance;  // over the process variance
};
Kriging krige(const TrainingData& data, const std::string& name, const Vector& theta, double nugget,
              Index degree, const Matrix& X) {
  const Index n = data.x.rows(), d = data.x.cols(), q = X.rows();
  const gp::KernelPtr kernel = gp::make_kernel(name, d);
  Vector coefficients(kernel->parameters());
  kernel->prepare(theta.data(), coefficients.data());
  Matrix all(n + q, d);
  all << data.x, X;
  const Eigen::MatrixXd columns = all;
  const gp::Points points{columns.data(), n + q, n + q, d};
  Workspace workspace;
  Eigen::MatrixXd k(n + q, n + q);
  for (Index i = 0; i < n + q; ++i) {
    Vector row(n + q);
    kernel->row(all.row(i).data(), points, coefficients.data(), row.data(), workspace);
    k.row(i) = row.transpose();
  }
  const Eigen::MatrixXd R = k.topLeftCorner(n, n) + nugget * Eigen::MatrixXd::Identity(n, n);
  const Eigen::LLT<Eigen::MatrixXd> llt(R);
  const gp::Trend trend(d, degree);
  const Eigen::MatrixXd F = trend.matrix(data.x), f = trend.matrix(X), r = k.topRightCorner(n, q);
  const Eigen::MatrixXd A = F.transpose() * llt.solve(F);
  const Eigen::MatrixXd beta = A.ldlt().solve(F.transpose() * llt.solve(Eigen::MatrixXd(data.y)));
  const Eigen::MatrixXd residual = data.y - F * beta;
  Kriging result;
  result.mean = f * beta + r.transpose() * llt.solve(residual);
  const Eigen::MatrixXd missing = f - r.transpose() * llt.solve(F);
  result.covariance = k.bottomRightCorner(q, q) - r.transpose() * llt.solve(r);
  if (degree >= 0) result.covariance += missing * A.ldlt().solve(Eigen::MatrixXd(missing.transpose()));
  result.variance.resize(q, data.y.cols());
  for (Index o = 0; o < data.y.cols(); ++o) {
    const double variance =
        residual.col(o).dot(llt.solve(residual).col(o)) / static_cast<double>(n - F.cols());
    result.variance.col(o) = variance * result.covariance.diagonal();
  }
  return result;
}

TEST(VecchiaPredictor, WithAllPointsAsNeighboursItIsUniversalKriging) {
  const Index n = 50;
  const TrainingData data = smooth_data(n, 3, 2, 8, 0.02);
  const Matrix X = uniform(11, 3, 9);
  const Vector theta = Vector::Constant(3, -0.4);
  for (const char* name : {"matern52", "matern32-product"})
    for (const Index degree : {-1, 0, 1, 2}) {
      const Kriging exact = krige(data, name, theta, 1e-3, degree, X);
      double last = INFINITY;
      for (const Index m : {5, 20, 50}) {
        const gp::VecchiaPredictor predictor(state_for(data, name, theta, 1e-3, degree, m));
        const auto [mean, variance] = predict_variance(predictor, X);
        const double error = (mean - exact.mean).norm();
        EXPECT_LT(error, last);
        last = error;
        Workspace workspace;
        Matrix covariance(11, 11);
        predictor.covariance(X, 1, covariance, Noise::latent, workspace);
        EXPECT_LT((covariance.diagonal() - variance.col(1)).norm(), 1e-12);
        EXPECT_GT(Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(covariance).eigenvalues().minCoeff(),
                  -1e-12);
        const auto observed = predict_variance(predictor, X, Noise::observed).second;
        EXPECT_LT((observed - variance)
                      .array()
                      .rowwise()
                      .
                      operator-(1e-3 * predictor.state().groups[0].process_variance.transpose().array())
                      .abs()
                      .maxCoeff(),
                  1e-12);
        if (m < n) continue;
        EXPECT_LT(error, 1e-9 * exact.mean.norm());
        EXPECT_LT((variance - exact.variance).norm(), 1e-8 * exact.variance.norm());
        const double scale = predictor.state().groups[0].process_variance[1];
        EXPECT_LT((covariance - scale * exact.covariance).norm(), 1e-8 * covariance.norm());
      }
    }
}

TEST(VecchiaPredictor, JacobianIsThatOfFiniteDifferences) {
  const TrainingData data = smooth_data(80, 3, 2, 10, 0.02);
  const gp::VecchiaPredictor predictor(state_for(data, "matern52", Vector::Constant(3, -0.4), 1e-3, 1, 20));
  const Matrix X = uniform(5, 3, 11);
  Workspace workspace;
  for (Index i = 0; i < X.rows(); ++i) {
    Matrix jacobian(2, 3);
    predictor.jacobian(X.row(i).data(), jacobian, workspace);
    for (Index k = 0; k < 3; ++k) {
      Matrix two(2, 3);
      two << X.row(i), X.row(i);
      two(0, k) += 1e-6;
      two(1, k) -= 1e-6;
      const Matrix y = predict(predictor, two);
      EXPECT_LT((jacobian.col(k) - (y.row(0) - y.row(1)).transpose() / 2e-6).norm(), 1e-6) << i << " " << k;
    }
  }
}

TEST(VecchiaPredictor, LeavingOutIsThePredictionFromTheOthers) {
  const TrainingData data = smooth_data(40, 2, 1, 12, 0.02);
  const gp::VecchiaState state = state_for(data, "matern52", Vector::Constant(2, -0.4), 1e-3, 0, 12);
  const gp::VecchiaPredictor predictor(state);
  Workspace workspace;
  Matrix residual(40, 1), variance(40, 1);
  predictor.leave_out(0, 40, residual, variance, workspace);
  for (const Index i : {0, 13, 39}) {
    gp::VecchiaState without = state;
    const auto drop = [i](const Matrix& a) {
      Matrix b(a.rows() - 1, a.cols());
      b << a.topRows(i), a.bottomRows(a.rows() - 1 - i);
      return b;
    };
    without.points = drop(state.points);
    without.groups[0].values = drop(state.groups[0].values);
    const auto [mean, spread] =
        predict_variance(gp::VecchiaPredictor(without), data.x.row(i), Noise::observed);
    EXPECT_NEAR(residual(i, 0), data.y(i, 0) - mean(0, 0), 1e-12);
    EXPECT_NEAR(variance(i, 0), spread(0, 0), 1e-13);
  }
}

Fit fit(const TrainingData& data, const Settings& settings, Executor* executor = nullptr) {
  FitContext context;
  context.random = RandomStream(1);
  context.executor = executor;
  return make_regressor("gp", settings)->fit(data, context);
}
Settings vecchia(Settings settings = {}) {
  settings.set("method", std::string("vecchia"));
  if (!settings.has("kernel")) settings.set("kernel", std::string("matern52"));
  settings.set("starts", 1.0);
  return settings;
}

TEST(VecchiaFit, PredictsAndItsErrorBarsHold) {
  const TrainingData data = smooth_data(300, 3, 2, 13, 0.01), test = smooth_data(300, 3, 2, 14);
  for (const bool shared : {false, true}) {
    ThreadExecutor three(3);
    const Settings settings = vecchia({{"shared", shared}, {"neighbours", 15.0}});
    const Fit one = fit(data, settings), other = fit(data, settings, &three);
    EXPECT_EQ(one.predictor->kind(), "gp-vecchia");
    EXPECT_LT(nrmse(test.y, predict(*one.predictor, test.x)), 0.02);
    EXPECT_EQ(predict(*one.predictor, test.x), predict(*other.predictor, test.x));
    EXPECT_EQ(one.summary.leave_one_out, other.summary.leave_one_out);
    ASSERT_EQ(one.summary.leave_one_out.rows(), 300);
    const Matrix z = one.summary.leave_one_out.array() / one.summary.leave_one_out_std.array();
    EXPECT_NEAR(z.squaredNorm() / 600.0, 1.0, 0.2);
  }
}

TEST(VecchiaFit, AloneBatchSavedAndLoadedHaveTheSameBits) {
  const TrainingData data = smooth_data(150, 3, 2, 15, 0.01);
  for (const char* mean : {"zero", "constant", "linear"}) {
    const Fit f = fit(data, vecchia({{"mean", std::string(mean)}, {"neighbours", 12.0}}));
    const Matrix X = uniform(21, 3, 16);
    const auto [batch, variance] = predict_variance(*f.predictor, X, Noise::observed);
    for (Index i = 0; i < 21; ++i) {
      const auto [alone, spread] = predict_variance(*f.predictor, X.row(i), Noise::observed);
      EXPECT_EQ(alone, batch.row(i));
      EXPECT_EQ(spread, variance.row(i));
    }
    const h5::File file = h5::File::in_memory("vecchia");
    save_predictor(file.root().create_group("p"), *f.predictor);
    const PredictorPtr loaded = load_predictor(file.root().group("p"));
    const auto [again, spread] = predict_variance(*loaded, X, Noise::observed);
    EXPECT_EQ(again, batch);
    EXPECT_EQ(spread, variance);
    EXPECT_THROW(predict(*f.predictor, uniform(2, 2, 1)), UsageError);
    EXPECT_TRUE(predict(*f.predictor, Matrix::Constant(1, 3, 1e200)).allFinite());
  }
}

TEST(VecchiaFit, DegenerateData) {
  for (const Index n : {1, 2, 3, 5}) {
    const Fit f = fit(smooth_data(n, 2, 1, 17), vecchia());
    const auto [mean, variance] = predict_variance(*f.predictor, uniform(4, 2, 18));
    EXPECT_TRUE(mean.allFinite() && variance.allFinite()) << n;
    EXPECT_GE(variance.minCoeff(), 0.0);
  }
  TrainingData data = smooth_data(60, 3, 2, 19);
  data.x.col(1).setConstant(4.0);
  data.y.col(1).setConstant(-3.0);
  Fit f = fit(data, vecchia());
  EXPECT_EQ(predict(*f.predictor, data.x.topRows(3))(2, 1), -3.0);
  EXPECT_NE(all_warnings(f.summary).find("does not vary"), std::string::npos);

  // Replicates of one point alone.
  data.x.setConstant(1.0);
  f = fit(data, vecchia());
  EXPECT_NEAR(predict(*f.predictor, data.x.topRows(1))(0, 0), data.y.col(0).mean(), 1e-12);

  // Duplicates, with and without noise.
  data = smooth_data(60, 2, 1, 20);
  data.x.row(11) = data.x.row(30);
  data.y.row(11) = data.y.row(30);
  for (const double nugget : {0.0, 1e-6}) {
    f = fit(data, vecchia({{"nugget", nugget}}));
    EXPECT_NE(all_warnings(f.summary).find("rows 11 and 30"), std::string::npos);
    EXPECT_LT(nrmse(data.y, predict(*f.predictor, data.x)), 1e-2);
  }
  data.y(11, 0) += 1.0;
  f = fit(data, vecchia({{"nugget", 0.0}}));
  EXPECT_TRUE(predict(*f.predictor, data.x).allFinite());

  // Without noise it interpolates.
  data = smooth_data(100, 2, 1, 21);
  f = fit(data, vecchia({{"nugget", 0.0}, {"kernel", std::string("matern32")}}));
  EXPECT_LT((predict(*f.predictor, data.x) - data.y).cwiseAbs().maxCoeff(), 1e-8);
}

TEST(VecchiaFit, KnownNoiseIsTaken) {
  TrainingData data = smooth_data(400, 2, 1, 22);
  RandomStream random(23);
  data.noise_std.resize(400, 1);
  for (Index i = 0; i < 400; ++i) {
    data.noise_std(i, 0) = i % 2 ? 0.3 : 0.01;
    data.y(i, 0) += data.noise_std(i, 0) * random.normal();
  }
  const TrainingData test = smooth_data(200, 2, 1, 24);
  const Fit known = fit(data, vecchia());
  data.noise_std.resize(0, 0);
  const Fit unknown = fit(data, vecchia());
  const double error = nrmse(test.y, predict(*known.predictor, test.x));
  EXPECT_LT(error, 0.5 * nrmse(test.y, predict(*unknown.predictor, test.x)));
  const Matrix latent = predict_variance(*known.predictor, test.x).second,
               observed = predict_variance(*known.predictor, test.x, Noise::observed).second;
  EXPECT_NEAR((observed - latent).mean(), 0.5 * (0.09 + 0.0001), 1e-10);
}

TEST(Method, AutoPicksByTheNumberOfPointsAndSaysSo) {
  const auto method = [](const Fit& f) {
    for (const auto& [name, fact] : f.summary.facts)
      if (name == "method") return fact;
    return std::string();
  };
  const Settings plain = {{"kernel", std::string("matern32")}, {"starts", 1.0}, {"neighbours", 8.0}};
  const Fit few = fit(smooth_data(30, 2, 1, 25), plain), many = fit(smooth_data(2001, 1, 1, 26, 0.1), plain);
  // Nearly 300 half waves: more than that many inducing points can follow.
  TrainingData quick = smooth_data(2001, 1, 1, 27);
  for (Index i = 0; i < quick.x.rows(); ++i) quick.y(i, 0) = std::sin(900.0 * quick.x(i, 0));
  const Fit rough = fit(quick, plain);
  EXPECT_EQ(few.predictor->kind(), "gp");
  EXPECT_NE(method(few).find("exact"), std::string::npos);
  EXPECT_EQ(many.predictor->kind(), "gp-inducing");
  EXPECT_NE(method(many).find("2001 points"), std::string::npos);
  EXPECT_EQ(rough.predictor->kind(), "gp-vecchia");
  EXPECT_THROW(make_regressor("gp", {{"method", std::string("best")}}), UsageError);
  EXPECT_THROW(make_regressor("gp", {{"method", std::string("vecchia")}, {"neighbours", -1.0}}), UsageError);
  EXPECT_THROW(make_regressor(
                   "gp", {{"method", std::string("vecchia")}, {"likelihood", std::string("leave-one-out")}}),
               UsageError);
}

}  // namespace
}  // namespace ersatz
