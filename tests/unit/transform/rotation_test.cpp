// Rotations: the group, Wigner's matrices against sympy, transport on a cone, the dominant direction.

#include "ersatz/transform/rotation.hpp"

#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;

Quaternion random_rotation(RandomStream& random) {
  return Quaternion(random.normal(), random.normal(), random.normal(), random.normal()).normalized();
}
QuadrupoleModes random_modes(RandomStream& random) {
  QuadrupoleModes h;
  for (Complex& e : h) e = {random.normal(), random.normal()};
  return h;
}

// sympy 1.14: sympy.physics.quantum.spin.Rotation.D(2, m, m', alpha, beta, gamma), rows m = 2 … -2, for
// (3/10, 11/10, -7/10) and (-2, 29/10, 5/2).
const Complex golden[2][5][5] = {{{{0.36802516196444990, 0.37893289672330270},
                                   {-0.64449184004697996, -0.064664877432862378},
                                   {0.40142438346312618, -0.27462919649299476},
                                   {-0.065130502196789485, 0.23460674140043918},
                                   {-0.031060908423240765, -0.067869323093896564}},
                                  {{0.29380680919467092, 0.57725976573064171},
                                   {-0.062127864777460738, -0.026267239922591894},
                                   {-0.47298796708865516, 0.14631232384968449},
                                   {0.28152377049906196, -0.43844729484921297},
                                   {0.031371003237311257, 0.24145013063327001}},
                                  {{0.082668134411217684, 0.47930023029214971},
                                   {0.37867406450521006, 0.31895276451546506},
                                   {-0.19137583794150928, 0},
                                   {-0.37867406450521006, 0.31895276451546506},
                                   {0.082668134411217684, -0.47930023029214971}},
                                  {{-0.031371003237311257, 0.24145013063327001},
                                   {0.28152377049906196, 0.43844729484921297},
                                   {0.47298796708865516, 0.14631232384968449},
                                   {-0.062127864777460738, 0.026267239922591894},
                                   {-0.29380680919467092, 0.57725976573064171}},
                                  {{-0.031060908423240765, 0.067869323093896564},
                                   {0.065130502196789485, 0.23460674140043918},
                                   {0.40142438346312618, 0.27462919649299476},
                                   {0.64449184004697996, -0.064664877432862378},
                                   {0.36802516196444990, -0.37893289672330270}}},
                                 {{{0.00011392654647098997, -0.00017743008351717547},
                                   {-0.00024574950962474834, -0.0034654170370300947},
                                   {-0.022911742440999676, -0.026527703013901485},
                                   {-0.23025515201248921, -0.050719960250530012},
                                   {-0.88486148552450188, 0.40023670633967454}},
                                  {{-0.0034393524883077314, -0.00049026780762218259},
                                   {-0.037489733889532611, 0.020480734967432798},
                                   {-0.11839775678929456, 0.25870381830535077},
                                   {0.19566884856087709, 0.90738142350847672},
                                   {-0.17775146193048338, -0.15490115292561828}},
                                  {{0.0099430251074700423, 0.033612545583289048},
                                   {0.22793302415522906, 0.17027105132099425},
                                   {0.91413963770598925, 0},
                                   {-0.22793302415522906, 0.17027105132099425},
                                   {0.0099430251074700423, -0.033612545583289048}},
                                  {{0.17775146193048338, -0.15490115292561828},
                                   {0.19566884856087709, -0.90738142350847672},
                                   {0.11839775678929456, 0.25870381830535077},
                                   {-0.037489733889532611, -0.020480734967432798},
                                   {0.0034393524883077314, -0.00049026780762218259}},
                                  {{-0.88486148552450188, -0.40023670633967454},
                                   {0.23025515201248921, -0.050719960250530012},
                                   {-0.022911742440999676, 0.026527703013901485},
                                   {0.00024574950962474834, -0.0034654170370300947},
                                   {0.00011392654647098997, 0.00017743008351717547}}}};

