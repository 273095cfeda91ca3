#include "emulator/precessing_decoder.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

using kernels::frame_tile;
using Pieces = std::array<const double*, 10>;

/// The spinor of a direction with the pole of z >= 0 or z < 0, up to a positive factor, as the kernels take
/// it.
std::array<Complex, 2> spinor(const Vector3& v) {
  const double s = v.norm() + std::abs(v.z());
  if (v.z() >= 0.0) return {s, Complex(v.x(), v.y())};
  return {Complex(v.x(), -v.y()), s};
}

}  // namespace

const std::array<const char*, 10> PrecessingDecoder::piece_names{
    "symmetric22.real", "symmetric22.imaginary",     "antisymmetric22.real", "antisymmetric22.imaginary",
    "symmetric21.real", "symmetric21.imaginary",     "antisymmetric21.real", "antisymmetric21.imaginary",
    "symmetric20.real", "antisymmetric20.imaginary",
};

PrecessingDecoder::PrecessingDecoder(Parts parts) : parts_(std::move(parts)) {
  pieces_ = std::count(parts_.has.begin(), parts_.has.end(), true);
}

std::vector<ChannelShape> PrecessingDecoder::channels() const {
  const Index n = parts_.size;
  std::vector<ChannelShape> list{{parts_.name + ".direction", 3 * n, false, true},
                                 {parts_.name + ".phase", n, false, true}};
  for (std::size_t k = 0; k < 10; ++k)
    if (parts_.has[k]) list.push_back({parts_.name + "." + piece_names[k], n});
  return list;
}

bool PrecessingDecoder::fits(Index parameters, const std::vector<Index>& widths) const {
  return parts_.outputs.size() == 5 && widths == std::vector<Index>(5, 2 * parts_.size) &&
         parts_.reference >= 0 && parts_.reference < parts_.size && std::isfinite(parts_.turn) &&
         std::abs(parts_.pole.norm() - 1.0) < 1e-9 && (!parts_.symmetry || parts_.symmetry->fits(parameters));
}

Complex PrecessingDecoder::turn_of(const double* x) const {
  return parts_.symmetry ? parts_.symmetry->direction(x) : Complex(1.0, 0.0);
}

// Decoding ----------------------------------------------------------------------------------------------

/// Calls tile(begin, count, backwards) for the samples up to the reference, and again for those after it.
struct PrecessingDecoder::Walk {
  template <class Tile>
  static void backwards(const Parts& parts, Tile tile) {
    for (Index end = parts.reference + 1; end > 0;) {
      const Index count = std::min<Index>(frame_tile, end);
      end -= count;
      tile(end, count, true);
    }
  }
  template <class Tile>
  static void forwards(const Parts& parts, Tile tile) {
    for (Index begin = parts.reference + 1; begin < parts.size; begin += frame_tile)
      tile(begin, std::min<Index>(frame_tile, parts.size - begin), false);
  }
  /// Walks both ways, with the same carry at the start.
  template <std::size_t N, class Tile>
  static void both(const Parts& parts, const std::array<double, N>& start, Tile tile) {
    std::array<double, N> carry = start;
    backwards(parts, [&](Index begin, Index count, bool back) { tile(begin, count, back, carry.data()); });
    carry = start;
    forwards(parts, [&](Index begin, Index count, bool back) { tile(begin, count, back, carry.data()); });
  }

  /// What precessing_modes carries at the reference: the direction there, and the square of the phase that
  /// the arc from the pole gives it.
  static std::array<double, 5> modes_start(const Parts& parts, const double* direction) {
    const Index r = parts.reference, n = parts.size;
    const Vector3 v(direction[r], direction[n + r], direction[2 * n + r]);
    const auto here = spinor(v), pole = spinor(parts.pole);
    const Complex overlap = std::conj(here[0]) * pole[0] + std::conj(here[1]) * pole[1];
    const Complex square = overlap * overlap / std::norm(overlap);
    // The spinor at the pole is carried there from z by a shortest arc: (1, 0) or, past the equator, times
    // the phase that makes its first entry real.
    const Complex first =
        parts.pole.z() >= 0.0 || pole[0] == 0.0 ? Complex(1.0) : std::conj(pole[0]) / std::abs(pole[0]);
    const Complex start = square * first * first;
    return {v.x(), v.y(), v.z(), start.real(), start.imag()};
  }
  /// What rotation_tangents carries there.
  static std::array<double, 7> tangents_start(const Parts& parts, const double* direction,
                                              const double* change) {
    const Index r = parts.reference, n = parts.size;
    Vector3 v(direction[r], direction[n + r], direction[2 * n + r]), d = Vector3::Zero();
    if (change) d = Vector3(change[r], change[n + r], change[2 * n + r]) / v.norm();
    v.normalize();
    const double twist = d.dot(v.cross(parts.pole)) / (1.0 + v.dot(parts.pole));
    return {v.x(), v.y(), v.z(), d.x(), d.y(), d.z(), twist};
  }
};

