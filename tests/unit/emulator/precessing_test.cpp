// The decoder of precessing waveforms: there and back, its symmetry, tangents, what it refuses, and a small
// surrogate.

#include <gtest/gtest.h>

#include <cmath>

#include "core/kernels.hpp"
#include "emulator/precessing_decoder.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/emulator/train.hpp"
#include "ersatz/simulators/waveform.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
constexpr double pi = 3.14159265358979323846;
using Rows = std::vector<Vector>;

std::vector<const double*> in(const Rows& rows) {
  std::vector<const double*> list;
  for (const Vector& v : rows) list.push_back(v.data());
  return list;
}
std::vector<double*> out(Rows& rows) {
  std::vector<double*> list;
  for (Vector& v : rows) list.push_back(v.data());
  return list;
}
Rows decode(const Decoder& d, const Vector& x, const Rows& channels) {
  Rows h(5, Vector(2 * static_cast<const PrecessingDecoder&>(d).parts().size));
  d.decode(x.data(), in(channels).data(), out(h).data());
  return h;
}
Rows encode(const Decoder& d, const Vector& x, const Rows& outputs) {
  Rows channels;
  for (const ChannelShape& s : d.channels()) channels.emplace_back(s.width());
  d.encode(x.data(), in(outputs).data(), out(channels).data());
  return channels;
}
double distance(const Rows& a, const Rows& b) {
  double worst = 0.0, largest = 0.0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    worst = std::max(worst, (a[k] - b[k]).cwiseAbs().maxCoeff());
    largest = std::max(largest, b[k].cwiseAbs().maxCoeff());
  }
  return worst / largest;
}

/// Five complex outputs of several runs, as an archive.
Archive archive_of(const Simulator& simulator, const Matrix& x) {
  Archive a;
  a.space = simulator.space();
  a.axes = simulator.axes();
  a.outputs = simulator.outputs();
  a.parameters = x;
  for (const OutputSpec& o : a.outputs) a.values.emplace_back(x.rows(), o.width());
  for (Index i = 0; i < x.rows(); ++i) {
    const SimulationResult result = simulator.run(x.row(i).data());
    EXPECT_TRUE(result.ok());
    for (std::size_t o = 0; o < a.outputs.size(); ++o) a.values[o].row(i) = result.outputs[o].transpose();
    a.status.push_back(RunStatus::done);
    a.messages.emplace_back();
    a.seconds.push_back(0.0);
  }
  return a;
}
Matrix sample(const Simulator& simulator, Index n, std::uint64_t seed) {
  RandomStream random(seed);
  return simulator.space().sample(n, random);
}
DecoderData data_of(const Archive& a) {
  DecoderData d{a.space.names(), a.parameters, "waves", a.outputs, a.axes[0].values, a.axes[0].unit, {}, {}};
  for (const Matrix& v : a.values) d.values.emplace_back(v);
  return d;
}
Rows row_of(const Archive& a, Index i) {
  Rows rows;
  for (const Matrix& v : a.values) rows.emplace_back(v.row(i).transpose());
  return rows;
}
Vector point(const Archive& a, Index i) { return a.parameters.row(i).transpose(); }

InspiralOptions short_axis(double start = -1500.0, Index times = 751) {
  InspiralOptions o;
  o.start = start;
  o.times = times;
  return o;
}

