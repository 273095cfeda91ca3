// SpinTaylorT4: conservation laws, limits, symmetries, an independent projection, and golden numbers.
#include "ersatz/simulators/waveform.hpp"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "golden.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;
using Vec3 = Eigen::Vector3d;

const Binary generic{2.3, {0.4, -0.3, 0.5}, {-0.5, 0.2, -0.3}};

Vec3 row(const Matrix& m, Index i) { return m.row(i).transpose(); }

TEST(Waveform, AgreesWithTheIndependentPythonProgram) {
  const auto rows = golden::rows("waveform_reference.csv");
  ASSERT_EQ(rows.size(), 3u * 46u);
  ComplexMatrix h;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& g = rows[i];
    if (i % 46 == 0) h = quadrupole_modes(evolve({g[0], {g[1], g[2], g[3]}, {g[4], g[5], g[6]}}));
    const Index at = static_cast<Index>(std::lround((g[7] + 4500.0) / 2.0));
    for (Index k = 0; k < 5; ++k) {
      const auto column = static_cast<std::size_t>(8 + 2 * k);
      EXPECT_LT(std::abs(h(at, k) - Complex(g[column], g[column + 1])), 1e-8) << i << " mode " << k;
    }
  }
}

TEST(Waveform, ReferenceIsWhatWasAskedFor) {
  const Inspiral orbit = evolve(generic);
  const Index last = orbit.time.size() - 1;
  EXPECT_EQ(orbit.time.size(), 2251);
  EXPECT_EQ(orbit.time[0], -4500.0);
  EXPECT_EQ(orbit.time[last], 0.0);
  EXPECT_DOUBLE_EQ(std::pow(orbit.v[last], 3), 0.06);
  EXPECT_EQ(orbit.phase[last], 0.0);
  EXPECT_EQ(row(orbit.lhat, last), Vec3(0, 0, 1));
  EXPECT_EQ(row(orbit.e1, last), Vec3(1, 0, 0));
  EXPECT_NEAR(row(orbit.spin1, last).x(), 0.4 * std::pow(2.3 / 3.3, 2), 1e-15);
  EXPECT_NEAR(row(orbit.spin2, last).z(), -0.3 * std::pow(1.0 / 3.3, 2), 1e-15);
}

TEST(Waveform, SpinsKeepTheirMagnitudeAndTheFrameStaysOrthonormal) {
  const Inspiral orbit = evolve(generic);
  const Index last = orbit.time.size() - 1;
  double lowest = 1.0;
  for (Index i = 0; i <= last; i += 50) {
    EXPECT_NEAR(orbit.spin1.row(i).norm(), orbit.spin1.row(last).norm(), 1e-12);
    EXPECT_NEAR(orbit.spin2.row(i).norm(), orbit.spin2.row(last).norm(), 1e-12);
    EXPECT_NEAR(orbit.lhat.row(i).norm(), 1.0, 1e-12);
    EXPECT_NEAR(orbit.e1.row(i).norm(), 1.0, 1e-12);
    EXPECT_NEAR(orbit.lhat.row(i).dot(orbit.e1.row(i)), 0.0, 1e-12);
    EXPECT_GT(orbit.v[i], i > 0 ? orbit.v[i - 50] : 0.2);
    lowest = std::min(lowest, orbit.lhat(i, 2));
  }
  EXPECT_LT(lowest, 0.99);  // it does precess
  // e1 is carried by minimal rotation: its rate has no part along Lhat × e1.
  for (Index i = 1; i < last; i += 250) {
    const Vec3 e2 = row(orbit.lhat, i).cross(row(orbit.e1, i));
    const Vec3 rate = (row(orbit.e1, i + 1) - row(orbit.e1, i - 1)) / 4.0;
    EXPECT_NEAR(rate.dot(e2), 0.0, 1e-8);
  }
}