void PrecessingDecoder::modes_of(const double* x, const double* direction, const double* phase,
                                 const double* const* pieces, double* const* outputs) const {
  const Complex turn = turn_of(x);
  const double about_z[2] = {turn.real(), turn.imag()};
  const Index n = parts_.size;
  Walk::both(
      parts_, Walk::modes_start(parts_, direction), [&](Index begin, Index count, bool back, double* carry) {
        const double* v[3] = {direction + begin, direction + n + begin, direction + 2 * n + begin};
        Pieces here{};
        for (std::size_t k = 0; k < 10; ++k)
          if (pieces[k]) here[k] = pieces[k] + begin;
        double* modes[5];
        for (int m = 0; m < 5; ++m) modes[m] = outputs[m] + 2 * begin;
        kernels::table().precessing_modes(v, phase + begin, here.data(), count, back, carry, about_z, modes);
      });
}

void PrecessingDecoder::tangents_of(const double* x, const double* direction, const double* change,
                                    const double* angle, double* const* modes) const {
  const Complex turn = turn_of(x);
  const double about_z[2] = {turn.real(), turn.imag()};
  const Index n = parts_.size;
  Walk::both(parts_, Walk::tangents_start(parts_, direction, change),
             [&](Index begin, Index count, bool back, double* carry) {
               const double* v[3] = {direction + begin, direction + n + begin, direction + 2 * n + begin};
               const double* d[3] = {};
               if (change)
                 for (int k = 0; k < 3; ++k) d[k] = change + k * n + begin;
               double* h[5];
               for (int m = 0; m < 5; ++m) h[m] = modes[m] + 2 * begin;
               kernels::table().rotation_tangents(v, change ? d : nullptr, angle ? angle + begin : nullptr,
                                                  count, back, carry, about_z, h);
             });
}

namespace {

/// The pieces among a decoder's channels, null where there is none; only the given one if `only` >= 0.
Pieces pieces_among(const std::array<bool, 10>& has, const double* const* channels, Index only = -1) {
  Pieces list{};
  Index channel = 2;
  for (std::size_t k = 0; k < 10; ++k)
    if (has[k]) {
      if (only < 0 || only == channel) list[k] = channels[channel];
      ++channel;
    }
  return list;
}

}  // namespace

void PrecessingDecoder::decode(const double* x, const double* const* channels, double* const* outputs) const {
  modes_of(x, channels[0], channels[1], pieces_among(parts_.has, channels).data(), outputs);
}

// A rotation of the frame by the vector w changes the modes by -i w·L h; a change of the phase is one about
// the direction. The frame's own twist s about the direction v follows from parallel transport: the phase
// between neighbouring spinors stays real, so that (w' - w)·(v' + v) = 0, hence s' = s + (dv + dv')·(v' ×
// v)/(1 + v·v').
void PrecessingDecoder::push(const double* x, const double* const* channels, Index channel,
                             const double* tangent, double* const* tangents) const {
  if (channel >= 2) {  // linear in the pieces
    Pieces pieces = pieces_among(parts_.has, channels, channel);
    for (const double*& p : pieces)
      if (p) p = tangent;
    modes_of(x, channels[0], channels[1], pieces.data(), tangents);
    return;
  }
  decode(x, channels, tangents);
  tangents_of(x, channels[0], channel == 0 ? tangent : nullptr, channel == 1 ? tangent : nullptr, tangents);
}

