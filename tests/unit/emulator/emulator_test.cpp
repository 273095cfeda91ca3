// Evaluation: error bars against Monte Carlo, same bits everywhere, no allocation, the domain.

#include "ersatz/emulator/emulator.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "ersatz/core/error.hpp"
#include "ersatz/transform/input_map.hpp"
#include "small.hpp"
#include "unit/count_allocations.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::recipe_with;
using testing::small_archive;

/// Trained once for all tests.
const Emulator& gp() {
  static const Emulator e = train_emulator(small_archive(40), recipe_with("gp")).emulator;
  return e;
}

Matrix points(Index n, std::uint64_t seed = 77) {
  RandomStream random(seed);
  return small_archive(1).space.sample(n, random);
}

bool same_bits(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(double)) == 0;
}

TEST(Emulator, LearnsTheSmallExample) {
  const Archive test = small_archive(50, 5);
  const Prediction p = gp().predict(test.parameters, true);
  EXPECT_EQ(gp().decodings()[2].decoder->kind(), "amplitude-phase");
  for (std::size_t o = 0; o < 3; ++o)
    EXPECT_LT((p.mean[o] - test.values[o]).norm(), 0.03 * test.values[o].norm()) << test.outputs[o].name;
}

// Draws of the coefficients and of what the basis leaves out, through transform and decoder, without any
// linearisation; deviations small enough that first order holds.
TEST(Emulator, ErrorBarsAreThoseOfMonteCarlo) {
  const Emulator& e = gp();
  const Matrix X = points(3);
  const Prediction p = e.predict(X, true);
  Workspace workspace;
  RandomStream random(9);
  const int draws = 20000;
  for (Index i = 0; i < X.rows(); ++i) {
    const Matrix U = forward_rows(e.input_map(), X.middleRows(i, 1));
    std::vector<Vector> mean, deviation;
    for (const Channel& c : e.channels()) {
      Matrix m(1, c.basis->coefficients()), v(1, c.basis->coefficients());
      c.predictor->mean_and_variance(U, m, v, Noise::latent, workspace);
      mean.push_back(m.row(0).transpose());
      deviation.push_back((v.row(0).transpose().array() * c.variance_scale.array()).sqrt());
    }
    std::vector<Vector> sum, square;
    for (const OutputSpec& o : e.outputs()) {
      sum.push_back(Vector::Zero(o.width()));
      square.push_back(Vector::Zero(o.width()));
    }
    for (int draw = 0; draw < draws; ++draw) {
      std::vector<Vector> rows;
      for (std::size_t k = 0; k < e.channels().size(); ++k) {
        const Channel& c = e.channels()[k];
        Vector coefficient = mean[k], latent(c.basis->width()), row(c.transform->inputs());
        for (Index r = 0; r < coefficient.size(); ++r) coefficient[r] += deviation[k][r] * random.normal();
        c.basis->reconstruct(coefficient.data(), latent.data());
        for (Index j = 0; j < latent.size(); ++j)
          latent[j] += std::sqrt(c.basis->residual_variance()[j]) * random.normal();
        const Matrix& modes = c.basis->residual_modes();
        for (Index m = 0; m < modes.rows(); ++m) latent += random.normal() * modes.row(m).transpose();
        c.transform->inverse(latent.data(), row.data());
        rows.push_back(row);
      }
      for (const Decoding& d : e.decodings()) {
        std::vector<const double*> in;
        for (const Index k : d.channels) in.push_back(rows[static_cast<std::size_t>(k)].data());
        const auto o = static_cast<std::size_t>(d.outputs[0]);
        Vector out(e.outputs()[o].width());
        const std::vector<double*> pointers(d.outputs.size(), out.data());
        d.decoder->decode(X.row(i).data(), in.data(), pointers.data());
        out -= p.mean[o].row(i).transpose();
        sum[o] += out;
        square[o] += out.cwiseAbs2();
      }
    }
    for (std::size_t o = 0; o < sum.size(); ++o) {
      const Vector m = sum[o] / draws;
      const Vector s = (square[o] / draws - m.cwiseAbs2()).cwiseSqrt();
      const Vector ours = p.std[o].row(i).transpose();
      EXPECT_GT(ours.minCoeff(), 0.0);
      // The standard error of a deviation is 1/√(2 draws) = 0.5%; the rest is second order.
      EXPECT_LT(((ours - s).array().abs() - 0.03 * s.array()).maxCoeff(), 0.005 * s.maxCoeff())
          << e.outputs()[o].name;
    }
  }
}