TEST(Precessing, ThereAndBackWithTheSimulator) {
  const auto simulator = make_waveform();
  Matrix x = sample(*simulator, 8, 1);
  x.row(5).segment(1, 6) << 1e-9, 0.0, 0.5, 0.0, 1e-9, -0.3;  // nearly aligned
  x.row(6).segment(1, 6) << 0.0, 0.0, 0.5, 0.0, 0.0, -0.3;    // aligned
  const Archive archive = archive_of(*simulator, x);
  for (const bool symmetry : {false, true})
    for (const double reference : {0.0, -40.0}) {
      if (symmetry && reference != 0.0) continue;
      const DecoderPtr d =
          fit_decoder("precessing", {{"symmetry", symmetry}, {"reference", reference}}, data_of(archive));
      if (reference == 0.0) {
        // Only the symmetric part of h22 is there, and it is real.
        ASSERT_EQ(d->channels().size(), 3u);
        EXPECT_EQ(d->channels()[0].name, "waves.direction");
        EXPECT_EQ(d->channels()[0].size, 3 * 2251);
        EXPECT_EQ(d->channels()[1].name, "waves.phase");
        EXPECT_EQ(d->channels()[2].name, "waves.symmetric22.real");
        EXPECT_TRUE(d->fits(7, std::vector<Index>(5, 4502)));
        EXPECT_FALSE(d->fits(7, std::vector<Index>(5, 4500)));
        EXPECT_FALSE(d->fits(7, std::vector<Index>(4, 4502)));
        EXPECT_EQ(d->fits(4, std::vector<Index>(5, 4502)), !symmetry);
      }
      for (Index i = 0; i < archive.size(); ++i) {
        const Rows h = row_of(archive, i), channels = encode(*d, point(archive, i), h);
        EXPECT_LT(distance(decode(*d, point(archive, i), channels), h), 1e-12) << i << symmetry << reference;
        // And back: the direction need not have length 1.
        Rows longer = channels;
        longer[0] *= 1.25;
        EXPECT_LT(distance(encode(*d, point(archive, i), decode(*d, point(archive, i), longer)), channels),
                  1e-12);
      }
    }
}

// The channels are the simulator's own direction, phase and amplitude.
TEST(Precessing, ChannelsAreTheOrbit) {
  const auto simulator = make_waveform();
  const Archive archive = archive_of(*simulator, sample(*simulator, 4, 2));
  const DecoderPtr d = fit_decoder("precessing", {}, data_of(archive));
  for (Index i = 0; i < archive.size(); ++i) {
    const Vector x = point(archive, i);
    const Rows c = encode(*d, x, row_of(archive, i));
    const Inspiral orbit = evolve({x[0], {x[1], x[2], x[3]}, {x[4], x[5], x[6]}});
    const Index n = orbit.v.size();
    for (Index k = 0; k < 3; ++k)
      EXPECT_LT((c[0].segment(k * n, n) - orbit.lhat.col(k)).cwiseAbs().maxCoeff(), 1e-12);
    // The simulator carries e1 by the exact equation, the decoder by arcs of 2 M.
    EXPECT_LT((c[1] - orbit.phase).cwiseAbs().maxCoeff(), 5e-6);
    const Vector amplitude = -8.0 * std::sqrt(pi / 5.0) * orbit.eta * orbit.v.array().square();
    EXPECT_LT((c[2] - amplitude).cwiseAbs().maxCoeff(), 1e-12);
  }
}

// A common turn of the in-plane spins changes none of the channels (SpinTaylorT4 is orbit averaged).
TEST(Precessing, SymmetryTakesTheInPlaneAngleOut) {
  const auto simulator = make_waveform();
  Matrix x = sample(*simulator, 4, 3);
  for (Index i = 1; i < 4; ++i) {
    x.row(i) = x.row(0);
    const double beta = 1.9 * static_cast<double>(i), c = std::cos(beta), s = std::sin(beta);
    for (const Index k : {1, 4}) {
      x(i, k) = c * x(0, k) - s * x(0, k + 1);
      x(i, k + 1) = s * x(0, k) + c * x(0, k + 1);
    }
  }
  const Archive archive = archive_of(*simulator, x);
  const DecoderPtr with = fit_decoder("precessing", {{"symmetry", true}}, data_of(archive));
  const DecoderPtr without = fit_decoder("precessing", {}, data_of(archive));
  const Rows first = encode(*with, point(archive, 0), row_of(archive, 0));
  for (Index i = 1; i < 4; ++i) {
    const Rows c = encode(*with, point(archive, i), row_of(archive, i));
    EXPECT_LT((c[0] - first[0]).cwiseAbs().maxCoeff(), 1e-10) << i;
    EXPECT_LT((c[1] - first[1]).cwiseAbs().maxCoeff(), 1e-9) << i;
    EXPECT_LT((c[2] - first[2]).cwiseAbs().maxCoeff(), 1e-10) << i;
    const Rows raw = encode(*without, point(archive, i), row_of(archive, i));
    const Rows raw0 = encode(*without, point(archive, 0), row_of(archive, 0));
    EXPECT_GT((raw[0] - raw0[0]).cwiseAbs().maxCoeff(), 0.05) << i;
    EXPECT_LT((raw[1] - raw0[1]).cwiseAbs().maxCoeff(), 1e-9) << i;  // the phase never knew
    // Decoding one run's channels with another's parameters gives the other's waveform.
    EXPECT_LT(distance(decode(*with, point(archive, i), first), row_of(archive, i)), 1e-8);
  }
}

