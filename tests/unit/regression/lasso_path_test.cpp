// Whole paths: optimality over hard random problems, several outputs together, the choice of alpha, and the
// user's scale.
#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/lasso.hpp"
#include "ersatz/regression/standardisation.hpp"
#include "regression/lasso_cross_validation.hpp"
#include "regression/lasso_path.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace problems;

struct Hard {
  Eigen::MatrixXd F, Y, gram;

  Hard(Index n, Index m, Index q, std::uint64_t seed) : F(n, m), Y(n, q) {
    RandomStream random(seed);
    for (Index t = 0; t < m; ++t)
      for (Index i = 0; i < n; ++i) F(i, t) = random.normal();
    if (m > 8) {
      F.col(1) = F.col(0);                                     // tied
      F.col(3) = -2.0 * F.col(2);                              // tied once standardised, other sign
      F.col(5) = F.col(4) + (q == 1 ? 1e-7 : 0.1) * F.col(6);  // nearly collinear
      F.col(7).setConstant(3.0);                               // does not vary
      F.col(8) = 0.5 * F.col(0) + 0.5 * F.col(2);              // dependent
    }
    for (Index c = 0; c < q; ++c)
      for (Index i = 0; i < n; ++i)
        Y(i, c) =
            2.0 * F(i, 0) - F(i, 4 % m) + 0.3 * F(i, m - 1) * static_cast<double>(c) + 0.5 * random.normal();
    centre();
  }
  void centre() {
    for (Index t = 0; t < F.cols(); ++t) {
      F.col(t).array() -= F.col(t).mean();
      const double scale = F.col(t).norm() / std::sqrt(static_cast<double>(F.rows()));
      if (scale > 1e-10) F.col(t) /= scale;
    }
    Y.rowwise() -= Y.colwise().mean().eval();
    gram = F.transpose() * F / static_cast<double>(F.rows());
  }
  LassoProblem problem(bool covariance) const {
    LassoProblem p;
    if (covariance) p.gram = &gram;
    p.columns = &F;
    p.y = Y.data();
    p.points = static_cast<double>(F.rows());
    p.diagonal = F.colwise().squaredNorm() / p.points;
    p.correlation = F.transpose() * Y / p.points;
    p.y2 = Y.squaredNorm() / p.points;
    return p;
  }
  // Largest violation of the optimality conditions, from their definition.
  double violation(const Eigen::MatrixXd& B, double l1, double l2) const {
    const Eigen::MatrixXd G = F.transpose() * (Y - F * B) / static_cast<double>(F.rows()) - l2 * B;
    double largest = 0.0;
    for (Index t = 0; t < F.cols(); ++t) {
      const double norm = B.row(t).norm();
      largest =
          std::max(largest, norm > 0.0 ? (G.row(t) - l1 * B.row(t) / norm).norm() : G.row(t).norm() - l1);
    }
    return largest;
  }
};

struct Shape {
  Index n, m, q;
};

TEST(LassoPath, OptimalityConditionsHoldForHardProblems) {
  std::uint64_t seed = 900;
  for (const Shape& s :
       {Shape{50, 20, 1}, {50, 20, 3}, {30, 70, 1}, {30, 70, 4}, {12, 3, 1}, {2, 4, 1}, {9, 40, 2}})
    for (const double l1_ratio : {1.0, 0.5, 0.01})
      for (const bool covariance : {true, false}) {
        const Hard data(s.n, s.m, s.q, ++seed);
        const LassoProblem problem = data.problem(covariance);
        const double top = largest_alpha(problem, l1_ratio);
        LassoState state = start(problem);
        for (int a = 0; a < 20; ++a) {
          const double alpha = top * std::pow(10.0, -0.15 * a);
          // Columns that are 1e-7 apart leave valleys in which the last digits of the gap take very long.
          descend(problem, alpha, {l1_ratio, s.q == 1 ? 1e-7 : 1e-9, 200000}, state);
          const std::string where = text(s.n, " x ", s.m, ", ", s.q, " outputs, l1_ratio ", l1_ratio,
                                         ", covariance ", covariance, ", alpha ", a);
          ASSERT_TRUE(state.converged) << where << " gap " << state.gap << " sweeps " << state.sweeps;
          const double found = data.violation(state.beta, alpha * l1_ratio, alpha * (1.0 - l1_ratio));
          EXPECT_LE(found, 5e-4 * top * l1_ratio) << where;
          EXPECT_NEAR(state.kkt_error, std::max(found, 0.0), 1e-10 * top + 1e-3 * found) << where;
          if (s.m > 8) {
            EXPECT_EQ(state.beta.row(7).norm(), 0.0) << where;
          }
        }
      }
}

