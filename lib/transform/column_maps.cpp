#include "transform/column_maps.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr std::size_t most_values = 16;  ///< that a map reads or gives

template <class Map>
class OnColumns final : public Transform {
 public:
  OnColumns(Map map, Index inputs, std::vector<Index> used)
      : map_(std::move(map)), inputs_(inputs), used_(std::move(used)) {
    if (const std::string why = map_.why_unusable(); !why.empty()) throw UsageError(why);
    if (static_cast<Index>(used_.size()) != map_.uses())
      throw UsageError(text("map ", Map::kind(), " reads ", map_.uses(), " columns, got ", used_.size()));
    for (std::size_t i = 0; i < used_.size(); ++i)
      if (used_[i] < 0 || used_[i] >= inputs_ || std::count(used_.begin(), used_.end(), used_[i]) > 1)
        throw UsageError(
            text("map ", Map::kind(), ": column ", used_[i], " is read twice or not among the ", inputs_));
    const auto consumed_end = used_.begin() + map_.consumed();
    for (Index k = 0; k < inputs_; ++k)
      if (std::find(used_.begin(), consumed_end, k) == consumed_end) kept_.push_back(k);
  }

  std::string kind() const override { return Map::kind(); }
  Index inputs() const override { return inputs_; }
  Index outputs() const override { return kept() + map_.outputs(); }

  void forward(const double* y, double* z) const override {
    std::array<double, most_values> in{};
    for (std::size_t i = 0; i < used_.size(); ++i) in[i] = y[used_[i]];
    for (std::size_t i = 0; i < kept_.size(); ++i) z[i] = y[kept_[i]];
    map_.apply(in.data(), z + kept());
  }
  void inverse(const double* z, double* y) const override {
    for (std::size_t i = 0; i < kept_.size(); ++i) y[kept_[i]] = z[i];
    std::array<double, most_values> in{};
    for (std::size_t i = consumed(); i < used_.size(); ++i) in[i] = y[used_[i]];
    map_.undo(z + kept(), in.data());
    for (std::size_t i = 0; i < consumed(); ++i) y[used_[i]] = in[i];
  }
  void push_forward(const double* y, const double* dy, double* dz) const override {
    std::array<Tangent, most_values> in, out;
    for (std::size_t i = 0; i < used_.size(); ++i) in[i] = {y[used_[i]], dy[used_[i]]};
    for (std::size_t i = 0; i < kept_.size(); ++i) dz[i] = dy[kept_[i]];
    map_.apply(in.data(), out.data());
    for (Index i = 0; i < map_.outputs(); ++i) dz[kept() + i] = out[static_cast<std::size_t>(i)].change;
  }
  void push_inverse(const double* z, const double* dz, double* dy) const override {
    for (std::size_t i = 0; i < kept_.size(); ++i) dy[kept_[i]] = dz[i];
    std::array<Tangent, most_values> in = kept_values(z, dz), out;
    for (Index i = 0; i < map_.outputs(); ++i)
      out[static_cast<std::size_t>(i)] = {z[kept() + i], dz[kept() + i]};
    map_.undo(out.data(), in.data());
    for (std::size_t i = 0; i < consumed(); ++i) dy[used_[i]] = in[i].change;
  }
  void variance_inverse(const double* z, const double* var_z, double* var_y) const override {
    std::fill(var_y, var_y + inputs_, 0.0);
    std::vector<double> dz(static_cast<std::size_t>(outputs()), 0.0), dy(static_cast<std::size_t>(inputs_));
    for (std::size_t o = 0; o < dz.size(); ++o) {
      dz[o] = 1.0;
      push_inverse(z, dz.data(), dy.data());
      for (std::size_t i = 0; i < dy.size(); ++i) var_y[i] += dy[i] * dy[i] * var_z[o];
      dz[o] = 0.0;
    }
  }
  void save(const h5::Group& group) const override {
    group.set("inputs", static_cast<std::int64_t>(inputs_));
    group.write("columns", std::vector<std::int64_t>(used_.begin(), used_.end()));
    map_.save(group);
  }

