// Likelihoods from a few nodes against those of all bins.
#include <gtest/gtest.h>

#include <cmath>

#include "emulators.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/inference/posterior_file.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::correlated;
using testing::differences;
using testing::message_of;
using testing::observe;
using testing::small_emulator;

const Matrix truth = (Matrix(1, 2) << 4.0, 0.2).finished();

/// Amplitude and phase of `wave` in 400 bins, logarithms of `flux` in 300.
Emulator wide_emulator(bool constant = false) {
  Archive archive = testing::small_archive(30);
  archive.axes[1].values = Vector::LinSpaced(300, 1000.0, 3000.0);
  archive.axes[2].values = Vector::LinSpaced(400, -3.0, 3.0);
  archive.outputs[1].size = 300;
  archive.outputs[2].size = 400;
  archive.values[1].resize(30, 300);
  archive.values[2].resize(30, 800);
  for (Index i = 0; i < 30; ++i) {
    const double a = constant ? 2.0 : archive.parameters(i, 0), b = constant ? 0.1 : archive.parameters(i, 1);
    for (Index j = 0; j < 300; ++j)
      archive.values[1](i, j) = a * std::exp(2.0 * b * static_cast<double>(j) / 299.0 +
                                             0.4 * std::sin(0.01 * static_cast<double>(j) + a));
    for (Index j = 0; j < 400; ++j) {
      const double t = archive.axes[2].values[j];
      const double phase = 3.0 + 0.8 * t + 0.1 * a * t + 0.2 * b * t * t;
      archive.values[2](i, 2 * j) = (1.0 + 0.3 * b) / (1.0 + 0.1 * t * t) * std::cos(phase);
      archive.values[2](i, 2 * j + 1) = (1.0 + 0.3 * b) / (1.0 + 0.1 * t * t) * std::sin(phase);
    }
    if (constant) archive.values[0](i, 0) = 1.0;
  }
  Recipe recipe = testing::recipe_with("gp");
  recipe.channel.basis = {"pod", {{"max_rank", 4.0}}};
  recipe.channels["y"] = recipe.channel;
  recipe.channels["y"].basis = {"none", {}};
  return train_emulator(archive, recipe).emulator;
}

/// Some of the bins of flux, out of order with what the model has, and all of wave.
Observation observed(const Emulator& emulator, double error) {
  const Prediction p = emulator.predict(truth, false);
  Observation o{{{"wave", {}}, {"flux", {}}}, {}, {}, {}};
  std::vector<double> values;
  for (Index j = 0; j < 800; ++j) o.parts[0].entries.push_back(j), values.push_back(p.mean[2](0, j));
  for (Index j = 1; j < 300; j += 3) o.parts[1].entries.push_back(j), values.push_back(p.mean[1](0, j));
  o.values = Eigen::Map<Vector>(values.data(), static_cast<Index>(values.size()));
  RandomStream random(4);
  o.deviations.resize(o.size());
  for (Index j = 0; j < o.size(); ++j) {
    o.deviations[j] = error * (1.0 + random.uniform());
    o.values[j] += o.deviations[j] * random.normal();
  }
  return o;
}

GaussianOptions reduced_options(double tolerance, double degrees = 0.0) {
  GaussianOptions options;
  options.emulator_error = EmulatorError::none;
  options.degrees_of_freedom = degrees;
  options.reduced_quadrature = tolerance;
  return options;
}

/// Values and gradients at points over the domain, from nodes and from all bins. Off by δ (whitened, at most
/// the tolerance), chi² of a whitened residual r is off by at most 2 |r| |δ| + |δ|².
void expect_close(const Emulator& emulator, const Observation& o, double tolerance, double degrees) {
  const ForwardModelPtr model = forward_model(emulator);
  const LikelihoodPtr all = gaussian_likelihood(model, o, reduced_options(0.0, degrees));
  const LikelihoodPtr some = gaussian_likelihood(model, o, reduced_options(tolerance, degrees));
  EXPECT_NE(some->describe().find("of them evaluated"), std::string::npos) << some->describe();
  EXPECT_EQ(all->describe().find("of them evaluated"), std::string::npos);
  ASSERT_TRUE(some->has_gradient());
  Workspace workspace;
  RandomStream random(12);
  Index inside = 0, differentiated = 0;
  const Matrix points = emulator.space().sample(60, random);
  for (Index i = 0; i < points.rows(); ++i) {
    const double* x = points.row(i).data();
    Vector a(2), b(2);
    const LikelihoodValue exact = all->evaluate(x, a.data(), workspace),
                          value = some->evaluate(x, b.data(), workspace);
    ASSERT_EQ(exact.inside_domain, value.inside_domain);
    EXPECT_EQ(some->evaluate(x, nullptr, workspace).log, value.log);
    if (!exact.inside_domain) continue;
    ++inside;
    // Of a Gaussian: |r|² = chi²; Student's t varies less. Room for points that were not tested.
    const double chi2 = 2.0 * (all->evaluate(truth.data(), nullptr, workspace).log - exact.log) +
                        2.0 * static_cast<double>(o.size());
    EXPECT_NEAR(value.log, exact.log, 2.0 * tolerance * std::sqrt(std::abs(chi2)) + 1e-6) << points.row(i);
    // Wide steps: the rounding of the emulator's mean would be seen over narrow ones.
    const Vector slopes = differences(*some, points.row(i).transpose(), Vector::Constant(2, 3e-3));
    if (!slopes.allFinite()) continue;  // at the rim
    ++differentiated;
    EXPECT_LT((b - slopes).cwiseAbs().maxCoeff(), 1e-4 * (1.0 + slopes.cwiseAbs().maxCoeff()))
        << points.row(i);
  }
  EXPECT_GT(inside, 30);
  EXPECT_GT(differentiated, 30);
}

