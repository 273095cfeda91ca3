// Exported C sources against the library: every kind of part, inside and outside of the domain. They are
// compiled with the sanitizers, so that a write past the caller's memory ends the test.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/export_c.hpp"
#include "ersatz/emulator/train.hpp"
#include "ersatz/regression/gp/pointwise.hpp"
#include "ersatz/simulators/waveform.hpp"
#include "ersatz/storage/archive.hpp"
#include "regression/gp/predictor.hpp"
#include "regression/polynomial_predictor.hpp"
#include "small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::Scratch;
using testing::slurp;
using testing::small_archive;
using testing::spill;

constexpr const char* strict = " -std=c99 -Wall -Wextra -Wpedantic -Werror ";

int run(const std::string& command) { return std::system(command.c_str()); }

/// What the exported program says of points, one row each: score, means, stds.
Matrix ask(const Scratch& scratch, const std::string& source, const Matrix& X,
           const char* flags = "-O0 -fsanitize=address") {
  spill(scratch("emulator.c"), source);
  std::ofstream points(scratch("points"));
  points.precision(17);
  for (Index i = 0; i < X.rows(); ++i) points << X.row(i) << "\n";
  points.close();
  const std::string program = scratch("emulator");
  EXPECT_EQ(run(std::string(ERSATZ_C_COMPILER) + strict + flags + " -DEMULATOR_MAIN -o " + program + " " +
                scratch("emulator.c") + " -lm"),
            0);
  EXPECT_EQ(
      run("ASAN_OPTIONS=detect_leaks=0 " + program + " < " + scratch("points") + " > " + scratch("answers")),
      0);
  std::istringstream lines(slurp(scratch("answers")));
  std::vector<std::vector<double>> rows;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    rows.emplace_back();
    for (std::string word; words >> word;) rows.back().push_back(std::strtod(word.c_str(), nullptr));
  }
  Matrix answers =
      Matrix::Zero(static_cast<Index>(rows.size()), rows.empty() ? 0 : static_cast<Index>(rows[0].size()));
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < rows[i].size() && static_cast<Index>(j) < answers.cols(); ++j)
      answers(static_cast<Index>(i), static_cast<Index>(j)) = rows[i][j];
  return answers;
}

/// Inside of the space, and some outside of it.
Matrix points_of(const ParameterSpace& space, Index n) {
  RandomStream random(77);
  Matrix X = space.sample(n, random);
  for (Index i = 0; i < n; i += 4)
    for (Index k = 0; k < X.cols(); ++k) {
      const Parameter& p = space[k];
      const double share = 1.3 * random.uniform() - 0.15;
      X(i, k) = p.scale == Scale::log ? p.lower * std::pow(p.upper / p.lower, share)
                                      : p.lower + share * (p.upper - p.lower);
    }
  return X;
}

/// Means and variances differ by at most `tolerance` of the largest one of their output, among all points.
void expect_same(const TrainedEmulator& trained, const std::string& what, double tolerance = 1e-12,
                 bool with_std = true, Index n = 24) {
  SCOPED_TRACE(what);
  const Scratch scratch;
  const Emulator& e = trained.emulator;
  Matrix X = points_of(e.space(), n);
  with_std = with_std && e.has_std();
  const Matrix answers = ask(scratch, export_c(e, trained.info, {"emulator", with_std, {}}), X);
  const Prediction p = e.predict(X, with_std);
  Index width = 0;
  for (const OutputSpec& o : e.outputs()) width += o.width();
  ASSERT_EQ(answers.rows(), X.rows());
  ASSERT_EQ(answers.cols(), 1 + (with_std ? 2 : 1) * width);
  bool outside = false;
  for (Index i = 0; i < X.rows(); ++i) {
    outside = outside || p.domain_score[i] > 1.0;
    if (std::isinf(p.domain_score[i]))
      EXPECT_TRUE(std::isinf(answers(i, 0))) << i;
    else
      EXPECT_NEAR(answers(i, 0), p.domain_score[i], 1e-13 * (1.0 + p.domain_score[i])) << i;
  }
  EXPECT_TRUE(outside);
  Index at = 1;
  for (std::size_t o = 0; o < e.outputs().size(); ++o) {
    const Index w = e.outputs()[o].width();
    const double size = p.mean[o].cwiseAbs().maxCoeff();
    EXPECT_LE((answers.middleCols(at, w) - p.mean[o]).cwiseAbs().maxCoeff(), tolerance * size)
        << e.outputs()[o].name;
    if (with_std) {
      const Matrix square = p.std[o].array().square();
      EXPECT_GT(square.maxCoeff(), 0.0);
      const Matrix found = answers.middleCols(at + width, w).array().square();
      EXPECT_LE((found - square).cwiseAbs().maxCoeff(), tolerance * square.maxCoeff()) << e.outputs()[o].name;
    }
    at += w;
  }
}

