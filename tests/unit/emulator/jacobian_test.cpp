// Derivatives of emulators by their parameters, against central differences.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "emulator/decoders.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/transform/input_map.hpp"
#include "small.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::recipe_with;
using testing::small_archive;

struct Derivatives {
  std::vector<Matrix> mean, jacobian;  ///< q × width; (q width) × d
};

Derivatives derivatives(const Emulator& e, const Matrix& X, Workspace& workspace) {
  Derivatives all;
  std::vector<double*> means, jacobians;
  for (const OutputSpec& o : e.outputs()) {
    all.mean.emplace_back(X.rows(), o.width());
    all.jacobian.emplace_back(X.rows() * o.width(), X.cols());
  }
  for (Matrix& m : all.mean) means.push_back(m.data());
  for (Matrix& m : all.jacobian) jacobians.push_back(m.data());
  e.mean_and_jacobian(X, means.data(), jacobians.data(), workspace);
  return all;
}

/// Differences over a step of `step` times the range of each parameter, to fourth order.
void expect_differences(const Emulator& e, const Matrix& X, double step, double tolerance,
                        const std::string& what) {
  ASSERT_TRUE(e.has_jacobian()) << what;
  Workspace workspace;
  const Derivatives found = derivatives(e, X, workspace);
  const Prediction at = e.predict(X, false);
  for (std::size_t o = 0; o < e.outputs().size(); ++o)
    EXPECT_EQ(std::memcmp(found.mean[o].data(), at.mean[o].data(),
                          static_cast<std::size_t>(at.mean[o].size()) * sizeof(double)),
              0)
        << what << ": means are not those of mean()";
  // Backwards: the same means, and the same derivatives of a number that they end in.
  RandomStream random(5);
  for (Index i = 0; i < X.rows(); ++i) {
    std::vector<Matrix> mean;
    std::vector<double*> means;
    for (const OutputSpec& o : e.outputs()) mean.emplace_back(1, o.width());
    for (Matrix& m : mean) means.push_back(m.data());
    Vector gradient(X.cols()), expected = Vector::Zero(X.cols()), size = expected;
    const auto weigh = [&](double* const* weights) {
      for (std::size_t o = 0; o < mean.size(); ++o) {
        EXPECT_TRUE(mean[o].row(0) == at.mean[o].row(i)) << what;
        const Index width = mean[o].cols();
        const auto rows = found.jacobian[o].middleRows(i * width, width);
        for (Index j = 0; j < width; ++j) {
          weights[o][j] = random.normal() / rows.norm();
          expected += weights[o][j] * rows.row(j).transpose();
          size += std::abs(weights[o][j]) * rows.row(j).cwiseAbs().transpose();
        }
      }
      return true;
    };
    EXPECT_TRUE(e.mean_and_gradient(X.row(i).data(), means.data(), weigh, gradient.data(), workspace));
    for (Index k = 0; k < X.cols(); ++k) EXPECT_NEAR(gradient[k], expected[k], 1e-9 * size[k]) << what;
    const auto refuse = [](double* const*) { return false; };
    EXPECT_FALSE(e.mean_and_gradient(X.row(i).data(), means.data(), refuse, gradient.data(), workspace));
  }
  for (Index k = 0; k < X.cols(); ++k) {
    const Parameter& parameter = e.space()[k];
    const double h = step * (parameter.lower > 0.0 ? parameter.lower : parameter.upper - parameter.lower);
    const auto shifted = [&](double by) {
      Matrix moved = X;
      moved.col(k).array() += by;
      return e.predict(moved, false).mean;
    };
    const auto p1 = shifted(h), m1 = shifted(-h), p2 = shifted(2.0 * h), m2 = shifted(-2.0 * h);
    for (std::size_t o = 0; o < e.outputs().size(); ++o) {
      const Index width = e.outputs()[o].width();
      const Matrix slope = (8.0 * (p1[o] - m1[o]) - (p2[o] - m2[o])) / (12.0 * h);
      double worst = 0.0;
      for (Index i = 0; i < X.rows(); ++i)
        for (Index j = 0; j < width; ++j)
          worst = std::max(worst, std::abs(found.jacobian[o](i * width + j, k) - slope(i, j)));
      EXPECT_GT(slope.cwiseAbs().maxCoeff(), 0.0) << what;
      EXPECT_LT(worst, tolerance * slope.cwiseAbs().maxCoeff())
          << what << ": " << e.outputs()[o].name << " by " << parameter.name;
    }
  }
}

Matrix points(Index n) {
  RandomStream random(77);
  return small_archive(1).space.sample(n, random);
}

/// With a nugget that keeps rounding out of the differences.
Recipe smooth_gp() { return recipe_with("gp", {{"nugget", 1e-4}}); }

// One parameter on a logarithmic scale; a value, a positive spectrum (logarithm), a complex series (amplitude
// and phase).
TEST(EmulatorJacobian, OfEveryRegressorThatHasOne) {
  const Archive archive = small_archive(40);
  expect_differences(train_emulator(archive, smooth_gp()).emulator, points(3), 1e-3, 1e-7, "gp");
  for (const char* regressor : {"linear", "ridge", "lasso", "chaos"})
    expect_differences(train_emulator(archive, recipe_with(regressor)).emulator, points(3), 1e-3, 1e-7,
                       regressor);
  Settings rule;
  rule.set("weights", std::string("local-linear"));
  rule.set("k", 8.0);
  expect_differences(train_emulator(archive, recipe_with("knn", rule)).emulator, points(3), 1e-5, 1e-5,
                     "local-linear");
}

