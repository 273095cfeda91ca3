// What the posterior says of the data, against variances added up.
#include "ersatz/inference/predictive.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "emulators.hpp"
#include "ersatz/core/error.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::observe;
using testing::small_emulator;

const Matrix truth = (Matrix(1, 2) << 4.0, 0.2).finished();

/// Nuisance parameters held where they are.
std::vector<PredictiveView> views(const Emulator& emulator, const Observation& o, GaussianOptions options,
                                  const std::map<std::string, double>& held, const Vector& at) {
  std::map<std::string, PriorPtr> priors;
  for (const auto& [name, value] : held) {
    options.nuisance.push_back(name);
    priors[name] = fixed_prior(value);
  }
  const Posterior posterior(gaussian_likelihood(forward_model(emulator), o, options), priors);
  return posterior_predictive(posterior, o, at.transpose().replicate(400, 1), RandomStream(1));
}

TEST(Predictive, residuals_and_bands_as_the_likelihood_takes_them) {
  const Emulator emulator = small_emulator(false);
  const Observation o = observe(emulator, truth, {"flux"});
  const Vector at{{5.0, 0.4}};
  const Prediction p = emulator.predict(at.transpose(), true);
  const auto k = static_cast<std::size_t>(1);
  ASSERT_EQ(emulator.outputs()[k].name, "flux");
  for (const EmulatorError error : {EmulatorError::full, EmulatorError::diagonal, EmulatorError::none})
    for (const auto& held : {std::map<std::string, double>{},
                             {{"amplitude", 1.2}, {"error_scale", 3.0}, {"log_jitter", std::log(0.2)}}}) {
      GaussianOptions options;
      options.emulator_error = error;
      const auto all = views(emulator, o, options, held, at);
      ASSERT_EQ(all.size(), 1u);
      const PredictiveView& v = all[0];
      EXPECT_EQ(v.emulator_error, error != EmulatorError::none);
      const double a = held.empty() ? 1.0 : 1.2, f = held.empty() ? 1.0 : 3.0, j = held.empty() ? 0.0 : 0.2;
      for (Index i = 0; i < v.data.size(); ++i) {
        const Index entry = o.parts[0].entries[static_cast<std::size_t>(i)];
        const double own = error == EmulatorError::none ? 0.0 : a * p.std[k](0, entry);
        const double noise = std::hypot(f * o.deviations[i], j), mean = a * p.mean[k](0, entry);
        EXPECT_NEAR(v.deviation[i], noise, 1e-12 * noise);
        EXPECT_NEAR(v.residual[i], (o.values[i] - mean) / std::hypot(noise, own), 1e-9);
        // Of 400 normal draws the central 68% are wide to about 5%.
        EXPECT_NEAR(v.upper68[i] - v.lower68[i], 2.0 * own, 0.5 * own + 1e-12);
      }
    }
}

/// Out of the domain and widened: bands grow with the score.
TEST(Predictive, widened_outside_of_the_domain) {
  const Emulator emulator = small_emulator(false);
  const Observation o = observe(emulator, truth, {"flux"});
  Workspace workspace;
  const auto model = forward_model(emulator);
  // The corner of the box is the farthest from the runs.
  Vector at(2);
  double score = 0.0;
  for (const double share : {0.0, 1.0})
    for (const double other : {0.0, 1.0}) {
      const Parameter &a = emulator.space()[0], &b = emulator.space()[1];
      const Vector corner{{share > 0.0 ? a.upper : a.lower, other > 0.0 ? b.upper : b.lower}};
      const double s = model->domain_score(corner.data(), workspace);
      if (std::isfinite(s) && s > score) {
        score = s;
        at = corner;
      }
    }
  ASSERT_GT(score, 1.0);
  GaussianOptions options;
  options.outside = Outside::widen;
  const auto likelihood = gaussian_likelihood(model, o, options);
  EXPECT_DOUBLE_EQ(likelihood->scales(at.data(), workspace).emulator, score);
  const auto all = views(emulator, o, options, {}, at);
  const Prediction p = emulator.predict(at.transpose(), true);
  const Index entry = o.parts[0].entries[3];
  const double own = score * p.std[1](0, entry), mean = p.mean[1](0, entry);
  EXPECT_NEAR(all[0].residual[3], (o.values[3] - mean) / std::hypot(o.deviations[3], own), 1e-9);
}

TEST(Predictive, data_without_errors_are_refused) {
  const Emulator emulator = small_emulator(false);
  const Observation o = observe(emulator, truth, {"flux"});
  const Posterior posterior(gaussian_likelihood(forward_model(emulator), o), {});
  Observation bare = o;
  bare.deviations.resize(0);
  EXPECT_NE(testing::message_of<UsageError>([&] {
              posterior_predictive(posterior, bare, truth.replicate(3, 1), RandomStream(1));
            }).find("have no errors"),
            std::string::npos);
}

}  // namespace
}  // namespace ersatz
