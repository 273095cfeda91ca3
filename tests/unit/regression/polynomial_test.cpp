// Polynomial features, least squares and ridge regression against closed forms and brute-force refits.
#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/linear.hpp"
#include "regression/polynomial_predictor.hpp"
#include "regression/ridge_path.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace problems;

Standardisation unit_inputs(Index d) { return {Vector::Zero(d), Vector::Ones(d)}; }

TEST(Standardisation, MeanZeroDeviationOneAtAnyMagnitude) {
  Matrix X(4, 4);
  X << 1, 1e300, 5, 1e9 + 1,  //
      2, -1e300, 5, 1e9 + 2,  //
      3, 1e300, 5, 1e9 + 3,   //
      6, -1e300, 5, 1e9 + 6;
  const Standardisation s = Standardisation::of(X);
  const Matrix Z = s.apply(X);
  EXPECT_DOUBLE_EQ(s.centre[0], 3.0);
  EXPECT_DOUBLE_EQ(s.scale(0), std::sqrt(3.5));
  for (const Index k : {0, 1, 3}) {
    EXPECT_NEAR(Z.col(k).mean(), 0.0, 1e-14);
    EXPECT_NEAR(Z.col(k).squaredNorm() / 4.0, 1.0, 1e-14);
  }
  EXPECT_FALSE(s.varies(2));
  EXPECT_EQ(Z.col(2).cwiseAbs().maxCoeff(), 0.0);
}

TEST(PolynomialFeatures, TotalDegreeInOrder) {
  const auto f = PolynomialFeatures::total_degree(unit_inputs(2), 3);
  const std::vector<std::string> expected = {"a", "b", "a^2", "a b", "b^2", "a^3", "a^2 b", "a b^2", "b^3"};
  EXPECT_EQ(f.names({"a", "b"}), expected);
  EXPECT_EQ(PolynomialFeatures::truncated_size(2, {3}), 9);
  EXPECT_EQ(PolynomialFeatures::truncated_size(50, {3}), 23425);
  EXPECT_EQ(PolynomialFeatures::truncated_size(1000, {8}), -1);
  EXPECT_THROW(PolynomialFeatures::total_degree(unit_inputs(1000), 8), UsageError);
  EXPECT_EQ(PolynomialFeatures::total_degree(unit_inputs(3), 0).size(), 0);
}

TEST(PolynomialFeatures, ValuesAndDerivatives) {
  Standardisation inputs{Vector::Constant(2, 0.5), Vector::Constant(2, 2.0)};
  const auto f = PolynomialFeatures::total_degree(inputs, 3);
  const double x[2] = {2.0, -1.0};
  const double a = 3.0, b = -3.0;
  Workspace workspace;
  Vector values(9);
  Matrix derivatives(2, 9);
  f.evaluate(x, values.data(), workspace);
  f.derivatives(x, derivatives.data(), workspace);
  const double expected[9] = {a, b, a * a, a * b, b * b, a * a * a, a * a * b, a * b * b, b * b * b};
  const double da[9] = {1, 0, 2 * a, b, 0, 3 * a * a, 2 * a * b, b * b, 0};
  const double db[9] = {0, 1, 0, a, 2 * b, 0, a * a, 2 * a * b, 3 * b * b};
  for (Index t = 0; t < 9; ++t) {
    EXPECT_DOUBLE_EQ(values[t], expected[t]);
    EXPECT_DOUBLE_EQ(derivatives(0, t), 2.0 * da[t]);
    EXPECT_DOUBLE_EQ(derivatives(1, t), 2.0 * db[t]);
  }
  EXPECT_EQ(f.subset({3, 8}).names(), (std::vector<std::string>{"x0 x1", "x1^3"}));
  EXPECT_THROW(PolynomialFeatures(inputs, Exponents::Zero(1, 2)), UsageError);
}

// Least squares with an intercept, by brute force, of the smallest norm; the prediction at f.
double brute_prediction(const Eigen::MatrixXd& F, const Vector& y, double alpha, const Vector& f) {
  const Vector mean = F.colwise().mean();
  const Eigen::MatrixXd C = F.rowwise() - mean.transpose();
  const Vector centred = y.array() - y.mean();
  Vector b;
  if (alpha > 0.0) {
    const Eigen::MatrixXd A = C.transpose() * C + alpha * Eigen::MatrixXd::Identity(F.cols(), F.cols());
    b = A.llt().solve(C.transpose() * centred);
  } else {
    b = C.completeOrthogonalDecomposition().solve(centred);
  }
  return y.mean() + b.dot(f - mean);
}

