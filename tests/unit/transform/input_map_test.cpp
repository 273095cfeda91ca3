// Input maps against their formulas, their symmetries, their bounds, and finite differences.

#include "ersatz/transform/input_map.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/simulators/simulator.hpp"
#include "unit/storage/scratch.hpp"
#include "unit/transform/maps.hpp"

namespace ersatz {
namespace {

using testing::forward;
using testing::inverse;
using testing::message_of;
using Names = std::vector<std::string>;

ParameterSpace precessing() { return make_simulator("waveform")->space(); }

struct Case {
  std::string name;
  std::vector<InputStep> steps;
  Index outputs;
  bool invertible;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> list{
      {"nothing", {}, 7, true},
      {"log", {{"log", {{"parameters", Names{"q"}}}}}, 7, true},
      {"effective spins", {{"effective-spins", {}}}, 7, true},
      {"polar", {{"polar", {{"parameters", Names{"chi2x", "chi2y"}}}}}, 8, true},
      {"symmetry", {{"rotational-symmetry", {}}}, 6, false},
      {"symmetry, by spin 1",
       {{"rotational-symmetry", {{"weights", std::vector<double>{1.0, 0.0}}}}},
       6,
       false},
      {"symmetry, by spin 2",
       {{"rotational-symmetry", {{"weights", std::vector<double>{0.0, 1.0}}}}},
       6,
       false},
      {"symmetry, other masses", {{"rotational-symmetry", {{"mass_power", 0.7}}}}, 6, false},
      {"exchange of one",
       {{"exchange-symmetry", {{"first", Names{"chi1z"}}, {"second", Names{"chi2z"}}}}},
       7,
       false},
      {"exchange of three",
       {{"exchange-symmetry",
         {{"first", Names{"chi1x", "chi1y", "chi1z"}}, {"second", Names{"chi2x", "chi2y", "chi2z"}}}}},
       10,
       false},
      {"aligned", {{"aligned-spins", {}}}, 7, true},
      {"precessing", {{"precessing-spins", {}}}, 6, false},
      {"precessing, no symmetry", {{"precessing-spins", {{"symmetry", false}}}}, 7, true},
      {"aligned, then polar",
       {{"aligned-spins", {}}, {"polar", {{"parameters", Names{"chi1x", "chi1y"}}}}},
       8,
       true},
  };
  return list;
}

TEST(InputMap, ScalesLogarithmsAndCircles) {
  const ParameterSpace space({{"q", "", 1.0, 8.0},
                              {"phi", "rad", -1.0, 3.0, Scale::periodic},
                              {"mass", "", 1e-2, 1e2, Scale::log},
                              {"fixed", "", 4.0, 4.0},
                              {"psi", "deg", 0.0, 360.0, Scale::periodic}});
  const InputMap all = fit_input_map(space);
  const TransformPtr map = all.transform;
  EXPECT_EQ(map->inputs(), 5);
  EXPECT_EQ(map->outputs(), 7);
  EXPECT_EQ(all.names,
            (std::vector<std::string>{"q", "cos phi", "mass", "fixed", "cos psi", "sin phi", "sin psi"}));
  Vector units(7);
  units << 7.0, 1.0, std::log(1e4), 1.0, 1.0, 1.0, 1.0;
  EXPECT_EQ(all.units, units);
  Vector x(5);
  x << 4.5, 0.0, 10.0, 4.0, 270.0;
  const Vector u = forward(*map, x);
  Vector expected(7);
  expected << 0.5, 0.0, 0.75, 0.0, 0.0, 1.0, -1.0;  // phi is a quarter of a turn from its lower bound
  EXPECT_LT((u - expected).cwiseAbs().maxCoeff(), 1e-15);
  EXPECT_LT((inverse(*map, u) - x).cwiseAbs().maxCoeff(), 1e-12);
  // No seam: both ends of a period are one point.
  Vector low = x, high = x;
  low[1] = -1.0;
  high[1] = 3.0;
  EXPECT_LT((forward(*map, low) - forward(*map, high)).norm(), 1e-14);
  RandomStream random(1);
  const Matrix X = space.sample(200, random);
  EXPECT_LT((inverse_rows(*map, forward_rows(*map, X)) - X).cwiseAbs().maxCoeff(), 1e-11);
}

TEST(InputMap, EveryMapInsideItsBoundsAndBack) {
  const ParameterSpace space = precessing();
  RandomStream random(3);
  const Matrix X = space.sample(2000, random);
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const InputMap map = fit_input_map(space, c.steps);
    ASSERT_EQ(map.transform->inputs(), 7);
    ASSERT_EQ(map.transform->outputs(), c.outputs);
    ASSERT_EQ(static_cast<Index>(map.names.size()), c.outputs);
    ASSERT_EQ(map.units.size(), c.outputs);
    const Matrix Z = forward_rows(*map.transform, X);
    for (Index k = 0; k < c.outputs; ++k) {
      EXPECT_GE(Z.col(k).minCoeff(), map.bounds.lower[k] - 1e-14) << map.names[static_cast<std::size_t>(k)];
      EXPECT_LE(Z.col(k).maxCoeff(), map.bounds.upper[k] + 1e-14) << map.names[static_cast<std::size_t>(k)];
    }
    const Matrix back = inverse_rows(*map.transform, Z);
    if (c.invertible) {
      EXPECT_LT((back - X).cwiseAbs().maxCoeff(), 1e-13);
    }
    // Where it is not, what comes back stands for the same inputs. Square roots lose digits near zero.
    EXPECT_LT((forward_rows(*map.transform, back) - Z).cwiseAbs().maxCoeff(), 1e-12);
  }
}

TEST(InputMap, DerivativesAgreeWithFiniteDifferences) {
  const ParameterSpace space = precessing();
  RandomStream random(4);
  const Matrix X = space.sample(20, random);
  const double h = 1e-6;
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const TransformPtr t = fit_input_map(space, c.steps).transform;
    for (Index i = 0; i < X.rows(); ++i) {
      const Vector x = X.row(i).transpose();
      Vector dx(7);
      for (double& d : dx) d = random.normal();
      Vector dz(t->outputs()), dy(7);
      t->push_forward(x.data(), dx.data(), dz.data());
      const Vector slope = (forward(*t, x + h * dx) - forward(*t, x - h * dx)) / (2.0 * h);
      EXPECT_LT((dz - slope).norm(), 1e-5 * (1.0 + dz.squaredNorm()));
      // Along a curve of images: the inverse's derivative leads along what the inverse gives.
      const Vector z = forward(*t, x);
      t->push_inverse(z.data(), dz.data(), dy.data());
      const Vector returned =
          (inverse(*t, forward(*t, x + h * dx)) - inverse(*t, forward(*t, x - h * dx))) / (2.0 * h);
      EXPECT_LT((dy - returned).norm(), 1e-5 * (1.0 + dz.squaredNorm() + dy.squaredNorm()));
    }
  }
}