namespace {

/// w·L h for a rotation about the axis w in the frame before the turn about z.
QuadrupoleModes generated(const QuadrupoleModes& h, Complex turn, const Vector3& axis) {
  const Complex plane = turn * Complex(axis.x(), axis.y());
  const Complex raise(0.5 * plane.real(), -0.5 * plane.imag()), lower = std::conj(raise);
  const double steps[4] = {2.0, std::sqrt(6.0), std::sqrt(6.0), 2.0};
  QuadrupoleModes result;
  for (std::size_t m = 0; m < 5; ++m) {
    result[m] = (2.0 - static_cast<double>(m)) * axis.z() * h[m];
    if (m < 4) result[m] += raise * steps[m] * h[m + 1];
    if (m > 0) result[m] += lower * steps[m - 1] * h[m - 1];
  }
  return result;
}

}  // namespace

// A change of the in-plane angle turns everything about z, and the orbit back about the direction.
bool PrecessingDecoder::push_parameters(const double* x, const double* const* channels, const double* dx,
                                        double* const* tangents) const {
  if (!parts_.symmetry) return false;
  const double angle = parts_.symmetry->push(x, dx);
  const Complex turn = turn_of(x);
  const Index n = parts_.size;
  decode(x, channels, tangents);
  for (Index i = 0; i < n; ++i) {
    const Vector3 direction(channels[0][i], channels[0][n + i], channels[0][2 * n + i]);
    QuadrupoleModes h;
    for (std::size_t m = 0; m < 5; ++m) h[m] = Complex(tangents[m][2 * i], tangents[m][2 * i + 1]);
    h = generated(h, turn, angle * (Vector3::UnitZ() - direction.normalized()));
    for (std::size_t m = 0; m < 5; ++m) {  // times -i
      tangents[m][2 * i] = h[m].imag();
      tangents[m][2 * i + 1] = -h[m].real();
    }
  }
  return true;
}

namespace {

/// Modes of a tile, on the stack.
struct TileModes {
  std::array<std::array<double, 2 * frame_tile>, 5> values;
  std::array<double*, 5> rows;
  TileModes() {
    for (std::size_t m = 0; m < 5; ++m) rows[m] = values[m].data();
  }
};

/// variances += weight[i] × square of what a unit rotation about axes.col(i) does to the modes.
void add_squares(const TileModes& modes, Complex turn, Index i, const Vector3& axis, double weight, Index bin,
                 double* const* variances) {
  QuadrupoleModes h;
  for (std::size_t m = 0; m < 5; ++m) {
    const auto at = static_cast<std::size_t>(2 * i);
    h[m] = Complex(modes.values[m][at], modes.values[m][at + 1]);
  }
  const QuadrupoleModes d = generated(h, turn, axis);
  for (std::size_t m = 0; m < 5; ++m) {
    variances[m][2 * bin] += weight * d[m].imag() * d[m].imag();
    variances[m][2 * bin + 1] += weight * d[m].real() * d[m].real();
  }
}

}  // namespace

void PrecessingDecoder::add_variance(const double* x, const double* const* channels, Index channel,
                                     const double* variance, double* const* variances) const {
  const Complex turn = turn_of(x);
  const double about_z[2] = {turn.real(), turn.imag()};
  const double* direction = channels[0];
  const Index n = parts_.size;
  const auto row = [&](Index i) { return Vector3(direction[i], direction[n + i], direction[2 * n + i]); };
  std::array<double, frame_tile> ones;
  ones.fill(1.0);

  // Along the way: the arc's twist per change of either end, and the variance of the twist from all samples
  // before the last one.
  const Vector3 first = row(parts_.reference).normalized();
  Vector3 before, arc;
  double gathered = 0.0;
  const auto restart = [&] {
    before = first;
    arc = first.cross(parts_.pole) / (1.0 + first.dot(parts_.pole));
    gathered = 0.0;
  };
  const auto visit = [&](const TileModes& modes, Index i, Index bin) {
    const Vector3 raw = row(bin), v = raw.normalized();
    const double length = raw.norm();
    if (channel == 1) {
      add_squares(modes, turn, i, v, variance[bin], bin, variances);
      return;
    }
    if (bin != parts_.reference) {
      const Index last = bin < parts_.reference ? bin + 1 : bin - 1;
      const Vector3 next = v.cross(before) / (1.0 + v.dot(before)), both = (arc + next) / row(last).norm();
      for (int k = 0; k < 3; ++k) gathered += both[k] * both[k] * variance[k * n + last];
      arc = next;
      before = v;
    }
    add_squares(modes, turn, i, v, gathered, bin, variances);
    for (int k = 0; k < 3; ++k) {
      const Vector3 axis = (v.cross(Vector3::Unit(k)) + arc[k] * v) / length;
      add_squares(modes, turn, i, axis, variance[k * n + bin], bin, variances);
    }
  };
  restart();
  bool went_back = true;
  Walk::both(parts_, Walk::modes_start(parts_, direction),
             [&](Index begin, Index count, bool back, double* carry) {
               if (went_back && !back) restart();
               went_back = back;
               Pieces here = pieces_among(parts_.has, channels, channel >= 2 ? channel : -1);
               for (const double*& p : here)
                 if (p) p = channel >= 2 ? ones.data() : p + begin;
               const double* v[3] = {direction + begin, direction + n + begin, direction + 2 * n + begin};
               TileModes modes;
               kernels::table().precessing_modes(v, channels[1] + begin, here.data(), count, back, carry,
                                                 about_z, modes.rows.data());
               for (Index k = 0; k < count; ++k) {
                 const Index i = back ? count - 1 - k : k, bin = begin + i;
                 if (channel < 2) {
                   visit(modes, i, bin);
                   continue;
                 }
                 for (std::size_t m = 0; m < 5; ++m)
                   for (Index part = 0; part < 2; ++part) {
                     const double d = modes.values[m][static_cast<std::size_t>(2 * i + part)];
                     variances[m][2 * bin + part] += d * d * variance[bin];
                   }
               }
             });
}

