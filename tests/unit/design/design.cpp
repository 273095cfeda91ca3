#include "ersatz/design/design.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

ParameterSpace cube(Index d) {
  std::vector<Parameter> parameters;
  for (Index k = 0; k < d; ++k) parameters.push_back({"x" + std::to_string(k), "", 0.0, 1.0, Scale::linear});
  return ParameterSpace(parameters);
}

ParameterSpace triangle() {
  return ParameterSpace(cube(2).parameters(), {}, {LinearConstraint{Vector::Ones(2), 1.0}});
}

constexpr DesignMethod all[] = {DesignMethod::sobol, DesignMethod::lhs, DesignMethod::maximin,
                                DesignMethod::grid};

// The first points of the Sobol' sequence in three dimensions with the direction numbers of Joe & Kuo
// (new-joe-kuo-6), as scipy.stats.qmc.Sobol(3, scramble=False) prints them, without the origin.
TEST(Design, SobolFirstPoints) {
  const double expected[7][3] = {{0.5, 0.5, 0.5},       {0.75, 0.25, 0.25},    {0.25, 0.75, 0.75},
                                 {0.375, 0.375, 0.625}, {0.875, 0.875, 0.125}, {0.625, 0.125, 0.875},
                                 {0.125, 0.625, 0.375}};
  const Matrix X = make_design(DesignMethod::sobol, cube(3), 7, RandomStream(1));
  for (Index i = 0; i < 7; ++i)
    for (Index k = 0; k < 3; ++k) EXPECT_EQ(X(i, k), expected[i][k]) << i << " " << k;
  DesignOptions later;
  later.skip = 4;
  const Matrix Y = make_design(DesignMethod::sobol, cube(3), 3, RandomStream(2), later);
  EXPECT_TRUE(Y == X.bottomRows(3));
}

TEST(Design, ShiftedSobolKeepsItsNet) {
  DesignOptions options;
  options.digital_shift = true;
  const Matrix X = make_design(DesignMethod::sobol, cube(2), 64, RandomStream(3), options);
  // A (0, 6, 2)-net: each box of 1/8 × 1/8 holds one point.
  std::set<int> boxes;
  for (Index i = 0; i < 64; ++i)
    boxes.insert(static_cast<int>(8 * X(i, 0)) * 8 + static_cast<int>(8 * X(i, 1)));
  EXPECT_EQ(boxes.size(), 64u);
  EXPECT_FALSE(X == make_design(DesignMethod::sobol, cube(2), 64, RandomStream(4), options));
}

TEST(Design, LatinHypercubesAreStratified) {
  for (const auto method : {DesignMethod::lhs, DesignMethod::maximin}) {
    const Matrix X = make_design(method, cube(5), 40, RandomStream(5));
    for (Index k = 0; k < 5; ++k) {
      std::set<int> slices;
      for (Index i = 0; i < 40; ++i) slices.insert(static_cast<int>(std::floor(40.0 * X(i, k))));
      EXPECT_EQ(slices.size(), 40u) << to_string(method) << " column " << k;
      EXPECT_EQ(*slices.begin(), 0);
      EXPECT_EQ(*slices.rbegin(), 39);
    }
  }
}

TEST(Design, MaximinBeatsTheBestOfManyRandomHypercubes) {
  for (const Index d : {2, 4, 8}) {
    double best = 0.0;
    for (std::uint64_t seed = 0; seed < 100; ++seed)
      best =
          std::max(best, smallest_distance(make_design(DesignMethod::lhs, cube(d), 50, RandomStream(seed))));
    const double ours = smallest_distance(make_design(DesignMethod::maximin, cube(d), 50, RandomStream(7)));
    EXPECT_GT(ours, 1.25 * best) << d << " dimensions";
  }
}

// Against all Latin hypercubes of eight points in two dimensions.
TEST(Design, MaximinFindsTheOptimumOfASmallProblem) {
  std::vector<int> p{0, 1, 2, 3, 4, 5, 6, 7};
  int optimum = 0;
  do {
    int smallest = 1000;
    for (int i = 0; i < 8; ++i)
      for (int j = 0; j < i; ++j) {
        const int rise = p[static_cast<std::size_t>(i)] - p[static_cast<std::size_t>(j)];
        smallest = std::min(smallest, (i - j) * (i - j) + rise * rise);
      }
    optimum = std::max(optimum, smallest);
  } while (std::next_permutation(p.begin(), p.end()));
  const double ours =
      8.0 * smallest_distance(make_design(DesignMethod::maximin, cube(2), 8, RandomStream(1)));
  EXPECT_NEAR(ours * ours, optimum, 1e-9);
}

