// Posteriors against closed forms, and their file.
#include "ersatz/inference/posterior.hpp"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>
#include <fstream>

#include "emulators.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/inference/posterior_file.hpp"
#include "ersatz/storage/table.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::observe;
using testing::Scratch;
using testing::small_emulator;
using testing::spill;

/// A line: y_j = a + b t_j. With a sum that is bounded.
class Line final : public Simulator {
 public:
  Line()
      : space_({{"a", "m", -5.0, 5.0}, {"b", "", -5.0, 5.0}}, {},
               {{(Vector(2) << 1.0, 1.0).finished(), 4.0}}) {}
  std::string name() const override { return "line"; }
  std::string description() const override { return ""; }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }
  SimulationResult run(const double* x) const override {
    if (x[0] < -4.5) return SimulationResult::failed("too low");
    return {{(x[0] + x[1] * axes_[0].values.array()).matrix()}, {}};
  }

 private:
  ParameterSpace space_;
  std::vector<Axis> axes_{{"t", "s", Vector::LinSpaced(9, -1.0, 3.0)}};
  std::vector<OutputSpec> outputs_{{"y", "m", "t", 9, false}};
};

Observation line_data() {
  Observation o;
  o.parts = {{"y", {0, 1, 2, 4, 5, 8}}};
  o.values = (Vector(6) << 0.1, 0.9, 1.1, 1.8, 2.2, 4.1).finished();
  o.deviations = (Vector(6) << 0.3, 0.2, 0.2, 0.5, 0.2, 0.3).finished();
  return o;
}

/// Normal priors, a linear model, normal errors: the posterior is normal, with the mean and covariance of
/// generalised least squares.
TEST(Posterior, OfALinearModelIsTheClosedForm) {
  const auto model = forward_model(std::make_shared<Line>());
  const Observation o = line_data();
  const Posterior posterior(gaussian_likelihood(model, o),
                            {{"a", normal_prior(0.5, 0.8)}, {"b", normal_prior(0.0, 2.0)}});
  Eigen::MatrixXd design(6, 2);
  for (Index j = 0; j < 6; ++j)
    design.row(j) << 1.0, model->axes()[0].values[o.parts[0].entries[static_cast<std::size_t>(j)]];
  const Vector weights = o.deviations.cwiseAbs2().cwiseInverse();
  Eigen::Matrix2d precision = design.transpose() * weights.asDiagonal() * design;
  precision(0, 0) += 1.0 / 0.64;
  precision(1, 1) += 0.25;
  Vector right = design.transpose() * weights.asDiagonal() * o.values;
  right[0] += 0.5 / 0.64;
  const Vector mean = precision.inverse() * right;
  Workspace workspace;
  const auto log = [&](const Vector& theta) {
    return posterior.evaluate(theta.data(), nullptr, workspace).sum();
  };
  const double top = log(mean);
  RandomStream random(1);
  for (int i = 0; i < 20; ++i) {
    const Vector step = (Vector(2) << random.normal(), random.normal()).finished();
    const Vector theta = mean + 0.5 * step;
    EXPECT_NEAR(log(theta) - top, -0.125 * step.dot(precision * step), 1e-9 * std::abs(top));
  }
}

TEST(Posterior, BoundsConstraintsAndFailedRuns) {
  const auto model = forward_model(std::make_shared<Line>());
  const auto likelihood = gaussian_likelihood(model, line_data());
  const Posterior posterior(likelihood, {{"a", normal_prior(0.0, 10.0)}});
  ASSERT_EQ(posterior.size(), 2);
  EXPECT_EQ(posterior.parameters()[0].lower, -5.0);
  EXPECT_EQ(posterior.parameters()[0].unit, "m");
  Workspace workspace;
  const auto at = [&](double a, double b) {
    const double theta[] = {a, b};
    return posterior.evaluate(theta, nullptr, workspace);
  };
  EXPECT_TRUE(std::isfinite(at(1.0, 1.0).sum()));
  EXPECT_EQ(at(3.0, 2.0).log_prior, -INFINITY);   // constraint
  EXPECT_EQ(at(0.0, -6.0).log_prior, -INFINITY);  // box
  EXPECT_EQ(at(NAN, 0.0).log_prior, -INFINITY);
  EXPECT_EQ(at(-4.8, 1.0).log_likelihood, -INFINITY);
  EXPECT_TRUE(std::isfinite(at(-4.8, 1.0).log_prior));
  EXPECT_FALSE(posterior.has_gradient());

  RandomStream random(5);
  const Matrix draws = posterior.sample_prior(2000, random);
  EXPECT_LE((draws.rowwise().sum()).maxCoeff(), 4.0 + 1e-9);
  EXPECT_GT((draws.col(0) + draws.col(1)).maxCoeff(), 3.0);
  EXPECT_LE(draws.cwiseAbs().maxCoeff(), 5.0);
}