/// A decoder with all pieces and channels that wander through the whole sphere.
struct Wander {
  DecoderPtr decoder;
  Vector x = (Vector(5) << 2.0, 0.3, -0.2, 0.1, 0.5).finished();
  Rows channels;
};
Wander wander(Index n, Index reference, bool all, bool symmetry, const Vector3& pole = Vector3::UnitZ()) {
  PrecessingDecoder::Parts parts;
  parts.name = "w";
  parts.outputs = {"h22", "h21", "h20", "h2m1", "h2m2"};
  parts.size = n;
  parts.reference = reference;
  parts.pole = pole;
  parts.turn = 0.2;
  parts.has.fill(all);
  parts.has[0] = true;
  if (symmetry) parts.symmetry = InPlaneAngle{{1, 2, 3, 4}, 0};
  Wander w;
  RandomStream random(5);
  w.channels.emplace_back(3 * n);
  w.channels.emplace_back(n);
  const Quaternion to_pole = pole.z() > -0.9 ? shortest_arc(Vector3::UnitZ(), pole) : Quaternion(0, 0, 1, 0);
  for (Index i = 0; i < n; ++i) {
    const double t = 6.0 * static_cast<double>(i - reference) / 600.0;
    // Through -z at t = ±pi, and over the equator in between.
    const Vector3 v = to_pole * Vector3(std::sin(t), 0.3 * std::sin(2.0 * t), std::cos(t));
    for (Index k = 0; k < 3; ++k) w.channels[0][k * n + i] = v[k];
    w.channels[1][i] = 0.25 + 0.1 * static_cast<double>(i - reference) + 0.05 * std::sin(5.0 * t);
  }
  for (std::size_t k = 0; k < 10; ++k)
    if (parts.has[k]) {
      Vector piece(n);
      const double phase = 6.0 * random.uniform(), size = k == 0 ? 0.0 : 0.05;
      for (Index i = 0; i < n; ++i)
        piece[i] = (k == 0 ? 1.0 : 0.0) + size * std::sin(phase + 0.01 * static_cast<double>(i));
      w.channels.push_back(piece);
    }
  w.decoder = std::make_shared<PrecessingDecoder>(parts);
  return w;
}

/// With directions of length 1.
Rows normalised(Rows channels) {
  const Index n = channels[1].size();
  for (Index i = 0; i < n; ++i) {
    const double length = std::sqrt(std::pow(channels[0][i], 2) + std::pow(channels[0][n + i], 2) +
                                    std::pow(channels[0][2 * n + i], 2));
    for (Index k = 0; k < 3; ++k) channels[0][k * n + i] /= length;
  }
  return channels;
}