TEST(InputMap, VariancesOfTheInverseAreThoseOfItsDerivative) {
  const TransformPtr t = fit_input_map(precessing(), {{"aligned-spins", {}}}).transform;
  RandomStream random(5);
  const Vector x = precessing().sample(1, random).row(0).transpose(), z = forward(*t, x);
  Vector var_z(7), var_y(7), expected = Vector::Zero(7);
  for (Index k = 0; k < 7; ++k) var_z[k] = 0.1 + random.uniform();
  t->variance_inverse(z.data(), var_z.data(), var_y.data());
  const double h = 1e-6;
  for (Index k = 0; k < 7; ++k) {
    const Vector step = h * Vector::Unit(7, k);
    const Vector slope = (inverse(*t, z + step) - inverse(*t, z - step)) / (2.0 * h);
    expected += var_z[k] * slope.cwiseAbs2();
  }
  EXPECT_LT((var_y - expected).norm(), 1e-8 * expected.norm());
}

TEST(InputMap, SavedAndLoadedItGivesTheSameBits) {
  const ParameterSpace space = precessing();
  RandomStream random(6);
  const Matrix X = space.sample(50, random);
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const TransformPtr t = fit_input_map(space, c.steps).transform;
    const h5::File file = h5::File::in_memory("map");
    save_transform(file.root(), *t);
    const TransformPtr again = load_transform(file.root());
    EXPECT_EQ(forward_rows(*again, X), forward_rows(*t, X));
  }
}