TEST(Posterior, FixedParametersStayWhereTheyAre) {
  const Emulator emulator = small_emulator(true);
  GaussianOptions options;
  options.nuisance = {"log_jitter", "amplitude"};
  const Matrix truth = (Matrix(1, 2) << 4.0, 0.2).finished();
  const auto likelihood =
      gaussian_likelihood(forward_model(emulator), observe(emulator, truth, {"flux"}), options);
  const Posterior posterior(
      likelihood,
      {{"a", fixed_prior(3.5)}, {"amplitude", truncated_prior(normal_prior(1.0, 0.1), 0.0, INFINITY)}});
  ASSERT_EQ(posterior.size(), 2);
  EXPECT_EQ(posterior.parameters()[0].name, "b");
  EXPECT_EQ(posterior.parameters()[1].name, "amplitude");
  const Vector theta = (Vector(2) << 0.1, 0.97).finished();
  Vector all(4), gradient(2), whole(4);
  posterior.complete(theta.data(), all.data());
  EXPECT_EQ(all, (Vector(4) << 3.5, 0.1, -INFINITY, 0.97).finished());
  Workspace workspace;
  const LogDensityValue value = posterior.evaluate(theta.data(), gradient.data(), workspace);
  EXPECT_EQ(value.log_likelihood, likelihood->evaluate(all.data(), whole.data(), workspace).log);
  EXPECT_NEAR(value.log_prior, posterior.prior(0).log_density(0.1) + posterior.prior(1).log_density(0.97),
              1e-14);
  EXPECT_NEAR(gradient[0], whole[1], 1e-12 * std::abs(whole[1]));  // a uniform prior
  EXPECT_NEAR(gradient[1], whole[3] + 3.0, 1e-9 * std::abs(whole[3]));
}

TEST(Posterior, WhatMakesNoSenseIsRefused) {
  const auto model = forward_model(std::make_shared<Line>());
  const auto likelihood = gaussian_likelihood(model, line_data());
  const auto refused = [&](std::map<std::string, PriorPtr> priors) {
    return message_of<UsageError>([&] { Posterior(likelihood, priors); });
  };
  EXPECT_NE(refused({{"c", fixed_prior(0.0)}}).find("there are: a, b"), std::string::npos);
  EXPECT_NE(refused({{"a", uniform_prior(6.0, 7.0)}}).find("nothing of it"), std::string::npos);
  EXPECT_NE(refused({{"a", fixed_prior(0.0)}, {"b", fixed_prior(0.0)}}).find("all parameters are fixed"),
            std::string::npos);
  GaussianOptions options;
  options.nuisance = {"amplitude"};
  const auto scaled = gaussian_likelihood(model, line_data(), options);
  EXPECT_NE(message_of<UsageError>([&] {
              Posterior(scaled, {{"amplitude", normal_prior(1.0, 1.0)}});
            }).find("lower"),
            std::string::npos);
}

// The file ------------------------------------------------------------------------------------------------

TEST(PosteriorFile, EverythingThatItCanSay) {
  const Scratch scratch;
  spill(scratch("p.csv"), "0,1\n1,2\n");
  const PosteriorFile file = posterior_file_from_toml(R"(
[data]
file = "d.csv"
output = "flux"
value = "f"
error = "e"
axis = "l"
mask = "good"
exclude = [[1200, 1300], [2000.5, 2100]]
[likelihood]
kind = "student-t"
degrees_of_freedom = 4
emulator_error = "diagonal"
outside = "widen"
[prior]
a = 2
b = {name = "table", file = ")" + scratch("p.csv") + R"("}
[nuisance]
amplitude = {name = "log-normal", log_mean = 0, log_deviation = 0.1}
)",
                                                      "infer.toml");
  ASSERT_EQ(file.data.size(), 1u);
  EXPECT_EQ(file.data[0].values, std::vector<std::string>{"f"});
  EXPECT_EQ(file.data[0].exclude[1].second, 2100.0);
  const auto& g = std::get<GaussianOptions>(file.likelihood);
  EXPECT_EQ(g.degrees_of_freedom, 4.0);
  EXPECT_EQ(g.emulator_error, EmulatorError::diagonal);
  EXPECT_EQ(g.outside, Outside::widen);
  EXPECT_EQ(g.nuisance, std::vector<std::string>{"amplitude"});
  EXPECT_TRUE(file.priors.at("a")->fixed());
  EXPECT_EQ(file.priors.at("b")->upper(), 1.0);
  EXPECT_EQ(file.inputs, (std::vector<std::string>{"d.csv", scratch("p.csv")}));

  const PosteriorFile wave = posterior_file_from_toml(R"(
data = [{file = "w.npy", deviation = 0.1}]
likelihood = {kind = "waveform", noise = "advanced-ligo", total_mass = 60, low = 20, taper = "planck:0.05", phase = "maximise", time = "marginalise", time_range = 5}
nuisance = {amplitude = 1e-21}
)",
                                                      "infer.toml");
  const auto& w = std::get<WaveformOptions>(wave.likelihood);
  EXPECT_EQ(w.noise.name(), "advanced-ligo");
  EXPECT_EQ(w.phase, Unknown::maximise);
  EXPECT_EQ(w.time, Unknown::marginalise);
  EXPECT_TRUE(w.amplitude);
}

