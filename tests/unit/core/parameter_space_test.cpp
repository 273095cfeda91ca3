// Maps, constraints and errors of parameter spaces.

#include "ersatz/core/parameter_space.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ersatz/core/error.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;

constexpr double pi = 3.14159265358979323846;

ParameterSpace binary() {
  return ParameterSpace({{"q", "", 1.0, 8.0, Scale::linear},
                         {"mass", "Msun", 1e-3, 1e4, Scale::log},
                         {"phase", "rad", -1.0, 2.0 * pi - 1.0, Scale::periodic},
                         {"sx", "", -0.8, 0.8},
                         {"sy", "", -0.8, 0.8},
                         {"sz", "", -0.8, 0.8}},
                        {{{3, 4, 5}, 0.8}});
}

TEST(ParameterSpace, UnitCubeRoundTrip) {
  const ParameterSpace space = binary();
  RandomStream random(1);
  Vector u(6), x(6), back(6);
  for (int i = 0; i < 2000; ++i) {
    for (double& v : u) v = random.uniform();
    space.from_unit(u.data(), x.data());
    EXPECT_TRUE(space.contains(x.data())) << space.why_outside(x.data());
    space.to_unit(x.data(), back.data());
    EXPECT_LT((back - u).cwiseAbs().maxCoeff(), 1e-9);
  }
}

TEST(ParameterSpace, KnownPoints) {
  const ParameterSpace space = binary();
  Vector x(6);
  const Vector middle = Vector::Constant(6, 0.5);
  space.from_unit(middle.data(), x.data());
  EXPECT_DOUBLE_EQ(x[0], 4.5);
  EXPECT_NEAR(x[1], std::sqrt(10.0), 1e-14);  // the geometric mean of 1e-3 and 1e4
  EXPECT_NEAR(x[2], pi - 1.0, 1e-14);
  EXPECT_NEAR(x[3], -0.4, 1e-15);  // half the radius, in the plane, at azimuth π
  EXPECT_NEAR(x[4], 0.0, 1e-15);
  EXPECT_NEAR(x[5], 0.0, 1e-15);
  for (const double corner : {0.0, 1.0}) {
    const Vector u = Vector::Constant(6, corner);
    space.from_unit(u.data(), x.data());
    EXPECT_EQ(x[0], corner == 0.0 ? 1.0 : 8.0);
    EXPECT_EQ(x[1], corner == 0.0 ? 1e-3 : 1e4);
    EXPECT_TRUE(space.contains(x.data()));
  }
}

// A direction that is isotropic has E[n] = 0, E[n_i n_j] = δ_ij / 3, E[n_i⁴] = 1/5; a length uniform in 0 … R
// has E[r] = R/2, E[r²] = R²/3. Bounds are five standard deviations of the means of 40000 draws.
TEST(ParameterSpace, BallIsUniformInLengthAndIsotropic) {
  const ParameterSpace space = binary();
  RandomStream random(2);
  const Index n = 40000;
  const Matrix X = space.sample(n, random);
  Eigen::Vector3d mean = Eigen::Vector3d::Zero(), fourth = mean;
  Eigen::Matrix3d second = Eigen::Matrix3d::Zero();
  double length = 0.0, square = 0.0;
  for (Index i = 0; i < n; ++i) {
    const Eigen::Vector3d s = X.row(i).tail(3).transpose();
    const Eigen::Vector3d direction = s.normalized();
    mean += direction;
    second += direction * direction.transpose();
    fourth += direction.array().pow(4).matrix();
    length += s.norm() / 0.8;
    square += s.squaredNorm() / 0.64;
  }
  const double count = static_cast<double>(n), root = std::sqrt(count);
  EXPECT_LT((mean / count).cwiseAbs().maxCoeff(), 5.0 * std::sqrt(1.0 / 3.0) / root);
  EXPECT_LT((second / count - Eigen::Matrix3d::Identity() / 3.0).cwiseAbs().maxCoeff(),
            5.0 * std::sqrt(1.0 / 5.0 - 1.0 / 9.0) / root);
  EXPECT_LT((fourth / count - Eigen::Vector3d::Constant(0.2)).cwiseAbs().maxCoeff(), 5.0 * 0.27 / root);
  EXPECT_NEAR(length / count, 0.5, 5.0 * std::sqrt(1.0 / 12.0) / root);
  EXPECT_NEAR(square / count, 1.0 / 3.0, 5.0 * 0.3 / root);
}

TEST(ParameterSpace, SaysWhatIsViolated) {
  const ParameterSpace space(
      {{"a", "m", 0.0, 1.0}, {"b", "", -1.0, 1.0}, {"c", "", -1.0, 1.0}, {"d", "", -1.0, 1.0}},
      {{{1, 2, 3}, 0.9}}, {{Eigen::Vector4d(1.0, 1.0, 0.0, 0.0), 1.2}});
  const double inside[] = {0.5, 0.1, 0.2, 0.3};
  EXPECT_TRUE(space.contains(inside));
  EXPECT_EQ(space.why_outside(inside), "");
  const double box[] = {1.5, 0.0, 0.0, 0.0};
  EXPECT_FALSE(space.contains(box));
  EXPECT_EQ(space.why_outside(box), "a = 1.5 is outside of 0 to 1 m");
  const double ball[] = {0.0, 0.9, 0.9, 0.0};
  EXPECT_FALSE(space.contains(ball));
  EXPECT_NE(space.why_outside(ball).find("(b, c, d)"), std::string::npos);
  const double plane[] = {1.0, 0.5, 0.0, 0.0};
  EXPECT_FALSE(space.contains(plane));
  EXPECT_NE(space.why_outside(plane).find("linear constraint"), std::string::npos);
  const double nan[] = {0.5, std::numeric_limits<double>::quiet_NaN(), 0.0, 0.0};
  EXPECT_FALSE(space.contains(nan));
  EXPECT_NE(space.why_outside(nan), "");
  // On the very edge, off by rounding.
  const double edge[] = {1.0 + 1e-14, 0.0, 0.0, 0.0};
  EXPECT_TRUE(space.contains(edge));
}