TEST(Emulator, SameBitsAloneInBatchesAndOnThreads) {
  for (const char* regressor : {"gp", "ridge", "knn"}) {
    const Emulator e = std::string(regressor) == "gp"
                           ? gp()
                           : train_emulator(small_archive(25), recipe_with(regressor)).emulator;
    const bool with_std = e.has_std();
    const Matrix X = points(101);
    const Prediction all = e.predict(X, with_std, 1);
    for (const int threads : {2, 3, 0}) {
      const Prediction p = e.predict(X, with_std, threads);
      for (std::size_t o = 0; o < all.mean.size(); ++o) {
        EXPECT_TRUE(same_bits(p.mean[o], all.mean[o])) << regressor << threads;
        if (with_std) {
          EXPECT_TRUE(same_bits(p.std[o], all.std[o])) << regressor << threads;
        }
      }
      EXPECT_EQ(p.domain_score, all.domain_score);
    }
    for (const Index batch : {1, 2, 31, 33}) {
      for (Index begin = 0; begin + batch <= X.rows(); begin += batch) {
        const Prediction p = e.predict(X.middleRows(begin, batch), with_std, 1);
        for (std::size_t o = 0; o < all.mean.size(); ++o) {
          ASSERT_TRUE(same_bits(p.mean[o], all.mean[o].middleRows(begin, batch))) << regressor << batch;
          if (with_std) {
            ASSERT_TRUE(same_bits(p.std[o], all.std[o].middleRows(begin, batch))) << regressor << batch;
          }
        }
      }
    }
    // The mean has the same bits when no deviation is asked for.
    const Prediction plain = e.predict(X, false, 1);
    for (std::size_t o = 0; o < all.mean.size(); ++o) EXPECT_TRUE(same_bits(plain.mean[o], all.mean[o]));
    EXPECT_TRUE(plain.std.empty());
  }
  EXPECT_EQ(gp().predict(Matrix(0, 2), true).mean[1].rows(), 0);
}

#ifdef ERSATZ_COUNTS_ALLOCATIONS
TEST(Emulator, AllocatesNothingAfterTheFirstCall) {
  for (const char* regressor : {"gp", "ridge", "lasso", "chaos", "knn", "mean"}) {
    Recipe recipe = recipe_with(regressor);
    recipe.channel.transforms = {{"asinh", {}}, {"standardise", {}}};  // a chain has scratch of its own
    const Emulator e = train_emulator(small_archive(25), recipe).emulator;
    const Matrix X = points(40);
    std::vector<Matrix> mean, deviation;
    std::vector<double*> means, stds;
    for (const OutputSpec& o : e.outputs()) {
      mean.emplace_back(40, o.width());
      deviation.emplace_back(40, o.width());
    }
    for (Matrix& m : mean) means.push_back(m.data());
    for (Matrix& m : deviation) stds.push_back(m.data());
    std::vector<Matrix> jacobian;
    std::vector<double*> jacobians;
    for (const OutputSpec& o : e.outputs()) jacobian.emplace_back(40 * o.width(), X.cols());
    for (Matrix& m : jacobian) jacobians.push_back(m.data());
    Vector gradient(X.cols());
    const auto weigh = [&e](double* const* weights) {
      for (std::size_t o = 0; o < e.outputs().size(); ++o)
        std::fill(weights[o], weights[o] + e.outputs()[o].width(), 1.0);
      return true;
    };
    Workspace workspace;
    const auto run = [&] {
      e.mean(X, means.data(), workspace);
      e.mean(X.topRows(1), means.data(), workspace);
      if (e.has_std()) e.mean_and_std(X, means.data(), stds.data(), workspace);
      if (e.has_jacobian()) {
        e.mean_and_jacobian(X, means.data(), jacobians.data(), workspace);
        e.mean_and_gradient(X.row(0).data(), means.data(), weigh, gradient.data(), workspace);
      }
      e.domain_score(X.row(3).data(), workspace);
    };
    run();
    const long before = allocations;
    run();
    run();
    EXPECT_EQ(allocations - before, 0) << regressor;
  }
  const long before = allocations;
  const Matrix seen(3, 3);
  EXPECT_GT(allocations - before, 0);  // the count sees Eigen
}
#endif

