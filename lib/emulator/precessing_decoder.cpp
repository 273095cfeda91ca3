#include "emulator/precessing_decoder.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;
using kernels::frame_tile;
using Pieces = std::array<const double*, 10>;

constexpr const char* piece_names[10] = {
    "symmetric22.real", "symmetric22.imaginary",     "antisymmetric22.real", "antisymmetric22.imaginary",
    "symmetric21.real", "symmetric21.imaginary",     "antisymmetric21.real", "antisymmetric21.imaginary",
    "symmetric20.real", "antisymmetric20.imaginary",
};

/// The coorbital pieces of one sample, in the order of their names.
std::array<double, 10> pieces_of(const QuadrupoleModes& k) {
  std::array<double, 10> p{};
  for (std::size_t m = 0; m < 2; ++m) {
    const Complex symmetric = 0.5 * (k[m] + std::conj(k[4 - m])), anti = 0.5 * (k[m] - std::conj(k[4 - m]));
    p[4 * m] = symmetric.real();
    p[4 * m + 1] = symmetric.imag();
    p[4 * m + 2] = anti.real();
    p[4 * m + 3] = anti.imag();
  }
  p[8] = k[2].real();
  p[9] = k[2].imag();
  return p;
}

/// The spinor of a direction with the pole of z >= 0 or z < 0, up to a positive factor, as the kernels take
/// it.
std::array<Complex, 2> spinor(const Vector3& v) {
  const double s = v.norm() + std::abs(v.z());
  if (v.z() >= 0.0) return {s, Complex(v.x(), v.y())};
  return {Complex(v.x(), -v.y()), s};
}

}  // namespace

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

/// Modes of a tile, on the stack.
struct TileModes {
  std::array<std::array<double, 2 * frame_tile>, 5> values;
  std::array<double*, 5> rows;
  TileModes() {
    for (std::size_t m = 0; m < 5; ++m) rows[m] = values[m].data();
  }
};