TEST(Rotation, WignerMatricesAgreeWithSympy) {
  const EulerAngles angles[2] = {{0.3, 1.1, -0.7}, {-2.0, 2.9, 2.5}};
  for (int t = 0; t < 2; ++t) {
    const ComplexMatrix d = wigner_matrix(from_euler_angles(angles[t]));
    for (int m = 0; m < 5; ++m)
      for (int k = 0; k < 5; ++k) EXPECT_LT(std::abs(d(m, k) - golden[t][m][k]), 2e-15) << t << m << k;
  }
}

TEST(Rotation, GroupIdentities) {
  RandomStream random(1);
  for (int t = 0; t < 100; ++t) {
    const Quaternion a = random_rotation(random), b = random_rotation(random);
    const ComplexMatrix da = wigner_matrix(a), db = wigner_matrix(b);
    EXPECT_LT((wigner_matrix(a * b) - da * db).cwiseAbs().maxCoeff(), 5e-15);
    EXPECT_LT((da * da.adjoint() - ComplexMatrix::Identity(5, 5)).cwiseAbs().maxCoeff(), 5e-15);
    EXPECT_LT((wigner_matrix(a.conjugate()) - da.adjoint()).cwiseAbs().maxCoeff(), 1e-15);
    EXPECT_EQ(wigner_matrix(Quaternion(-a.w(), -a.x(), -a.y(), -a.z())), da);  // no sign of the quaternion
    const QuadrupoleModes h = random_modes(random), back = rotated(rotated(h, a), a.conjugate());
    for (std::size_t k = 0; k < 5; ++k) EXPECT_LT(std::abs(back[k] - h[k]), 1e-14);
  }
}

TEST(Rotation, EulerAnglesThereAndBack) {
  RandomStream random(2);
  for (int t = 0; t < 100; ++t) {
    const Quaternion q = random_rotation(random), back = from_euler_angles(euler_angles(q));
    EXPECT_NEAR(std::abs(q.dot(back)), 1.0, 1e-14);
    EXPECT_LT((q.toRotationMatrix() - back.toRotationMatrix()).norm(), 1e-14);
  }
  for (const double beta : {0.0, pi}) {
    const Quaternion q = from_euler_angles({0.4, beta, 0.3});
    const Quaternion back = from_euler_angles(euler_angles(q));
    EXPECT_LT((q.toRotationMatrix() - back.toRotationMatrix()).norm(), 1e-14) << beta;
  }
}

TEST(Rotation, ShortestArc) {
  RandomStream random(3);
  for (int t = 0; t < 100; ++t) {
    const Vector3 a = random_rotation(random) * Vector3::UnitZ(),
                  b = random_rotation(random) * Vector3::UnitZ();
    const Quaternion q = shortest_arc(a, b);
    EXPECT_LT((q * a - b).norm(), 1e-13);
    EXPECT_NEAR(q.vec().dot(a), 0.0, 1e-15);
    EXPECT_NEAR(q.vec().dot(b), 0.0, 1e-15);
  }
  EXPECT_THROW(shortest_arc(Vector3::UnitX(), -Vector3::UnitX()), NumericalError);
}

