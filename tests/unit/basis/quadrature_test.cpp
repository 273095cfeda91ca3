// Likelihoods by reduced-order quadrature against the sums over all bins.

#include "ersatz/basis/quadrature.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ersatz/basis/greedy.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;

constexpr Index bins = 600;

/// A chirp in frequency with a ringing amplitude.
ComplexVector waveform(double mass, double bend) {
  ComplexVector h(bins);
  for (Index k = 0; k < bins; ++k) {
    const double x = 0.1 + 0.9 * static_cast<double>(k) / bins;
    h[k] = std::pow(x, -7.0 / 6.0) * (1.0 + 0.2 * bend * std::cos(4.0 * x)) *
           std::polar(1.0, mass * std::pow(x, -5.0 / 3.0) + 3.0 * bend * x);
  }
  return h;
}

struct Problem {
  DetectorData data;
  EmpiricalInterpolation linear, squares;
  Matrix parameters;

  explicit Problem(double tolerance) {
    RandomStream random(1);
    Matrix rows(400, 2 * bins), squared(400, bins);
    for (Index i = 0; i < 400; ++i) {
      const ComplexVector h = waveform(1.0 + random.uniform(), random.uniform());
      for (Index k = 0; k < bins; ++k) {
        rows(i, 2 * k) = h[k].real();
        rows(i, 2 * k + 1) = h[k].imag();
        squared(i, k) = std::norm(h[k]);
      }
    }
    data.frequencies = Vector::LinSpaced(bins, 20.0, 319.5);
    data.weights.resize(bins);
    data.data.resize(bins);
    const ComplexVector signal = waveform(1.4, 0.3);
    for (Index k = 0; k < bins; ++k) {
      const double f = data.frequencies[k] / 100.0;
      data.weights[k] = 4.0 * 0.5 / (std::pow(f, -4) + 2.0 + 2.0 * f * f);
      data.data[k] = signal[k] * std::polar(1.0, -0.05 * data.frequencies[k]) +
                     Complex(random.normal(), random.normal()) / std::sqrt(data.weights[k]);
    }
    GreedyOptions options;
    options.tolerance = tolerance;
    SerialExecutor serial;
    linear = empirical_interpolation(greedy_basis(rows, true, options, serial).elements, true, NodeRule::eim);
    squares =
        empirical_interpolation(greedy_basis(squared, false, options, serial).elements, false, NodeRule::eim);
  }
};

TEST(Quadrature, LikelihoodIsTheFullOneToTheToleranceOfTheBasis) {
  double before = std::numeric_limits<double>::infinity();
  for (const double tolerance : {1e-6, 1e-10, 1e-16, 1e-22}) {
    const Problem p(tolerance);
    const Vector times = Vector::LinSpaced(300, -0.1, 0.1);  // more than a block
    const ReducedOrderQuadrature quadrature(p.linear, p.squares, p.data, times);
    EXPECT_LT(p.linear.nodes.size(), 60u);
    RandomStream random(2);
    double worst = 0.0;
    for (int trial = 0; trial < 40; ++trial) {
      const ComplexVector h = waveform(1.0 + random.uniform(), random.uniform());
      ComplexVector values(static_cast<Index>(p.linear.nodes.size()));
      Vector squares(static_cast<Index>(p.squares.nodes.size()));
      for (Index i = 0; i < values.size(); ++i) values[i] = h[p.linear.nodes[static_cast<std::size_t>(i)]];
      for (Index i = 0; i < squares.size(); ++i)
        squares[i] = std::norm(h[p.squares.nodes[static_cast<std::size_t>(i)]]);
      const Index t = trial * 7;
      const double full = full_log_likelihood(p.data, h, times[t]);
      EXPECT_NEAR(quadrature.log_likelihood(values, t), quadrature.log_likelihood(values, squares, t),
                  1e4 * std::sqrt(tolerance) + 1e-8);
      worst = std::max(worst, std::abs(quadrature.log_likelihood(values, squares, t) - full));
    }
    // |δ log L| ≤ (|d| |δh| + |δ(h²)|) with errors of the interpolant: Lebesgue constant times the tolerance.
    const double norm = std::sqrt(quadrature.data_squared());
    const double bound = 100.0 * norm * norm * std::sqrt(tolerance);
    EXPECT_LT(worst, bound + 1e-9) << tolerance;
    EXPECT_LT(worst, 0.1 * before);
    before = worst;
  }
  EXPECT_LT(before, 1e-8);
}

TEST(Quadrature, WithoutShiftsFrequenciesAreNotNeeded) {
  Problem p(1e-16);
  p.data.frequencies.resize(0);
  const ReducedOrderQuadrature quadrature(p.linear, std::nullopt, p.data);
  const ComplexVector h = waveform(1.5, 0.5);
  ComplexVector values(static_cast<Index>(p.linear.nodes.size()));
  for (Index i = 0; i < values.size(); ++i) values[i] = h[p.linear.nodes[static_cast<std::size_t>(i)]];
  EXPECT_NEAR(quadrature.log_likelihood(values), full_log_likelihood(p.data, h), 1e-5);
  EXPECT_TRUE(quadrature.quadratic_nodes().empty());
  EXPECT_NEAR(quadrature.linear(values), p.data.data.dot(p.data.weights.cwiseProduct(h)).real(), 1e-5);
  EXPECT_NEAR(quadrature.quadratic(values), p.data.weights.dot(h.cwiseAbs2()), 1e-5);
}

TEST(Quadrature, BadInput) {
  Problem p(1e-6);
  const auto usage = [&](const Vector& times = {}) {
    return message_of<UsageError>([&] { ReducedOrderQuadrature(p.linear, p.squares, p.data, times); });
  };
  const auto data = [&] {
    return message_of<DataError>(
        [&] { ReducedOrderQuadrature(p.linear, p.squares, p.data, Vector::Zero(1)); });
  };
  EXPECT_EQ(usage(), "");
  const DetectorData good = p.data;
  p.data.weights.conservativeResize(10);
  EXPECT_NE(usage().find("10 weights for 600 bins"), std::string::npos);
  p.data = good;
  p.data.frequencies.resize(0);
  EXPECT_NE(usage(Vector::Ones(2)).find("frequency"), std::string::npos);
  p.data = good;
  p.data.data[7] = Complex(0.0, std::numeric_limits<double>::quiet_NaN());
  EXPECT_NE(data().find("bin 7"), std::string::npos);
  p.data = good;
  p.data.weights[5] = -1.0;
  EXPECT_NE(data().find("bin 5"), std::string::npos);
  p.data = good;
  std::swap(p.linear, p.squares);
  EXPECT_NE(usage().find("linear interpolation must be complex"), std::string::npos);
  std::swap(p.linear, p.squares);
  const ReducedOrderQuadrature quadrature(p.linear, std::nullopt, p.data);
  EXPECT_THROW(quadrature.quadratic(Vector(Vector::Ones(3))), UsageError);
  EXPECT_THROW(quadrature.linear(ComplexVector::Ones(3)), UsageError);
  EXPECT_THROW(quadrature.linear(ComplexVector::Ones(static_cast<Index>(p.linear.nodes.size())), 1),
               UsageError);
}

}  // namespace
}  // namespace ersatz