TEST(Waveform, AlignedSpinsDoNotPrecess) {
  const Binary aligned{3.1, {0.0, 0.0, 0.7}, {0.0, 0.0, -0.6}};
  const Inspiral orbit = evolve(aligned);
  EXPECT_TRUE((orbit.lhat.col(2).array() == 1.0).all());
  EXPECT_TRUE((orbit.e1.col(0).array() == 1.0).all());
  const ComplexMatrix h = quadrupole_modes(orbit);
  EXPECT_EQ(h.middleCols(1, 3).cwiseAbs().maxCoeff(), 0.0);
  EXPECT_LT((h.col(4) - h.col(0).conjugate()).cwiseAbs().maxCoeff(), 1e-16);
  const double x7[7] = {3.1, 0, 0, 0.7, 0, 0, -0.6}, x3[3] = {3.1, 0.7, -0.6};
  const auto full = make_simulator("waveform")->run(x7), narrow = make_simulator("waveform-aligned")->run(x3);
  ASSERT_TRUE(full.ok() && narrow.ok());
  ASSERT_EQ(narrow.outputs.size(), 1u);
  EXPECT_EQ(full.outputs[0], narrow.outputs[0]);
  EXPECT_EQ(make_waveform_aligned({}, true)->run(x3).outputs.size(), 5u);
}

TEST(Waveform, NonSpinningLimitAgainstQuadratureInV) {
  // Without spins, t(v) and phase(v) are plain integrals of the series of Buonanno et al. 2009, Eq. 3.6.
  for (const double q : {1.0, 3.0}) {
    const double eta = q / ((1 + q) * (1 + q));
    const auto dv_dt = [eta](double v) {
      const double series =
          1 - (743. / 336 + 11. / 4 * eta) * std::pow(v, 2) + 4 * pi * std::pow(v, 3) +
          (34103. / 18144 + 13661. / 2016 * eta + 59. / 18 * eta * eta) * std::pow(v, 4) -
          (4159. / 672 + 189. / 8 * eta) * pi * std::pow(v, 5) +
          (16447322263. / 139708800 + 16. / 3 * pi * pi - 1712. / 105 * 0.5772156649015329 +
           (451. / 48 * pi * pi - 56198689. / 217728) * eta + 541. / 896 * eta * eta -
           5605. / 2592 * std::pow(eta, 3) - 856. / 105 * std::log(16 * v * v)) *
              std::pow(v, 6) -
          (4415. / 4032 - 358675. / 6048 * eta - 91495. / 1512 * eta * eta) * pi * std::pow(v, 7);
      return 32. / 5 * eta * std::pow(v, 9) * series;
    };
    const Inspiral orbit = evolve({q, {}, {}});
    const double v0 = std::cbrt(0.06);
    for (const Index i : {Index{0}, Index{700}, Index{2000}}) {
      using Gauss = boost::math::quadrature::gauss<double, 40>;
      EXPECT_NEAR(Gauss::integrate([&](double v) { return 1.0 / dv_dt(v); }, v0, orbit.v[i]), orbit.time[i],
                  1e-6);
      EXPECT_NEAR(Gauss::integrate([&](double v) { return v * v * v / dv_dt(v); }, v0, orbit.v[i]),
                  orbit.phase[i], 1e-8);
    }
  }
}

TEST(Waveform, ExchangingTheBodiesChangesNothing) {
  // Body 1 becomes body 2: the separation points the other way, so the frame turns by pi about z and h_2m by
  // exp(i pi m).
  const auto turned = [](const std::array<double, 3>& a) {
    return std::array<double, 3>{-a[0], -a[1], a[2]};
  };
  const ComplexMatrix h = quadrupole_modes(evolve(generic));
  const ComplexMatrix exchanged =
      quadrupole_modes(evolve({1.0 / generic.q, turned(generic.chi2), turned(generic.chi1)}));
  for (Index k = 0; k < 5; ++k)
    EXPECT_LT((exchanged.col(k) - (k % 2 ? -1.0 : 1.0) * h.col(k)).cwiseAbs().maxCoeff(), 1e-10) << k;
}