TrainedEmulator trained(const std::string& recipe, Index n = 30) {
  return train_emulator(small_archive(n), recipe_from_toml(recipe, "recipe"));
}

TEST(ExportC, Regressors) {
  for (const char* regressor :
       {"\"mean\"", "\"linear\"", "{name = \"ridge\", degree = 3}", "{name = \"lasso\", degree = 3}",
        "{name = \"lasso\", l1_ratio = 0.5, shared = true}", "{name = \"chaos\", max_degree = 4}",
        "{name = \"chaos\", degree = 3, features = \"hermite\"}",
        "{name = \"ridge\", degree = 2, features = \"legendre\"}"})
    expect_same(trained(std::string("regressor = ") + regressor + "\n"), regressor);
}

TEST(ExportC, NearestNeighbours) {
  for (const char* settings :
       {"weights = \"uniform\", k = 5", "weights = \"inverse-distance\", k = 6, metric = \"manhattan\"",
        "weights = \"kernel\", k = 5", "weights = \"local-linear\", k = 30",
        "weights = \"uniform\", radius = 0.6",
        "weights = \"inverse-distance\", radius = 0.9, metric = \"manhattan\"",
        "weights = \"kernel\", radius = 0.6",
        "weights = \"local-linear\", radius = 0.9, metric = \"manhattan\""})
    expect_same(trained(text("regressor = {name = \"knn\", ", settings, "}\n")), settings);
}

/// With a nugget, so that terms do not cancel and the largest output is what errors are measured by.
TEST(ExportC, GaussianProcesses) {
  for (const char* settings :
       {"kernel = \"matern52\"", "kernel = \"matern32\", mean = \"quadratic\"",
        "kernel = \"squared-exponential\", mean = \"zero\", shared = true", "kernel = \"matern52-product\"",
        "kernel = \"power-exponential\"", "kernel = \"matern32-product * rational-quadratic\"",
        "kernel = \"matern12-product + linear(inputs=[1])\"",
        "kernel = \"matern52(length=shared) * (periodic(inputs=[0], period=0.7) + 0.2 * constant) + 0.5 * "
        "matern32\"",
        "kernel = \"2 * matern32 + 0.5 * matern12(inputs=[1], length=0.3) + power-exponential(power=1.5)\""})
    expect_same(trained(text("regressor = {name = \"gp\", nugget = 1e-2, starts = 1, ", settings, "}\n"), 24),
                settings, 1e-11);
  expect_same(trained("regressor = {name = \"gp\", starts = 1, kernel = \"matern12 + white\"}\n", 24),
              "white", 1e-11);
}

TEST(ExportC, GaussianProcessesOfManyPoints) {
  for (const char* settings :
       {"method = \"inducing\", points = 12, kernel = \"matern52\"",
        "method = \"inducing\", points = 10, shared = true, mean = \"linear\", kernel = \"matern32\"",
        "method = \"vecchia\", neighbours = 8, kernel = \"matern52\"",
        "method = \"vecchia\", neighbours = 10, mean = \"quadratic\", kernel = \"matern32\"",
        "method = \"vecchia\", neighbours = 6, mean = \"zero\", shared = true, kernel = \"matern52\""})
    expect_same(trained(text("regressor = {name = \"gp\", nugget = 1e-2, starts = 1, ", settings, "}\n"), 40),
                settings, 1e-11);
}

