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

std::set<Index> slices_of(const Matrix& X, Index column, Index count) {
  std::set<Index> slices;
  for (Index i = 0; i < X.rows(); ++i)
    slices.insert(static_cast<Index>(std::floor(static_cast<double>(count) * X(i, column))));
  return slices;
}

TEST(Design, ScrambledSobolKeepsItsNet) {
  DesignOptions options;
  options.owen_scrambling = true;
  const Matrix X = make_design(DesignMethod::sobol, cube(2), 256, RandomStream(3), options);
  // A (0, 8, 2)-net: each elementary box of area 1/256 holds one point.
  for (int a = 0; a <= 8; ++a) {
    std::set<int> boxes;
    for (Index i = 0; i < 256; ++i)
      boxes.insert(static_cast<int>((1 << a) * X(i, 0)) * 256 + static_cast<int>((1 << (8 - a)) * X(i, 1)));
    EXPECT_EQ(boxes.size(), 256u) << a;
  }
  EXPECT_FALSE(X == make_design(DesignMethod::sobol, cube(2), 256, RandomStream(4), options));
  // Continued, it is the same sequence.
  options.skip = 100;
  EXPECT_TRUE(make_design(DesignMethod::sobol, cube(2), 100, RandomStream(3), options) ==
              X.middleRows(100, 100));
}

// Owen (1997): the variance of a mean over a scrambled net of a smooth function falls as n^-3 and the root
// mean square error so as n^-1.5, against n^-0.5 at random; each point is uniform, so that the mean is
// unbiased.
TEST(Design, ScrambledSobolIntegratesFasterThanAtRandom) {
  const auto error = [](Index n) {
    double squares = 0.0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      DesignOptions options;
      options.owen_scrambling = true;
      const Matrix X = make_design(DesignMethod::sobol, cube(2), n, RandomStream(seed), options);
      const double mean = (X.col(0).array().exp() * (3.0 * X.col(1).array()).cos()).mean();
      const double truth = (std::exp(1.0) - 1.0) * std::sin(3.0) / 3.0;
      squares += (mean - truth) * (mean - truth) / 100.0;
    }
    return std::sqrt(squares);
  };
  const double coarse = error(64), fine = error(1024);
  EXPECT_GT(coarse / fine, std::pow(16.0, 1.25));
}

TEST(Design, EachSliceIsALatinHypercubeAndSoAreAllTogether) {
  DesignOptions options;
  options.slices = 4;
  const Matrix X = make_design(DesignMethod::lhs, cube(5), 40, RandomStream(5), options);
  for (Index k = 0; k < 5; ++k) {
    EXPECT_EQ(slices_of(X, k, 40).size(), 40u);
    for (Index s = 0; s < 4; ++s) EXPECT_EQ(slices_of(X.middleRows(10 * s, 10), k, 10).size(), 10u) << s;
  }
  options.slices = 3;
  EXPECT_THROW(make_design(DesignMethod::lhs, cube(5), 40, RandomStream(5), options), UsageError);
  options.slices = 4;
  EXPECT_THROW(make_design(DesignMethod::maximin, cube(5), 40, RandomStream(5), options), UsageError);
  EXPECT_THROW(make_design(DesignMethod::lhs, triangle(), 40, RandomStream(5), options), UsageError);
}

TEST(Design, NewPointsGoWhereNoneAre) {
  // A Latin hypercube of 10, doubled: one of 20. Its points lie in 10 of 20 slices.
  const Matrix first = make_design(DesignMethod::lhs, cube(4), 10, RandomStream(1));
  for (const auto method : {DesignMethod::lhs, DesignMethod::maximin}) {
    DesignOptions options;
    options.existing = first;
    const Matrix more = make_design(method, cube(4), 10, RandomStream(2), options);
    ASSERT_EQ(more.rows(), 10);
    Matrix both(20, 4);
    both << first, more;
    for (Index k = 0; k < 4; ++k) EXPECT_EQ(slices_of(both, k, 20).size(), 20u) << to_string(method);
  }
  // Points heaped in a corner: no new one shares a slice with them.
  DesignOptions options;
  options.existing = 0.3 * make_design(DesignMethod::lhs, cube(4), 20, RandomStream(3));
  const Matrix more = make_design(DesignMethod::lhs, cube(4), 10, RandomStream(2), options);
  for (Index k = 0; k < 4; ++k) {
    const std::set<Index> there = slices_of(options.existing, k, 30), added = slices_of(more, k, 30);
    EXPECT_EQ(added.size(), 10u);
    for (const Index s : added) EXPECT_EQ(there.count(s), 0u);
  }
}

TEST(Design, MaximinKeepsAwayFromExistingPoints) {
  for (const Index d : {2, 6}) {
    DesignOptions options;
    options.existing = make_design(DesignMethod::maximin, cube(d), 20, RandomStream(1));
    const auto distance_with = [&](const Matrix& more) {
      Matrix both(40, d);
      both << options.existing, more;
      return smallest_distance(both);
    };
    const double ours =
        distance_with(make_design(DesignMethod::maximin, cube(d), 20, RandomStream(2), options));
    double best = 0.0;  // of many that fill the gaps at random
    for (std::uint64_t seed = 0; seed < 100; ++seed)
      best = std::max(
          best, distance_with(make_design(DesignMethod::lhs, cube(d), 20, RandomStream(seed), options)));
    EXPECT_GT(ours, 1.1 * best) << d << " dimensions";
    EXPECT_GT(ours, distance_with(make_design(DesignMethod::maximin, cube(d), 20, RandomStream(2))));
  }
}

TEST(Design, ExistingPointsOfASobolSequenceAreContinued) {
  for (const bool owen : {false, true})
    for (const ParameterSpace& space : {cube(2), triangle()}) {
      DesignOptions options;
      options.owen_scrambling = owen;
      const Matrix all = make_design(DesignMethod::sobol, space, 50, RandomStream(1), options);
      options.existing = all.topRows(20);
      EXPECT_TRUE(make_design(DesignMethod::sobol, space, 30, RandomStream(1), options) ==
                  all.bottomRows(30));
      options.existing(7, 1) *= 0.9;
      EXPECT_THROW(make_design(DesignMethod::sobol, space, 30, RandomStream(1), options), UsageError);
    }
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
  DesignOptions options;
  options.existing = Matrix::Constant(1, 2, 0.5);
  EXPECT_THROW(make_design(DesignMethod::grid, cube(2), 9, RandomStream(1), options), UsageError);
  options.skip = 1;
  EXPECT_THROW(make_design(DesignMethod::sobol, cube(2), 9, RandomStream(1), options), UsageError);
  options.existing.resize(0, 0);
  EXPECT_THROW(make_design(DesignMethod::lhs, cube(2), 9, RandomStream(1), options), UsageError);
  options = {};
  options.existing = Matrix::Constant(1, 2, 1.5);
  EXPECT_THROW(make_design(DesignMethod::lhs, cube(2), 9, RandomStream(1), options), DataError);
  options.existing = Matrix::Constant(1, 3, 0.5);
  EXPECT_THROW(make_design(DesignMethod::lhs, cube(2), 9, RandomStream(1), options), UsageError);
  EXPECT_EQ(design_method_from_string("maximin"), DesignMethod::maximin);
  EXPECT_THROW(design_method_from_string("random"), UsageError);
}

}  // namespace
}  // namespace ersatz