TEST(Emulator, RefusesInputsThatAreNotFinite) {
  Matrix X = points(5);
  X(3, 1) = std::nan("");
  const std::string why = message_of<DataError>([&] { gp().predict(X, false); });
  EXPECT_NE(why.find("point 3: b"), std::string::npos) << why;
  X(3, 1) = std::numeric_limits<double>::infinity();
  EXPECT_THROW(gp().predict(X, true), DataError);
  X(3, 1) = 0.0;
  X(2, 0) = -1.0;
  EXPECT_NE(message_of<DataError>([&] { gp().predict(X, false); }).find("point 2: a = -1 must be positive"),
            std::string::npos);
  EXPECT_THROW(gp().predict(Matrix::Ones(1, 3), false), DataError);
}

TEST(Emulator, NoInfinityLeaves) {
  const Emulator e = train_emulator(small_archive(25), recipe_with("linear")).emulator;
  Matrix X = points(2);
  X(1, 1) = 1e4;  // flux is exp(about 3 b)
  const std::string why = message_of<NumericalError>([&] { e.predict(X, false); });
  EXPECT_NE(why.find("point 1"), std::string::npos) << why;
  EXPECT_NE(why.find("'flux'"), std::string::npos) << why;
  // Beyond the first block, and where the caller counts from elsewhere.
  X = points(100);
  X(71, 1) = 1e4;
  const auto told = [&](Index first) {
    return message_of<NumericalError>([&] { e.predict(X, false, 2, first); });
  };
  EXPECT_NE(told(0).find("point 71:"), std::string::npos) << told(0);
  EXPECT_NE(told(1000).find("point 1071:"), std::string::npos) << told(1000);
}

/// Predicts zeros, without a variance.
class Zeros final : public Predictor {
 public:
  Zeros(Index inputs, Index outputs) : inputs_(inputs), outputs_(outputs) {}
  std::string kind() const override { return "zeros"; }
  Index inputs() const override { return inputs_; }
  Index outputs() const override { return outputs_; }
  void mean(ConstMatrixRef, MatrixRef mean, Workspace&) const override { mean.setZero(); }
  void save(const h5::Group&) const override {}

 private:
  Index inputs_, outputs_;
};

TEST(Emulator, StandardDeviationsOnlyWhereThereAreSome) {
  const Prepared prepared = prepare(small_archive(10), recipe_with("mean"));
  std::vector<FittedChannel> fitted;
  for (const PreparedChannel& c : prepared.channels)
    fitted.push_back({std::make_shared<Zeros>(prepared.x.cols(), c.coefficients.cols()), {}, "zeros"});
  const Emulator e = assemble(prepared, fitted);
  EXPECT_FALSE(e.has_std());
  EXPECT_NE(message_of<UsageError>([&] { e.predict(points(2), true); }).find("no standard deviations"),
            std::string::npos);
}

