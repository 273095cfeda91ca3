#pragma once
// Rotations of frames and of the modes of l = 2: what takes a precessing waveform apart and puts it together.
//
// A unit quaternion q stands for the active rotation v -> q v q*, R(q1 q2) = R(q1) R(q2). Modes are ordered
// m = 2, 1, 0, -1, -2, and a field that is rotated by q has the modes h_m = sum over m' of D_mm'(q) h_m',
// with D(q1 q2) = D(q1) D(q2) and D = exp(-i m angle) for a rotation about z. A frame q carries the axes x,
// y, z to those of the frame: D(q) takes modes in the frame to inertial ones, D(q*) inertial ones to the
// frame.

#include <Eigen/Geometry>
#include <array>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

using Vector3 = Eigen::Vector3d;
using Quaternion = Eigen::Quaterniond;
using QuadrupoleModes = std::array<Complex, 5>;

/// The rotation by the shortest arc that takes the unit vector `from` to `to`. Throws NumericalError where
/// they are opposite, as then there is no shortest arc.
Quaternion shortest_arc(const Vector3& from, const Vector3& to);

/// R = Rz(alpha) Ry(beta) Rz(gamma), beta in [0, pi]; gamma = 0 where beta is 0 or pi.
struct EulerAngles {
  double alpha = 0.0, beta = 0.0, gamma = 0.0;
};
EulerAngles euler_angles(const Quaternion& rotation);
Quaternion from_euler_angles(const EulerAngles& angles);

/// D(rotation) applied to the five modes; about 60 multiplications of complex numbers.
QuadrupoleModes rotated(const QuadrupoleModes& modes, const Quaternion& rotation);
/// D(rotation), 5 × 5, unitary.
ComplexMatrix wigner_matrix(const Quaternion& rotation);

/// Frames (n × 4: w, x, y, z) whose z axis is directions.row(i) (unit vectors, n × 3), carried from row
/// `reference`, where the frame is `start`, outwards by shortest arcs from row to row. This is parallel
/// transport along the polygon: where rows are dense, the minimal rotation of Boyle, Owen & Pfeiffer (2011),
/// arXiv:1110.2965. Throws UsageError where start's z axis is not that row, NumericalError where neighbours
/// are opposite.
Matrix transported_frames(const Matrix& directions, Index reference, const Quaternion& start);

/// The symmetric matrix <L_(a L_b)> of O'Shaughnessy et al. (2011), arXiv:1109.5224, Eq. 7, not divided by
/// the norm of the modes.
Eigen::Matrix3d angular_momentum_matrix(const QuadrupoleModes& modes);
/// Its dominant eigenvector, of length 1, on the side of `guess` (unit vector), which is also where the
/// search starts. `gap`, if given: the distance to the next eigenvalue over the largest one, to
/// about 1e-7.
Vector3 dominant_direction(const Eigen::Matrix3d& matrix, const Vector3& guess, double* gap = nullptr);

}  // namespace ersatz
