// Sparse polynomial chaos against closed forms: moments, Sobol indices, leave-one-out, variance.
#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/chaos.hpp"
#include "ersatz/regression/coefficients.hpp"
#include "ersatz/regression/sobol_indices.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "regression/feature_table.hpp"
#include "regression/polynomial_predictor.hpp"
#include "regression/sparse_expansion.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace problems;
constexpr double pi = 3.14159265358979323846;

// A Latin hypercube sample of [lower, upper]^d, with the bounds told.
TrainingData latin(Index n, Index d, double lower, double upper, std::uint64_t seed) {
  RandomStream random(seed);
  TrainingData data;
  data.x.resize(n, d);
  for (Index k = 0; k < d; ++k) {
    const auto order = random.permutation(n);
    for (Index i = 0; i < n; ++i)
      data.x(i, k) =
          lower + (upper - lower) *
                      (static_cast<double>(order[static_cast<std::size_t>(i)]) + random.uniform()) /
                      static_cast<double>(n);
  }
  data.input_lower = Vector::Constant(d, lower);
  data.input_upper = Vector::Constant(d, upper);
  return data;
}

// Ishigami & Homma (1990) with a = 7, b = 0.1.
TrainingData ishigami(Index n, std::uint64_t seed) {
  TrainingData data = latin(n, 3, -pi, pi, seed);
  data.y.resize(n, 1);
  for (Index i = 0; i < n; ++i)
    data.y(i, 0) = std::sin(data.x(i, 0)) + 7.0 * std::pow(std::sin(data.x(i, 1)), 2) +
                   0.1 * std::pow(data.x(i, 2), 4) * std::sin(data.x(i, 0));
  return data;
}

TEST(Chaos, Ishigami) {
  const Fit f = make_regressor("chaos")->fit(ishigami(300, 1), {});
  const SobolIndices s = sobol_indices(*f.predictor);
  // Closed forms: mean a/2, variance a²/8 + b pi⁴/5 + b² pi⁸/18 + 1/2.
  EXPECT_NEAR(s.mean[0], 3.5, 2e-5);
  EXPECT_NEAR(s.variance[0], 13.844588, 2e-4);
  EXPECT_NEAR(s.first(0, 0), 0.313905, 1e-5);
  EXPECT_NEAR(s.first(1, 0), 0.442411, 1e-5);
  EXPECT_NEAR(s.first(2, 0), 0.0, 1e-5);
  EXPECT_NEAR(s.interaction({2, 0}), 0.243684, 1e-5);
  EXPECT_NEAR(s.interaction({0, 1}), 0.0, 1e-5);
  EXPECT_NEAR(s.total(0, 0), 0.557589, 1e-5);
  EXPECT_NEAR(s.total(2, 0), 0.243684, 1e-5);
  const TrainingData test = ishigami(500, 2);
  const double error = nrmse(test.y, predict(*f.predictor, test.x));
  EXPECT_LT(error, 2e-5);
  // What the fit says of itself is what others find.
  const double claimed = std::sqrt(f.summary.leave_one_out.squaredNorm() / 300.0 / 13.844588);
  EXPECT_GT(claimed, 0.3 * error);
  EXPECT_LT(claimed, 3.0 * error);
}