/// The modes by quaternions and Wigner matrices, sample by sample.
Rows by_quaternions(const Wander& w) {
  const auto& parts = static_cast<const PrecessingDecoder&>(*w.decoder).parts();
  const Index n = parts.size;
  Matrix v(n, 3);
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < 3; ++k) v(i, k) = w.channels[0][k * n + i];
    v.row(i).normalize();
  }
  const Quaternion to_pole =
      parts.pole.z() > -0.9 ? shortest_arc(Vector3::UnitZ(), parts.pole) : Quaternion(0, 0, 1, 0);
  const Matrix frames = transported_frames(
      v, parts.reference, shortest_arc(parts.pole, v.row(parts.reference).transpose()) * to_pole);
  const double alpha = parts.symmetry ? parts.symmetry->angle(w.x.data()) : 0.0;
  Rows h(5, Vector(2 * n));
  for (Index i = 0; i < n; ++i) {
    std::array<double, 10> p{};
    std::size_t channel = 2;
    for (std::size_t k = 0; k < 10; ++k)
      if (parts.has[k]) p[k] = w.channels[channel++][i];
    const Complex s2(p[0], p[1]), a2(p[2], p[3]), s1(p[4], p[5]), a1(p[6], p[7]);
    const QuadrupoleModes k{s2 + a2, s1 + a1, Complex(p[8], p[9]), std::conj(s1 - a1), std::conj(s2 - a2)};
    const Quaternion about_z(Eigen::AngleAxisd(alpha, Vector3::UnitZ()));
    const Quaternion orbit(Eigen::AngleAxisd(w.channels[1][i] - alpha, Vector3::UnitZ()));
    const Quaternion frame(frames(i, 0), frames(i, 1), frames(i, 2), frames(i, 3));
    const QuadrupoleModes modes = rotated(k, about_z * frame * orbit);
    for (std::size_t m = 0; m < 5; ++m) {
      h[m][2 * i] = modes[m].real();
      h[m][2 * i + 1] = modes[m].imag();
    }
  }
  return h;
}

TEST(Precessing, DecodingAgreesWithQuaternionsAndIsUndoneThroughMinusZ) {
  for (const Index reference : {0, 300, 599, 255, 256, 257})
    for (const bool all : {false, true})
      for (const Vector3& pole :
           {Vector3(0, 0, 1), Vector3(0.6, 0.0, 0.8), Vector3(0.48, 0.6, -0.64), Vector3(0, 0, -1)}) {
        const Wander w = wander(600, reference, all, all, pole);
        const Rows h = decode(*w.decoder, w.x, w.channels);
        EXPECT_LT(distance(h, by_quaternions(w)), 1e-13) << reference << all << pole.transpose();
        if (all) continue;  // random pieces have a dominant direction of their own
        EXPECT_LT(distance(encode(*w.decoder, w.x, h), normalised(w.channels)), 1e-12)
            << reference << pole.transpose();
      }
  // All pieces: encoding finds the frame of these modes, and decoding gives the modes back.
  for (const bool symmetry : {false, true}) {
    const Wander w = wander(600, 300, true, symmetry);
    const Rows h = decode(*w.decoder, w.x, w.channels);
    const Rows c = encode(*w.decoder, w.x, h);
    EXPECT_LT(distance(decode(*w.decoder, w.x, c), h), 1e-12);
    EXPECT_GT(distance(c, w.channels), 1e-4);
  }
}

TEST(Precessing, AllInstructionSetsAgree) {
  const Wander w = wander(300, 100, true, false);
  const double turn[2] = {0.6, 0.8};
  Rows first;
  for (const char* name : {"generic", "avx2", "avx512"}) {
    const kernels::Table* t = kernels::table_named(name);
    if (!t) continue;
    for (const bool backwards : {false, true}) {
      std::array<double, 5> carry{0.0, 0.6, 0.8, 0.6, -0.8};
      const double* v[3] = {w.channels[0].data(), w.channels[0].data() + 300, w.channels[0].data() + 600};
      std::vector<const double*> pieces;
      for (std::size_t k = 2; k < 12; ++k) pieces.push_back(w.channels[k].data());
      Rows h(5, Vector(2 * 203));
      t->precessing_modes(v, w.channels[1].data(), pieces.data(), 203, backwards, carry.data(), turn,
                          out(h).data());
      if (std::string(name) == "generic") {
        for (Vector& e : h) first.push_back(e);
        continue;
      }
      for (std::size_t m = 0; m < 5; ++m)
        EXPECT_LT((h[m] - first[m + (backwards ? 5 : 0)]).cwiseAbs().maxCoeff(), 1e-13) << name << backwards;
    }
  }
}

