#pragma once
// Maps of a few columns of a row, the others passed on: the steps that input maps are made of.
//
// Each map is a value with
//   kind(), uses() values that it reads, consumed(): the first of these, which it replaces, outputs(),
//   apply(in, out): uses() values to outputs() values,
//   undo(out, in): outputs() values and in[consumed() …] to in[0 … consumed()),
//   save, load, and why_unusable(): empty, or what is wrong with values that were loaded.
// apply and undo are templates: a Tangent in place of a number gives the derivative.

#include <array>
#include <string>
#include <vector>

#include "ersatz/transform/in_plane_angle.hpp"
#include "ersatz/transform/transform.hpp"
#include "transform/tangent.hpp"

namespace ersatz {

/// A value above zero to its logarithm.
struct LogarithmMap {
  static std::string kind() { return "logarithm"; }
  Index uses() const { return 1; }
  Index consumed() const { return 1; }
  Index outputs() const { return 1; }
  template <class T>
  void apply(const T* in, T* out) const;
  template <class T>
  void undo(const T* out, T* in) const;
  void save(const h5::Group&) const {}
  static LogarithmMap load(const h5::Group&) { return {}; }
  std::string why_unusable() const { return ""; }
};

/// (chi1z, chi2z, q) to chi_hat = w1 chi1z + w2 chi2z and chi_a = (chi1z - chi2z) / 2, see input_map.hpp.
struct EffectiveSpinsMap {
  static std::string kind() { return "effective-spins"; }
  Index uses() const { return 3; }
  Index consumed() const { return 2; }
  Index outputs() const { return 2; }
  template <class T>
  void apply(const T* in, T* out) const;
  template <class T>
  void undo(const T* out, T* in) const;
  void save(const h5::Group&) const {}
  static EffectiveSpinsMap load(const h5::Group&) { return {}; }
  std::string why_unusable() const { return ""; }
};

/// (x, y) to length, cosine and sine of the angle; (0, 1, 0) at the origin.
struct PolarMap {
  static std::string kind() { return "polar"; }
  Index uses() const { return 2; }
  Index consumed() const { return 2; }
  Index outputs() const { return 3; }
  template <class T>
  void apply(const T* in, T* out) const;
  template <class T>
  void undo(const T* out, T* in) const;
  void save(const h5::Group&) const {}
  static PolarMap load(const h5::Group&) { return {}; }
  std::string why_unusable() const { return ""; }
};

/// (chi1x, chi1y, chi2x, chi2y, and q where it counts) to the three components that are left in the frame
/// turned by the in-plane angle: chi1 along it, chi2 along it, chi2 across it (chi1 across it where spin 1
/// has no weight). The fourth follows, as the weighted sum of both has nothing across. undo gives the
/// representative with angle 0.
struct RotationalSymmetryMap {
  InPlaneAngle angle;  ///< of the values that this map uses: spins 0, 1, 2, 3; mass ratio 4 or -1

  static std::string kind() { return "rotational-symmetry"; }
  Index uses() const { return angle.mass_ratio < 0 ? 4 : 5; }
  Index consumed() const { return 4; }
  Index outputs() const { return 3; }
  bool second_is_free() const { return angle.weights[0] != 0.0; }
  template <class T>
  void apply(const T* in, T* out) const;
  template <class T>
  void undo(const T* out, T* in) const;
  void save(const h5::Group& group) const { angle.save(group); }
  static RotationalSymmetryMap load(const h5::Group& group) { return {InPlaneAngle::load(group)}; }
  std::string why_unusable() const;
};

/// (a_1 … a_p, b_1 … b_p) to the p means and the p (p + 1) / 2 products of half differences
/// d_i = (a_i - b_i) / 2 (d_1 d_1, d_1 d_2, …, d_2 d_2, …): what an exchange of a and b leaves as it is.
/// undo gives the representative with the largest |d_i| positive.
struct ExchangeMap {
  static constexpr Index most_pairs = 4;
  Index pairs = 1;

  static std::string kind() { return "exchange-symmetry"; }
  Index uses() const { return 2 * pairs; }
  Index consumed() const { return 2 * pairs; }
  Index outputs() const { return pairs + pairs * (pairs + 1) / 2; }
  template <class T>
  void apply(const T* in, T* out) const;
  template <class T>
  void undo(const T* out, T* in) const;
  void save(const h5::Group& group) const { group.set("pairs", static_cast<std::int64_t>(pairs)); }
  static ExchangeMap load(const h5::Group& group) { return {group.get_integer("pairs")}; }
  std::string why_unusable() const;
};

/// A map at work on some columns of rows of `inputs` values: what it does not consume comes first, in its
/// order, then what it gives. Throws UsageError where columns and map do not fit together.
template <class Map>
TransformPtr on_columns(Map map, Index inputs, std::vector<Index> used);

/// Reads what such a transform saved. Throws StorageError.
template <class Map>
TransformPtr load_on_columns(const h5::Group& group);

}  // namespace ersatz