TEST(Design, SeedsDecide) {
  for (const auto method : {DesignMethod::lhs, DesignMethod::maximin}) {
    const Matrix X = make_design(method, cube(3), 20, RandomStream(1));
    EXPECT_TRUE(X == make_design(method, cube(3), 20, RandomStream(1)));
    EXPECT_FALSE(X == make_design(method, cube(3), 20, RandomStream(2)));
  }
}

TEST(Design, LinearConstraintsAreMet) {
  const ParameterSpace space = triangle();
  for (const auto method : all) {
    const Matrix X = make_design(method, space, 60, RandomStream(1));
    if (method == DesignMethod::grid)
      EXPECT_GE(X.rows(), 45);
    else
      EXPECT_EQ(X.rows(), 60);
    std::set<std::pair<double, double>> distinct;
    for (Index i = 0; i < X.rows(); ++i) {
      EXPECT_TRUE(space.contains(X.row(i).data())) << to_string(method) << " row " << i;
      distinct.insert({X(i, 0), X(i, 1)});
    }
    EXPECT_EQ(static_cast<Index>(distinct.size()), X.rows()) << to_string(method);
  }
  const ParameterSpace nothing(cube(2).parameters(), {}, {LinearConstraint{Vector::Ones(2), -1.0}});
  for (const auto method : all)
    EXPECT_THROW(make_design(method, nothing, 5, RandomStream(1)), NumericalError);
}

TEST(Design, ScalesAndBallsGoThroughTheUnitCube) {
  const ParameterSpace space({{"m", "", 1.0, 1e4, Scale::log},
                              {"x", "", -0.8, 0.8, Scale::linear},
                              {"y", "", -0.8, 0.8, Scale::linear},
                              {"z", "", -0.8, 0.8, Scale::linear},
                              {"phase", "", 0.0, 6.0, Scale::periodic},
                              {"fixed", "", 3.0, 3.0, Scale::linear}},
                             {BallConstraint{{1, 2, 3}, 0.8}});
  for (const auto method : all) {
    const Matrix X = make_design(method, space, 300, RandomStream(1));
    Index small = 0, short_ones = 0;
    std::set<std::vector<double>> distinct;
    for (Index i = 0; i < X.rows(); ++i) {
      ASSERT_TRUE(space.contains(X.row(i).data())) << to_string(method);
      small += X(i, 0) < 100.0;
      short_ones += X.row(i).segment(1, 3).norm() < 0.4;
      distinct.insert(std::vector<double>(X.row(i).begin(), X.row(i).end()));
    }
    EXPECT_EQ(static_cast<Index>(distinct.size()), X.rows()) << to_string(method);
    if (method == DesignMethod::grid) continue;
    EXPECT_NEAR(static_cast<double>(small) / 300.0, 0.5, 0.02) << to_string(method);
    EXPECT_NEAR(static_cast<double>(short_ones) / 300.0, 0.5, 0.02) << to_string(method);
  }
}

TEST(Design, GridHasAtMostNPoints) {
  EXPECT_EQ(make_design(DesignMethod::grid, cube(2), 9, RandomStream(1)).rows(), 9);
  EXPECT_EQ(make_design(DesignMethod::grid, cube(2), 11, RandomStream(1)).rows(), 9);
  EXPECT_EQ(make_design(DesignMethod::grid, cube(2), 12, RandomStream(1)).rows(), 12);
  const Matrix X = make_design(DesignMethod::grid, cube(2), 9, RandomStream(1));
  EXPECT_EQ(X(0, 0), 0.0);
  EXPECT_EQ(X(8, 1), 1.0);
  EXPECT_EQ(X(1, 1), 0.5);
  EXPECT_EQ(X(1, 0), 0.0);
  EXPECT_EQ(make_design(DesignMethod::grid, cube(3), 1, RandomStream(1)).rows(), 1);
  const ParameterSpace fixed({{"a", "", 1.0, 1.0, Scale::linear}});
  EXPECT_EQ(make_design(DesignMethod::grid, fixed, 5, RandomStream(1)).rows(), 1);
  EXPECT_EQ(make_design(DesignMethod::lhs, fixed, 5, RandomStream(1)).rows(), 5);
}

TEST(Design, WrongUseIsRefused) {
  EXPECT_THROW(make_design(DesignMethod::lhs, cube(2), 0, RandomStream(1)), UsageError);
  EXPECT_THROW(make_design(DesignMethod::lhs, ParameterSpace(), 5, RandomStream(1)), UsageError);
  EXPECT_EQ(design_method_from_string("maximin"), DesignMethod::maximin);
  EXPECT_THROW(design_method_from_string("random"), UsageError);
}

}  // namespace
}  // namespace ersatz