Vector brute_leave_one_out(const Eigen::MatrixXd& F, const Vector& y, double alpha) {
  Vector e(y.size());
  for (Index i = 0; i < y.size(); ++i) {
    Eigen::MatrixXd rest(F.rows() - 1, F.cols());
    Vector others(F.rows() - 1);
    for (Index r = 0, to = 0; r < F.rows(); ++r)
      if (r != i) {
        rest.row(to) = F.row(r);
        others[to++] = y[r];
      }
    e[i] = y[i] - brute_prediction(rest, others, alpha, F.row(i));
  }
  return e;
}

struct Case {
  Index n, d, degree;
};

TEST(Ridge, ClosedFormLeaveOneOutEqualsRefits) {
  SerialExecutor serial;
  for (const Case c : {Case{30, 3, 2}, Case{12, 3, 3}, Case{10, 3, 2}, Case{5, 1, 1}}) {
    const Matrix X = uniform(c.n, c.d, 31);
    const auto table =
        make_feature_table(PolynomialFeatures::total_degree(Standardisation::of(X), c.degree), X);
    const Decomposition d = decompose(table.columns, serial);
    Vector y(c.n);
    for (Index i = 0; i < c.n; ++i) y[i] = std::exp(X(i, 0)) + std::sin(5.0 * X(i, c.d - 1));
    const Vector centred = y.array() - y.mean();
    for (const double alpha : {0.0, 1e-6, 0.1, 10.0}) {
      const auto fits = fit_ridge(d, centred, {alpha}, RidgeSelection::leave_one_out, serial).outputs;
      const Vector expected = brute_leave_one_out(table.columns, y, alpha);
      EXPECT_NEAR((fits[0].leave_one_out - expected).norm() / expected.norm(), 0.0, 1e-7)
          << c.n << " points, degree " << c.degree << ", alpha " << alpha;
    }
  }
}

TEST(Ridge, PathTakesTheSmallestLeaveOneOutError) {
  SerialExecutor serial;
  const Matrix X = uniform(25, 2, 32);
  RandomStream random(33);
  Vector y(25);
  for (Index i = 0; i < 25; ++i) y[i] = X(i, 0) + 0.5 * random.normal();
  const auto table = make_feature_table(PolynomialFeatures::total_degree(Standardisation::of(X), 3), X);
  const Decomposition d = decompose(table.columns, serial);
  const std::vector<double> alphas = {100.0, 30.0, 10.0, 3.0, 1.0, 0.1, 1e-3};
  const Eigen::MatrixXd centred = y.array() - y.mean();
  const RidgeFits fits = fit_ridge(d, centred, alphas, RidgeSelection::leave_one_out, serial);
  const RidgeFit& fit = fits.outputs[0];
  double best = INFINITY, chosen = 0.0;
  for (std::size_t a = 0; a < alphas.size(); ++a) {
    const double mse = brute_leave_one_out(table.columns, y, alphas[a]).squaredNorm() / 25.0;
    EXPECT_NEAR(fits.leave_one_out(static_cast<Index>(a), 0), mse, 1e-9 * mse);
    if (mse < best) {
      best = mse;
      chosen = alphas[a];
    }
  }
  EXPECT_EQ(fit.alpha, chosen);
  EXPECT_GT(chosen, 0.1);  // the noise asks for a penalty
}

TEST(Ridge, GramAndSingularValuesAgree) {
  SerialExecutor serial;
  Matrix F = uniform(400, 80, 34);
  const Standardisation s = Standardisation::of(F);
  const Eigen::MatrixXd columns = s.apply(F);
  const Decomposition d = decompose(columns, serial);
  ASSERT_TRUE(d.way == Decomposition::Way::gram);
  const Vector y = columns.col(0) + uniform(400, 1, 35).col(0);
  const Vector centred = y.array() - y.mean();
  for (const double alpha : {0.0, 1.0}) {
    const auto fit = fit_ridge(d, centred, {alpha}, RidgeSelection::leave_one_out, serial).outputs[0];
    const Vector b = d.v * fit.gamma;
    EXPECT_NEAR(b.dot(columns.row(7)) + y.mean(), brute_prediction(columns, y, alpha, columns.row(7)), 1e-11);
  }
  // Nearly dependent columns: the Gram matrix would lose half of the digits.
  Eigen::MatrixXd dependent = columns;
  dependent.col(79) = columns.col(78) + 1e-5 * columns.col(79);
  EXPECT_FALSE(decompose(dependent, serial).way == Decomposition::Way::gram);
  EXPECT_TRUE(decompose(dependent, serial).full_rank());
}