TEST(Precessing, TangentsAgreeWithFiniteDifferencesAndVariancesWithTangents) {
  RandomStream random(6);
  for (const bool all : {false, true}) {
    const Wander w = wander(280, all ? 270 : 3, all, all, Vector3(0.6, 0.0, 0.8));
    Rows channels = w.channels;
    channels[0] *= 1.1;
    for (std::size_t k = 0; k < channels.size(); ++k) {
      Vector tangent(channels[k].size());
      for (double& v : tangent) v = random.normal();
      Rows pushed(5, Vector(560));
      w.decoder->push(w.x.data(), in(channels).data(), static_cast<Index>(k), tangent.data(),
                      out(pushed).data());
      const double h = 1e-6;
      Rows up = channels, down = channels;
      up[k] += h * tangent;
      down[k] -= h * tangent;
      up = decode(*w.decoder, w.x, up);
      down = decode(*w.decoder, w.x, down);
      for (std::size_t m = 0; m < 5; ++m) {
        const Vector slope = (up[m] - down[m]) / (2.0 * h);
        EXPECT_LT((pushed[m] - slope).norm(), 2e-8 * slope.norm()) << k << " mode " << m;
      }
      Vector variance(tangent.size());
      for (double& v : variance) v = random.uniform();
      Rows expected(5, Vector::Ones(560)), added = expected, single(5, Vector(560));
      for (Index j = 0; j < variance.size(); ++j) {
        const Vector unit = Vector::Unit(variance.size(), j);
        w.decoder->push(w.x.data(), in(channels).data(), static_cast<Index>(k), unit.data(),
                        out(single).data());
        for (std::size_t m = 0; m < 5; ++m) expected[m] += variance[j] * single[m].cwiseAbs2();
      }
      w.decoder->add_variance(w.x.data(), in(channels).data(), static_cast<Index>(k), variance.data(),
                              out(added).data());
      EXPECT_LT(distance(added, expected), 1e-12) << k;
    }
  }
}

// The spins and the mass ratio turn the frame and the orbit through the in-plane angle.
TEST(Precessing, TangentsOfTheParametersAgreeWithFiniteDifferences) {
  const Vector dx = (Vector(5) << 0.4, -0.3, 0.7, 0.2, -0.5).finished();
  for (const bool symmetry : {false, true}) {
    Wander w = wander(280, 270, true, symmetry, Vector3(0.6, 0.0, 0.8));
    w.channels[0] *= 1.1;
    Rows pushed(5, Vector(560));
    ASSERT_EQ(w.decoder->push_parameters(w.x.data(), in(w.channels).data(), dx.data(), out(pushed).data()),
              symmetry);
    if (!symmetry) continue;
    const double h = 1e-6;
    const Rows up = decode(*w.decoder, w.x + h * dx, w.channels),
               down = decode(*w.decoder, w.x - h * dx, w.channels);
    for (std::size_t m = 0; m < 5; ++m) {
      const Vector slope = (up[m] - down[m]) / (2.0 * h);
      EXPECT_GT(slope.norm(), 0.1) << m;
      EXPECT_LT((pushed[m] - slope).norm(), 2e-8 * slope.norm()) << "mode " << m;
    }
  }
}