 private:
  std::size_t consumed() const { return static_cast<std::size_t>(map_.consumed()); }
  Index kept() const { return static_cast<Index>(kept_.size()); }
  /// What the map reads and does not replace, from a row of outputs.
  std::array<Tangent, most_values> kept_values(const double* z, const double* dz) const {
    std::array<Tangent, most_values> in;
    for (std::size_t i = consumed(); i < used_.size(); ++i) {
      const auto at = std::lower_bound(kept_.begin(), kept_.end(), used_[i]) - kept_.begin();
      in[i] = {z[at], dz[at]};
    }
    return in;
  }

  Map map_;
  Index inputs_;
  std::vector<Index> used_, kept_;
};

/// Weights of both spins in chi_hat.
template <class T>
std::array<T, 2> effective_weights(const T& q) {
  const T one(1.0), m1 = q / (one + q), m2 = one / (one + q);
  const T common = T(38.0 / 113.0) * m1 * m2, norm = one - common - common;
  return {(m1 - common) / norm, (m2 - common) / norm};
}

template <class T>
struct Direction {
  T cosine, sine;
};
Direction<double> direction_of(const InPlaneAngle& angle, const double* in) {
  const Complex d = angle.direction(in);
  return {d.real(), d.imag()};
}
Direction<Tangent> direction_of(const InPlaneAngle& angle, const Tangent* in) {
  std::array<double, 5> x{}, dx{};
  for (std::size_t k = 0; k < (angle.mass_ratio < 0 ? 4u : 5u); ++k) {
    x[k] = in[k].value;
    dx[k] = in[k].change;
  }
  const Complex d = angle.direction(x.data());
  const double turn = angle.push(x.data(), dx.data());
  return {{d.real(), -d.imag() * turn}, {d.imag(), d.real() * turn}};
}

}  // namespace

template <class T>
void LogarithmMap::apply(const T* in, T* out) const {
  using std::log;
  out[0] = log(in[0]);
}
template <class T>
void LogarithmMap::undo(const T* out, T* in) const {
  using std::exp;
  in[0] = exp(out[0]);
}

template <class T>
void EffectiveSpinsMap::apply(const T* in, T* out) const {
  const std::array<T, 2> w = effective_weights(in[2]);
  out[0] = w[0] * in[0] + w[1] * in[1];
  out[1] = T(0.5) * (in[0] - in[1]);
}
template <class T>
void EffectiveSpinsMap::undo(const T* out, T* in) const {
  const std::array<T, 2> w = effective_weights(in[2]);  // their sum is 1
  in[0] = out[0] + T(2.0) * w[1] * out[1];
  in[1] = out[0] - T(2.0) * w[0] * out[1];
}

template <class T>
void PolarMap::apply(const T* in, T* out) const {
  using std::sqrt;
  const T x = in[0], y = in[1], length = sqrt(x * x + y * y);
  const bool origin = !(value_of(length) > 0.0);
  out[0] = length;
  out[1] = origin ? T(1.0) : x / length;
  out[2] = origin ? T(0.0) : y / length;
}
template <class T>
void PolarMap::undo(const T* out, T* in) const {
  using std::sqrt;
  const T norm = sqrt(out[1] * out[1] + out[2] * out[2]);
  const bool origin = !(value_of(norm) > 0.0);
  in[0] = origin ? out[0] : out[0] * out[1] / norm;
  in[1] = origin ? T(0.0) : out[0] * out[2] / norm;
}