// Sudret (2008): Π (3 x_k² + 1) / 2, x uniform on [0, 1], three inputs.
TEST(Chaos, ProductOfSquaresIsExact) {
  TrainingData data = latin(120, 3, 0.0, 1.0, 3);
  data.y.resize(120, 2);
  for (Index i = 0; i < 120; ++i) {
    data.y(i, 0) = ((3.0 * data.x.row(i).array().square() + 1.0) / 2.0).prod();
    data.y(i, 1) = 5.0 - 1e-3 * data.x(i, 1);  // its own terms: one
  }
  const Fit f = make_regressor("chaos")->fit(data, {});
  const SobolIndices s = sobol_indices(*f.predictor);
  EXPECT_NEAR(s.mean[0], 1.0, 1e-10);
  EXPECT_NEAR(s.variance[0], 91.0 / 125.0, 1e-10);
  for (Index k = 0; k < 3; ++k) {
    EXPECT_NEAR(s.first(k, 0), 25.0 / 91.0, 1e-10);
    EXPECT_NEAR(s.total(k, 0), 36.0 / 91.0, 1e-10);
  }
  EXPECT_NEAR(s.interaction({0, 1}), 5.0 / 91.0, 1e-10);
  EXPECT_NEAR(s.interaction({2, 1}), 5.0 / 91.0, 1e-10);
  EXPECT_NEAR(s.interaction({0, 1, 2}), 1.0 / 91.0, 1e-10);
  EXPECT_NEAR(s.mean[1], 5.0 - 5e-4, 1e-12);
  EXPECT_NEAR(s.variance[1], 1e-6 / 12.0, 1e-16);
  EXPECT_NEAR(s.first(1, 1), 1.0, 1e-9);
  EXPECT_THROW(s.interaction({3}), UsageError);
  EXPECT_THROW(s.interaction({0}, 2), UsageError);
  // Read back from a file.
  const h5::File file = h5::File::in_memory("chaos");
  save_predictor(file.root().create_group("predictor"), *f.predictor);
  const SobolIndices loaded = sobol_indices(*load_predictor(file.root().group("predictor")));
  EXPECT_EQ(loaded.groups, s.groups);
  EXPECT_EQ((loaded.shares - s.shares).cwiseAbs().maxCoeff(), 0.0);
}

TEST(Chaos, HermiteForNormalInputs) {
  RandomStream random(4);
  TrainingData data;
  data.x.resize(60, 2);
  data.y.resize(60, 1);
  for (Index i = 0; i < 60; ++i) {
    data.x(i, 0) = 3.0 + 0.5 * random.normal();
    data.x(i, 1) = -1.0 + 2.0 * random.normal();
    data.y(i, 0) = data.x(i, 0) + data.x(i, 0) * data.x(i, 1) + data.x(i, 1) * data.x(i, 1);
  }
  const Fit f = make_regressor("chaos", {{"features", std::string("hermite")}})->fit(data, {});
  const SobolIndices s = sobol_indices(*f.predictor);
  // With x = mu + sigma z, the sample's moments: coefficients of z0, z1, z0 z1 and (z1² - 1) / sqrt 2.
  const Standardisation z = Standardisation::of(data.x);
  const double m0 = z.centre[0], m1 = z.centre[1], s0 = z.scale(0), s1 = z.scale(1);
  const double a = s0 * (1.0 + m1), b = s1 * (m0 + 2.0 * m1), ab = s0 * s1, bb = s1 * s1 * std::sqrt(2.0);
  const double variance = a * a + b * b + ab * ab + bb * bb;
  EXPECT_NEAR(s.mean[0], m0 + m0 * m1 + m1 * m1 + s1 * s1, 1e-10);
  EXPECT_NEAR(s.variance[0], variance, 1e-9);
  EXPECT_NEAR(s.first(0, 0), a * a / variance, 1e-10);
  EXPECT_NEAR(s.first(1, 0), (b * b + bb * bb) / variance, 1e-10);
  EXPECT_NEAR(s.interaction({0, 1}), ab * ab / variance, 1e-10);
}