TEST(ReducedQuadrature, IsTheLikelihoodOfAllBins) {
  const Emulator emulator = wide_emulator();
  const Observation o = observed(emulator, 0.1);
  for (const double tolerance : {0.1, 0.001}) expect_close(emulator, o, tolerance, 0.0);
  expect_close(emulator, o, 0.01, 4.0);
}

TEST(ReducedQuadrature, WithErrorsThatGoTogether) {
  const Emulator emulator = wide_emulator();
  expect_close(emulator, correlated(observed(emulator, 0.1)), 0.01, 0.0);
}

/// All bins of `wave`, with white noise.
Observation series_of(const Emulator& emulator, double deviation) {
  Observation o{{{"wave", {}}}, emulator.predict(truth, false).mean[2].row(0).transpose(), {}, {}};
  RandomStream random(5);
  for (Index j = 0; j < o.size(); ++j) {
    o.parts[0].entries.push_back(j);
    o.values[j] += deviation * random.normal();
  }
  return o;
}

/// In units of the noise's deviation δ the waveform is off by the tolerance at most, the logarithm by no more
/// than (|h - d| + |δ|) |δ|, whatever is done with phase and shift; gradients by differences.
void expect_close(const Emulator& emulator, const Observation& o, WaveformOptions options) {
  const ForwardModelPtr model = forward_model(emulator);
  const LikelihoodPtr all = waveform_likelihood(model, o, options);
  options.reduced_quadrature = 1e-3;
  const LikelihoodPtr some = waveform_likelihood(model, o, options);
  EXPECT_NE(some->describe().find("values evaluated"), std::string::npos) << some->describe();
  EXPECT_EQ(all->describe().find("values evaluated"), std::string::npos);
  ASSERT_TRUE(some->has_gradient());
  ASSERT_EQ(some->nuisance().size(), all->nuisance().size());
  const auto extra = static_cast<Index>(some->nuisance().size()), d = 2 + extra;
  Workspace workspace;
  RandomStream random(12);
  Index inside = 0, differentiated = 0;
  const Matrix points = emulator.space().sample(40, random);
  for (Index i = 0; i < points.rows(); ++i) {
    Vector theta(d), a(d), b(d);
    theta << points(i, 0), points(i, 1), Vector::Constant(extra, 1.2);
    const LikelihoodValue exact = all->evaluate(theta.data(), a.data(), workspace),
                          value = some->evaluate(theta.data(), b.data(), workspace);
    ASSERT_EQ(exact.inside_domain, value.inside_domain);
    EXPECT_EQ(some->evaluate(theta.data(), nullptr, workspace).log, value.log);
    if (!exact.inside_domain) continue;
    ++inside;
    const double length = std::sqrt(2.0 * std::abs(exact.log)) + std::sqrt(static_cast<double>(o.size()));
    EXPECT_NEAR(value.log, exact.log, 2e-3 * length) << theta.transpose();
    const Vector slopes = differences(*some, theta, Vector::Constant(d, 1e-3));
    if (!slopes.allFinite()) continue;  // at the rim
    ++differentiated;
    EXPECT_LT((b - slopes).cwiseAbs().maxCoeff(), 1e-3 * (1.0 + slopes.cwiseAbs().maxCoeff()))
        << theta.transpose();
    EXPECT_LT((b - a).cwiseAbs().maxCoeff(), 1e-2 * (1.0 + a.cwiseAbs().maxCoeff())) << theta.transpose();
  }
  EXPECT_GT(inside, 20);
  EXPECT_GT(differentiated, 20);
}

TEST(ReducedQuadrature, OfWaveformsInWhiteNoise) {
  const Emulator emulator = wide_emulator();
  const Observation o = series_of(emulator, 0.1);
  for (const Unknown phase : {Unknown::none, Unknown::parameter, Unknown::marginalise, Unknown::maximise})
    for (const Unknown time : {Unknown::none, Unknown::marginalise}) {
      WaveformOptions options;
      options.deviation = 0.1;
      options.phase = phase;
      options.time = time;
      options.time_range = time == Unknown::none ? 0.0 : 0.3;
      expect_close(emulator, o, options);
    }
}