TEST(Linear, ExactForPolynomialsOfItsDegree) {
  TrainingData data;
  data.x = uniform(30, 2, 36).array() * 1e5 + 3e5;
  data.y.resize(30, 1);
  const auto truth = [](double a, double b) { return 2.0 + a * 1e-5 - b * b * 1e-9 + 3e-10 * a * b; };
  for (Index i = 0; i < 30; ++i) data.y(i, 0) = truth(data.x(i, 0), data.x(i, 1));
  const Fit f = make_regressor("linear", {{"degree", 2.0}})->fit(data, {});
  Matrix X(1, 2);
  X << 3.4e5, 4.5e5;  // outside of the data
  EXPECT_NEAR(predict(*f.predictor, X)(0, 0), truth(3.4e5, 4.5e5), 1e-10);
  EXPECT_TRUE(f.summary.warnings.empty()) << all_warnings(f.summary);
  EXPECT_LT(predict_variance(*f.predictor, X).second(0, 0), 1e-20);
}

TEST(Linear, UndeterminedCoefficientsAreReported) {
  TrainingData data = smooth(30, 37);
  data.x.col(2) = data.x.col(0) * 2.0;
  const Fit f = make_regressor("linear")->fit(data, {});
  EXPECT_NE(all_warnings(f.summary).find("2 of 3"), std::string::npos) << all_warnings(f.summary);
  TrainingData two = data;
  two.x = data.x.leftCols(2);
  const Fit reduced = make_regressor("linear")->fit(two, {});
  EXPECT_NEAR((predict(*f.predictor, data.x) - predict(*reduced.predictor, two.x)).norm(), 0.0, 1e-10);
  // At right angles to the plane that the data lie in, nothing is known.
  Matrix on = data.x.topRows(1), off = on;
  off(0, 0) += 0.5;
  off(0, 2) -= 1.0;
  EXPECT_GT(predict_variance(*f.predictor, off).second(0, 0),
            1.05 * predict_variance(*f.predictor, on).second(0, 0));
  // Fewer points than features: interpolation, certain at the points and not between them.
  const TrainingData few = smooth(6, 38);
  const Fit interpolation = make_regressor("linear", {{"degree", 2.0}})->fit(few, {});
  EXPECT_NEAR((predict(*interpolation.predictor, few.x) - few.y).cwiseAbs().maxCoeff(), 0.0, 1e-9);
  EXPECT_LT(predict_variance(*interpolation.predictor, few.x).second.maxCoeff(), 1e-9);
  EXPECT_GT(predict_variance(*interpolation.predictor, uniform(5, 3, 39)).second.minCoeff(), 1e-6);
}

TEST(Ridge, VarianceIsTheDocumentedFormula) {
  for (const Index n : {25, 12}) {  // more and fewer points than the 19 features
    const TrainingData data = smooth(n, 40, 0.1);
    const double alpha = 0.7;
    const Fit f = make_regressor("ridge", {{"degree", 3.0}, {"alpha", alpha}})->fit(data, {});
    const auto table =
        make_feature_table(PolynomialFeatures::total_degree(Standardisation::of(data.x), 3), data.x);
    const Eigen::MatrixXd& F = table.columns;
    const Index m = F.cols();
    ASSERT_EQ(m, 19);
    const Eigen::MatrixXd inverse = (F.transpose() * F + alpha * Eigen::MatrixXd::Identity(m, m)).inverse();
    const double count = static_cast<double>(n);
    double s2 = 0.0;
    const Vector e = brute_leave_one_out(F, data.y.col(0), alpha);
    for (Index i = 0; i < n; ++i) {
      const double left = 1.0 - 1.0 / count - F.row(i).dot(inverse * F.row(i).transpose());
      s2 += (n > m ? std::max(left, 0.1) : left) * e[i] * e[i] / count;
    }
    const Matrix X = uniform(5, 3, 41);
    const Matrix features = table.scaling.apply(table.features.evaluate(X));
    const auto [mean, variance] = predict_variance(*f.predictor, X, Noise::observed);
    for (Index i = 0; i < 5; ++i) {
      const Vector row = features.row(i);
      EXPECT_NEAR(variance(i, 0), s2 * (1.0 + 1.0 / count + row.dot(inverse * row)), 1e-9 * variance(i, 0));
      EXPECT_NEAR(mean(i, 0), brute_prediction(F, data.y.col(0), alpha, row), 1e-10);
    }
  }
}