TEST(ExportC, TransformsBasesDecoders) {
  const std::string regressor = "regressor = {name = \"ridge\", degree = 2}\n";
  for (const char* how :
       {"decoder = \"identity\"\n", "basis = \"none\"\n", "transform = [\"minmax\"]\nbasis = \"greedy\"\n",
        "transform = [\"asinh\", \"standardise\"]\nbasis = {name = \"pod\", centred = true, nodes = "
        "\"q-deim\"}\n",
        "decoder = \"identity\"\ntransform = \"none\"\nbasis = {name = \"pod\", max_rank = 3}\n",
        "decoder = \"identity\"\nbasis = {name = \"greedy\", nodes = \"eim\", max_rank = 6}\n"})
    expect_same(trained(how + regressor), how, 1e-11);
  expect_same(
      trained(regressor +
              "decoder = \"identity\"\n[channel.flux]\ntransform = [{name = \"periodic\", columns = [0], "
              "period = 40.0, origin = -20.0}, \"center\"]\n"),
      "periodic", 1e-11);
  Archive hot = small_archive(30);  // the first parameter as a temperature
  hot.space = ParameterSpace({{"a", "K", 3000.0, 30000.0, Scale::log}, hot.space[1]});
  hot.parameters.col(0) *= 3000.0;
  expect_same(
      train_emulator(hot, recipe_from_toml(regressor + "[output.flux]\ndecoder = {name = \"blackbody\", "
                                                       "temperature = \"a\"}\n",
                                           "recipe")),
      "blackbody", 1e-11);
}

TEST(ExportC, CalibrationAndPeriodicParametersAndConstraints) {
  Archive archive = small_archive(40);
  std::vector<Parameter> parameters = archive.space.parameters();
  parameters[1].scale = Scale::periodic;
  archive.space = ParameterSpace(parameters, {}, {{(Vector(2) << 1.0, 2.0).finished(), 9.0}});
  const Recipe recipe = recipe_from_toml("regressor = {name = \"ridge\", degree = 2}\n", "recipe");
  TrainedEmulator t = train_emulator(archive, recipe);
  expect_same(t, "periodic");
  Calibration calibration{"by hand", (Vector(1) << 0.9).finished(), {}};
  for (const OutputSpec& o : t.emulator.outputs())
    calibration.outputs.push_back(
        {Vector::LinSpaced(o.width(), 0.5, 2.0), Vector::Constant(1, 1.7), Vector::Constant(1, 2.9)});
  t.emulator = t.emulator.calibrated(calibration);
  expect_same(t, "calibrated");
}

TEST(ExportC, InputMaps) {
  Archive archive;
  archive.space = ParameterSpace({{"q", "", 1.0, 4.0},
                                  {"chi1x", "", -0.8, 0.8},
                                  {"chi1y", "", -0.8, 0.8},
                                  {"chi1z", "", -0.8, 0.8},
                                  {"chi2x", "", -0.8, 0.8},
                                  {"chi2y", "", -0.8, 0.8},
                                  {"chi2z", "", -0.8, 0.8}},
                                 {{{1, 2, 3}, 0.8}, {{4, 5, 6}, 0.8}});
  RandomStream random(3);
  archive.parameters = archive.space.sample(60, random);
  archive.axes = {{"one", "", Vector::Zero(1)}};
  archive.outputs = {{"y", "", "one", 1, false}};
  archive.values.emplace_back(60, 1);
  for (Index i = 0; i < 60; ++i) {
    archive.values[0](i, 0) = std::sin(archive.parameters.row(i).sum()) + archive.parameters(i, 0);
    archive.status.push_back(RunStatus::done);
    archive.messages.emplace_back();
    archive.seconds.push_back(0.1);
  }
  for (const char* inputs : {"\"precessing-spins\"", "{name = \"precessing-spins\", symmetry = false}",
                             "{name = \"polar\", parameters = [\"chi1x\", \"chi1y\"]}",
                             "{name = \"rotational-symmetry\", weights = [0.0, 1.0]}",
                             "{name = \"exchange-symmetry\", first = [\"chi1x\", \"chi1y\"], second = "
                             "[\"chi2x\", \"chi2y\"]}, \"aligned-spins\""})
    expect_same(
        train_emulator(archive,
                       recipe_from_toml(text("inputs = [", inputs, "]\nregressor = \"linear\"\n"), "recipe")),
        inputs);
}