/// variances += weight[i] × square of what a unit rotation about axes.col(i) does to the modes.
void add_squares(const TileModes& modes, const Complex* turn, Index i, const Vector3& axis, double weight,
                 Index bin, double* const* variances) {
  const Complex plane = *turn * Complex(axis.x(), axis.y());
  const Complex raise(0.5 * plane.real(), -0.5 * plane.imag()), lower = std::conj(raise);
  std::array<Complex, 5> h;
  for (std::size_t m = 0; m < 5; ++m) {
    const auto at = static_cast<std::size_t>(2 * i);
    h[m] = Complex(modes.values[m][at], modes.values[m][at + 1]);
  }
  const double steps[4] = {2.0, std::sqrt(6.0), std::sqrt(6.0), 2.0};
  for (std::size_t m = 0; m < 5; ++m) {
    Complex d = (2.0 - static_cast<double>(m)) * axis.z() * h[m];
    if (m < 4) d += raise * steps[m] * h[m + 1];
    if (m > 0) d += lower * steps[m - 1] * h[m - 1];
    variances[m][2 * bin] += weight * d.imag() * d.imag();
    variances[m][2 * bin + 1] += weight * d.real() * d.real();
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
      add_squares(modes, &turn, i, v, variance[bin], bin, variances);
      return;
    }
    if (bin != parts_.reference) {
      const Index last = bin < parts_.reference ? bin + 1 : bin - 1;
      const Vector3 next = v.cross(before) / (1.0 + v.dot(before)), both = (arc + next) / row(last).norm();
      for (int k = 0; k < 3; ++k) gathered += both[k] * both[k] * variance[k * n + last];
      arc = next;
      before = v;
    }
    add_squares(modes, &turn, i, v, gathered, bin, variances);
    for (int k = 0; k < 3; ++k) {
      const Vector3 axis = (v.cross(Vector3::Unit(k)) + arc[k] * v) / length;
      add_squares(modes, &turn, i, axis, variance[k * n + bin], bin, variances);
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

// Encoding ----------------------------------------------------------------------------------------------

QuadrupoleModes PrecessingDecoder::modes_at(Index bin, Complex turn, const double* const* outputs) const {
  QuadrupoleModes h;
  double sum = 0.0;
  for (std::size_t m = 0; m < 5; ++m) {
    h[m] = Complex(outputs[m][2 * bin], outputs[m][2 * bin + 1]);
    if (!std::isfinite(h[m].real()) || !std::isfinite(h[m].imag()))
      throw DataError(text("decoder precessing: '", parts_.outputs[m], "' is ", outputs[m][2 * bin], " + ",
                           outputs[m][2 * bin + 1], " i at bin ", bin, ", not a finite number"));
    sum += std::norm(h[m]);
  }
  if (!(sum > 0.0))
    throw DataError(text("decoder precessing: all modes of '", parts_.name, "' are zero at bin ", bin,
                         ", where neither frame nor phase is defined; leave such times out"));
  // Turning the field by -alpha about z multiplies the modes by exp(i m alpha).
  const Complex turn2 = turn * turn;
  h[0] *= turn2;
  h[1] *= turn;
  h[3] *= std::conj(turn);
  h[4] *= std::conj(turn2);
  return h;
}

Vector3 PrecessingDecoder::direction_at(Index bin, const QuadrupoleModes& modes, const Vector3& guess) const {
  double gap = 0.0;
  const Vector3 v = dominant_direction(angular_momentum_matrix(modes), guess, &gap);
  if (!(gap > 1e-3))
    throw DataError(
        text("decoder precessing: the modes of '", parts_.name, "' have no dominant direction at bin ", bin,
             " (the two largest eigenvalues of <LL> differ by ", brief(gap), " of the larger one)"));
  return v;
}

Vector3 PrecessingDecoder::reference_direction(const double* x, const double* const* outputs) const {
  const Complex turn = turn_of(x);
  const Index r = parts_.reference;
  const QuadrupoleModes here = modes_at(r, turn, outputs);
  // The sense in which the modes turn: sum over m of Im(conj(h) L dh) is along -(angular velocity).
  const QuadrupoleModes before = modes_at(std::max<Index>(r - 1, 0), turn, outputs);
  const QuadrupoleModes after = modes_at(std::min(r + 1, parts_.size - 1), turn, outputs);
  const Vector3 v = direction_at(r, here, Vector3::UnitZ());
  const Quaternion frame =
      v.z() > -0.5 ? shortest_arc(Vector3::UnitZ(), v)
                   : shortest_arc(Vector3::UnitX(), v) * shortest_arc(Vector3::UnitZ(), Vector3::UnitX());
  const auto at = [&](const QuadrupoleModes& h) { return rotated(h, frame.conjugate()); };
  const QuadrupoleModes h = at(here), change0 = at(before), change1 = at(after);
  double turning = 0.0;
  for (int k = 0; k < 5; ++k) {
    const auto m = static_cast<std::size_t>(k);
    turning -= static_cast<double>(2 - k) * (std::conj(h[m]) * (change1[m] - change0[m])).imag();
  }
  return turning < 0.0 ? Vector3(-v) : v;
}

/// From the fixed frame to the one at the reference.
Quaternion PrecessingDecoder::start_frame(const Vector3& direction) const {
  const Vector3 z = Vector3::UnitZ();
  if (!(direction.dot(parts_.pole) > -0.99))
    throw DataError(text("decoder precessing: the direction at the reference, (", brief(direction.x()), ", ",
                         brief(direction.y()), ", ", brief(direction.z()),
                         "), is opposite to the one that the training runs have there; set 'reference' to a "
                         "time where the runs are aligned"));
  const Quaternion to_pole =
      parts_.pole.z() > -1.0 + 1e-13 ? shortest_arc(z, parts_.pole) : Quaternion(0.0, 0.0, 1.0, 0.0);
  return shortest_arc(parts_.pole, direction) * to_pole;
}

namespace {
/// exp(4 i phase) times a positive number.
Complex fourth_power(const QuadrupoleModes& coprecessing) {
  return coprecessing[4] * std::conj(coprecessing[0]);
}
}  // namespace

double PrecessingDecoder::reference_phase(const double* x, const double* const* outputs) const {
  const Complex turn = turn_of(x);
  const Quaternion frame = start_frame(reference_direction(x, outputs));
  const QuadrupoleModes h = rotated(modes_at(parts_.reference, turn, outputs), frame.conjugate());
  return 0.25 * std::arg(fourth_power(h)) + std::arg(turn);
}

void PrecessingDecoder::encode(const double* x, const double* const* outputs, double* const* channels) const {
  const Index n = parts_.size, r = parts_.reference;
  const Complex turn = turn_of(x);
  const double alpha = std::arg(turn);
  Matrix v(n, 3);
  ComplexMatrix h(n, 5);
  double largest = 0.0;
  v.row(r) = reference_direction(x, outputs).transpose();
  const auto outwards = [&](auto step) {
    for (Index i = r; i < n; ++i) step(i, i - 1);
    for (Index i = r - 1; i >= 0; --i) step(i, i + 1);
  };
  outwards([&](Index i, Index last) {
    const QuadrupoleModes modes = modes_at(i, turn, outputs);
    for (std::size_t m = 0; m < 5; ++m) {
      h(i, static_cast<Index>(m)) = modes[m];
      largest = std::max(largest, std::abs(modes[m]));
    }
    if (i == r) return;
    v.row(i) = direction_at(i, modes, v.row(last).transpose()).transpose();
    if (!(v.row(i).dot(v.row(last)) > 0.8))
      throw DataError(text("decoder precessing: the frame of '", parts_.name, "' turns by ",
                           brief(std::acos(v.row(i).dot(v.row(last)))), " rad between the bins ",
                           std::min(i, last), " and ", std::max(i, last),
                           ", too much to follow; sample the axis more finely"));
  });
  const Matrix frames = transported_frames(v, r, start_frame(v.row(r).transpose()));
  outwards([&](Index i, Index last) {
    const Quaternion frame(frames(i, 0), frames(i, 1), frames(i, 2), frames(i, 3));
    QuadrupoleModes modes;
    for (std::size_t m = 0; m < 5; ++m) modes[m] = h(i, static_cast<Index>(m));
    modes = rotated(modes, frame.conjugate());
    const Complex z = fourth_power(modes);
    if (!(std::abs(z) > 1e-12 * largest * largest))
      throw DataError(text("decoder precessing: a mode m = ±2 of '", parts_.name,
                           "' vanishes in its coprecessing frame at bin ", i,
                           ", where its phase is not defined"));
    for (std::size_t m = 0; m < 5; ++m) h(i, static_cast<Index>(m)) = modes[m];
    double* phase = channels[1];
    if (i == r) {
      const double nearest = std::remainder(0.25 * std::arg(z) + alpha - parts_.turn, 0.5 * pi);
      phase[r] = parts_.turn + nearest;
      return;
    }
    const Complex before = h(last, 4) * std::conj(h(last, 0));
    const double step = 0.25 * std::arg(z * std::conj(before));
    // A step too large by a quarter of a turn changes the sign of the coorbital h22.
    const Complex h22 = h(i, 0) * std::polar(1.0, 2.0 * step) * std::conj(h(last, 0));
    if (!(std::abs(step) < 0.7) || !(h22.real() > 0.0))
      throw DataError(text("decoder precessing: the orbital phase of '", parts_.name,
                           "' changes too much to unwrap between the bins ", std::min(i, last), " and ",
                           std::max(i, last), " (0.7 rad at most); sample the axis more finely"));
    phase[i] = phase[last] + step;
  });
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < 3; ++k) channels[0][k * n + i] = v(i, k);
    QuadrupoleModes coorbital;
    for (int k = 0; k < 5; ++k)
      coorbital[static_cast<std::size_t>(k)] = h(i, k) * std::polar(1.0, (2 - k) * (channels[1][i] - alpha));
    const std::array<double, 10> pieces = pieces_of(coorbital);
    Index channel = 2;
    for (std::size_t k = 0; k < 10; ++k) {
      if (parts_.has[k])
        channels[channel++][i] = pieces[k];
      else if (!(std::abs(pieces[k]) <= 10.0 * parts_.tolerance * largest))
        throw DataError(text("decoder precessing: the piece ", piece_names[k], " of '", parts_.name, "' is ",
                             brief(std::abs(pieces[k]) / largest), " of the largest mode at bin ", i,
                             "; in the training runs it vanishes, so that it was left out"));
    }
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