// On a cone of opening theta, parallel transport along the angle a turns the frame about its axis by
// -a cos(theta) against the frame Rz(a) Ry(theta), and after the whole circle by the solid angle
// 2 pi (1 - cos theta) about the direction. The polygon's error is of second order in the step.
TEST(Rotation, TransportOnAConeHasTheKnownHolonomy) {
  for (const double theta : {0.1, 1.0, 2.5, 3.1}) {
    double errors[2];
    for (int fine = 0; fine < 2; ++fine) {
      const Index n = fine ? 4001 : 2001;
      Matrix v(n, 3);
      const auto frame = [&](Index i) {
        const double a = 2.0 * pi * static_cast<double>(i) / static_cast<double>(n - 1);
        return from_euler_angles({a, theta, -a * std::cos(theta)});
      };
      for (Index i = 0; i < n; ++i) v.row(i) = (frame(i) * Vector3::UnitZ()).transpose();
      const Index reference = n / 3;
      const Matrix q = transported_frames(v, reference, frame(reference));
      errors[fine] = 0.0;
      for (Index i = 0; i < n; ++i) {
        const Quaternion got(q(i, 0), q(i, 1), q(i, 2), q(i, 3));
        errors[fine] = std::max(errors[fine], (got.toRotationMatrix() - frame(i).toRotationMatrix()).norm());
        if (i > 0) {
          EXPECT_GT(q.row(i).dot(q.row(i - 1)), 0.99);  // continuous
        }
      }
      // Once around, relative to where the direction was before.
      const Quaternion first(q(0, 0), q(0, 1), q(0, 2), q(0, 3));
      const Quaternion last(q(n - 1, 0), q(n - 1, 1), q(n - 1, 2), q(n - 1, 3));
      const Quaternion holonomy = last * first.conjugate();
      const double angle = 2.0 * std::atan2(holonomy.vec().dot(Vector3(v.row(0).transpose())), holonomy.w());
      EXPECT_NEAR(std::remainder(angle - 2.0 * pi * (1.0 - std::cos(theta)), 2.0 * pi), 0.0, 1e-5) << theta;
    }
    EXPECT_LT(errors[1], 2e-6) << theta;
    EXPECT_NEAR(errors[0] / errors[1], 4.0, 0.1) << theta;
  }
}

TEST(Rotation, TransportAroundATriangleIsItsArea) {
  // An octant: area pi / 2.
  const Matrix v = (Matrix(4, 3) << 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0).finished();
  const Quaternion start = shortest_arc(Vector3::UnitZ(), Vector3::UnitX());
  const Matrix q = transported_frames(v, 0, start);
  const Quaternion holonomy = Quaternion(q(3, 0), q(3, 1), q(3, 2), q(3, 3)) * start.conjugate();
  EXPECT_LT(
      (holonomy.toRotationMatrix() - Eigen::AngleAxisd(0.5 * pi, Vector3::UnitX()).toRotationMatrix()).norm(),
      1e-14);
  EXPECT_THROW(transported_frames(v, 1, start), UsageError);
  EXPECT_THROW(transported_frames(v, 4, start), UsageError);
}

TEST(Rotation, DominantDirection) {
  RandomStream random(4);
  for (int t = 0; t < 200; ++t) {
    const QuadrupoleModes h = random_modes(random);
    const Eigen::Matrix3d m = angular_momentum_matrix(h);
    const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> eigen(m);
    const Vector3 guess = random_rotation(random) * Vector3::UnitZ();
    double gap = 0.0;
    const Vector3 v = dominant_direction(m, guess, &gap);
    EXPECT_GE(v.dot(guess), 0.0);
    EXPECT_NEAR(std::abs(v.dot(eigen.eigenvectors().col(2))), 1.0, 1e-12);
    EXPECT_NEAR(gap, 1.0 - eigen.eigenvalues()[1] / eigen.eigenvalues()[2], 1e-12);
    // Covariant: L_a turns like a vector. The trace is l(l + 1) = 6 times the norm.
    const Quaternion q = random_rotation(random);
    const Eigen::Matrix3d turned = q.toRotationMatrix() * m * q.toRotationMatrix().transpose();
    EXPECT_LT((angular_momentum_matrix(rotated(h, q)) - turned).norm(), 1e-13 * m.norm());
    double norm = 0.0;
    for (const Complex& e : h) norm += std::norm(e);
    EXPECT_NEAR(m.trace(), 6.0 * norm, 1e-13 * norm);
  }
  // Pure m = ±2 in a frame: the frame's axis, 4 against 1.
  for (int t = 0; t < 50; ++t) {
    const Quaternion q = random_rotation(random);
    const Vector3 axis = q * Vector3::UnitZ();
    double gap = 0.0;
    const auto m =
        angular_momentum_matrix(rotated({Complex(1.0, 0.3), 0.0, 0.0, 0.0, Complex(0.8, -0.5)}, q));
    EXPECT_LT((dominant_direction(m, axis, &gap) - axis).norm(), 2e-15);
    EXPECT_NEAR(gap, 0.75, 1e-7);  // the next two are equal
  }
}

}  // namespace
}  // namespace ersatz