TEST(ParameterSpace, SamplesMeetConstraints) {
  const ParameterSpace triangle({{"a", ""}, {"b", ""}}, {}, {{Eigen::Vector2d(1.0, 1.0), 1.0}});
  RandomStream random(3);
  const Matrix X = triangle.sample(5000, random);
  for (Index i = 0; i < X.rows(); ++i) ASSERT_LE(X(i, 0) + X(i, 1), 1.0 + 1e-12);
  // Uniform in the triangle: the mean of each coordinate is 1/3, its variance 1/18.
  EXPECT_NEAR(X.col(0).mean(), 1.0 / 3.0, 5.0 * std::sqrt(1.0 / 18.0 / 5000.0));

  // The box of the members cuts the ball.
  const ParameterSpace half({{"x", "", 0.0, 1.0}, {"y", "", -1.0, 1.0}, {"z", "", -1.0, 1.0}},
                            {{{0, 1, 2}, 1.0}});
  EXPECT_FALSE(half.fills_cube());
  EXPECT_TRUE(binary().fills_cube());
  const Matrix Y = half.sample(500, random);
  for (Index i = 0; i < Y.rows(); ++i) ASSERT_TRUE(half.contains(Y.row(i).data()));

  const ParameterSpace nothing({{"a", ""}, {"b", ""}}, {}, {{Eigen::Vector2d(1.0, 1.0), -1.0}});
  EXPECT_THROW(nothing.sample(1, random), NumericalError);
}

TEST(ParameterSpace, RefusesWhatMakesNoSense) {
  const auto why = [](auto&&... arguments) {
    return message_of<UsageError>([&] { ParameterSpace(std::forward<decltype(arguments)>(arguments)...); });
  };
  using P = std::vector<Parameter>;
  using B = std::vector<BallConstraint>;
  using L = std::vector<LinearConstraint>;
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_NE(why(P{{"a", ""}, {"a", ""}}).find("'a' appears twice"), std::string::npos);
  EXPECT_NE(why(P{{"", ""}}).find("no name"), std::string::npos);
  EXPECT_NE(why(P{{"a", "", 2.0, 1.0}}).find("lower bound 2 is above upper bound 1"), std::string::npos);
  EXPECT_NE(why(P{{"a", "", 0.0, inf}}).find("finite"), std::string::npos);
  EXPECT_NE(why(P{{"a", "", 0.0, 1.0, Scale::log}}).find("log scale needs positive"), std::string::npos);
  const P three{{"a", ""}, {"b", ""}, {"c", ""}, {"d", "", 1.0, 2.0, Scale::log}};
  EXPECT_NE(why(three, B{{{0, 1, 4}, 1.0}}).find("no parameter number 4"), std::string::npos);
  EXPECT_NE(why(three, B{{{0, 1, 3}, 1.0}}).find("'d' must have a linear scale"), std::string::npos);
  EXPECT_NE(why(three, B{{{0, 1, 1}, 1.0}}).find("'b' is in two balls"), std::string::npos);
  EXPECT_NE(why(three, B{{{0, 1, 2}, 0.0}}).find("radius must be positive"), std::string::npos);
  EXPECT_NE(why(three, B{}, L{{Vector::Ones(3), 1.0}}).find("3 coefficients for 4 parameters"),
            std::string::npos);
  EXPECT_NE(why(three, B{}, L{{Vector::Ones(4), inf}}).find("finite"), std::string::npos);
  EXPECT_NE(message_of<UsageError>([&] { binary().index_of("mas"); }).find("q, mass, phase"),
            std::string::npos);
  EXPECT_EQ(binary().index_of("phase"), 2);
  for (const Scale s : {Scale::linear, Scale::log, Scale::periodic})
    EXPECT_EQ(scale_from_string(to_string(s)), s);
  EXPECT_THROW(scale_from_string("cubic"), UsageError);
}

TEST(ParameterSpace, OfData) {
  Matrix X(3, 2);
  X << 1.0, 5.0, 3.0, 5.0, 2.0, 5.0;
  const ParameterSpace space = space_of_data(X, {"a", "b"});
  EXPECT_EQ(space[0].lower, 1.0);
  EXPECT_EQ(space[0].upper, 3.0);
  Vector u(2), x(2);
  space.to_unit(X.row(1).data(), u.data());
  EXPECT_EQ(u[0], 1.0);
  EXPECT_EQ(u[1], 0.5);  // a parameter that does not vary
  space.from_unit(u.data(), x.data());
  EXPECT_EQ(x[1], 5.0);
  EXPECT_THROW(space_of_data(X, {"a"}), UsageError);
  EXPECT_THROW(space_of_data(X.topRows(0), {"a", "b"}), DataError);
}

}  // namespace
}  // namespace ersatz