TEST(Ridge, StandardisedLeaveOneOutResidualsHaveMeanSquareOne) {
  const Fit f = make_regressor("ridge", {{"degree", 2.0}})->fit(smooth(60, 42, 0.2), {});
  for (Index j = 0; j < 2; ++j) {
    const auto z = f.summary.leave_one_out.col(j).array() / f.summary.leave_one_out_std.col(j).array();
    EXPECT_NEAR(z.square().mean(), 1.0, 1e-10);
  }
}

TEST(Ridge, KnownNoiseIsTakenOffTheLatentVariance) {
  TrainingData data = smooth(200, 43, 0.3);
  data.noise_std.resize(200, 2);
  data.noise_std.col(0).setConstant(0.3);
  data.noise_std.col(1).setConstant(6.0);
  const Fit f = make_regressor("ridge")->fit(data, {});
  const Matrix X = uniform(5, 3, 44);
  const auto latent = predict_variance(*f.predictor, X, Noise::latent).second;
  const auto observed = predict_variance(*f.predictor, X, Noise::observed).second;
  for (Index i = 0; i < 5; ++i) {
    EXPECT_NEAR(observed(i, 0) - latent(i, 0), 0.09, 0.03);
    EXPECT_NEAR(observed(i, 1) - latent(i, 1), 36.0, 8.0);
    EXPECT_GT(latent(i, 0), 0.0);
  }
  data.noise_std(3, 1) = -1.0;
  EXPECT_THROW(make_regressor("ridge")->fit(data, {}), DataError);
}

TEST(Ridge, DegreeIsChosenByLeaveOneOut) {
  TrainingData data;
  data.x = uniform(60, 2, 45);
  data.y.resize(60, 1);
  RandomStream random(46);
  for (Index i = 0; i < 60; ++i)
    data.y(i, 0) = std::pow(data.x(i, 0) - 0.5, 2) + data.x(i, 1) * data.x(i, 0) + 0.01 * random.normal();
  const auto degree_of = [](const Fit& f) {
    for (const auto& [name, value] : f.summary.facts)
      if (name == "degree") return value;
    return std::string("none");
  };
  EXPECT_EQ(degree_of(make_regressor("ridge")->fit(data, {})), "2");
  EXPECT_EQ(degree_of(make_regressor("ridge", {{"degree", 1.0}})->fit(data, {})), "1");
  EXPECT_THROW(make_regressor("ridge", {{"degree", 0.0}}), UsageError);
  EXPECT_THROW(make_regressor("ridge", {{"degree", std::string("two")}}), UsageError);
  EXPECT_THROW(make_regressor("ridge", {{"alpha", 0.0}}), UsageError);
}

TEST(Mean, AverageAndVarianceOfANewValue) {
  TrainingData data;
  data.x = uniform(4, 1, 47);
  data.y.resize(4, 1);
  data.y << 1.0, 2.0, 3.0, 6.0;
  const Fit f = make_regressor("mean")->fit(data, {});
  const auto [mean, variance] = predict_variance(*f.predictor, data.x, Noise::observed);
  // s² = Σ (1 - 1/n) (e n / (n - 1))² / n = Σ e² / (n - 1) = 14/3; of a new value: s² (1 + 1/n).
  EXPECT_DOUBLE_EQ(mean(0, 0), 3.0);
  EXPECT_NEAR(variance(2, 0), 14.0 / 3.0 * 1.25, 1e-12);
}

TEST(Polynomial, TooFarAwayIsAnErrorAndNotANan) {
  const Fit f = make_regressor("linear", {{"degree", 3.0}})->fit(smooth(40, 48), {});
  EXPECT_THROW(predict(*f.predictor, Matrix::Constant(1, 3, 1e200)), NumericalError);
}

}  // namespace
}  // namespace ersatz