TEST(LassoPath, ResidualSweepsTakeOverBeyondTwoThousandFeatures) {
  // So little l1 that thousands of features stay in: the working set is left to residual sweeps.
  Hard data(15, 2300, 1, 931);
  const LassoProblem problem = data.problem(false);
  const double alpha = 0.02 * largest_alpha(problem, 1e-3);
  LassoState state = start(problem);
  descend(problem, alpha, {1e-3, 1e-10, 100000}, state);
  EXPECT_TRUE(state.converged);
  EXPECT_TRUE(state.working.residual_sweeps);
  EXPECT_LE(data.violation(state.beta, 1e-3 * alpha, 0.999 * alpha), 1e-5 * alpha);
}

TEST(LassoPath, WarmStartEndsWhereAColdOneDoes) {
  for (const Index q : {1, 3}) {
    const Hard data(60, 30, q, 941);
    const LassoProblem problem = data.problem(true);
    const LassoControl control{0.7, 1e-13, 100000};
    const double alpha = 0.02 * largest_alpha(problem, 0.7);
    LassoState warm = start(problem), cold = start(problem);
    for (int a = 0; a <= 10; ++a)
      descend(problem, largest_alpha(problem, 0.7) * std::pow(0.02, 0.1 * a), control, warm);
    descend(problem, alpha, control, cold);
    EXPECT_NEAR(warm.objective, cold.objective, 1e-12 * cold.objective);
    EXPECT_LT((data.F * (warm.beta - cold.beta)).norm(), 1e-5 * data.Y.norm());
  }
}

TEST(LassoPath, OutputsTogetherShrinkTheirRowsByTheirLength) {
  Hard data(64, 6, 3, 951);
  const Eigen::MatrixXd centred = data.F.rowwise() - data.F.colwise().mean();
  data.F = 8.0 * Eigen::MatrixXd(centred.householderQr().householderQ() * Eigen::MatrixXd::Identity(64, 6));
  data.gram = data.F.transpose() * data.F / 64.0;
  const LassoProblem problem = data.problem(true);
  const double alpha = 0.3 * largest_alpha(problem, 0.8), l1 = 0.8 * alpha, l2 = 0.2 * alpha;
  LassoState state = start(problem);
  descend(problem, alpha, {0.8, 1e-13, 1000}, state);
  for (Index t = 0; t < 6; ++t) {
    const Eigen::RowVectorXd c = problem.correlation.row(t);
    const Eigen::RowVectorXd expected = c * std::max(1.0 - l1 / c.norm(), 0.0) / (1.0 + l2);
    EXPECT_LT((state.beta.row(t) - expected).norm(), 1e-12) << t;
  }
}

TEST(LassoPath, ZeroOutputKeepsNothing) {
  Hard data(30, 12, 2, 961);
  data.Y.setZero();
  for (const bool covariance : {true, false}) {
    const LassoProblem problem = data.problem(covariance);
    EXPECT_EQ(largest_alpha(problem, 1.0), 0.0);
    LassoState state = start(problem);
    descend(problem, 0.1, {1.0, 1e-12, 100}, state);
    EXPECT_TRUE(state.converged);
    EXPECT_EQ(state.gap, 0.0);
    EXPECT_EQ(state.beta.norm(), 0.0);
  }
}