TEST(Emulator, DomainScore) {
  const Archive archive = small_archive(40);
  Workspace workspace;
  for (Index i = 0; i < 40; ++i)
    EXPECT_EQ(gp().domain_score(archive.parameters.row(i).data(), workspace), 0.0);
  const double outside[] = {10.5, 0.0};
  EXPECT_TRUE(std::isinf(gp().domain_score(outside, workspace)));
  const Prediction p = gp().predict(
      (Matrix(2, 2) << 10.5, 0.0, archive.parameters(4, 0), archive.parameters(4, 1)).finished(), false);
  EXPECT_FALSE(p.inside_domain[0]);
  EXPECT_TRUE(p.inside_domain[1]);

  // In the box, but nobody has been there; and beyond a constraint.
  Archive corner = small_archive(60);
  std::vector<Index> rows;
  for (Index i = 0; i < 60; ++i)
    if (corner.parameters(i, 1) < 0.0) rows.push_back(i);
  corner = corner.subset(rows);
  const Emulator half = train_emulator(corner, recipe_with("linear")).emulator;
  const double far[] = {3.0, 0.95};
  EXPECT_GT(half.domain_score(far, workspace), 1.0);
  EXPECT_TRUE(std::isfinite(half.domain_score(far, workspace)));
  corner.space = ParameterSpace(corner.space.parameters(), {}, {{Eigen::Vector2d(0.0, 1.0), 0.0}});
  const Emulator constrained = train_emulator(corner, recipe_with("linear")).emulator;
  EXPECT_TRUE(std::isinf(constrained.domain_score(far, workspace)));
}

/// Two outputs from one channel: the first 40 entries and the other 3.
class Slices final : public Decoder {
 public:
  std::string kind() const override { return "slices"; }
  std::vector<ChannelShape> channels() const override { return {{"both", 43, false}}; }
  std::vector<std::string> outputs() const override { return {"wide", "narrow"}; }
  bool fits(Index, const std::vector<Index>& widths) const override {
    return widths == std::vector<Index>{40, 3};
  }
  void decode(const double*, const double* const* c, double* const* out) const override { cut(c[0], out); }
  void encode(const double*, const double* const* out, double* const* c) const override {
    std::copy(out[0], out[0] + 40, c[0]);
    std::copy(out[1], out[1] + 3, c[0] + 40);
  }
  void push(const double*, const double* const*, Index, const double* t, double* const* out) const override {
    cut(t, out);
  }
  bool push_parameters(const double*, const double* const*, const double*, double* const*) const override {
    return false;
  }
  void pull(const double*, const double* const*, const double* const*, const double* const* w,
            double* const* c, double*) const override {
    encode(nullptr, w, c);
  }
  void add_variance(const double*, const double* const*, Index, const double* v,
                    double* const* out) const override {
    for (Index j = 0; j < 43; ++j) (j < 40 ? out[0][j] : out[1][j - 40]) += v[j];
  }
  void save(const h5::Group&) const override {}

 private:
  static void cut(const double* all, double* const* out) {
    std::copy(all, all + 40, out[0]);
    std::copy(all + 40, all + 43, out[1]);
  }
};

Emulator::Parts parts_with_slices() {
  const ParameterSpace space({{"a", "", 0.0, 1.0}});
  RandomStream random(3);
  Matrix X = space.sample(20, random), Y(20, 43);
  for (Index i = 0; i < 20; ++i)
    for (Index j = 0; j < 43; ++j)
      Y(i, j) = std::sin(X(i, 0) * (1.0 + 0.1 * static_cast<double>(j))) + 0.05 * random.normal();
  Emulator::Parts parts;
  parts.space = space;
  parts.axes = {{"n", "", Vector::LinSpaced(3, 0.0, 2.0)}, {"w", "", Vector::LinSpaced(40, 0.0, 39.0)}};
  parts.outputs = {{"narrow", "", "n", 3, false}, {"wide", "", "w", 40, false}};
  parts.input_map = fit_input_map(space).transform;
  Channel c;
  c.name = "both";
  c.transform = fit_transform("center", {}, Y);
  const Matrix z = forward_rows(*c.transform, Y);
  c.basis = fit_basis("pod", {{"max_rank", 3.0}}, z, false);
  TrainingData data;
  data.x = forward_rows(*parts.input_map, X);
  data.y.resize(20, 3);
  for (Index i = 0; i < 20; ++i) c.basis->project(z.row(i).data(), data.y.row(i).data());
  c.predictor = make_regressor("linear")->fit(data, {}).predictor;
  parts.channels = {c};
  parts.decodings = {{std::make_shared<Slices>(), {0}, {1, 0}}};
  parts.guard = fit_domain_guard(data.x);
  return parts;
}

