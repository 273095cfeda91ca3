#include "ersatz/transform/rotation.hpp"

#include <Eigen/Eigenvalues>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

const double root6 = std::sqrt(6.0);

/// Cayley-Klein parameters: the first column of the rotation's SU(2) matrix.
struct CayleyKlein {
  Complex a, b;
};
CayleyKlein cayley_klein(const Quaternion& q) { return {{q.w(), -q.z()}, {q.y(), -q.x()}}; }

/// From a column m' = 1 or 2 of D to the sum with column -m': D_-m-m' = (-1)^(m-m') conj(D_mm').
void add_pair(const QuadrupoleModes& column, Complex plus, Complex minus, double sign, QuadrupoleModes& sum) {
  for (std::size_t k = 0; k < 5; ++k, sign = -sign)
    sum[k] += column[k] * plus + sign * std::conj(column[4 - k]) * minus;
}

}  // namespace

Quaternion shortest_arc(const Vector3& from, const Vector3& to) {
  const double w = 1.0 + from.dot(to);
  if (!(w > 1e-14))
    throw NumericalError(text("there is no shortest arc from (", brief(from.x()), ", ", brief(from.y()), ", ",
                              brief(from.z()), ") to the opposite direction"));
  const Vector3 axis = from.cross(to);
  return Quaternion(w, axis.x(), axis.y(), axis.z()).normalized();
}

EulerAngles euler_angles(const Quaternion& q) {
  // a = cos(beta/2) exp(-i (alpha + gamma)/2), b = sin(beta/2) exp(i (alpha - gamma)/2).
  const CayleyKlein u = cayley_klein(q);
  EulerAngles e;
  e.beta = 2.0 * std::atan2(std::abs(u.b), std::abs(u.a));
  if (u.b == 0.0) {
    e.alpha = -2.0 * std::arg(u.a);
  } else if (u.a == 0.0) {
    e.alpha = 2.0 * std::arg(u.b);
  } else {
    e.alpha = std::arg(u.b) - std::arg(u.a);
    e.gamma = -std::arg(u.a) - std::arg(u.b);
  }
  return e;
}

Quaternion from_euler_angles(const EulerAngles& e) {
  return Quaternion(Eigen::AngleAxisd(e.alpha, Vector3::UnitZ()) *
                    Eigen::AngleAxisd(e.beta, Vector3::UnitY()) *
                    Eigen::AngleAxisd(e.gamma, Vector3::UnitZ()));
}

// The columns of D from (a xi + b eta)^(2+m') (-b* xi + a* eta)^(2-m'), expanded in the monomials
// xi^(2+m) eta^(2-m) / sqrt((2+m)! (2-m)!): Wigner (1959), ch. 15.
QuadrupoleModes rotated(const QuadrupoleModes& h, const Quaternion& rotation) {
  const CayleyKlein u = cayley_klein(rotation);
  const Complex A = u.a * u.a, B = u.a * u.b, C = u.b * u.b, E = u.a * std::conj(u.b);
  const double p = std::norm(u.a), r = std::norm(u.b);
  QuadrupoleModes sum{};
  add_pair({A * A, 2.0 * A * B, root6 * B * B, 2.0 * B * C, C * C}, h[0], h[4], 1.0, sum);
  add_pair({-2.0 * A * E, (p - 3.0 * r) * A, root6 * (p - r) * B, (3.0 * p - r) * C, 2.0 * C * std::conj(E)},
           h[1], h[3], -1.0, sum);
  const Complex outer = root6 * E * E, inner = -root6 * (p - r) * E;
  sum[0] += outer * h[2];
  sum[1] += inner * h[2];
  sum[2] += (p * p - 4.0 * p * r + r * r) * h[2];
  sum[3] -= std::conj(inner) * h[2];
  sum[4] += std::conj(outer) * h[2];
  return sum;
}

ComplexMatrix wigner_matrix(const Quaternion& rotation) {
  ComplexMatrix d(5, 5);
  for (Index k = 0; k < 5; ++k) {
    QuadrupoleModes unit{};
    unit[static_cast<std::size_t>(k)] = 1.0;
    const QuadrupoleModes column = rotated(unit, rotation);
    for (Index m = 0; m < 5; ++m) d(m, k) = column[static_cast<std::size_t>(m)];
  }
  return d;
}