TEST(EmulatorJacobian, ThroughEveryTransformAndBasis) {
  const Archive archive = small_archive(40);
  const std::vector<std::vector<Component>> transforms{
      {}, {{"center", {}}}, {{"minmax", {}}}, {{"asinh", {}}, {"standardise", {}}}};
  for (const auto& steps : transforms)
    for (const char* basis : {"pod", "none"}) {
      Recipe recipe = recipe_with("ridge");
      recipe.channel.transforms = steps;
      recipe.channel.basis = {basis, {}};
      recipe.decoder = {"identity", {}};
      expect_differences(train_emulator(archive, recipe).emulator, points(3), 1e-3, 1e-7,
                         (steps.empty() ? "no transform" : steps[0].name) + " and " + basis);
    }
  Recipe recipe = smooth_gp();
  recipe.channel.basis = {"pod", {{"nodes", std::string("deim")}}};
  const Emulator e = train_emulator(archive, recipe).emulator;
  expect_differences(e, points(3), 1e-3, 1e-7, "nodes");
  expect_differences(e.restricted("time", {7, 2, 19}).restricted("lambda", {3}), points(3), 1e-3, 1e-7,
                     "restricted");
}

TEST(EmulatorJacobian, ThroughTheTemperatureOfABlackbody) {
  Archive archive;
  archive.space = ParameterSpace({{"T", "K", 5000.0, 12000.0}, {"b", "", -1.0, 1.0}});
  RandomStream random(4);
  archive.parameters = archive.space.sample(40, random);
  archive.axes = {{"lambda", "Angstrom", Vector::LinSpaced(30, 2000.0, 9000.0)}};
  archive.outputs = {{"flux", "", "lambda", 30, false}};
  archive.values = {Matrix(40, 30)};
  const BlackbodyDecoder blackbody("flux", archive.axes[0].values, 0);
  for (Index i = 0; i < 40; ++i) {
    Vector ratio(30);
    for (Index j = 0; j < 30; ++j)
      ratio[j] = 1.0 + 0.3 * std::sin(0.2 * static_cast<double>(j) + archive.parameters(i, 1)) *
                           archive.parameters(i, 0) / 9000.0;
    const double* in = ratio.data();
    double* out = archive.values[0].row(i).data();
    blackbody.decode(archive.parameters.row(i).data(), &in, &out);
    archive.status.push_back(RunStatus::done);
    archive.messages.emplace_back();
    archive.seconds.push_back(0.5);
  }
  Recipe recipe = recipe_with("gp");
  recipe.decoder = {"blackbody", {{"temperature", std::string("T")}}};
  const Matrix X = archive.space.sample(3, random);
  expect_differences(train_emulator(archive, recipe).emulator, X, 1e-3, 1e-7, "blackbody");
}

TEST(EmulatorJacobian, OnlyWhereThePredictionsAreSmooth) {
  const Archive archive = small_archive(25);
  Recipe recipe = recipe_with("gp");
  recipe.channels["flux"] = recipe_with("knn", {{"weights", std::string("uniform")}}).channel;
  const Emulator e = train_emulator(archive, recipe).emulator;
  EXPECT_FALSE(e.has_jacobian());
  Workspace workspace;
  const std::string why = message_of<UsageError>([&] { derivatives(e, points(1), workspace); });
  EXPECT_NE(why.find("'knn'"), std::string::npos) << why;
  EXPECT_NE(why.find("'flux'"), std::string::npos) << why;
}

TEST(EmulatorJacobian, SameBitsAloneAndInABatch) {
  const Emulator e = train_emulator(small_archive(25), recipe_with("gp")).emulator;
  const Matrix X = points(37);
  Workspace workspace;
  const Derivatives all = derivatives(e, X, workspace);
  for (const Index i : {0, 1, 17, 36}) {
    const Derivatives alone = derivatives(e, X.middleRows(i, 1), workspace);
    for (std::size_t o = 0; o < e.outputs().size(); ++o) {
      const Index width = e.outputs()[o].width();
      EXPECT_EQ(alone.jacobian[o], all.jacobian[o].middleRows(i * width, width)) << i;
    }
  }
}

TEST(EmulatorJacobian, NoInfinityLeaves) {
  const Emulator e = train_emulator(small_archive(25), recipe_with("linear")).emulator;
  Matrix X = points(2);
  X(1, 1) = 1e4;  // flux is exp(about 3 b)
  Workspace workspace;
  const std::string why = message_of<NumericalError>([&] { derivatives(e, X, workspace); });
  EXPECT_NE(why.find("point 1"), std::string::npos) << why;
  X(1, 1) = std::nan("");
  EXPECT_THROW(derivatives(e, X, workspace), DataError);
}

}  // namespace
}  // namespace ersatz