TEST(PosteriorFile, MistakesAreToldWithTheirLine) {
  const auto refused = [](const std::string& toml) {
    return message_of<UsageError>([&] { posterior_file_from_toml(toml, "infer.toml"); });
  };
  const std::pair<const char*, const char*> cases[] = {
      {"datum = 1", "infer.toml, line 1: unknown key 'datum'"},
      {"[data]\nfiles = \"x\"", "line 2: unknown key 'files'"},
      {"[data]\nfile = 3", "line 2: 'file' must be a text"},
      {"[data]\nerror = \"e\"\ndeviation = 1.0", "one of 'error'"},
      {"[data]\nexclude = [1, 2]", "line 2: 'exclude'"},
      {"[likelihood]\nkind = \"poisson\"", "line 2: 'kind' must be one of"},
      {"[likelihood]\nkind = \"student-t\"", "needs degrees_of_freedom"},
      {"[likelihood]\ndegrees_of_freedom = 3", "line 2: unknown key"},
      {"[likelihood]\nemulator_error = \"half\"", "line 2: unknown emulator_error"},
      {"[likelihood]\noutside = \"ignore\"", "line 2: unknown rule"},
      {"[prior]\na = {name = \"normal\", mean = 0}", "line 2: a: prior normal: 'deviation' is missing"},
      {"[prior]\na = {name = \"gauss\"}", "line 2: a: unknown prior 'gauss'"},
      {"[nuisance]\nscale = 1", "line 2: unknown nuisance parameter 'scale'"},
      {"[prior]\namplitude = 1\n[nuisance]\namplitude = 1", "stands in [prior] and in [nuisance]"},
      {"[likelihood]\nkind = \"waveform\"\nnoise = \"loud\"", "line 3: "},
      {"[likelihood]\nkind = \"waveform\"\nphase = \"parameter\"", "line 3: unknown treatment"},
      {"[likelihood", "line 1"}};
  for (const auto& [toml, expected] : cases)
    EXPECT_NE(refused(toml).find(expected), std::string::npos) << toml << "\n" << refused(toml);
}

TEST(Observation, FromFilesOfEveryShape) {
  const Scratch scratch;
  const auto model = forward_model(std::make_shared<Line>());
  const auto read = [&](const std::string& content, DataFile data = {}) {
    spill(scratch("d.csv"), content);
    data.file = scratch("d.csv");
    return read_observation({data}, *model);
  };
  // Named, out of order, some bins alone; a mask and a range that is left out.
  Observation o = read("t,y,error,good\n3,7,0.5,1\n-1,2,0.1,1\n0,4,0.2,0\n1.5,5,0.3,1\n2,6,0.4,1\n", [] {
    DataFile d;
    d.mask = "good";
    d.exclude = {{1.9, 2.1}};
    return d;
  }());
  EXPECT_EQ(o.parts[0].entries, (std::vector<Index>{8, 0, 5}));
  EXPECT_EQ(o.values, (Vector(3) << 7.0, 2.0, 5.0).finished());
  EXPECT_EQ(o.deviations, (Vector(3) << 0.5, 0.1, 0.3).finished());
  // Without names, three columns.
  o = read("-1 2 0.1\n-0.5 3 0.2\n");
  EXPECT_EQ(o.parts[0].entries, (std::vector<Index>{0, 1}));
  EXPECT_EQ(o.deviations[1], 0.2);
  // All bins in order, one error for all.
  DataFile data;
  data.deviation = 0.25;
  o = read("1\n2\n3\n4\n5\n6\n7\n8\n9\n", data);
  EXPECT_EQ(o.size(), 9);
  EXPECT_EQ(o.deviations, Vector::Constant(9, 0.25));
  // A covariance, of whose rows some are left out.
  Matrix covariance = Matrix::Identity(3, 3);
  covariance(0, 2) = covariance(2, 0) = 0.5;
  write_npy(scratch("c.npy"), covariance);
  data = {};
  data.covariance = scratch("c.npy");
  data.exclude = {{-0.6, -0.4}};
  o = read("t,value\n-1,2\n-0.5,3\n0,4\n", data);
  EXPECT_EQ(o.deviations.size(), 0);
  EXPECT_EQ(o.covariance, (Matrix(2, 2) << 1.0, 0.5, 0.5, 1.0).finished());
}