// R 4.2.2, glmnet 4.1-6: glmnet(X, y, alpha = l1_ratio, lambda, standardize = FALSE, intercept = FALSE,
// thresh = 1e-24) on columns and y standardised with divisor n; X(i,j) = sin(i j + 0.3 j²), i = 1 … 20,
// j = 1 … 6, y = 2 X1 - 1.5 X3 + 0.5 X5 + 0.3 cos(7 i).
TEST(LassoPath, IsGlmnets) {
  const std::vector<double> lambda = {0.3, 0.1, 0.03, 0.01};
  const double lasso[4][6] = {{0.474956426444, 0, -0.297319738769, 0, 0, 0},
                              {0.669324471774, 0, -0.490565500196, 0, 0.070926429739, 0},
                              {0.737088188203, 0, -0.557252130318, 0, 0.138996448422, 0},
                              {0.755852059261, 0, -0.576168396741, 0, 0.158366993376, -0.004065621564}};
  const double net[4][6] = {
      {0.541236819566, 0, -0.387033388440, 0, 0.020936032335, 0},
      {0.684208253189, 0, -0.513526411625, 0, 0.114589191816, 0},
      {0.740446569927, 0, -0.563360978339, 0, 0.151525194046, -0.001945702018},
      {0.756286858175, 0, -0.578014801623, 0.000589051753, 0.162412538002, -0.008784493033}};
  TrainingData data;
  data.x.resize(20, 6);
  data.y.resize(20, 1);
  for (Index i = 0; i < 20; ++i) {
    const double r = static_cast<double>(i + 1);
    for (Index k = 0; k < 6; ++k) {
      const double c = static_cast<double>(k + 1);
      data.x(i, k) = std::sin(r * c + 0.3 * c * c);
    }
    data.y(i, 0) = 2.0 * data.x(i, 0) - 1.5 * data.x(i, 2) + 0.5 * data.x(i, 4) + 0.3 * std::cos(7.0 * r);
  }
  const Standardisation inputs = Standardisation::of(data.x), outputs = Standardisation::of(data.y);
  for (const double l1_ratio : {1.0, 0.5}) {
    LassoOptions options;
    options.degree = 1;
    options.alphas = {0.1, 0.01, 0.3, 0.03};  // not in order
    options.l1_ratio = l1_ratio;
    options.folds = 0;
    options.tolerance = 1e-14;
    const LassoPaths all = lasso_path(data, options);
    ASSERT_EQ(all.paths.size(), 1u);
    ASSERT_EQ(all.paths[0].alphas, lambda);
    EXPECT_TRUE(all.fold.empty());
    for (Index a = 0; a < 4; ++a)
      for (Index t = 0; t < 6; ++t)
        EXPECT_NEAR(all.paths[0].coefficients[0](t, a) * inputs.scale(t) / outputs.scale(0),
                    (l1_ratio == 1.0 ? lasso : net)[a][t], 1e-11);
  }
}

TEST(LassoPath, OnTheUsersScaleItPredictsAsTheRegressorDoes) {
  TrainingData data = smooth(60, 971, 0.1);
  data.x.col(1) = data.x.col(1).array() * 1e4 - 300.0;
  data.input_names = {"a", "b", "c"};
  for (const bool shared : {false, true}) {
    LassoOptions options;
    options.degree = 3;
    options.alphas = {0.01};
    options.shared = shared;
    options.folds = 0;
    options.tolerance = 1e-12;
    const LassoPaths all = lasso_path(data, options);
    EXPECT_EQ(all.names[0], "a");
    ASSERT_EQ(all.paths.size(), shared ? 1u : 2u);
    options.folds = 5;
    const Fit fit = make_lasso_regressor(options)->fit(data, {});
    Matrix X = uniform(7, 3, 972);
    X.col(1) = X.col(1).array() * 1e4 - 300.0;
    const Matrix predicted = predict(*fit.predictor, X);
    for (const LassoPath& path : all.paths)
      for (std::size_t c = 0; c < path.outputs.size(); ++c)
        for (Index i = 0; i < X.rows(); ++i) {
          double f = path.intercepts(static_cast<Index>(c), 0);
          for (Index t = 0; t < all.features.size(); ++t) {
            double product = path.coefficients[c](t, 0);
            for (Index k = 0; k < 3; ++k)
              product *= std::pow(X(i, k) - all.centre[k], all.features.exponents()(t, k));
            f += product;
          }
          EXPECT_NEAR(f, predicted(i, path.outputs[c]), 1e-9 * std::abs(predicted(i, path.outputs[c])));
        }
  }
}