TEST(Chaos, LeaveOneOutCorrectionAndVarianceAreThoseOfLeastSquares) {
  const Index n = 40;
  TrainingData data = latin(n, 3, -1.0, 1.0, 5);
  data.y.resize(n, 1);
  RandomStream random(6);
  for (Index i = 0; i < n; ++i)
    data.y(i, 0) = std::exp(data.x(i, 0)) + data.x(i, 1) * data.x(i, 2) + 0.1 * random.normal();
  const std::vector<PolynomialFamily> legendre(3, PolynomialFamily::legendre);
  const auto features = PolynomialFeatures::truncated({Vector::Zero(3), Vector::Ones(3)}, {3}, legendre);
  const Eigen::MatrixXd columns = column_major(features.evaluate(data.x));
  const Vector y = data.y.col(0).array() - data.y.mean();
  const SparseExpansion e = sparse_expansion(columns, y, 0);
  const Index k = static_cast<Index>(e.terms.size());
  ASSERT_GT(k, 2);
  ASSERT_LT(k, 19);
  Eigen::MatrixXd psi(n, k + 1);
  psi.col(0).setOnes();
  for (Index t = 0; t < k; ++t) psi.col(t + 1) = columns.col(e.terms[static_cast<std::size_t>(t)]);
  const Eigen::MatrixXd inverse = (psi.transpose() * psi).inverse();
  const double count = static_cast<double>(n);
  EXPECT_NEAR(e.correction, count / (count - static_cast<double>(k) - 1.0) * (1.0 + inverse.trace()), 1e-9);
  EXPECT_NEAR((e.coefficients - (inverse * psi.transpose() * y).tail(k)).norm(), 0.0, 1e-10);
  double mean = 0.0, s2 = 0.0;
  for (Index i = 0; i < n; ++i) {  // refits
    Eigen::MatrixXd rest(n - 1, k + 1);
    rest << psi.topRows(i), psi.bottomRows(n - 1 - i);
    Vector others(n - 1);
    others << y.head(i), y.tail(n - 1 - i);
    const Vector b = rest.colPivHouseholderQr().solve(others);
    const double residual = y[i] - psi.row(i).dot(b),
                 left = 1.0 - psi.row(i).dot(inverse * psi.row(i).transpose());
    EXPECT_NEAR(e.leave_one_out[i], residual, 1e-9);
    EXPECT_NEAR(e.left[i], left, 1e-10);
    mean += residual * residual / count;
    s2 += e.correction * left * residual * residual / count;
  }
  EXPECT_NEAR(e.error, e.correction * mean, 1e-9 * e.error);

  const Fit f = make_regressor("chaos", {{"degree", 3.0}})->fit(data, {});
  const Matrix X = latin(5, 3, -1.0, 1.0, 7).x;
  const auto [predicted, variance] = predict_variance(*f.predictor, X, Noise::observed);
  const Matrix at = features.evaluate(X);
  for (Index i = 0; i < 5; ++i) {
    Vector row(k + 1);
    row[0] = 1.0;
    for (Index t = 0; t < k; ++t) row[t + 1] = at(i, e.terms[static_cast<std::size_t>(t)]);
    EXPECT_NEAR(variance(i, 0), s2 * (1.0 + row.dot(inverse * row)), 1e-8 * s2);
    EXPECT_NEAR(predicted(i, 0), data.y.mean() + row.dot(inverse * psi.transpose() * y), 1e-9);
  }
}

// Efron et al. (2004): the order in which least angle regression takes columns is that in which the lasso's
// coefficients leave zero, for as long as none returns to it. With orthogonal columns, by |correlation|.
TEST(Chaos, OrthogonalColumnsComeByCorrelation) {
  const Index n = 64, m = 20;
  Eigen::MatrixXd A = uniform(n, m + 1, 8);
  A.col(0).setOnes();
  const Eigen::MatrixXd Q =
      Eigen::HouseholderQR<Eigen::MatrixXd>(A).householderQ() * Eigen::MatrixXd::Identity(n, m + 1);
  Vector y = Vector::Zero(n);
  for (Index t = 0; t < 8; ++t) y += std::pow(-0.7, static_cast<double>(t)) * Q.col(1 + (7 * t) % m);
  const SparseExpansion e = sparse_expansion(Q.rightCols(m), y, 0);
  ASSERT_EQ(e.terms.size(), 8u);
  for (std::size_t t = 0; t < 8; ++t) EXPECT_EQ(e.terms[t], static_cast<Index>(7 * t) % m);
  // A column twice, and one that depends on two others, stay out.
  Eigen::MatrixXd more(n, m + 2);
  more << Q.rightCols(m), Q.col(1), Q.col(1) + Q.col(8);
  const SparseExpansion same = sparse_expansion(more, y, 0);
  EXPECT_LE(same.terms.size(), 9u);
  EXPECT_LT(same.leave_one_out.norm(), 1e-10);
}