TEST(Waveform, TurningTheSpinsAboutZTurnsLhatAndLeavesThePhase) {
  const double angle = 1.1, c = std::cos(angle), s = std::sin(angle);
  const auto turned = [&](const std::array<double, 3>& a) {
    return std::array<double, 3>{c * a[0] - s * a[1], s * a[0] + c * a[1], a[2]};
  };
  const Inspiral a = evolve(generic), b = evolve({generic.q, turned(generic.chi1), turned(generic.chi2)});
  EXPECT_LT((a.phase - b.phase).cwiseAbs().maxCoeff(), 1e-10);
  EXPECT_LT((a.v - b.v).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_LT((c * a.lhat.col(0) - s * a.lhat.col(1) - b.lhat.col(0)).cwiseAbs().maxCoeff(), 1e-11);
  EXPECT_LT((s * a.lhat.col(0) + c * a.lhat.col(1) - b.lhat.col(1)).cwiseAbs().maxCoeff(), 1e-11);
  EXPECT_LT((a.lhat.col(2) - b.lhat.col(2)).cwiseAbs().maxCoeff(), 1e-11);
  EXPECT_GT((a.lhat - b.lhat).cwiseAbs().maxCoeff(), 0.05);
}

TEST(Waveform, ModesAreTheProjectedQuadrupole) {
  // h_ij = 4 eta v^2 (lambda_i lambda_j - n_i n_j), projected on theta and phi of a direction, with no modes.
  const Inspiral orbit = evolve(generic);
  const ComplexMatrix modes = quadrupole_modes(orbit);
  for (const auto& [theta, phi] : {std::pair{0.0, 0.0}, {0.4, 1.0}, {1.3, -2.0}, {2.9, 4.0}, {pi, 0.3}}) {
    const ComplexVector h = strain(modes, theta, phi);
    const Vec3 to_theta(std::cos(theta) * std::cos(phi), std::cos(theta) * std::sin(phi), -std::sin(theta));
    const Vec3 to_phi(-std::sin(phi), std::cos(phi), 0.0);
    for (Index i = 0; i < h.size(); i += 75) {
      const Vec3 l = row(orbit.lhat, i), e1 = row(orbit.e1, i), e2 = l.cross(e1);
      const Vec3 n = e1 * std::cos(orbit.phase[i]) + e2 * std::sin(orbit.phase[i]), lambda = l.cross(n);
      const Eigen::Matrix3d tensor =
          4.0 * orbit.eta * orbit.v[i] * orbit.v[i] * (lambda * lambda.transpose() - n * n.transpose());
      const double plus = 0.5 * (to_theta.dot(tensor * to_theta) - to_phi.dot(tensor * to_phi));
      const double cross = to_theta.dot(tensor * to_phi);
      EXPECT_LT(std::abs(h[i] - Complex(plus, -cross)), 1e-13) << theta << " " << phi << " " << i;
    }
  }
}

TEST(Waveform, ConvergesWithToleranceAndStep) {
  // With few output times the steps are chosen by the tolerance; with the default 2251, by the output times.
  InspiralOptions options;
  const ComplexMatrix fine = quadrupole_modes(evolve(generic, options));
  options.times = 2;
  double previous = 1.0;
  for (const double tolerance : {1e-6, 1e-9, 1e-12}) {
    options.tolerance = tolerance;
    const double error =
        (quadrupole_modes(evolve(generic, options)).row(0) - fine.row(0)).norm() / fine.row(0).norm();
    EXPECT_LT(error, 3e3 * tolerance);
    EXPECT_LT(error, previous);
    previous = error;
  }
}

TEST(Waveform, FailuresSayWhy) {
  const auto simulator = make_simulator("waveform-aligned");
  const auto failure = [&](double q, double chi1, double chi2) {
    const double x[3] = {q, chi1, chi2};
    const auto result = simulator->run(x);
    EXPECT_FALSE(result.ok());
    EXPECT_TRUE(result.outputs.empty());
    return result.failure;
  };
  EXPECT_NE(failure(-1.0, 0.0, 0.0).find("mass ratio"), std::string::npos);
  EXPECT_NE(failure(std::nan(""), 0.0, 0.0).find("mass ratio"), std::string::npos);
  EXPECT_NE(failure(2.0, 0.0, 1.5).find("chi2"), std::string::npos);
  EXPECT_NE(failure(2.0, std::nan(""), 0.0).find("chi1"), std::string::npos);
  InspiralOptions fast;
  fast.reference_frequency = 0.9;
  EXPECT_THROW(evolve({100.0, {0.0, 0.0, 1.0}, {0.0, 0.0, 1.0}}, fast), NumericalError);
  EXPECT_THROW(strain(ComplexMatrix::Zero(3, 4), 0.0, 0.0), UsageError);
  EXPECT_THROW(make_simulator("waveform")->space().index_of("chi3x"), UsageError);
}

}  // namespace
}  // namespace ersatz