TEST(ExportC, PrecessingWaveforms) {
  InspiralOptions options;
  options.start = -200.0;
  options.times = 101;
  const auto simulator = make_waveform(options);
  Archive archive;
  archive.space = simulator->space();
  archive.axes = simulator->axes();
  archive.outputs = simulator->outputs();
  RandomStream random(7);
  archive.parameters = archive.space.sample(16, random);
  for (const OutputSpec& o : archive.outputs) archive.values.emplace_back(16, o.width());
  for (Index i = 0; i < 16; ++i) {
    const SimulationResult result = simulator->run(archive.parameters.row(i).data());
    ASSERT_TRUE(result.ok());
    for (std::size_t o = 0; o < archive.outputs.size(); ++o)
      archive.values[o].row(i) = result.outputs[o].transpose();
    archive.status.push_back(RunStatus::done);
    archive.messages.emplace_back();
    archive.seconds.push_back(0.0);
  }
  for (const bool all : {false, true}) {
    // Pieces that the simulator does not have, so that every mode counts.
    for (std::size_t o = 0; all && o < 5; ++o)
      for (Index i = 0; i < archive.values[o].rows(); ++i)
        for (Index j = 0; j < archive.values[o].cols(); ++j)
          archive.values[o](i, j) +=
              0.01 * std::sin(1.3 * static_cast<double>(o) + 0.01 * static_cast<double>(j));
    for (const char* settings : {"", ", symmetry = true", ", reference = -100"}) {
      if (all && settings[0] != '\0' && settings[2] == 's') continue;
      const Recipe recipe = recipe_from_toml(text("regressor = \"linear\"\n[group.waves]\noutputs = "
                                                  "[\"h22\", \"h21\", \"h20\", \"h2m1\", \"h2m2\"]\n"
                                                  "decoder = {name = \"precessing\"",
                                                  settings, "}\n"),
                                             "recipe");
      expect_same(train_emulator(archive, recipe), text(all ? "all pieces" : "one piece", settings), 1e-10,
                  true, 8);
    }
  }
}

/// To 1e-13 of the sum of the absolute terms, of an exact process with a constant mean.
void expect_same_terms(const std::string& kernel) {
  SCOPED_TRACE(kernel);
  const TrainedEmulator t = train_emulator(
      [] {
        Archive a = small_archive(40);
        a.outputs.resize(1);
        a.values.resize(1);
        return a;
      }(),
      recipe_from_toml(
          "transform = \"none\"\nbasis = \"none\"\nregressor = {name = \"gp\", starts = 1, kernel = \"" +
              kernel + "\"}\n",
          "recipe"));
  const auto& predictor = dynamic_cast<const gp::GpPredictor&>(*t.emulator.channels()[0].predictor);
  const gp::GpState& state = predictor.state();
  const Scratch scratch;
  const Matrix X = points_of(t.emulator.space(), 60);
  const Matrix answers = ask(scratch, export_c(t.emulator, t.info, {}), X);
  const Prediction p = t.emulator.predict(X, true);
  const Index n = predictor.size();
  const gp::Correlation& r = state.correlations[0];
  const gp::Output& o = state.outputs[0];
  Vector u(2), x(2), k(n);
  Workspace workspace;
  std::vector<double> inverse(static_cast<std::size_t>(n * (n + 1) / 2));
  const h5::File file = h5::File::in_memory("process");
  predictor.save(file.root());
  const Matrix L = file.root().read_matrix("inverse_factor");
  for (Index i = 0; i < X.rows(); ++i) {
    t.emulator.input_map().forward(X.row(i).data(), u.data());
    state.scale(u.data(), x.data());
    predictor.kernel().row(x.data(), predictor.training(), r.coefficients.data(), k.data(), workspace);
    const double terms =
        std::abs(o.centre) + o.scale * (std::abs(state.trends(0, 0)) +
                                        state.weights.row(0).cwiseAbs().dot(k.transpose().cwiseAbs()));
    EXPECT_LE(std::abs(answers(i, 1) - p.mean[0](i, 0)), 1e-13 * terms) << i;
    double variance = 1.0;
    for (Index a = 0, at = 0; a < n; ++a) {
      double row = 0.0;
      for (Index b = 0; b <= a; ++b) row += std::abs(L(0, at++)) * std::abs(k[b]);
      variance += row * row;
    }
    const double missing = (1.0 + r.solved_trend.col(0).cwiseAbs().dot(k.cwiseAbs())) / r.trend_factor(0, 0);
    variance =
        o.process_variance * (variance + missing * missing) * t.emulator.channels()[0].variance_scale[0];
    EXPECT_LE(std::abs(answers(i, 2) * answers(i, 2) - p.std[0](i, 0) * p.std[0](i, 0)), 1e-13 * variance)
        << i;
  }
}

