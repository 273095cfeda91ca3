// Elements of a POD turned within their span, so that each is concentrated on few bins.

#include "basis/pod_rotation.hpp"

#include <algorithm>
#include <numeric>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

using dense::Rows;

constexpr int most_turns = 500;

/// The unitary matrix closest to `a`: u vᴴ of its singular value decomposition u s vᴴ, as a v s⁻¹ vᴴ: not
/// finite where `a` is singular. `sum` gets the sum of s.
template <class T>
Rows<T> closest_unitary(const Rows<T>& a, double& sum) {
  const dense::Svd<T> svd = dense::svd<T>(a);
  sum = svd.values.sum();
  const Vector inverse = svd.values.cwiseInverse();
  return a * svd.rows.adjoint() * inverse.asDiagonal() * svd.rows;
}

/// The rotation, r × r, after which Σ |entry|⁴ of its product with the orthonormal rows e is largest.
/// That sum is convex in the rotation, so that maximising its linearisation never makes it smaller.
template <class T>
Rows<T> varimax(const Rows<T>& e, int& turns) {
  const Index r = e.rows();
  Rows<T> rotation = Rows<T>::Identity(r, r), turned = e;
  double before = 0.0;
  for (turns = 0; turns < most_turns; ++turns) {
    const Rows<T> cubes = turned.array() * turned.array().abs2();
    Rows<T> gradient = Rows<T>::Zero(r, r);
    dense::coefficients<T>(cubes, e, gradient);
    double sum = 0.0;
    const Rows<T> next = closest_unitary<T>(gradient, sum);
    if (!next.allFinite()) break;  // a singular gradient: it says nothing
    rotation = next;
    turned.setZero();
    dense::add_product<T>(1.0, rotation, e, turned);
    if (sum <= before * (1.0 + 1e-9)) break;
    before = sum;
  }
  double sum = 0.0;
  return closest_unitary<T>(rotation, sum);  // unitary to rounding, whatever the gradient's condition
}

/// Rows of the rotation with the variance of their coefficients descending.
template <class T>
Rows<T> sorted(const Rows<T>& rotation, const Vector& values) {
  const Vector variance = rotation.cwiseAbs2() * values.cwiseAbs2();
  std::vector<Index> order(static_cast<std::size_t>(rotation.rows()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return variance[a] > variance[b]; });
  return rotation(order, Eigen::all);
}

}  // namespace

const char* to_string(PodRotation rotation) { return rotation == PodRotation::varimax ? "varimax" : "none"; }

PodRotation pod_rotation_from_string(const std::string& name) {
  for (const PodRotation r : {PodRotation::none, PodRotation::varimax})
    if (name == to_string(r)) return r;
  throw UsageError(text("basis pod: unknown rotation '", name, "'; known: none, varimax"));
}

template <class T>
int rotate_space(pod::Space<T>& space, Index rank) {
  int turns = 0;
  const Rows<T> e = space.e.topRows(rank);
  const Rows<T> rotation = sorted<T>(varimax<T>(e, turns), space.values.head(rank));
  Rows<T> turned = Rows<T>::Zero(rank, e.cols());
  dense::add_product<T>(1.0, rotation, e, turned);
  space.e.topRows(rank) = turned;
  return turns;
}

template int rotate_space<double>(pod::Space<double>&, Index);
template int rotate_space<Complex>(pod::Space<Complex>&, Index);

}  // namespace ersatz