TEST(Chaos, HyperbolicTruncationReachesHigherDegrees) {
  TrainingData data = latin(80, 8, 0.0, 1.0, 9);
  data.y.resize(80, 1);
  for (Index i = 0; i < 80; ++i) data.y(i, 0) = std::cos(6.0 * data.x(i, 3)) + data.x(i, 0) * data.x(i, 7);
  TrainingData test = latin(200, 8, 0.0, 1.0, 10);
  test.y.resize(200, 1);
  for (Index i = 0; i < 200; ++i) test.y(i, 0) = std::cos(6.0 * test.x(i, 3)) + test.x(i, 0) * test.x(i, 7);
  const auto error = [&](const Settings& settings) {
    return nrmse(test.y, predict(*make_regressor("chaos", settings)->fit(data, {}).predictor, test.x));
  };
  const double full = error({{"max_candidates", 600.0}}),
               hyperbolic = error({{"max_candidates", 600.0}, {"q_norm", 0.5}});
  EXPECT_LT(hyperbolic, 1e-3);
  EXPECT_LT(hyperbolic, 0.1 * full);
  EXPECT_LT(error({{"max_candidates", 600.0}, {"q_norm", std::vector<double>{1.0, 0.5}}}), 1e-3);
}

TEST(Chaos, TellsWhatItFound) {
  TrainingData data = ishigami(150, 11);
  data.input_names = {"a", "b", "c"};
  const Fit f = make_regressor("chaos")->fit(data, {});
  std::string facts;
  for (const auto& [name, value] : f.summary.facts) facts += name + ": " + value + "\n";
  for (const char* part : {"Sobol indices of output 0: first order b 0.442, a 0.314", "together a c 0.244",
                           "mean and standard deviation of output 0: 3.5, 3.721",
                           "largest coefficients of output 0: intercept 3.5, P4(b) -1.952"})
    EXPECT_NE(facts.find(part), std::string::npos) << part << " in\n" << facts;
  EXPECT_TRUE(f.summary.warnings.empty()) << all_warnings(f.summary);
  data.input_upper[1] = 2.0;
  const Fit outside = make_regressor("chaos")->fit(data, {});
  EXPECT_NE(all_warnings(outside.summary).find("outside"), std::string::npos);
}

TEST(Chaos, RefusesWhatItCannotUse) {
  EXPECT_THROW(make_regressor("chaos", {{"features", std::string("powers")}}), UsageError);
  EXPECT_THROW(make_regressor("chaos", {{"features", std::string("chebyshev")}}), UsageError);
  EXPECT_THROW(make_regressor("chaos", {{"q_norm", 1.5}}), UsageError);
  EXPECT_THROW(make_regressor("chaos", {{"degree", 0.0}}), UsageError);
  EXPECT_THROW(make_regressor("chaos", {{"degree", 2.5}}), UsageError);
  EXPECT_THROW(make_regressor("chaos", {{"max_terms", -1.0}}), UsageError);
  TrainingData data = latin(30, 2, 0.0, 1.0, 12);
  data.y = data.x.leftCols(1);
  EXPECT_THROW(sobol_indices(*make_regressor("ridge")->fit(data, {}).predictor), UsageError);
  EXPECT_THROW(sobol_indices(*make_regressor("knn")->fit(data, {}).predictor), UsageError);
  data.input_lower[1] = 2.0;
  EXPECT_THROW(make_regressor("chaos")->fit(data, {}), DataError);
  data.input_lower.conservativeResize(1);
  EXPECT_THROW(make_regressor("chaos")->fit(data, {}), DataError);
}

}  // namespace
}  // namespace ersatz
