// Decoders: there and back, tangents, variances, and what is chosen.

#include <gtest/gtest.h>

#include <cmath>

#include "emulator/decoders.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/emulator/domain_guard.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
constexpr double pi = 3.14159265358979323846;

struct Case {
  DecoderPtr decoder;
  Vector x;
  std::vector<Vector> channels;
};

std::vector<Case> cases() {
  RandomStream random(1);
  const auto values = [&random](Index n, double low, double high) {
    Vector v(n);
    for (double& e : v) e = low + (high - low) * random.uniform();
    return v;
  };
  const Vector x = (Vector(2) << 0.3, 9000.0).finished();
  std::vector<Case> list;
  list.push_back({std::make_shared<IdentityDecoder>(ChannelShape{"y", 7, false}), x, {values(7, -1.0, 1.0)}});
  list.push_back({std::make_shared<IdentityDecoder>(ChannelShape{"z", 4, true}), x, {values(8, -1.0, 1.0)}});
  for (const double turn : {0.0, pi, -3.0})
    for (const double start : {-3.1, 0.0, 3.1}) {
      Vector phase(20);  // steps below π, more than one turn in all
      phase[13] = start;
      for (Index j = 14; j < 20; ++j) phase[j] = phase[j - 1] + 2.5 * random.uniform();
      for (Index j = 12; j >= 0; --j) phase[j] = phase[j + 1] - 2.5 * random.uniform();
      list.push_back(
          {std::make_shared<AmplitudePhaseDecoder>("h", 20, 13, turn), x, {values(20, 0.1, 2.0), phase}});
    }
  list.push_back({std::make_shared<BlackbodyDecoder>("flux", Vector::LinSpaced(9, 1000.0, 20000.0), 1),
                  x,
                  {values(9, 0.2, 1.5)}});
  return list;
}

std::vector<Vector> outputs_of(const Case& c, const std::vector<Vector>& channels) {
  std::vector<const double*> in;
  for (const Vector& v : channels) in.push_back(v.data());
  const ChannelShape shape = c.decoder->channels().front();
  Vector out(c.decoder->kind() == "amplitude-phase" ? 2 * shape.size : shape.width());
  double* p = out.data();
  c.decoder->decode(c.x.data(), in.data(), &p);
  return {out};
}

TEST(Decoder, EncodingUndoesDecoding) {
  for (const Case& c : cases()) {
    const auto out = outputs_of(c, c.channels);
    EXPECT_TRUE(c.decoder->fits(2, {out[0].size()}));
    EXPECT_FALSE(c.decoder->fits(2, {out[0].size() + 1}));
    std::vector<Vector> back;
    for (const Vector& v : c.channels) back.emplace_back(v.size());
    const double* in = out[0].data();
    std::vector<double*> pointers;
    for (Vector& v : back) pointers.push_back(v.data());
    c.decoder->encode(c.x.data(), &in, pointers.data());
    for (std::size_t k = 0; k < back.size(); ++k)
      EXPECT_LT((back[k] - c.channels[k]).cwiseAbs().maxCoeff(),
                1e-12 * (1.0 + c.channels[k].cwiseAbs().maxCoeff()))
          << c.decoder->kind() << k;
  }
}

TEST(Decoder, TangentsAgreeWithFiniteDifferencesAndVariancesWithTangents) {
  RandomStream random(2);
  for (const Case& c : cases()) {
    std::vector<const double*> channels;
    for (const Vector& v : c.channels) channels.push_back(v.data());
    for (std::size_t k = 0; k < c.channels.size(); ++k) {
      const Index n = c.channels[k].size(), width = outputs_of(c, c.channels)[0].size();
      Vector tangent(n), pushed(width);
      for (double& v : tangent) v = random.normal();
      double* p = pushed.data();
      c.decoder->push(c.x.data(), channels.data(), static_cast<Index>(k), tangent.data(), &p);
      const double h = 1e-6;
      auto up = c.channels, down = c.channels;
      up[k] += h * tangent;
      down[k] -= h * tangent;
      const Vector slope = (outputs_of(c, up)[0] - outputs_of(c, down)[0]) / (2.0 * h);
      EXPECT_LT((pushed - slope).norm(), 1e-8 * slope.norm()) << c.decoder->kind() << k;

      Vector variance(n), added = Vector::Ones(width), expected = Vector::Ones(width);
      for (double& v : variance) v = random.uniform();
      if (c.decoder->kind() == "blackbody") added.setZero(), expected.setZero();  // units far from one
      for (Index j = 0; j < n; ++j) {
        const Vector unit = Vector::Unit(n, j);
        c.decoder->push(c.x.data(), channels.data(), static_cast<Index>(k), unit.data(), &p);
        expected += variance[j] * pushed.cwiseAbs2();
      }
      p = added.data();
      c.decoder->add_variance(c.x.data(), channels.data(), static_cast<Index>(k), variance.data(), &p);
      EXPECT_LT((added - expected).norm(), 1e-13 * expected.norm()) << c.decoder->kind() << k;
    }
  }
}