// Backwards -----------------------------------------------------------------------------------------------

namespace {

/// What a rotation of the modes h changes in Σ weight · mode, for one about each axis.
Vector3 torque(const double* const* modes, const double* const* weights, Index i, Complex turn) {
  const double steps[4] = {2.0, std::sqrt(6.0), std::sqrt(6.0), 2.0};
  const auto product = [&](std::size_t m, std::size_t k) {  // weight* of m times mode k
    const double *w = weights[m] + 2 * i, *h = modes[k] + 2 * i;
    return Complex(w[0] * h[0] + w[1] * h[1], w[0] * h[1] - w[1] * h[0]);
  };
  double about_z = 0.0;
  Complex raised = 0.0, lowered = 0.0;
  for (std::size_t m = 0; m < 5; ++m) {
    about_z += (2.0 - static_cast<double>(m)) * product(m, m).imag();
    if (m < 4) raised += steps[m] * product(m, m + 1);
    if (m > 0) lowered += steps[m - 1] * product(m, m - 1);
  }
  // Im (conj(turn (x + i y)) raised + turn (x + i y) lowered) / 2
  const Complex up(turn.real() * raised.real() + turn.imag() * raised.imag(),
                   turn.real() * raised.imag() - turn.imag() * raised.real());
  const Complex down(turn.real() * lowered.real() - turn.imag() * lowered.imag(),
                     turn.real() * lowered.imag() + turn.imag() * lowered.real());
  return {0.5 * (up.imag() + down.imag()), 0.5 * (down.real() - up.real()), about_z};
}

}  // namespace