TEST(LassoPath, CrossValidationIsRefittingWithoutTheFold) {
  // Both the sums over folds (m <= n) and the rows themselves (m > n).
  for (const Index n : {40, 15})
    for (const bool shared : {false, true}) {
      const TrainingData data = smooth(n, 981, 0.2);
      LassoOptions options;
      options.degree = 3;  // 19 features
      options.path_length = 12;
      options.path_ratio = 1e-2;
      options.shared = shared;
      options.folds = 4;
      options.tolerance = shared ? 1e-10 : 1e-13;
      const LassoPaths all = lasso_path(data, options);
      const Standardisation outputs = Standardisation::of(data.y);
      // The same columns, standardised over all points, fitted by hand without each fold.
      const Standardisation inputs = Standardisation::of(data.x);
      const Matrix raw = PolynomialFeatures::total_degree(inputs, 3).evaluate(data.x);
      const Matrix F = Standardisation::of(raw).apply(raw), Y = outputs.apply(data.y);
      for (const LassoPath& path : all.paths) {
        const Index q = static_cast<Index>(path.outputs.size());
        Vector error = Vector::Zero(12);
        Matrix by_fold(12, 4);
        for (Index f = 0; f < 4; ++f) {
          std::vector<Index> in, out;
          for (Index i = 0; i < n; ++i) (all.fold[static_cast<std::size_t>(i)] == f ? out : in).push_back(i);
          Hard part(1, 1, 1, 1);
          part.F.resize(static_cast<Index>(in.size()), F.cols());
          part.Y.resize(static_cast<Index>(in.size()), q);
          for (std::size_t i = 0; i < in.size(); ++i) {
            part.F.row(static_cast<Index>(i)) = F.row(in[i]);
            for (Index c = 0; c < q; ++c)
              part.Y(static_cast<Index>(i), c) = Y(in[i], path.outputs[static_cast<std::size_t>(c)]);
          }
          const Eigen::RowVectorXd mean = part.F.colwise().mean(), y_mean = part.Y.colwise().mean();
          part.F.rowwise() -= mean;
          part.Y.rowwise() -= y_mean;
          const LassoProblem problem = part.problem(false);
          LassoState state = start(problem);
          for (Index a = 0; a < 12; ++a) {
            descend(problem, path.alphas[static_cast<std::size_t>(a)], {1.0, options.tolerance, 100000},
                    state);
            double squares = 0.0;
            for (const Index i : out)
              for (Index c = 0; c < q; ++c) {
                const double e = Y(i, path.outputs[static_cast<std::size_t>(c)]) - y_mean[c] -
                                 (F.row(i) - mean).dot(state.beta.col(c));
                squares += e * e / static_cast<double>(q);
              }
            error[a] += squares / static_cast<double>(n);
            by_fold(a, f) = squares / static_cast<double>(out.size());
          }
        }
        for (Index a = 0; a < 12; ++a) {
          EXPECT_NEAR(path.cv_error[a], error[a], (shared ? 1e-4 : 1e-6) * error[a])
              << n << " points, alpha " << a;
          if (n == 40) {  // folds of equal size: the textbook's standard error of a mean
            const double mean = by_fold.row(a).mean();
            const double deviation = std::sqrt((by_fold.row(a).array() - mean).square().sum() / 3.0);
            EXPECT_NEAR(path.cv_standard_error[a], deviation / 2.0, (shared ? 1e-3 : 1e-5) * deviation);
          }
        }
      }
    }
}

TEST(LassoPath, OneStandardErrorTakesTheLargestAlphaWithin) {
  LassoCurve curve;
  curve.alphas = {8.0, 4.0, 2.0, 1.0, 0.5};
  curve.error.resize(5);
  curve.standard_error.resize(5);
  curve.error << 9.0, 5.4, 5.1, 5.0, 5.3;
  curve.standard_error << 9.0, 9.0, 9.0, 0.3, 9.0;
  EXPECT_EQ(curve.minimum(), 3u);
  EXPECT_EQ(curve.one_standard_error(), 2u);
  curve.standard_error[3] = 0.5;
  EXPECT_EQ(curve.one_standard_error(), 1u);
  curve.standard_error[3] = 0.0;
  EXPECT_EQ(curve.one_standard_error(), 3u);

  const TrainingData data = smooth(60, 991, 0.3);
  const auto used = [&](const char* rule) {
    const Fit f = make_regressor("lasso", {{"rule", rule}, {"degree", 3.0}, {"shared", true}})->fit(data, {});
    for (const auto& [name, value] : f.summary.facts)
      if (name == "features in use") return std::stod(value);
    return -1.0;
  };
  EXPECT_GT(used("one-standard-error"), 0.0);
  EXPECT_LT(used("one-standard-error"), used("minimum"));
  EXPECT_THROW(make_regressor("lasso", {{"rule", "largest"}}), UsageError);
}

TEST(LassoPath, SameBitsOnAnyNumberOfThreads) {
  const TrainingData data = smooth(1200, 995, 0.2);
  LassoOptions options;
  options.degree = 3;
  options.path_length = 20;
  for (const Index folds : {0, 5}) {
    options.folds = folds;
    ThreadExecutor three(3);
    FitContext threaded;
    threaded.executor = &three;
    const LassoPaths a = lasso_path(data, options), b = lasso_path(data, options, threaded);
    for (std::size_t j = 0; j < 2; ++j) {
      EXPECT_EQ(a.paths[j].coefficients[0], b.paths[j].coefficients[0]);
      EXPECT_EQ(a.paths[j].cv_error, b.paths[j].cv_error);
    }
  }
}

}  // namespace
}  // namespace ersatz
