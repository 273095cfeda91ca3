// The in-plane direction of two spins: its symmetry, its derivative, its settings.

#include "ersatz/transform/in_plane_angle.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
const std::vector<std::string> names{"q", "chi1x", "chi1y", "chi1z", "chi2x", "chi2y", "chi2z"};

InPlaneAngle with(const Settings& settings) { return in_plane_angle(settings, names, "test"); }

TEST(InPlaneAngle, FollowsATurnOfBothSpins) {
  RandomStream random(1);
  const InPlaneAngle a = with({});
  for (int t = 0; t < 50; ++t) {
    double x[7] = {1.0 + 3.0 * random.uniform()}, y[7];
    for (int k = 1; k < 7; ++k) x[k] = random.uniform() - 0.5;
    std::copy(x, x + 7, y);
    const double beta = 6.0 * random.uniform(), c = std::cos(beta), s = std::sin(beta);
    for (const int k : {1, 4}) {
      y[k] = c * x[k] - s * x[k + 1];
      y[k + 1] = s * x[k] + c * x[k + 1];
    }
    EXPECT_LT(std::abs(a.direction(y) - a.direction(x) * std::polar(1.0, beta)), 1e-14);
    EXPECT_LT(std::abs(std::polar(1.0, a.angle(x)) - a.direction(x)), 1e-15);
  }
}

TEST(InPlaneAngle, ByHand) {
  // q = 3: m1 = 3/4, m2 = 1/4; S1 = 9/16 (0.1, 0), S2 = 1/16 (0, 0.9): equal parts.
  const double x[7] = {3.0, 0.1, 0.0, 0.5, 0.0, 0.9, 0.5};
  EXPECT_NEAR(with({}).angle(x), std::atan2(0.9, 0.9), 1e-15);
  EXPECT_NEAR(with({{"mass_power", 1.0}}).angle(x), std::atan2(0.9, 0.3), 1e-15);
  EXPECT_NEAR(with({{"weights", std::vector<double>{1.0, 0.0}}}).angle(x), 0.0, 1e-15);
  const InPlaneAngle equal = in_plane_angle({}, {names.begin() + 1, names.end()}, "test");
  EXPECT_EQ(equal.mass_ratio, -1);
  EXPECT_NEAR(equal.angle(x + 1), std::atan2(0.9, 0.1), 1e-15);
  const double aligned[7] = {3.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.5};
  EXPECT_EQ(with({}).angle(aligned), 0.0);
  EXPECT_EQ(with({}).direction(aligned), Complex(1.0, 0.0));
}

TEST(InPlaneAngle, DerivativeAgreesWithFiniteDifferences) {
  RandomStream random(2);
  for (const double power : {0.0, 1.0, 2.0}) {
    const InPlaneAngle a = with({{"mass_power", power}, {"weights", std::vector<double>{1.3, 0.7}}});
    double x[7] = {2.3, 0.3, -0.2, 0.1, 0.4, 0.5, -0.1}, dx[7], up[7], down[7];
    for (double& d : dx) d = random.normal();
    const double h = 1e-6;
    for (int k = 0; k < 7; ++k) {
      up[k] = x[k] + h * dx[k];
      down[k] = x[k] - h * dx[k];
    }
    EXPECT_NEAR(a.push(x, dx), (a.angle(up) - a.angle(down)) / (2.0 * h), 1e-8);
  }
}

TEST(InPlaneAngle, SavedAndLoaded) {
  h5::File file = h5::File::in_memory("angle.h5");
  const InPlaneAngle a = with({{"mass_power", 0.5}, {"weights", std::vector<double>{1.0, 0.25}}});
  a.save(file.root());
  const InPlaneAngle b = InPlaneAngle::load(file.root());
  EXPECT_EQ(b.spins, a.spins);
  EXPECT_EQ(b.weights, a.weights);
  EXPECT_EQ(b.mass_power, a.mass_power);
  EXPECT_EQ(b.mass_ratio, 0);
  EXPECT_TRUE(b.fits(7));
  EXPECT_FALSE(b.fits(5));
}

TEST(InPlaneAngle, MistakesAreNamed) {
  const auto why = [](const Settings& s) { return message_of<UsageError>([&] { with(s); }); };
  const auto list = [](std::vector<std::string> names) { return names; };
  EXPECT_NE(why({{"spins", list({"a", "chi1y", "chi2x", "chi2y"})}}).find("'a'"), std::string::npos);
  EXPECT_NE(why({{"spins", list({"chi1x"})}}).find("four"), std::string::npos);
  EXPECT_NE(why({{"spins", list({"chi1x", "chi1y", "chi1x", "chi2y"})}}).find("more than once"),
            std::string::npos);
  EXPECT_NE(why({{"mass_ratio", std::string("Q")}}).find("'Q'"), std::string::npos);
  EXPECT_NE(why({{"weights", std::vector<double>{0.0, 0.0}}}).find("not both zero"), std::string::npos);
}

}  // namespace
}  // namespace ersatz