// By the parameters at fixed channels; those that do not use them say so.
TEST(Decoder, TangentsOfTheParametersAgreeWithFiniteDifferences) {
  for (const Case& c : cases()) {
    std::vector<const double*> channels;
    for (const Vector& v : c.channels) channels.push_back(v.data());
    const Index width = outputs_of(c, c.channels)[0].size();
    const Vector untouched = Vector::Constant(width, 17.0), dx = (Vector(2) << 0.7, -300.0).finished();
    Vector pushed = untouched;
    double* p = pushed.data();
    const bool uses = c.decoder->push_parameters(c.x.data(), channels.data(), dx.data(), &p);
    EXPECT_EQ(uses, c.decoder->kind() == "blackbody");
    const double h = 1e-5;
    const Case up{c.decoder, c.x + h * dx, c.channels}, down{c.decoder, c.x - h * dx, c.channels};
    const Vector slope = (outputs_of(up, c.channels)[0] - outputs_of(down, c.channels)[0]) / (2.0 * h);
    if (uses)
      EXPECT_LT((pushed - slope).norm(), 1e-8 * slope.norm()) << c.decoder->kind();
    else
      EXPECT_TRUE(pushed == untouched && slope.isZero(0.0)) << c.decoder->kind();
  }
}

// A product with weights is the same, whether the outputs' tangents are weighed or the tangent is with what
// the weights are pulled back to.
TEST(Decoder, PullsBackWhatItPushes) {
  RandomStream random(3);
  const auto draw = [&](Index n) {
    Vector v(n);
    for (double& e : v) e = random.normal();
    return v;
  };
  for (const Case& c : cases()) {
    std::vector<const double*> channels;
    std::vector<Vector> pulled;
    std::vector<double*> into;
    for (const Vector& v : c.channels) {
      channels.push_back(v.data());
      pulled.emplace_back(v.size());
      into.push_back(pulled.back().data());
    }
    const Vector out = outputs_of(c, c.channels)[0], weights = draw(out.size());
    Vector pushed(out.size()), gradient = Vector::Constant(2, 3.0);
    const double *outputs = out.data(), *w = weights.data();
    double* p = pushed.data();
    c.decoder->pull(c.x.data(), channels.data(), &outputs, &w, into.data(), gradient.data());
    for (std::size_t k = 0; k < c.channels.size(); ++k) {
      const Vector tangent = draw(c.channels[k].size());
      c.decoder->push(c.x.data(), channels.data(), static_cast<Index>(k), tangent.data(), &p);
      EXPECT_NEAR(pulled[k].dot(tangent), weights.dot(pushed), 1e-13 * weights.norm() * pushed.norm())
          << c.decoder->kind() << k;
    }
    for (const Index l : {0, 1}) {
      const Vector unit = Vector::Unit(2, l);
      const bool uses = c.decoder->push_parameters(c.x.data(), channels.data(), unit.data(), &p);
      const double expected = uses ? weights.dot(pushed) : 0.0;
      EXPECT_NEAR(gradient[l] - 3.0, expected, 1e-13 * weights.norm() * pushed.norm()) << c.decoder->kind();
    }
  }
}

// Beyond 1e6 the phases' sines are those of the library.
TEST(Decoder, HugePhases) {
  const AmplitudePhaseDecoder decoder("h", 3, 0, 0.5);
  const Vector amplitude = Vector::Ones(3), phase = (Vector(3) << 2.0, 3e7, -1e12).finished();
  const double* in[] = {amplitude.data(), phase.data()};
  Vector z(6);
  double* out = z.data();
  decoder.decode(nullptr, in, &out);
  for (Index j = 0; j < 3; ++j) {
    EXPECT_NEAR(z[2 * j], std::cos(phase[j] + 0.5), 1e-15);
    EXPECT_NEAR(z[2 * j + 1], std::sin(phase[j] + 0.5), 1e-15);
  }
}

// π B_λ integrates to σ T⁴ (σ = 5.670374419e-5 erg/s/cm²/K⁴, CODATA 2018) and peaks at λ T = 2.897771955e7
// Angstrom K (Wien's displacement law, CODATA 2018).
TEST(Decoder, BlackbodyIsPlanck) {
  const double temperature = 10000.0;
  const Index n = 400000;
  const Vector wavelength = Vector::LinSpaced(n, 100.0, 1e6);
  const BlackbodyDecoder decoder("flux", wavelength, 0);
  const Vector one = Vector::Ones(n);
  Vector flux(n);
  const double* in = one.data();
  double* out = flux.data();
  decoder.decode(&temperature, &in, &out);
  const double step = wavelength[1] - wavelength[0];
  EXPECT_NEAR(flux.sum() * step / (5.670374419e-5 * 1e16), 1.0, 1e-4);
  Index peak = 0;
  flux.maxCoeff(&peak);
  EXPECT_NEAR(wavelength[peak] * temperature, 2.897771955e7, step * temperature);
}