// chi_hat by the published formula, from chi_eff.
TEST(InputMap, EffectiveSpinsByTheirFormula) {
  const ParameterSpace space({{"chi1z", "", -0.8, 0.8}, {"q", "", 1.0, 4.0}, {"chi2z", "", -0.8, 0.8}});
  const InputMap map = fit_input_map(space, {{"aligned-spins", {}}});
  EXPECT_EQ(map.names, (Names{"chi_hat", "chi_a", "log q"}));
  EXPECT_NEAR(map.units[0], 1.6, 1e-15);
  EXPECT_NEAR(map.units[1], 1.6, 1e-15);
  EXPECT_NEAR(map.units[2], std::log(4.0), 1e-15);
  for (const double q : {1.0, 2.5, 4.0})
    for (const double c1 : {-0.7, 0.0, 0.8})
      for (const double c2 : {-0.8, 0.3}) {
        const double m1 = q / (1.0 + q), m2 = 1.0 - m1, eta = m1 * m2;
        const double effective = m1 * c1 + m2 * c2;
        const double hat = (effective - 38.0 * eta / 113.0 * (c1 + c2)) / (1.0 - 76.0 * eta / 113.0);
        const Vector z = forward(*map.transform, (Vector(3) << c1, q, c2).finished());
        EXPECT_NEAR(z[0], (hat + 0.8) / 1.6, 1e-15);
        EXPECT_NEAR(z[1], (0.5 * (c1 - c2) + 0.8) / 1.6, 1e-15);
        EXPECT_NEAR(z[2], std::log(q) / std::log(4.0), 1e-15);
      }
}

TEST(InputMap, BoundsOfEffectiveSpinsAreReached) {
  const ParameterSpace space({{"q", "", 1.0, 8.0}, {"chi1z", "", -0.2, 0.9}, {"chi2z", "", 0.1, 0.5}});
  const InputMap map = fit_input_map(space, {{"effective-spins", {}}});
  RandomStream random(7);
  Matrix X = space.sample(20000, random);
  const Matrix Z = forward_rows(*map.transform, X);
  for (Index k = 0; k < 3; ++k) {
    EXPECT_GE(Z.col(k).minCoeff(), 0.0);
    EXPECT_LE(Z.col(k).maxCoeff(), 1.0);
    EXPECT_LT(Z.col(k).minCoeff(), 0.05);
    EXPECT_GT(Z.col(k).maxCoeff(), 0.95);
  }
}

TEST(InputMap, TurnedSpinsAreTheSameInputs) {
  const ParameterSpace space = precessing();
  RandomStream random(8);
  const Matrix X = space.sample(50, random);
  for (const double power : {0.0, 2.0}) {
    const TransformPtr t = fit_input_map(space, {{"precessing-spins", {{"mass_power", power}}}}).transform;
    for (Index i = 0; i < X.rows(); ++i) {
      const Vector x = X.row(i).transpose();
      const double beta = 6.3 * random.uniform(), c = std::cos(beta), s = std::sin(beta);
      Vector turned = x, other = x;
      for (const Index k : {1, 4}) {
        turned[k] = c * x[k] - s * x[k + 1];
        turned[k + 1] = s * x[k] + c * x[k + 1];
      }
      other[1] = -x[1];
      other[2] = -x[2];
      const Vector z = forward(*t, x);
      EXPECT_LT((forward(*t, turned) - z).norm(), 1e-13);
      EXPECT_GT((forward(*t, other) - z).norm(), 1e-3);
      // In the turned frame the weighted sum of the spins lies along x.
      const Vector canonical = inverse(*t, z);
      const double weight = std::pow(x[0], power);  // of spin 1 against spin 2
      EXPECT_NEAR(weight * canonical[2] + canonical[5], 0.0, 1e-13);
      EXPECT_GE(weight * canonical[1] + canonical[4], 0.0);
      EXPECT_NEAR(std::hypot(canonical[4], canonical[5]), std::hypot(x[4], x[5]), 1e-13);
      EXPECT_NEAR(std::hypot(canonical[1], canonical[2]), std::hypot(x[1], x[2]), 1e-13);
    }
  }
}

TEST(InputMap, AlignedSpinsHaveNoDirectionAndNoNaN) {
  const TransformPtr t = fit_input_map(precessing(), {{"precessing-spins", {}}}).transform;
  const Vector x = (Vector(7) << 2.0, 0.0, 0.0, 0.5, 0.0, 0.0, -0.5).finished();
  const Vector dx = Vector::Ones(7);
  Vector dz(6);
  t->push_forward(x.data(), dx.data(), dz.data());
  EXPECT_TRUE(forward(*t, x).allFinite());
  EXPECT_TRUE(dz.allFinite());
  EXPECT_LT((inverse(*t, forward(*t, x)) - x).norm(), 1e-14);
  const TransformPtr polar =
      fit_input_map(precessing(), {{"polar", {{"parameters", Names{"chi1x", "chi1y"}}}}}).transform;
  EXPECT_TRUE(forward(*polar, x).allFinite());
  EXPECT_LT((inverse(*polar, forward(*polar, x)) - x).norm(), 1e-14);
}

