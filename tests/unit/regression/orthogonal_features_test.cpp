// Families of polynomials, truncations, and coefficients in raw units.
#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <set>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/coefficients.hpp"
#include "ersatz/regression/polynomial_features.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz {
namespace {

using namespace problems;
using Family = PolynomialFamily;

Standardisation unit_inputs(Index d) { return {Vector::Zero(d), Vector::Ones(d)}; }

// One input, degrees 1 … top.
PolynomialFeatures single(Family family, Index top) {
  return PolynomialFeatures::truncated(unit_inputs(1), {top}, {family});
}

TEST(OrthogonalFeatures, LowDegrees) {
  Workspace workspace;
  for (const double z : {-1.0, -0.3, 0.0, 0.7, 1.0, 2.5}) {
    double f[4];
    single(Family::legendre, 4).evaluate(&z, f, workspace);
    EXPECT_NEAR(f[0], std::sqrt(3.0) * z, 1e-13);
    EXPECT_NEAR(f[1], std::sqrt(5.0) * (3 * z * z - 1) / 2, 1e-13);
    EXPECT_NEAR(f[2], std::sqrt(7.0) * (5 * z * z * z - 3 * z) / 2, 1e-12);
    EXPECT_NEAR(f[3], 3.0 * (35 * std::pow(z, 4) - 30 * z * z + 3) / 8, 1e-11);
    single(Family::hermite, 4).evaluate(&z, f, workspace);
    EXPECT_NEAR(f[0], z, 1e-13);
    EXPECT_NEAR(f[1], (z * z - 1) / std::sqrt(2.0), 1e-13);
    EXPECT_NEAR(f[2], (z * z * z - 3 * z) / std::sqrt(6.0), 1e-12);
    EXPECT_NEAR(f[3], (std::pow(z, 4) - 6 * z * z + 3) / std::sqrt(24.0), 1e-11);
  }
}

// Gauss quadrature by the eigenvalues of the Jacobi matrix (Golub & Welsch 1969), exact up to degree 2 n - 1.
TEST(OrthogonalFeatures, OrthonormalForTheirDensity) {
  for (const Family family : {Family::legendre, Family::hermite}) {
    // Weights below rounding would count for Hermite polynomials of high degree.
    const int n = family == Family::legendre ? 24 : 12, top = n - 2;
    Eigen::MatrixXd jacobi = Eigen::MatrixXd::Zero(n, n);
    for (int k = 1; k < n; ++k)
      jacobi(k, k - 1) = jacobi(k - 1, k) =
          family == Family::legendre ? k / std::sqrt(4.0 * k * k - 1.0) : std::sqrt(static_cast<double>(k));
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> nodes(jacobi);
    const Matrix F = single(family, top).evaluate(Matrix(nodes.eigenvalues()));
    const Vector weights = nodes.eigenvectors().row(0).cwiseAbs2();
    const Matrix gram = F.transpose() * weights.asDiagonal() * F;
    EXPECT_NEAR((gram - Matrix::Identity(top, top)).cwiseAbs().maxCoeff(), 0.0, 1e-10) << to_string(family);
    EXPECT_NEAR((weights.transpose() * F).cwiseAbs().maxCoeff(), 0.0, 1e-11);
  }
}

TEST(OrthogonalFeatures, DerivativesAgreeWithDifferences) {
  Standardisation inputs{Vector::Constant(3, 0.4), Vector::Constant(3, 1.7)};
  const auto f =
      PolynomialFeatures::truncated(inputs, {5}, {Family::legendre, Family::hermite, Family::powers});
  const Index m = f.size();
  Workspace workspace;
  Matrix derivatives(3, m);
  Vector low(m), high(m);
  double x[3] = {0.1, 0.9, -0.2};
  f.derivatives(x, derivatives.data(), workspace);
  for (Index k = 0; k < 3; ++k) {
    const double at = x[k], step = 1e-5;
    x[k] = at - step;
    f.evaluate(x, low.data(), workspace);
    x[k] = at + step;
    f.evaluate(x, high.data(), workspace);
    x[k] = at;
    for (Index t = 0; t < m; ++t)
      EXPECT_NEAR(derivatives(k, t), (high[t] - low[t]) / (2 * step),
                  1e-6 * (1.0 + std::abs(derivatives(k, t))));
  }
  EXPECT_FALSE(f.orthonormal());
  EXPECT_EQ(f.subset({0, 2, 3}).names({"a", "b", "c"}), (std::vector<std::string>{"P1(a)", "c", "P2(a)"}));
}

TEST(OrthogonalFeatures, TruncationsAreTheirDefinition) {
  for (const double q : {0.4, 0.5, 0.75, 1.0})
    for (const Index degree : {1, 3, 6}) {
      std::set<std::vector<int>> expected;
      for (int code = 1; code < 7 * 7 * 7; ++code) {
        const std::vector<int> e = {code % 7, code / 7 % 7, code / 49};
        const double norm = std::pow(std::pow(e[0], q) + std::pow(e[1], q) + std::pow(e[2], q), 1.0 / q);
        if (norm <= static_cast<double>(degree) * (1.0 + 1e-9)) expected.insert(e);
      }
      const auto f = PolynomialFeatures::truncated(unit_inputs(3), {degree, q});
      std::set<std::vector<int>> found;
      int total = 0;
      for (Index t = 0; t < f.size(); ++t) {
        found.insert({f.exponents()(t, 0), f.exponents()(t, 1), f.exponents()(t, 2)});
        EXPECT_GE(f.exponents().row(t).sum(), total);  // by total degree
        total = f.exponents().row(t).sum();
      }
      EXPECT_EQ(found, expected) << "q " << q << ", degree " << degree;
      EXPECT_EQ(f.size(), static_cast<Index>(expected.size()));
      EXPECT_EQ(PolynomialFeatures::truncated_size(3, {degree, q}), f.size());
    }
  EXPECT_EQ(PolynomialFeatures::truncated_size(60, {40, 0.9}), -1);
  EXPECT_THROW(PolynomialFeatures::truncated(unit_inputs(2), {2, 0.0}), UsageError);
  EXPECT_THROW(PolynomialFeatures::truncated(unit_inputs(2), {2, 1.5}), UsageError);
  EXPECT_THROW(PolynomialFeatures::truncated(unit_inputs(2), {2}, {Family::legendre}), UsageError);
}

TEST(OrthogonalFeatures, SameSpaceSameLeastSquares) {
  TrainingData data = smooth(60, 61, 0.05);
  data.input_lower = Vector::Constant(3, -0.1);
  data.input_upper = Vector::Constant(3, 1.3);
  const Matrix X = uniform(20, 3, 62);
  const Settings powers = {{"degree", 3.0}};
  const Matrix expected = predict(*make_regressor("linear", powers)->fit(data, {}).predictor, X);
  for (const char* family : {"legendre", "hermite"}) {
    const Fit f =
        make_regressor("linear", {{"degree", 3.0}, {"features", std::string(family)}})->fit(data, {});
    EXPECT_NEAR((predict(*f.predictor, X) - expected).cwiseAbs().maxCoeff(), 0.0, 1e-9) << family;
  }
}

// Π x_k^e_k by the book.
double monomial(const Exponents& exponents, Index t, const double* x) {
  double product = 1.0;
  for (Index k = 0; k < exponents.cols(); ++k)
    for (int e = 0; e < exponents(t, k); ++e) product *= x[k];
  return product;
}

TEST(Coefficients, RawPolynomialIsThePrediction) {
  TrainingData data = borehole_data(150, 63);
  data.x.conservativeResize(150, 9);
  data.x.col(8).setConstant(42.0);
  data.input_names.push_back("fixed");
  data.y.conservativeResize(150, 2);
  data.y.col(1) = data.x.col(3).cwiseProduct(data.x.col(7)) * 1e-3 + data.x.col(0);
  for (const auto& [name, settings] : std::vector<std::pair<std::string, Settings>>{
           {"mean", {}},
           {"linear", {}},
           {"linear", {{"degree", 2.0}, {"q_norm", 0.5}}},
           {"ridge", {{"degree", 2.0}}},
           {"ridge", {{"degree", 3.0}, {"selection", std::string("gcv")}}},
           {"lasso", {{"degree", 2.0}}}}) {
    const Fit f = make_regressor(name, settings)->fit(data, {});
    const PolynomialCoefficients c = polynomial_coefficients(*f.predictor, data.input_names);
    const TrainingData test = borehole_data(30, 64);
    Matrix X = Matrix::Constant(30, 9, 42.0);
    X.leftCols(8) = test.x;
    const Matrix expected = predict(*f.predictor, X);
    ASSERT_EQ(c.coefficients.rows(), c.terms.size());
    ASSERT_EQ(c.names.size(), static_cast<std::size_t>(c.terms.size()));
    EXPECT_TRUE(c.scaling.empty());
    for (Index j = 0; j < 2; ++j) {
      const double spread = std::sqrt((data.y.col(j).array() - data.y.col(j).mean()).square().mean());
      for (Index i = 0; i < 30; ++i) {
        double sum = c.intercept[j], largest = std::abs(sum);
        for (Index t = 0; t < c.terms.size(); ++t) {
          const double term = c.coefficients(t, j) * monomial(c.terms.exponents(), t, X.row(i).data());
          sum += term;
          largest = std::max(largest, std::abs(term));
        }
        EXPECT_NEAR(sum, expected(i, j), 1e-12 * spread + 1e-14 * largest)
            << name << ", largest term " << largest;
      }
    }
  }
}

TEST(Coefficients, NamesAndValuesOfAKnownPolynomial) {
  TrainingData data;
  data.x = uniform(40, 3, 65).array() * 4.0 + 1.0;
  data.y.resize(40, 1);
  data.input_names = {"b1", "b2", "b3"};
  for (Index i = 0; i < 40; ++i)
    data.y(i, 0) = 7.0 - 2.0 * data.x(i, 1) + 0.5 * data.x(i, 0) * data.x(i, 0) * data.x(i, 2);
  const Fit f = make_regressor("linear", {{"degree", 3.0}})->fit(data, {});
  const PolynomialCoefficients c = polynomial_coefficients(*f.predictor, data.input_names);
  EXPECT_NEAR(c.intercept[0], 7.0, 1e-8);
  for (Index t = 0; t < c.terms.size(); ++t) {
    const std::string& name = c.names[static_cast<std::size_t>(t)];
    const double expected = name == "b2" ? -2.0 : (name == "b1^2 b3" ? 0.5 : 0.0);
    EXPECT_NEAR(c.coefficients(t, 0), expected, 1e-8) << name;
  }
  std::string told;
  for (const auto& [name, value] : f.summary.facts)
    if (name == "largest coefficients of output 0") told = value;
  EXPECT_EQ(told.substr(0, 31), "intercept 7, b1^2 b3 0.5, b2 -2") << told;
  EXPECT_THROW(polynomial_coefficients(*f.predictor, {"a"}), UsageError);
  EXPECT_THROW(polynomial_coefficients(*make_regressor("knn")->fit(data, {}).predictor), UsageError);
}

TEST(Coefficients, OrthogonalTermsKeepTheirVariable) {
  TrainingData data;
  data.x = uniform(50, 2, 66);
  data.input_names = {"a", "b"};
  data.input_lower = Vector::Zero(2);
  data.input_upper = Vector::Constant(2, 2.0);
  data.y.resize(50, 1);
  for (Index i = 0; i < 50; ++i) data.y(i, 0) = 3.0 + 2.0 * data.x(i, 0) * data.x(i, 1);
  const Fit f = make_regressor("chaos")->fit(data, {});
  const PolynomialCoefficients c = polynomial_coefficients(*f.predictor, data.input_names);
  // a b = (za + 1) (zb + 1), za = P1 / sqrt 3
  EXPECT_NEAR(c.intercept[0], 5.0, 1e-12);
  double sum = 0.0;
  for (Index t = 0; t < c.terms.size(); ++t) {
    const std::string& name = c.names[static_cast<std::size_t>(t)];
    const bool alone = name == "P1(a)" || name == "P1(b)";
    EXPECT_NEAR(c.coefficients(t, 0),
                alone ? 2.0 / std::sqrt(3.0) : (name == "P1(a) P1(b)" ? 2.0 / 3.0 : 0.0), 1e-12)
        << name;
    sum += c.coefficients(t, 0);
  }
  EXPECT_NEAR(sum, 4.0 / std::sqrt(3.0) + 2.0 / 3.0, 1e-11);  // none is missing
  ASSERT_EQ(c.scaling.size(), 2u);
  EXPECT_EQ(c.scaling[1], "P_e(b) = sqrt(2e+1) Legendre_e(z), z = (b - 1) / 1");
  const Matrix X = uniform(5, 2, 67);
  const Matrix terms = c.terms.evaluate(X);
  EXPECT_NEAR(
      ((terms * c.coefficients).array() + c.intercept[0] - predict(*f.predictor, X).array()).abs().maxCoeff(),
      0.0, 1e-12);
}

}  // namespace
}  // namespace ersatz