TEST(Precessing, PullsBackWhatItPushes) {
  RandomStream random(8);
  const auto draw = [&](Index n) {
    Vector v(n);
    for (double& e : v) e = random.normal();
    return v;
  };
  for (const Index reference : {0, 3, 270, 279})
    for (const bool all : {false, true}) {
      Wander w = wander(280, reference, all, all, Vector3(0.6, 0.0, 0.8));
      w.channels[0] *= 1.1;
      Rows pulled, weights, modes = decode(*w.decoder, w.x, w.channels), pushed(5, Vector(560));
      for (const Vector& channel : w.channels) pulled.emplace_back(channel.size());
      for (int m = 0; m < 5; ++m) weights.push_back(draw(560));
      Vector gradient = Vector::Constant(w.x.size(), 3.0);
      w.decoder->pull(w.x.data(), in(w.channels).data(), in(modes).data(), in(weights).data(),
                      out(pulled).data(), gradient.data());
      const auto weighed = [&](double& size) {
        double sum = size = 0.0;
        for (std::size_t m = 0; m < 5; ++m) {
          sum += weights[m].dot(pushed[m]);
          size += weights[m].norm() * pushed[m].norm();
        }
        return sum;
      };
      double size = 0.0;
      for (std::size_t k = 0; k < w.channels.size(); ++k) {
        const Vector tangent = draw(w.channels[k].size());
        w.decoder->push(w.x.data(), in(w.channels).data(), static_cast<Index>(k), tangent.data(),
                        out(pushed).data());
        const double expected = weighed(size);
        EXPECT_NEAR(pulled[k].dot(tangent), expected, 1e-12 * size) << k << " reference " << reference;
      }
      for (Index l = 0; l < w.x.size(); ++l) {
        const Vector unit = Vector::Unit(w.x.size(), l);
        const bool uses =
            w.decoder->push_parameters(w.x.data(), in(w.channels).data(), unit.data(), out(pushed).data());
        const double expected = uses ? weighed(size) : 0.0;
        EXPECT_NEAR(gradient[l] - 3.0, expected, 1e-12 * size) << l;
      }
    }
}

TEST(Precessing, SavedAndLoadedGivesTheSameBits) {
  for (const bool all : {false, true}) {
    const Wander w = wander(300, 200, all, all, Vector3(0.6, 0.0, 0.8));
    h5::File file = h5::File::in_memory("decoder.h5");
    save_decoder(file.root(), *w.decoder);
    const DecoderPtr loaded = load_decoder(file.root());
    EXPECT_EQ(loaded->kind(), "precessing");
    EXPECT_EQ(loaded->outputs(), w.decoder->outputs());
    ASSERT_EQ(loaded->channels().size(), w.decoder->channels().size());
    const Rows a = decode(*w.decoder, w.x, w.channels), b = decode(*loaded, w.x, w.channels);
    for (std::size_t m = 0; m < 5; ++m) EXPECT_EQ(a[m], b[m]);
    const Rows c = encode(*w.decoder, w.x, a), e = encode(*loaded, w.x, a);
    for (std::size_t k = 0; k < c.size(); ++k) EXPECT_EQ(c[k], e[k]);
  }
}