TEST(ExportC, TheSameNumbersAsTheLibrary) {
  for (const char* kernel : {"squared-exponential", "matern52", "matern32-product", "power-exponential"})
    expect_same_terms(kernel);
}

/// exp(-Σ |x - y|), registered by this program.
class OfMyOwn final : public gp::PointwiseKernel {
 public:
  explicit OfMyOwn(Index inputs) : inputs_(inputs) {}
  std::vector<gp::Hyperparameter> hyperparameters(Index) const override { return {}; }
  double value(const double* x, const double* y, const double*, double*, double* by_x) const override {
    double sum = 0.0;
    for (Index k = 0; k < inputs_; ++k) sum += std::abs(x[k] - y[k]);
    for (Index k = 0; by_x && k < inputs_; ++k) by_x[k] = std::exp(-sum) * (x[k] < y[k] ? 1.0 : -1.0);
    return std::exp(-sum);
  }

 private:
  Index inputs_;
};

/// What another predictor says, under a name that the library does not know.
class Disguised final : public Predictor {
 public:
  explicit Disguised(PredictorPtr other) : other_(std::move(other)) {}
  std::string kind() const override { return "disguised"; }
  Index inputs() const override { return other_->inputs(); }
  Index outputs() const override { return other_->outputs(); }
  void mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const override {
    other_->mean(X, mean, workspace);
  }
  void save(const h5::Group& group) const override { other_->save(group); }

 private:
  PredictorPtr other_;
};

Emulator with_predictors(const Emulator& e, PredictorPtr (*change)(const Predictor&, PredictorPtr)) {
  std::vector<Channel> channels = e.channels();
  for (Channel& c : channels) {
    c.predictor = change(*c.predictor, c.predictor);
    c.residual_variance = Vector::LinSpaced(c.basis->coefficients(), 0.1, 0.7);
  }
  const h5::File file = h5::File::in_memory("emulator");
  e.save(file.root());
  return Emulator({e.space(), e.axes(), e.outputs(), load_transform(file.root().group("input_map")), channels,
                   e.decodings(), e.guard()});
}

TEST(ExportC, VariancesOfResiduals) {
  TrainedEmulator t = trained("regressor = \"linear\"\n");
  t.emulator = with_predictors(t.emulator, [](const Predictor& p, PredictorPtr) -> PredictorPtr {
    PolynomialState state = dynamic_cast<const PolynomialPredictor&>(p).state();
    state.has_variance = false;
    return std::make_shared<PolynomialPredictor>(state);
  });
  ASSERT_TRUE(t.emulator.has_std());
  expect_same(t, "residual variance");
}

