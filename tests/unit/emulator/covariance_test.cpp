// The joint covariance of outputs, and emulators restricted to some bins.
#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"
#include "small.hpp"

namespace ersatz {
namespace {

using testing::recipe_with;
using testing::small_archive;

Emulator small_emulator() {
  Recipe recipe = recipe_with("ridge");
  recipe.channel.basis = {"pod", {{"max_rank", 2.0}}};  // so that something is left out
  recipe.channels["y"] = recipe.channel;
  recipe.channels["y"].basis = {"none", {}};
  return train_emulator(small_archive(40), recipe).emulator;
}

TEST(EmulatorCovariance, DiagonalIsTheSquareOfTheDeviations) {
  const Emulator emulator = small_emulator();
  Workspace workspace;
  const Matrix x = small_archive(3, 7).parameters;
  for (Index i = 0; i < x.rows(); ++i) {
    const auto covariances = emulator.covariance(x.row(i).data(), workspace);
    const Prediction p = emulator.predict(x.row(i), true);
    std::size_t seen = 0;
    for (const auto& c : covariances)
      for (std::size_t k = 0; k < c.outputs.size(); ++k, ++seen) {
        const Vector total = c.factors[k].colwise().squaredNorm().transpose() + c.diagonal[k];
        const Vector expected = p.std[static_cast<std::size_t>(c.outputs[k])].row(0).cwiseAbs2().transpose();
        EXPECT_LT((total - expected).cwiseAbs().maxCoeff(), 1e-12 * expected.maxCoeff());
      }
    EXPECT_EQ(seen, emulator.outputs().size());
  }
}

/// Coefficients drawn, decoded: the covariance between bins is that of the draws. What the basis leaves out
/// is drawn along its modes and bin by bin.
TEST(EmulatorCovariance, BetweenBinsIsThatOfMonteCarlo) {
  const Emulator emulator = small_emulator();
  Workspace workspace;
  const Matrix x = small_archive(1, 7).parameters;
  const auto covariances = emulator.covariance(x.data(), workspace);
  RandomStream random(5);
  Vector u(emulator.input_map().outputs());
  emulator.input_map().forward(x.data(), u.data());
  for (const auto& c : covariances) {
    const auto output = static_cast<std::size_t>(c.outputs[0]);
    const Decoding* decoding = nullptr;
    for (const auto& d : emulator.decodings())
      if (d.outputs[0] == c.outputs[0]) decoding = &d;
    ASSERT_NE(decoding, nullptr);
    const Index draws = 20000, width = emulator.outputs()[output].width();
    Matrix sample(draws, width);
    for (Index i = 0; i < draws; ++i) {
      std::vector<Vector> rows;
      std::vector<const double*> pointers;
      for (const Index k : decoding->channels) {
        const Channel& channel = emulator.channels()[static_cast<std::size_t>(k)];
        const Index r = channel.basis->coefficients(), w = channel.basis->width();
        Matrix mean(1, r), variance(1, r);
        channel.predictor->mean_and_variance(u.transpose(), mean, variance, Noise::latent, workspace);
        for (Index m = 0; m < r; ++m)
          mean(0, m) += 1e-3 * std::sqrt(variance(0, m) * channel.variance_scale[m]) * random.normal();
        Vector z(w), y(channel.transform->inputs());
        channel.basis->reconstruct(mean.data(), z.data());
        const Matrix& modes = channel.basis->residual_modes();
        for (Index m = 0; m < modes.rows(); ++m) z += 1e-3 * random.normal() * modes.row(m).transpose();
        for (Index j = 0; j < w; ++j)
          z[j] += 1e-3 * std::sqrt(channel.basis->residual_variance()[j]) * random.normal();
        channel.transform->inverse(z.data(), y.data());
        rows.push_back(y);
      }
      for (const auto& row : rows) pointers.push_back(row.data());
      double* out = sample.row(i).data();
      decoding->decoder->decode(x.data(), pointers.data(), &out);
    }
    const Vector centre = sample.colwise().mean();
    sample.rowwise() -= centre.transpose();
    const Eigen::MatrixXd found = 1e6 * sample.transpose() * sample / static_cast<double>(draws);
    Eigen::MatrixXd expected = c.factors[0].transpose() * c.factors[0];
    expected.diagonal() += c.diagonal[0];
    // Sampling error of a covariance: sqrt((s_ii s_jj + s_ij²) / draws); five of them.
    for (Index a = 0; a < width; ++a)
      for (Index b = 0; b <= a; ++b) {
        const double deviation =
            std::sqrt((expected(a, a) * expected(b, b) + expected(a, b) * expected(a, b)) / draws);
        EXPECT_NEAR(found(a, b), expected(a, b), 5.0 * deviation + 1e-12 * expected.diagonal().maxCoeff());
      }
  }
}

TEST(EmulatorRestricted, TheSameValuesAtItsBins) {
  const Emulator whole = small_emulator();
  const std::vector<Index> bins{7, 2, 19};
  const Matrix x = small_archive(4, 8).parameters;
  for (const std::string axis : {"lambda", "time"}) {
    const Emulator some = whole.restricted(axis, bins);
    const Prediction all = whole.predict(x, true), part = some.predict(x, true);
    for (std::size_t o = 0; o < whole.outputs().size(); ++o) {
      const OutputSpec& spec = whole.outputs()[o];
      if (spec.axis != axis) {
        EXPECT_EQ(all.mean[o], part.mean[o]);
        continue;
      }
      EXPECT_EQ(some.outputs()[o].size, 3);
      const Index parts = spec.complex ? 2 : 1;
      for (Index i = 0; i < x.rows(); ++i)
        for (std::size_t j = 0; j < bins.size(); ++j)
          for (Index k = 0; k < parts; ++k) {
            const Index at = parts * bins[j] + k, here = parts * static_cast<Index>(j) + k;
            EXPECT_NEAR(part.mean[o](i, here), all.mean[o](i, at), 1e-13 * std::abs(all.mean[o].maxCoeff()));
            EXPECT_NEAR(part.std[o](i, here), all.std[o](i, at), 1e-12 * all.std[o].maxCoeff());
          }
    }
    for (const auto& a : some.axes())
      if (a.name == axis) {
        EXPECT_EQ(a.values[1], whole.axis_of(whole.outputs()[axis == "time" ? 2 : 1]).values[2]);
      }
  }
}

TEST(EmulatorRestricted, BinsThatAreNotThere) {
  const Emulator whole = small_emulator();
  EXPECT_THROW(whole.restricted("frequency", {0}), UsageError);
  EXPECT_THROW(whole.restricted("time", {}), UsageError);
  EXPECT_THROW(whole.restricted("time", {0, 30}), UsageError);
  EXPECT_THROW(whole.restricted("time", {-1}), UsageError);
}

}  // namespace
}  // namespace ersatz
