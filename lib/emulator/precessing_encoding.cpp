// Taking precessing waveforms apart.

#include <algorithm>
#include <cmath>

#include "emulator/precessing_decoder.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double pi = 3.14159265358979323846;

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

}  // namespace

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

}  // namespace ersatz