TEST(ExportC, RefusesWhatHasNoSource) {
  const TrainedEmulator t = trained("regressor = \"linear\"\n");
  const auto refused = [](const Emulator& e, const ModelInfo& info, const CExport& options) {
    return message_of<UsageError>([&] { export_c(e, info, options); });
  };
  for (const char* prefix : {"", "2nd", "a-b", "double", "a b"})
    EXPECT_NE(refused(t.emulator, t.info, {prefix, true, {}}).find("cannot begin a name"), std::string::npos)
        << prefix;
  const Emulator other = with_predictors(t.emulator, [](const Predictor&, PredictorPtr p) -> PredictorPtr {
    return std::make_shared<Disguised>(p);
  });
  EXPECT_NE(refused(other, t.info, {}).find("channel 'y': the predictor 'disguised' has no C source"),
            std::string::npos);
  gp::register_kernel("of-my-own", [](Index inputs) {
    return gp::pointwise_kernel("of-my-own", inputs, std::make_shared<OfMyOwn>(inputs));
  });
  const TrainedEmulator own = trained("regressor = {name = \"gp\", kernel = \"of-my-own + matern32\"}\n");
  EXPECT_NE(refused(own.emulator, own.info, {}).find("the kernel 'of-my-own' has no C source"),
            std::string::npos);
}

TEST(ExportC, MeansAloneAndOtherCompilers) {
  TrainedEmulator t = trained("regressor = {name = \"gp\", kernel = \"matern52\", nugget = 1e-2}\n");
  t.info.title =
      "a */ comment /* that ?"
      "?/ ends";
  expect_same(t, "means alone", 1e-10, false);
  const Scratch scratch;
  const std::string all = export_c(t.emulator, t.info, {"spectrum", true, {"a */ score"}}),
                    means = export_c(t.emulator, t.info, {"spectrum", false, {}});
  EXPECT_LT(3 * means.size(), 2 * all.size());
  EXPECT_EQ(means.find("mean_and_std"), std::string::npos);
  spill(scratch("spectrum.c"), all);
  // Declared by the source itself, called from another one; the names are there.
  spill(scratch("caller.c"),
        "#define SPECTRUM_DECLARATIONS_ONLY\n#include \"spectrum.c\"\n#include <stdio.h>\n"
        "int main(void)\n{\n  double x[SPECTRUM_PARAMETERS] = {2.0, 0.1}, mean[SPECTRUM_VALUES], "
        "std[SPECTRUM_VALUES];\n"
        "  double work[SPECTRUM_WORK];\n"
        "  if (spectrum_mean_and_std(x, mean, std, work)) return 1;\n"
        "  x[1] = 0.0 / 0.0 * x[0];\n  if (spectrum_mean(x, mean, work) != 1) return 2;\n  x[0] = -1.0;\n"
        "  x[1] = 0.1;\n  if (spectrum_mean(x, mean, work) != 1) return 3;\n"
        "  printf(\"%s %s %d %s %g\\n\", spectrum_parameter_names[1], spectrum_parameter_units[1], "
        "spectrum_output_offsets[2],\n"
        "         spectrum_output_names[1], spectrum_output_bins[1][23]);\n  return 0;\n}\n");
  for (const char* compiler : {ERSATZ_C_COMPILER, "clang"}) {
    if (run(std::string(compiler) + " --version > /dev/null 2>&1") != 0) continue;
    ASSERT_EQ(
        run("cd " + scratch.folder() + " && " + compiler + strict + "-O3 -o caller caller.c spectrum.c -lm"),
        0)
        << compiler;
    ASSERT_EQ(run(scratch("caller") + " > " + scratch("said")), 0);
    EXPECT_EQ(slurp(scratch("said")), "b rad 25 flux 3000\n");
  }
  // Optimisers that know how many points there are find nothing to warn about.
  for (const Index points : {24, 40}) {
    const TrainedEmulator other =
        trained("regressor = {name = \"gp\", kernel = \"squared-exponential\", starts = 1}\n", points);
    spill(scratch("other.c"), export_c(other.emulator, other.info, {"other", true, {}}));
    EXPECT_EQ(
        run("cd " + scratch.folder() + " && " + ERSATZ_C_COMPILER + strict + "-O3 -c -o other.o other.c"), 0)
        << points;
  }
}

}  // namespace
}  // namespace ersatz
