// A published reduced basis, element by element: TaylorF2 waveforms of greedycpp's example 1.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ersatz/basis/greedy.hpp"
#include "ersatz/basis/interpolation.hpp"
#include "unit/simulators/golden.hpp"

namespace ersatz {
namespace {

constexpr Index bins = 1969;  ///< 40 Hz to 1024 Hz, every half hertz
constexpr double weight = 0.5;

/// f^(-7/6) exp(i psi), normalised: 3.5PN, Buonanno, Iyer, Ochsner, Pan & Sathyaprakash (2009), Eq. 3.18,
/// with reference velocity 1, time and phase of coalescence zero.
void taylorf2(double m1, double m2, double* row) {
  constexpr double pi = 3.141592653589793238, gamma = 0.577215664901532861;
  constexpr double sun = 4.9267398257952518e-06;  // s
  const double total = (m1 + m2) * sun, nu = m1 * m2 / ((m1 + m2) * (m1 + m2));
  const double nu2 = nu * nu, nu3 = nu2 * nu;
  double norm = 0.0;
  for (Index k = 0; k < bins; ++k) {
    const double f = 40.0 + 0.5 * static_cast<double>(k);
    const double v = std::cbrt(pi * total * f), lnv = std::log(v);
    const double v2 = v * v, v3 = v2 * v, v4 = v2 * v2, v5 = v4 * v, v6 = v3 * v3, v7 = v6 * v;
    const double series = 1.0 + 20.0 / 9.0 * (743.0 / 336.0 + 11.0 / 4.0 * nu) * v2 - 16.0 * pi * v3 +
                          10.0 * (3058673.0 / 1016064.0 + 5429.0 / 1008.0 * nu + 617.0 / 144.0 * nu2) * v4 +
                          pi * (38645.0 / 756.0 - 65.0 / 9.0 * nu) * (1.0 + 3.0 * lnv) * v5 +
                          (11583231236531.0 / 4694215680.0 - 640.0 / 3.0 * pi * pi -
                           6848.0 / 21.0 * (gamma + std::log(4.0 * v)) +
                           (-15737765635.0 / 3048192.0 + 2255.0 / 12.0 * pi * pi) * nu +
                           76055.0 / 1728.0 * nu2 - 127825.0 / 1296.0 * nu3) *
                              v6 +
                          pi * (77096675.0 / 254016.0 + 378515.0 / 1512.0 * nu - 74045.0 / 756.0 * nu2) * v7;
    const double psi = -pi / 4.0 + 3.0 / (128.0 * nu * v5) * series;
    const double amplitude = std::pow(f, -7.0 / 6.0);
    norm += weight * amplitude * amplitude;
    row[2 * k] = amplitude * std::cos(psi);
    row[2 * k + 1] = amplitude * std::sin(psi);
  }
  for (Index j = 0; j < 2 * bins; ++j) row[j] /= std::sqrt(norm);
}

TEST(TaylorF2, PublishedGreedyPointsNodesAndErrors) {
  // 30 × 30 masses from 1 to 3 solar masses, the second one faster.
  Matrix training(900, 2 * bins);
  for (Index i = 0; i < 900; ++i)
    taylorf2(1.0 + static_cast<double>(i / 30) * 2.0 / 29.0, 1.0 + static_cast<double>(i % 30) * 2.0 / 29.0,
             training.row(i).data());
  const auto expected = golden::rows("taylorf2_greedy.csv");
  ASSERT_EQ(expected.size(), 268u);
  GreedyOptions options;
  options.seed = 0;
  options.weights = Vector::Constant(bins, weight);
  // The tolerance was 5e-11, and the element whose error was the first below it was still taken.
  options.tolerance = 1.2e-11;
  SerialExecutor serial;
  const GreedyBasis basis = greedy_basis(training, true, options, serial);
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
    taylorf2(masses[0], masses[1], rows.row(i).data());
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