TEST(Precessing, WhatCannotBeTakenApart) {
  const auto simulator = make_waveform(short_axis(-200.0, 101));
  const Archive good = archive_of(*simulator, sample(*simulator, 4, 4));
  const auto refused = [&](auto change, const Settings& settings = {}) {
    Archive a = good;
    change(a);
    DecoderData d = data_of(a);
    d.runs = {3, 5, 8, 13};
    return message_of<Error>([&] { fit_decoder("precessing", settings, d); });
  };
  const auto has = [](const std::string& message, const std::vector<std::string>& parts) {
    for (const std::string& p : parts)
      EXPECT_NE(message.find(p), std::string::npos) << message << " -> " << p;
  };
  has(refused([](Archive& a) { a.values[1](2, 40) = std::nan(""); }),
      {"run 8", "h21", "bin 20", "not a finite"});
  has(refused([](Archive& a) {
        for (Matrix& v : a.values) v.row(1).segment(60, 2).setZero();
      }),
      {"run 5", "zero at bin 30"});
  has(refused([](Archive& a) {
        for (std::size_t m = 0; m < 4; ++m) a.values[m].row(1).segment(60, 2).setZero();
        a.values[4].row(1).segment(60, 2).setOnes();
      }),
      {"run 5", "bin"});
  has(refused([](Archive& a) {  // only m = 0: <LL> has two equal eigenvalues
        for (std::size_t m = 0; m < 5; ++m) a.values[m].row(1).segment(60, 2).setConstant(m == 2 ? 1.0 : 0.0);
      }),
      {"run 5", "no dominant direction at bin 30"});
  has(refused([](Archive& a) { a.outputs[3].complex = false; }), {"h2m1", "is real"});
  has(refused([](Archive& a) {
        a.outputs.pop_back();
        a.values.pop_back();
      }),
      {"makes 5 outputs together", "has 4"});
  has(refused([](Archive&) {}, {{"referense", 1.0}}), {"referense"});
  has(refused([](Archive&) {}, {{"tolerance", 1.0}}), {"tolerance"});
  has(refused([](Archive&) {}, {{"spins", std::vector<std::string>{"a"}}}), {"spins"});
  has(refused([](Archive&) {}, {{"symmetry", true}, {"mass_ratio", std::string("Q")}}), {"'Q'"});
  // Orbital phases at random at the reference.
  has(refused([](Archive& a) {  // one run an eighth of a turn off
        for (int m = 0; m < 5; ++m)
          for (Index j = 0; j < 101; ++j) {
            double* z = a.values[static_cast<std::size_t>(m)].row(2).data() + 2 * j;
            const Complex turned = Complex(z[0], z[1]) * std::polar(1.0, 0.25 * pi * (2 - m));
            z[0] = turned.real();
            z[1] = turned.imag();
          }
      }),
      {"orbital phase of run 8", "set 'reference'"});
  // Too coarse: 0.75 rad from bin to bin, and 1.5, where the phase alone would look as if it stood still.
  for (const Index times : {17, 9}) {
    const auto coarse = make_waveform(short_axis(-200.0, times));
    const Archive steps = archive_of(*coarse, sample(*coarse, 3, 4));
    has(message_of<DataError>([&] { fit_decoder("precessing", {}, data_of(steps)); }),
        {"run 0", "sample the axis"});
  }
  // One output does not take a group's decoder, nor the other way round.
  DecoderData one = data_of(good);
  one.outputs.resize(1);
  while (one.values.size() > 1) one.values.pop_back();
  EXPECT_THROW(fit_decoder("precessing", {}, one), UsageError);
  EXPECT_THROW(fit_decoder("identity", {}, data_of(good)), UsageError);
  // A piece that was not there in training.
  const DecoderPtr d = fit_decoder("precessing", {}, data_of(good));
  Rows h = row_of(good, 0);
  h[0] *= 1.001;
  has(message_of<DataError>([&] { encode(*d, point(good, 0), h); }), {"left out"});
}

Recipe group_recipe(bool symmetry = true) {
  return recipe_from_toml(
      "[group.waves]\noutputs = [\"h22\", \"h21\", \"h20\", \"h2m1\", \"h2m2\"]\n"
      "decoder = {name = \"precessing\", symmetry = " +
          std::string(symmetry ? "true" : "false") +
          "}\n[channel.\"waves.phase\"]\nregressor = {name = \"ridge\", degree = 2}\n",
      "test");
}

TEST(Precessing, GroupsInTraining) {
  const auto simulator = make_waveform(short_axis(-200.0, 101));
  const Archive archive = archive_of(*simulator, sample(*simulator, 12, 7));
  const auto refused = [&](auto change) {
    Archive a = archive;
    Recipe r = group_recipe();
    change(a, r);
    return message_of<Error>([&] { prepare(a, r); });
  };
  const auto has = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  has(refused([](Archive&, Recipe& r) { r.groups["waves"].outputs[1] = "h33"; }), "h33");
  has(refused([](Archive&, Recipe& r) { r.groups["waves"].outputs[1] = "h22"; }), "two decoders");
  has(refused([](Archive&, Recipe& r) { r.decoders["h22"] = {"identity", {}}; }), "two decoders");
  has(refused([](Archive&, Recipe& r) { r.groups["waves"].outputs.clear(); }), "no outputs");
  has(refused([](Archive&, Recipe& r) { r.groups["waves"].outputs.pop_back(); }), "makes 5 outputs together");
  has(refused([](Archive& a, Recipe&) {
        a.axes.push_back({"late", "M", a.axes[0].values.array() + 1.0});
        a.outputs[2].axis = "late";
      }),
      "need one axis: 'h22' is on 'time'");
  has(refused([](Archive&, Recipe& r) { r.channels["waves.quaternion"] = {}; }),
      "waves.direction, waves.phase");
  // The run's number is the archive's, failed runs counted.
  has(refused([](Archive& a, Recipe&) {
        a.status[0] = RunStatus::failed;
        for (Matrix& v : a.values) v.row(4).segment(10, 2).setZero();
      }),
      "run 4:");

  Archive more = archive;  // beside a group, an output of its own, before and in between
  more.outputs.insert(more.outputs.begin(), {"energy", "", "time", 101, false});
  more.values.insert(more.values.begin(), Matrix::Random(12, 101));
  std::swap(more.outputs[1], more.outputs[5]);
  std::swap(more.values[1], more.values[5]);
  const Prepared p = prepare(more, group_recipe());
  ASSERT_EQ(p.decodings.size(), 2u);
  EXPECT_EQ(p.decodings[0].decoder->kind(), "identity");
  EXPECT_EQ(p.decodings[1].outputs, (std::vector<Index>{5, 2, 3, 4, 1}));
  EXPECT_EQ(p.channels.size(), 4u);
}