TEST(ReducedQuadrature, OfWaveformsInColouredNoise) {
  const Emulator emulator = wide_emulator();
  WaveformOptions options;
  options.noise = NoiseCurve::tabulated("slope", (Vector(2) << 0.05, 20.0).finished(),
                                        (Vector(2) << 1e-2, 1e-5).finished());
  options.low = 0.1;
  options.high = 3.0;
  options.taper = taper_from_string("tukey:0.1");
  options.time = Unknown::marginalise;
  options.time_range = 0.1;
  expect_close(emulator, series_of(emulator, 0.1), options);
}

TEST(ReducedQuadrature, LeavesWhatIsExactAlone) {
  const Emulator linear = small_emulator(true);
  const Observation o = observe(linear, truth, {"flux"});
  Workspace workspace;
  const LikelihoodPtr all = gaussian_likelihood(forward_model(linear), o, reduced_options(0.0)),
                      some = gaussian_likelihood(forward_model(linear), o, reduced_options(0.01));
  EXPECT_EQ(all->describe(), some->describe());
  EXPECT_EQ(all->evaluate(truth.data(), nullptr, workspace).log,
            some->evaluate(truth.data(), nullptr, workspace).log);
}

TEST(ReducedQuadrature, OfWhatHardlyChangesTakesANode) {
  const Emulator emulator = wide_emulator(true);
  const Observation o = observed(emulator, 0.1);
  Workspace workspace;
  const double all = gaussian_likelihood(forward_model(emulator), o, reduced_options(0.0))
                         ->evaluate(truth.data(), nullptr, workspace)
                         .log;
  const LikelihoodPtr some = gaussian_likelihood(forward_model(emulator), o, reduced_options(0.01));
  EXPECT_NEAR(some->evaluate(truth.data(), nullptr, workspace).log, all, 1e-6 * std::abs(all));
}

TEST(ReducedQuadrature, SaysWhatItCanNotDo) {
  const Emulator emulator = wide_emulator();
  const Observation o = observed(emulator, 0.1);
  const auto message = [&](const Emulator& e, GaussianOptions options) {
    return message_of<UsageError>([&] { gaussian_likelihood(forward_model(e), o, options); });
  };
  GaussianOptions options = reduced_options(0.01);
  options.emulator_error = EmulatorError::full;
  EXPECT_NE(message(emulator, options).find("emulator_error = \"none\""), std::string::npos);
  options = reduced_options(0.01);
  options.nuisance = {"amplitude"};
  EXPECT_NE(message(emulator, options).find("nuisance"), std::string::npos);
  for (const double wrong : {-1.0, std::nan(""), HUGE_VAL})
    EXPECT_NE(message(emulator, reduced_options(wrong)).find("reduced_quadrature of"), std::string::npos);
  WaveformOptions waveform;
  waveform.deviation = 0.1;
  const auto waveform_message = [&] {
    return message_of<UsageError>(
        [&] { waveform_likelihood(forward_model(emulator), series_of(emulator, 0.1), waveform); });
  };
  waveform.reduced_quadrature = -1.0;
  EXPECT_NE(waveform_message().find("reduced_quadrature of"), std::string::npos);
  waveform.reduced_quadrature = 0.01;
  waveform.amplitude = true;
  EXPECT_NE(waveform_message().find("without an amplitude"), std::string::npos);
  waveform.amplitude = false;
  waveform.time = Unknown::parameter;
  EXPECT_NE(waveform_message().find("given shifts"), std::string::npos);
  waveform.time = Unknown::maximise;
  waveform.time_range = 0.1;
  EXPECT_NE(waveform_message().find("given shifts"), std::string::npos);
  // As close as rounding lets nothing be.
  EXPECT_NE(message(emulator, reduced_options(1e-15)).find("take a larger one"), std::string::npos);
}

TEST(ReducedQuadrature, IsAKeyOfTheConfiguration) {
  const PosteriorFile file =
      posterior_file_from_toml("[likelihood]\nemulator_error = \"none\"\nreduced_quadrature = 0.02\n", "f");
  EXPECT_EQ(std::get<GaussianOptions>(file.likelihood).reduced_quadrature, 0.02);
  EXPECT_THROW(posterior_file_from_toml("[likelihood]\nreduced_quadrature = 0\n", "f"), UsageError);
  const PosteriorFile waveform = posterior_file_from_toml(
      "[likelihood]\nkind = \"waveform\"\ndeviation = 0.1\nreduced_quadrature = 0.1\n", "f");
  EXPECT_EQ(std::get<WaveformOptions>(waveform.likelihood).reduced_quadrature, 0.1);
}

}  // namespace
}  // namespace ersatz