TEST(InputMap, ExchangedBodiesAreTheSameInputs) {
  const ParameterSpace space = precessing();
  RandomStream random(9);
  const Matrix X = space.sample(50, random);
  const TransformPtr t = fit_input_map(space, cases()[9].steps).transform;
  for (Index i = 0; i < X.rows(); ++i) {
    const Vector x = X.row(i).transpose();
    Vector exchanged = x, one = x;
    for (const Index k : {1, 2, 3}) std::swap(exchanged[k], exchanged[k + 3]);
    std::swap(one[1], one[4]);
    const Vector z = forward(*t, x), back = inverse(*t, z);
    EXPECT_LT((forward(*t, exchanged) - z).norm(), 1e-14);
    EXPECT_GT((forward(*t, one) - z).norm(), 1e-4);  // one component alone is another binary
    EXPECT_LT(std::min((back - x).norm(), (back - exchanged).norm()), 1e-13);
  }
}

TEST(InputMap, MistakesAreNamed) {
  const ParameterSpace space = precessing();
  const auto why = [&](const std::vector<InputStep>& steps) {
    return message_of<UsageError>([&] { fit_input_map(space, steps); });
  };
  const auto expect = [&](const std::vector<InputStep>& steps, const std::string& what) {
    const std::string message = why(steps);
    EXPECT_NE(message.find(what), std::string::npos) << message;
  };
  expect({{"logarithm", {}}}, "unknown input map 'logarithm'; known: log, effective-spins");
  expect({{"log", {{"parameters", Names{"Q"}}}}}, "needs 'Q'");
  expect({{"log", {}}}, "'parameters'");
  expect({{"log", {{"parameters", Names{"chi1z"}}}}}, "'chi1z' may be as low as -0.8");
  expect({{"log", {{"parameters", Names{"q"}}}}, {"effective-spins", {}}},
         "input map effective-spins needs 'q', which is not among the inputs at this step: chi1x");
  expect({{"effective-spins", {}}, {"effective-spins", {}}}, "needs 'chi1z'");
  expect({{"effective-spins", {{"spin", Names{"a", "b"}}}}}, "'spin'");
  expect({{"effective-spins", {{"spins", Names{"chi1z"}}}}}, "two parameters, got 1");
  expect({{"effective-spins", {{"mass_ratio", std::string("chi1z")}}}}, "'chi1z' twice");
  expect({{"effective-spins", {{"mass_ratio", std::string("chi1x")}}}}, "'chi1x' may be as low as -0.8");
  expect({{"polar", {{"parameters", Names{"chi1x"}}}}}, "got 1 names");
  expect({{"rotational-symmetry", {{"spins", Names{"chi1x", "chi1y", "chi2x", "chi3y"}}}}}, "'chi3y'");
  expect({{"rotational-symmetry", {{"mass_ratio", std::string("chi1x")}}}}, "both a spin and the mass ratio");
  expect({{"rotational-symmetry", {{"weights", std::vector<double>{0.0, 0.0}}}}}, "'weights'");
  expect({{"exchange-symmetry", {}}}, "'first' and 'second'");
  expect({{"exchange-symmetry",
           {{"first", Names{"chi1x", "chi1y", "chi1z"}}, {"second", Names{"chi2x", "chi2y", "chi1z"}}}}},
         "'chi1z' twice");
  expect({{"precessing-spins", {{"symmetry", false}, {"mass_power", 1.0}}}}, "the symmetry's, which is off");
  expect({{"precessing-spins", {{"mass_ratio", std::string("Q")}}}}, "needs 'Q'");
  const ParameterSpace equal({{"chi1z", "", -0.8, 0.8}, {"chi2z", "", -0.8, 0.8}});
  EXPECT_NE(message_of<UsageError>([&] {
              fit_input_map(equal, {{"aligned-spins", {}}});
            }).find("needs 'q', which is not among the inputs at this step: chi1z, chi2z"),
            std::string::npos);
}

}  // namespace
}  // namespace ersatz