struct Data {
  std::vector<std::string> parameters{"x", "T"};
  Matrix x = (Matrix(3, 2) << 0.0, 8000.0, 1.0, 9000.0, 2.0, 10000.0).finished();
  OutputSpec output{"h", "", "t", 12, true};
  Vector axis = Vector::LinSpaced(12, 0.0, 11.0);
  std::string unit = "s";
  Matrix values;
  DecoderData view() const { return {parameters, x, output.name, {output}, axis, unit, {values}, {}}; }
};

Data waves(double step, double low = 1.0, double start = 3.1) {
  Data d;
  d.values.resize(3, 24);
  for (Index i = 0; i < 3; ++i)
    for (Index j = 0; j < 12; ++j) {
      const Complex z = std::polar(
          j == 4 ? low : 1.0, start + 0.05 * static_cast<double>(i) + step * static_cast<double>(j - 11));
      d.values(i, 2 * j) = z.real();
      d.values(i, 2 * j + 1) = z.imag();
    }
  return d;
}

std::string chosen(const Data& d) { return fit_decoder("auto", {}, d.view())->kind(); }

TEST(Decoder, AutoTakesPhasesThatCanBeUnwrapped) {
  EXPECT_EQ(chosen(waves(0.5)), "amplitude-phase");
  EXPECT_EQ(chosen(waves(2.0)), "identity");        // too coarse to be sure
  EXPECT_EQ(chosen(waves(0.5, 1e-5)), "identity");  // an amplitude near zero has no phase
  EXPECT_EQ(chosen(waves(0.5, 0.0)), "identity");
  Data real = waves(0.5);
  real.output.complex = false;
  real.output.size = 24;
  EXPECT_EQ(chosen(real), "identity");
  EXPECT_THROW(fit_decoder("amplitude-phase", {}, real.view()), UsageError);
  EXPECT_THROW(fit_decoder("amplitude-phase", {}, waves(3.0).view()), DataError);
  EXPECT_THROW(fit_decoder("amplitude-phase", {}, waves(0.5, 1e-8).view()), DataError);
  EXPECT_THROW(fit_decoder("amplitude-phase", {{"referense", 1.0}}, waves(0.5).view()), UsageError);
  EXPECT_THROW(fit_decoder("fourier", {}, waves(0.5).view()), UsageError);
}

// At the reference bin the phases lie on both sides of ±π: the channel must not jump by a turn between runs.
TEST(Decoder, NoBranchCutAmongTheRunsAtTheReference) {
  for (const double reference : {11.0, 3.0}) {
    const Data d = waves(0.5, 1.0, pi - 0.05 + 0.5 * (11.0 - reference));
    const auto decoder = fit_decoder("amplitude-phase", {{"reference", reference}}, d.view());
    Matrix phase(3, 12), amplitude(3, 12);
    for (Index i = 0; i < 3; ++i) {
      double* channels[] = {amplitude.row(i).data(), phase.row(i).data()};
      const double* in = d.values.row(i).data();
      decoder->encode(d.x.row(i).data(), &in, channels);
    }
    for (Index j = 0; j < 12; ++j) {
      EXPECT_NEAR(phase(1, j) - phase(0, j), 0.05, 1e-12);
      EXPECT_NEAR(phase(2, j) - phase(1, j), 0.05, 1e-12);
    }
  }
}

// Runs that fill the circle at the last bin, but meet at bin 2: that is the reference then. Where they meet
// nowhere, there is none.
TEST(Decoder, ReferenceWhereThePhasesMeet) {
  Data d = waves(0.1);
  d.x = Matrix::Constant(40, 2, 1.0);
  d.values.resize(40, 24);
  for (const bool meet : {true, false}) {
    for (Index i = 0; i < 40; ++i)
      for (Index j = 0; j < 12; ++j) {
        const double rate = 0.8 * (static_cast<double>(i) / 39.0 - 0.5);
        const double start = meet ? 3.1 : 2.0 * pi * static_cast<double>(17 * i % 40) / 40.0;
        const Complex z = std::polar(1.0, start + rate * static_cast<double>(j - 2));
        d.values(i, 2 * j) = z.real();
        d.values(i, 2 * j + 1) = z.imag();
      }
    if (!meet) {
      EXPECT_EQ(chosen(d), "identity");
      EXPECT_THROW(fit_decoder("amplitude-phase", {}, d.view()), DataError);
      continue;
    }
    const auto decoder = fit_decoder("auto", {}, d.view());
    ASSERT_EQ(decoder->kind(), "amplitude-phase");
    Matrix amplitude(40, 12), phase(40, 12);
    for (Index i = 0; i < 40; ++i) {
      double* channels[] = {amplitude.row(i).data(), phase.row(i).data()};
      const double* in = d.values.row(i).data();
      decoder->encode(d.x.row(i).data(), &in, channels);
    }
    for (Index i = 1; i < 40; ++i) {
      EXPECT_NEAR(phase(i, 11) - phase(i - 1, 11), 0.8 / 39.0 * 9.0, 1e-12);
    }
  }
}