/// Relative L2 errors over all outputs, and the share of values within two standard deviations.
struct Scores {
  double median = 0.0, worst = 0.0, inside = 0.0;
};
Scores score(const Emulator& emulator, const Archive& fresh) {
  const Prediction p = emulator.predict(fresh.parameters, true);
  const Index n = fresh.size();
  Vector squares = Vector::Zero(n), norms = Vector::Zero(n);
  Scores s;
  double count = 0.0;
  for (std::size_t o = 0; o < fresh.outputs.size(); ++o) {
    const Matrix error = p.mean[o] - fresh.values[o];
    squares += error.rowwise().squaredNorm();
    norms += fresh.values[o].rowwise().squaredNorm();
    s.inside += static_cast<double>((error.array().abs() <= 2.0 * p.std[o].array() + 1e-12).count());
    count += static_cast<double>(error.size());
  }
  Vector errors = (squares.array() / norms.array()).sqrt();
  std::sort(errors.begin(), errors.end());
  s.median = errors[n / 2];
  s.worst = errors[n - 1];
  s.inside /= count;
  return s;
}

// End to end: train on 120 short inspirals, through a model file, predict 40 others; against the same
// regressor on the modes themselves.
TEST(Precessing, SmallSurrogate) {
  const auto simulator = make_waveform(short_axis(-1500.0, 376));
  const Archive archive = archive_of(*simulator, sample(*simulator, 120, 8));
  const Archive fresh = archive_of(*simulator, sample(*simulator, 40, 9));
  Recipe recipe = group_recipe(false);
  recipe.channel.regressor = {"ridge", {{"degree", 2.0}}};
  recipe.channel.basis = {"pod", {{"tolerance", 1e-6}}};
  recipe.channels.clear();
  const TrainedEmulator trained = train_emulator(archive, recipe);
  ASSERT_EQ(trained.info.channels.size(), 3u);
  EXPECT_NE(trained.info.recipe.find("[group.waves]"), std::string::npos);
  h5::File file = h5::File::in_memory("model.h5");
  trained.emulator.save(file.root());
  const Emulator emulator = Emulator::load(file.root());
  const Prediction p = emulator.predict(fresh.parameters, true);
  const Prediction same = trained.emulator.predict(fresh.parameters, true, 2);
  for (std::size_t o = 0; o < 5; ++o) {
    EXPECT_EQ(p.mean[o], same.mean[o]);
    EXPECT_EQ(p.std[o], same.std[o]);
  }
  const Scores pieces = score(emulator, fresh);
  recipe.groups.clear();
  const Scores modes = score(train_emulator(archive, recipe).emulator, fresh);
  EXPECT_LT(pieces.median, 0.35 * modes.median) << modes.median;
  EXPECT_LT(pieces.worst, modes.worst) << modes.worst;
  EXPECT_GT(pieces.inside, 0.85);
  RecordProperty("median", std::to_string(pieces.median));
}

}  // namespace
}  // namespace ersatz