// A decoder's outputs may stand in another order than the emulator's.
TEST(Emulator, OutputsInAnotherOrderThanTheDecoders) {
  const Emulator e(parts_with_slices());
  Emulator::Parts whole = parts_with_slices();
  whole.axes = {{"all", "", Vector::LinSpaced(43, 0.0, 42.0)}};
  whole.outputs = {{"both", "", "all", 43, false}};
  h5::File file = h5::File::in_memory("d");
  file.root().set("kind", "identity");
  file.root().set("output", "both");
  file.root().set("size", std::int64_t{43});
  file.root().set("complex", std::int64_t{0});
  whole.decodings = {{load_decoder(file.root()), {0}, {0}}};
  const Emulator reference(std::move(whole));
  Matrix X(2, 1);
  X << 0.2, 0.9;
  const Prediction a = e.predict(X, true), b = reference.predict(X, true);
  EXPECT_TRUE(same_bits(a.mean[1], b.mean[0].leftCols(40)));
  EXPECT_TRUE(same_bits(a.mean[0], b.mean[0].rightCols(3)));
  // By directions here, by variances there.
  EXPECT_LT((a.std[1] - b.std[0].leftCols(40)).cwiseAbs().maxCoeff(), 1e-14 * b.std[0].maxCoeff());
  EXPECT_LT((a.std[0] - b.std[0].rightCols(3)).cwiseAbs().maxCoeff(), 1e-14 * b.std[0].maxCoeff());
}

TEST(Emulator, PartsMustFitTogether) {
  const auto refused = [](auto&& spoil) {
    Emulator::Parts parts = parts_with_slices();
    spoil(parts);
    return !message_of<UsageError>([&] { Emulator e(std::move(parts)); }).empty();
  };
  using Parts = Emulator::Parts;
  EXPECT_FALSE(refused([](Parts&) {}));
  EXPECT_TRUE(refused([](Parts& p) { p.input_map = nullptr; }));
  EXPECT_TRUE(refused([](Parts& p) { p.channels[0].basis = nullptr; }));
  EXPECT_TRUE(refused([](Parts& p) { p.channels[0].variance_scale = Vector::Ones(2); }));
  EXPECT_TRUE(refused([](Parts& p) { p.decodings[0].decoder = nullptr; }));
  EXPECT_TRUE(refused([](Parts& p) { p.decodings[0].channels = {1}; }));
  EXPECT_TRUE(refused([](Parts& p) { p.decodings[0].outputs = {1, 2}; }));
  EXPECT_TRUE(refused([](Parts& p) { p.decodings[0].outputs = {1, 1}; }));
  EXPECT_TRUE(refused([](Parts& p) { p.decodings[0].outputs = {0, 1}; }));  // widths
  EXPECT_TRUE(refused([](Parts& p) { p.decodings.clear(); }));
  EXPECT_TRUE(refused([](Parts& p) { p.guard = fit_domain_guard(Matrix::Zero(2, 3)); }));
  EXPECT_TRUE(refused([](Parts& p) { p.channels[0].transform = chain({}, 40); }));
}

}  // namespace
}  // namespace ersatz