Matrix transported_frames(const Matrix& directions, Index reference, const Quaternion& start) {
  if (reference < 0 || reference >= directions.rows() || directions.cols() != 3)
    throw UsageError(text("frames: row ", reference, " as the reference of ", directions.rows(), " × ",
                          directions.cols(), " directions"));
  const auto row = [&](Index i) { return Vector3(directions.row(i).transpose()); };
  if (!((start * Vector3::UnitZ() - row(reference)).norm() < 1e-9))
    throw UsageError("frames: the z axis of the first frame is not the direction at the reference");
  Matrix frames(directions.rows(), 4);
  const auto walk = [&](Index step) {
    Quaternion q = start;
    for (Index i = reference; i >= 0 && i < directions.rows(); i += step) {
      if (i != reference) q = (shortest_arc(row(i - step), row(i)) * q).normalized();
      frames.row(i) << q.w(), q.x(), q.y(), q.z();
    }
  };
  walk(1);
  walk(-1);
  return frames;
}

Eigen::Matrix3d angular_momentum_matrix(const QuadrupoleModes& h) {
  // L+ raises m: (L+ h)_m = sqrt(6 - m (m-1)) h_(m-1).
  const QuadrupoleModes up{2.0 * h[1], root6 * h[2], root6 * h[3], 2.0 * h[4], 0.0};
  const QuadrupoleModes down{0.0, 2.0 * h[0], root6 * h[1], root6 * h[2], 2.0 * h[3]};
  Eigen::Matrix<Complex, 5, 3> l;
  for (int k = 0; k < 5; ++k) {
    const auto at = static_cast<std::size_t>(k);
    l(k, 0) = 0.5 * (up[at] + down[at]);
    l(k, 1) = Complex(0.0, -0.5) * (up[at] - down[at]);
    l(k, 2) = static_cast<double>(2 - k) * h[at];
  }
  return (l.adjoint() * l).real();
}

Vector3 dominant_direction(const Eigen::Matrix3d& m, const Vector3& guess, double* gap) {
  // Rayleigh quotient iteration. The inverse of the shifted matrix is taken without its determinant: the
  // adjugate tends to a multiple of the projector on the eigenvector, so that nothing is singular.
  Vector3 v = guess;
  bool settled = false;
  for (int step = 0; step < 8 && !settled; ++step) {
    const Eigen::Matrix3d s = m - v.dot(m * v) * Eigen::Matrix3d::Identity();
    Eigen::Matrix3d adjugate;
    adjugate << s.row(1).cross(s.row(2)), s.row(2).cross(s.row(0)), s.row(0).cross(s.row(1));
    Vector3 next = adjugate * v;
    const double length = next.norm();
    if (!(length > 1e-8 * m.squaredNorm())) break;
    next *= (next.dot(v) < 0.0 ? -1.0 : 1.0) / length;
    settled = (next - v).norm() < 1e-15;
    v = next;
    if (!settled && step >= 3) settled = (m * v - v.dot(m * v) * v).norm() < 4e-16 * m.norm();
  }
  // The other two eigenvalues from trace and principal minors.
  const double largest = v.dot(m * v), half = 0.5 * (m.trace() - largest);
  const double minors = m(0, 0) * m(1, 1) - m(0, 1) * m(0, 1) + m(1, 1) * m(2, 2) - m(1, 2) * m(1, 2) +
                        m(2, 2) * m(0, 0) - m(2, 0) * m(2, 0);
  double second = half + std::sqrt(std::max(0.0, half * half - (minors - 2.0 * largest * half)));
  if (!settled || !(second < largest)) {
    const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> eigen(m);
    v = eigen.eigenvectors().col(2);
    second = eigen.eigenvalues()[1];
    if (gap) *gap = eigen.eigenvalues()[2] > 0.0 ? 1.0 - second / eigen.eigenvalues()[2] : 0.0;
  } else if (gap) {
    *gap = largest > 0.0 ? 1.0 - second / largest : 0.0;
  }
  return v.dot(guess) < 0.0 ? Vector3(-v) : v;
}

}  // namespace ersatz