TEST(Decoder, BlackbodyAsksForATemperatureInKelvinAndAngstroms) {
  Data d;
  d.output = {"flux", "", "lambda", 12, false};
  d.axis = Vector::LinSpaced(12, 1000.0, 9000.0);
  d.unit = "Angstrom";
  d.values = Matrix::Ones(3, 12);
  EXPECT_EQ(fit_decoder("blackbody", {{"temperature", std::string("T")}}, d.view())->kind(), "blackbody");
  EXPECT_NE(message_of<UsageError>([&] { fit_decoder("blackbody", {}, d.view()); }).find("x, T"),
            std::string::npos);
  EXPECT_THROW(fit_decoder("blackbody", {{"temperature", std::string("x")}}, d.view()), DataError);  // 0 K
  d.unit = "nm";
  EXPECT_THROW(fit_decoder("blackbody", {{"temperature", std::string("T")}}, d.view()), DataError);
  d.unit = "";
  d.axis[0] = 0.0;
  EXPECT_THROW(fit_decoder("blackbody", {{"temperature", std::string("T")}}, d.view()), DataError);
}

TEST(Decoder, SavedAndLoadedGivesTheSameBits) {
  for (const Case& c : cases()) {
    h5::File file = h5::File::in_memory("decoder.h5");
    save_decoder(file.root(), *c.decoder);
    const Case loaded{load_decoder(file.root()), c.x, c.channels};
    EXPECT_EQ(loaded.decoder->kind(), c.decoder->kind());
    EXPECT_EQ(loaded.decoder->outputs(), c.decoder->outputs());
    EXPECT_EQ(outputs_of(loaded, c.channels)[0], outputs_of(c, c.channels)[0]);
  }
  h5::File file = h5::File::in_memory("decoder.h5");
  file.root().set("kind", "fourier");
  EXPECT_THROW(load_decoder(file.root()), StorageError);
}

TEST(DomainGuard, DistanceOverTheReach) {
  RandomStream random(3);
  Matrix points(50, 3);
  for (Index i = 0; i < 50; ++i)
    for (Index k = 0; k < 3; ++k) points(i, k) = random.uniform();
  points.row(7) = points.row(21);  // a repeated run has no reach of its own
  double reach = 0.0;
  for (Index i = 0; i < 50; ++i) {
    double nearest = 1e300;
    for (Index j = 0; j < 50; ++j)
      if (const double r = (points.row(i) - points.row(j)).norm(); r > 0.0) nearest = std::min(nearest, r);
    reach = std::max(reach, nearest);
  }
  const DomainGuard guard = fit_domain_guard(points);
  EXPECT_NEAR(guard.reach(), reach, 1e-15);
  int exactly = 0;
  for (int t = 0; t < 200; ++t) {
    const Vector u = 3.0 * Vector::Random(3);
    const double nearest = (points.rowwise() - u.transpose()).rowwise().norm().minCoeff();
    // At least that: a point may be more isolated than distant (domain_guard_test.cpp).
    EXPECT_GE(guard.score(u.data()), nearest / reach * (1.0 - 1e-13));
    exactly += std::abs(guard.score(u.data()) * reach / nearest - 1.0) < 1e-13 ? 1 : 0;
  }
  EXPECT_GT(exactly, 150);
  for (Index i = 0; i < 50; ++i) EXPECT_EQ(guard.score(points.row(i).data()), 0.0);
  h5::File file = h5::File::in_memory("guard.h5");
  guard.save(file.root());
  const DomainGuard loaded = DomainGuard::load(file.root());
  const Vector u = Vector::Constant(3, 0.3);
  EXPECT_EQ(loaded.score(u.data()), guard.score(u.data()));
}

TEST(DomainGuard, OnePointAndNone) {
  const Vector a = Vector::Zero(2), b = Vector::Ones(2);
  for (const Index n : {1, 4}) {  // alone, or repeated
    const DomainGuard guard = fit_domain_guard(Matrix::Zero(n, 2));
    EXPECT_EQ(guard.score(a.data()), 0.0);
    EXPECT_TRUE(std::isinf(guard.score(b.data())));
  }
  EXPECT_TRUE(std::isinf(DomainGuard().score(a.data())));
}

}  // namespace
}  // namespace ersatz