TEST(Observation, MistakesInDataAreNamed) {
  const Scratch scratch;
  const auto model = forward_model(std::make_shared<Line>());
  const auto refused = [&](const std::string& content, DataFile data = {}) {
    spill(scratch("d.csv"), content);
    data.file = scratch("d.csv");
    return message_of<Error>([&] { read_observation({data}, *model); });
  };
  const auto has = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  has(refused("t,y,error\n-1,2,0.1\n-0.7,2,0.1\n"), "row 1: t = -0.7 is no bin");
  has(refused("t,y,error\n-1,2,0.1\n-1,2,0.1\n"), "comes twice");
  has(refused("t,y,error\n-1,2,0\n"), "row 0: an error of 0");
  has(refused("t,y\n-1,2\n"), "no errors");
  has(refused("t,flux,error\n-1,2,1\n"), "no column 'value'");
  has(refused("y,error\n1,2\n"), "1 rows for the 9 bins");
  has(refused("1,2,3,4\n"), "4 columns without names");
  DataFile data;
  data.output = "z";
  has(refused("t,y,error\n-1,2,1\n", data), "no output 'z'");
  data = {};
  data.mask = "good";
  has(refused("t,y,error,good\n-1,2,1,0\n", data), "all rows are masked");
  data = {};
  data.exclude = {{-0.6, -0.4}, {6200.0, 6400.0}};  // one beside these data may be
  has(refused("t,y,error\n-0.5,2,1\n", data), "all rows are masked or excluded");
  data.exclude = {{6200.0, 6400.0}, {0.1, 0.2}};
  has(refused("t,y,error\n-1,2,1\n", data), "no row lies in a range of 'exclude'; the axis 't' [s]");
  // Errors where they do not count.
  spill(scratch("d.csv"), "t,y,error\n-1,2,1\n");
  data = {};
  data.file = scratch("d.csv");
  EXPECT_EQ(read_observation({data}, *model, false).deviations.size(), 0);
  data.deviation = 0.1;
  has(message_of<Error>([&] { read_observation({data}, *model, false); }), "how large a waveform's noise is");
  EXPECT_THROW(read_observation({}, *model), UsageError);
}

/// From files to the same number as from values.
TEST(PosteriorFile, BuildsThePosteriorOfAnEmulator) {
  const Scratch scratch;
  const Emulator emulator = small_emulator(true);
  const Matrix truth = (Matrix(1, 2) << 4.0, 0.2).finished();
  const Observation o = observe(emulator, truth, {"wave"});
  const Index n = o.size() / 2;
  Matrix table(n, 4);
  for (Index j = 0; j < n; ++j)
    table.row(j) << o.values[2 * j], o.values[2 * j + 1], o.deviations[2 * j], o.deviations[2 * j + 1];
  write_csv(scratch("w.csv"), table, {"wave_re", "wave_im", "sr", "si"});
  PosteriorFile file = posterior_file_from_toml(
      "[data]\nfile = \"" + scratch("w.csv") + "\"\noutput = \"wave\"\nerror = [\"sr\", \"si\"]\n",
      "infer.toml");
  const auto posterior = build_posterior(file, emulator);
  Workspace workspace;
  const double theta[] = {4.1, 0.3};
  EXPECT_EQ(posterior->evaluate(theta, nullptr, workspace).log_likelihood,
            gaussian_likelihood(forward_model(emulator), o)->evaluate(theta, nullptr, workspace).log);
  file.data[0].output.clear();
  EXPECT_NE(message_of<UsageError>([&] { build_posterior(file, emulator); }).find("y, flux, wave"),
            std::string::npos);
}

}  // namespace
}  // namespace ersatz