template <class T>
void RotationalSymmetryMap::apply(const T* in, T* out) const {
  const Direction<T> d = direction_of(angle, in);
  const T x1 = in[0], y1 = in[1], x2 = in[2], y2 = in[3];
  out[0] = d.cosine * x1 + d.sine * y1;
  out[1] = d.cosine * x2 + d.sine * y2;
  out[2] = second_is_free() ? d.cosine * y2 - d.sine * x2 : d.cosine * y1 - d.sine * x1;
}
template <class T>
void RotationalSymmetryMap::undo(const T* out, T* in) const {
  using std::pow;
  // Across: w1 m1^p c1 + w2 m2^p c2 = 0, m1 / m2 = q.
  const T ratio = angle.mass_ratio < 0 ? T(1.0) : pow(in[4], angle.mass_power);
  in[0] = out[0];
  in[2] = out[1];
  if (second_is_free()) {
    in[3] = out[2];
    in[1] = -T(angle.weights[1] / angle.weights[0]) * out[2] / ratio;
  } else {  // the weighted sum is spin 2 alone, and has nothing across
    in[1] = out[2];
    in[3] = T(0.0);
  }
}
std::string RotationalSymmetryMap::why_unusable() const {
  const bool right = angle.spins == std::array<Index, 4>{0, 1, 2, 3} &&
                     (angle.mass_ratio == 4 || angle.mass_ratio == -1) &&
                     (angle.weights[0] != 0.0 || angle.weights[1] != 0.0);
  return right ? ""
               : "map rotational-symmetry: spins 0, 1, 2, 3, mass ratio 4 or -1, and weights are expected";
}

template <class T>
void ExchangeMap::apply(const T* in, T* out) const {
  std::array<T, most_pairs> difference;
  for (Index i = 0; i < pairs; ++i) {
    out[i] = T(0.5) * (in[i] + in[pairs + i]);
    difference[static_cast<std::size_t>(i)] = T(0.5) * (in[i] - in[pairs + i]);
  }
  T* next = out + pairs;
  for (Index i = 0; i < pairs; ++i)
    for (Index j = i; j < pairs; ++j)
      *next++ = difference[static_cast<std::size_t>(i)] * difference[static_cast<std::size_t>(j)];
}
template <class T>
void ExchangeMap::undo(const T* out, T* in) const {
  using std::sqrt;
  const auto product = [&](Index i, Index j) -> const T& {
    const Index a = std::min(i, j), b = std::max(i, j);
    return out[pairs + a * pairs - a * (a - 1) / 2 + (b - a)];
  };
  Index largest = 0;
  for (Index i = 1; i < pairs; ++i)
    if (value_of(product(i, i)) > value_of(product(largest, largest))) largest = i;
  const T& square = product(largest, largest);
  const bool same = !(value_of(square) > 0.0);
  const T length = same ? T(0.0) : sqrt(square);
  for (Index i = 0; i < pairs; ++i) {
    const T difference = same ? T(0.0) : product(largest, i) / length;
    in[i] = out[i] + difference;
    in[pairs + i] = out[i] - difference;
  }
}
std::string ExchangeMap::why_unusable() const {
  if (pairs >= 1 && pairs <= most_pairs) return "";
  return text("map exchange-symmetry takes 1 to ", most_pairs, " pairs of parameters, got ", pairs);
}

template <class Map>
TransformPtr on_columns(Map map, Index inputs, std::vector<Index> used) {
  return std::make_shared<OnColumns<Map>>(std::move(map), inputs, std::move(used));
}

template <class Map>
TransformPtr load_on_columns(const h5::Group& group) {
  const auto columns = group.read_integers("columns");
  try {
    return on_columns(Map::load(group), group.get_integer("inputs"), {columns.begin(), columns.end()});
  } catch (const UsageError& e) {
    throw StorageError(text(group.where(), ": ", e.what()));
  }
}

template TransformPtr on_columns(LogarithmMap, Index, std::vector<Index>);
template TransformPtr on_columns(EffectiveSpinsMap, Index, std::vector<Index>);
template TransformPtr on_columns(PolarMap, Index, std::vector<Index>);
template TransformPtr on_columns(RotationalSymmetryMap, Index, std::vector<Index>);
template TransformPtr on_columns(ExchangeMap, Index, std::vector<Index>);
template TransformPtr load_on_columns<LogarithmMap>(const h5::Group&);
template TransformPtr load_on_columns<EffectiveSpinsMap>(const h5::Group&);
template TransformPtr load_on_columns<PolarMap>(const h5::Group&);
template TransformPtr load_on_columns<RotationalSymmetryMap>(const h5::Group&);
template TransformPtr load_on_columns<ExchangeMap>(const h5::Group&);

}  // namespace ersatz