void PrecessingDecoder::pull(const double* x, const double* const* channels, const double* const* outputs,
                             const double* const* weights, double* const* channel_weights,
                             double* gradient) const {
  const Index n = parts_.size, r = parts_.reference;
  const Complex turn = turn_of(x);
  const double* direction = channels[0];
  double *by_direction = channel_weights[0], *by_phase = channel_weights[1];
  const auto row = [&](const double* rows, Index i) {
    return Vector3(rows[i], rows[n + i], rows[2 * n + i]);
  };
  double by_angle = 0.0;
  for (Index i = 0; i < n; ++i) {
    const Vector3 t = torque(outputs, weights, i, turn);
    by_phase[i] = t.dot(row(direction, i).normalized());
    by_angle += t.z() - by_phase[i];
    for (int k = 0; k < 3; ++k) by_direction[k * n + i] = t[k];
  }
  // From both ends to the reference: a change there twists the frames of all samples beyond.
  const auto arc = [](const Vector3& v, const Vector3& before) -> Vector3 {
    return v.cross(before) / (1.0 + v.dot(before));
  };
  const auto set = [&](Index i, const Vector3& v, const Vector3& twist) {
    const Vector3 change = (row(by_direction, i).cross(v) + twist) / row(direction, i).norm();
    for (int k = 0; k < 3; ++k) by_direction[k * n + i] = change[k];
  };
  double beyond = by_phase[r];
  Vector3 at_reference = Vector3::Zero();
  for (const Index step : {Index{1}, Index{-1}}) {
    double gathered = 0.0;
    Vector3 next = Vector3::Zero();
    for (Index i = step > 0 ? n - 1 : 0; i != r; i -= step) {
      const Vector3 v = row(direction, i).normalized();
      gathered += by_phase[i];
      const Vector3 here = gathered * arc(v, row(direction, i - step).normalized());
      set(i, v, here + next);
      next = here;
    }
    beyond += gathered;
    at_reference += next;
  }
  const Vector3 first = row(direction, r).normalized();
  set(r, first, beyond * arc(first, parts_.pole) + at_reference);

  if (parts_.symmetry) {
    // Of the five parameters that it is made of, in this order.
    InPlaneAngle angle = *parts_.symmetry;
    std::array<Index, 5> its{};
    std::copy(angle.spins.begin(), angle.spins.end(), its.begin());
    its[4] = angle.mass_ratio;
    angle.spins = {0, 1, 2, 3};
    if (angle.mass_ratio >= 0) angle.mass_ratio = 4;
    std::array<double, 5> values{}, unit{};
    for (std::size_t k = 0; k < 5; ++k)
      if (its[k] >= 0) values[k] = x[its[k]];
    for (std::size_t k = 0; k < 5; ++k) {
      if (its[k] < 0) continue;
      unit[k] = 1.0;
      gradient[its[k]] += by_angle * angle.push(values.data(), unit.data());
      unit[k] = 0.0;
    }
  }

  // Modes are linear in the pieces: those of ones.
  const double about_z[2] = {turn.real(), turn.imag()};
  std::array<double, frame_tile> ones;
  ones.fill(1.0);
  Index channel = 2;
  for (std::size_t k = 0; k < 10; ++k) {
    if (!parts_.has[k]) continue;
    double* by_piece = channel_weights[channel++];
    Walk::both(parts_, Walk::modes_start(parts_, direction),
               [&](Index begin, Index count, bool back, double* carry) {
                 const double* v[3] = {direction + begin, direction + n + begin, direction + 2 * n + begin};
                 Pieces piece{};
                 piece[k] = ones.data();
                 TileModes modes;
                 kernels::table().precessing_modes(v, channels[1] + begin, piece.data(), count, back, carry,
                                                   about_z, modes.rows.data());
                 for (Index i = 0; i < count; ++i) {
                   double sum = 0.0;
                   for (std::size_t m = 0; m < 5; ++m)
                     for (Index part = 0; part < 2; ++part)
                       sum += modes.values[m][static_cast<std::size_t>(2 * i + part)] *
                              weights[m][2 * (begin + i) + part];
                   by_piece[begin + i] = sum;
                 }
               });
  }
}

// Saving ------------------------------------------------------------------------------------------------

void PrecessingDecoder::save(const h5::Group& group) const {
  group.set("name", parts_.name);
  group.write("modes", parts_.outputs);
  group.set("size", static_cast<std::int64_t>(parts_.size));
  group.set("reference", static_cast<std::int64_t>(parts_.reference));
  group.write("pole", Vector(parts_.pole));
  group.set("turn", parts_.turn);
  group.write("pieces", std::vector<std::int64_t>(parts_.has.begin(), parts_.has.end()));
  group.set("tolerance", parts_.tolerance);
  if (parts_.symmetry) parts_.symmetry->save(group.create_group("symmetry"));
}

DecoderPtr PrecessingDecoder::load(const h5::Group& group) {
  Parts p;
  p.name = group.get_string("name");
  p.outputs = group.read_strings("modes", 5);
  p.size = group.get_integer("size");
  p.reference = group.get_integer("reference");
  p.pole = Vector3(group.read_vector("pole", 3));
  p.turn = group.get_double("turn");
  const auto has = group.read_integers("pieces", 10);
  for (std::size_t k = 0; k < 10; ++k) p.has[k] = has[k] != 0;
  p.tolerance = group.get_double("tolerance");
  if (group.has("symmetry")) p.symmetry = InPlaneAngle::load(group.group("symmetry"));
  return std::make_shared<PrecessingDecoder>(std::move(p));
}

}  // namespace ersatz
