// A published reduced basis, element by element: TaylorF2 waveforms of greedycpp's example 1.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ersatz/basis/interpolation.hpp"
#include "unit/basis/taylorf2.hpp"

namespace ersatz {
namespace {

using taylorf2::bins;
using taylorf2::weight;

TEST(TaylorF2, PublishedGreedyPointsNodesAndErrors) {
  const Matrix training = taylorf2::training(0, 900);
  const auto expected = golden::rows("taylorf2_greedy.csv");
  ASSERT_EQ(expected.size(), 268u);
  SerialExecutor serial;
  const GreedyBasis basis = greedy_basis(training, true, taylorf2::options(), serial);
  EXPECT_EQ(basis.summary.termination, GreedyTermination::tolerance) << basis.summary.message;
  ASSERT_EQ(basis.rank(), 268);
  double worst = 0.0;
  for (std::size_t k = 0; k < 268; ++k) {
    EXPECT_EQ(basis.points[k], (GreedyPoint{0, static_cast<Index>(expected[k][0])})) << k;
    if (k < 200)
      worst = std::max(worst, std::abs(basis.errors[static_cast<Index>(k)] / expected[k][1] - 1.0));
  }
  EXPECT_LT(worst, 1e-8);

  const auto interpolation = empirical_interpolation(basis.elements, true, NodeRule::eim);
  for (std::size_t k = 0; k < 268; ++k)
    EXPECT_EQ(interpolation.nodes[k], static_cast<Index>(expected[k][2])) << k;

  // Errors (norms) of projection and interpolation at masses outside of the training set.
  const auto validation = golden::rows("taylorf2_validation.csv");
  ASSERT_EQ(validation.size(), 100u);
  Matrix rows(100, 2 * bins);
  for (Index i = 0; i < 100; ++i) {
    const auto& masses = validation[static_cast<std::size_t>(i)];
    taylorf2::waveform(masses[0], masses[1], rows.row(i).data());
  }
  const Vector projected = squared_errors(basis, rows, serial);
  double worst_projected = 0.0, worst_interpolated = 0.0;
  for (Index i = 0; i < 100; ++i) {
    const auto& published = validation[static_cast<std::size_t>(i)];
    const Vector row = rows.row(i).transpose();
    const double interpolated = std::sqrt(weight) * (row - interpolate(interpolation, row)).norm();
    // 1e-6 of the value, and beyond that the rounding of the published run: of the interpolant 5e-12, of
    // 1 - Σ |c|², the square of the other, 1e-14.
    worst_interpolated =
        std::max(worst_interpolated, (std::abs(interpolated - published[2]) - 5e-12) / interpolated);
    worst_projected = std::max(worst_projected,
                               (std::abs(projected[i] - published[3] * published[3]) - 1e-14) / projected[i]);
  }
  EXPECT_LT(worst_interpolated, 1e-6);
  EXPECT_LT(worst_projected, 1e-6);
}

}  // namespace
}  // namespace ersatz
