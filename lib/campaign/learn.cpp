#include "ersatz/campaign/learn.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "campaign/learn_parts.hpp"
#include "campaign/learner.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/train.hpp"

namespace ersatz {
namespace {

using detail::start_of;

void check_start(const LearnOptions& o, Index parameters) {
  const Index start = start_of(o, parameters);
  if (o.budget < 2) throw UsageError(text("budget = ", o.budget, ": at least 2 simulations are needed"));
  if (o.start < 0 || o.start == 1)
    throw UsageError(text("start = ", o.start, ": at least 2 simulations are needed to learn from"));
  if (start > o.budget)
    throw UsageError(text("budget = ", o.budget, " is smaller than the start design of ", start,
                          " points; raise the budget or lower start"));
}

void check(const LearnOptions& o, Index parameters) {
  check_start(o, parameters);
  if (o.batch < 1) throw UsageError(text("batch = ", o.batch, ": a batch needs at least one point"));
  if (o.candidates < o.batch)
    throw UsageError(text("candidates = ", o.candidates, " are too few for a batch of ", o.batch));
  if (!(o.tolerance >= 0.0) || !std::isfinite(o.tolerance))
    throw UsageError(text("tolerance = ", o.tolerance, ", expected a number from 0 (0: spend the budget)"));
  if (!(o.minimum_gain >= 0.0 && o.minimum_gain < 1.0))
    throw UsageError(
        text("minimum_gain = ", o.minimum_gain,
             ", expected a share of the error from 0 (spend the budget) to below 1; 0.001 ends a "
             "campaign when a simulation is worth less than 0.1 % of the error"));
  if (!(o.settled >= 0.0) || !std::isfinite(o.settled))
    throw UsageError(
        text("posterior_tolerance = ", o.settled, ", expected a number from 0 (0: not looked at)"));
  if (o.settled > 0.0 && o.focus == nullptr) throw UsageError("a posterior_tolerance needs a posterior");
  if (o.focus != nullptr && o.asynchronous)
    throw UsageError(
        "a campaign with a posterior or points of interest runs in batches; leave asynchronous out");
  if (!(o.confidence >= 0.5 && o.confidence < 1.0))
    throw UsageError(text("confidence = ", o.confidence, ", expected from 0.5 to below 1"));
  if (o.folds < 2) throw UsageError(text("folds = ", o.folds, ", expected 2 or more"));
  if (o.test != nullptr && o.test_points > 0)
    throw UsageError("test runs are given, and others are to be simulated; choose one");
  if (o.test_points < 0 || o.test_points == 1)
    throw UsageError(text("test = ", o.test_points, ": at least 2 runs are needed to measure an error on"));
  make_acquisition(o.acquisition.name, o.acquisition.settings);  // unknown names and settings
  const auto check_regressor = [](const ChannelRecipe& c) {
    if (c.regressor.name == "auto")
      throw UsageError(
          "the recipe leaves the regressor open (auto); a campaign fits it many times: name one "
          "(ersatz compare on the start design tells which)");
    make_regressor(c.regressor.name, c.regressor.settings);
  };
  check_regressor(o.recipe.channel);
  for (const auto& [name, c] : o.recipe.channels) check_regressor(c);
}

}  // namespace

std::string_view to_string(LearnEnd end) {
  switch (end) {
    case LearnEnd::tolerance:
      return "tolerance";
    case LearnEnd::settled:
      return "settled";
    case LearnEnd::gain:
      return "gain";
    case LearnEnd::budget:
      return "budget";
    case LearnEnd::stopped:
      return "stopped";
    case LearnEnd::failing:
      return "failing";
  }
  return "budget";
}

Matrix start_design(const ParameterSpace& space, const LearnOptions& options) {
  check(options, space.size());
  DesignOptions shift;
  shift.digital_shift = true;
  return make_design(options.start_method, space, start_of(options, space.size()),
                     RandomStream(options.seed).split("learn").split("start"), shift);
}

LearnResult learn(const Simulator& simulator, const LearnOptions& options) {
  SerialExecutor serial;
  Executor& executor = options.executor != nullptr ? *options.executor : serial;
  executor.together([&] { check(options, simulator.space().size()); });
  return detail::Learner(simulator, options, executor).run();
}

LearnCurve spend_blindly(const std::string& how, const Simulator& simulator, const std::vector<Index>& runs,
                         const Archive& test, const LearnOptions& options) {
  if (how != "random" && how != "space-filling")
    throw UsageError(text("unknown comparison '", how, "'; known: random, space-filling"));
  const Archive held_out = test.completed();
  if (held_out.size() < 2) throw UsageError("a comparison needs at least two test runs");
  SerialExecutor serial;
  Executor& executor = options.executor != nullptr ? *options.executor : serial;
  RandomStream random = RandomStream(options.seed).split("blindly").split(how);
  const Index n = runs.empty() ? 0 : *std::max_element(runs.begin(), runs.end());
  LearnCurve curve{how, {}, {}, {}};
  if (n < 2) return curve;
  const Matrix points =
      how == "random" ? simulator.space().sample(n, random) : shifted_sobol(simulator.space(), n, random);
  FarmOptions farm;
  farm.executor = &executor;
  farm.progress = options.progress;
  farm.stop = options.stop;
  farm.retries = options.retries;
  const Archive all = simulate(simulator, points, farm).archive;
  const Vector weights = error_weights(held_out);
  std::vector<double> at, error, p95;
  for (const Index count : runs) {
    std::vector<Index> rows;
    for (Index i = 0; i < count; ++i)
      if (all.status[static_cast<std::size_t>(i)] == RunStatus::done) rows.push_back(i);
    if (rows.size() < 2) continue;
    FitContext context;
    context.executor = &executor;
    context.random = random.split("fit").split(static_cast<std::uint64_t>(count));
    const Emulator emulator = train_emulator(all.subset(rows), options.recipe, context).emulator;
    LearnRound round;
    detail::summarise(detail::squared_errors(emulator, held_out, weights, executor), options.confidence,
                      round);
    at.push_back(static_cast<double>(count));
    error.push_back(round.error);
    p95.push_back(round.error_p95);
  }
  const auto vector = [](const std::vector<double>& v) {
    return Vector(Eigen::Map<const Vector>(v.data(), static_cast<Index>(v.size())));
  };
  curve.runs = vector(at);
  curve.error = vector(error);
  curve.error_p95 = vector(p95);
  return curve;
}

std::vector<Index> curve_points(const std::vector<LearnRound>& history, Index most) {
  std::vector<Index> runs;
  for (const LearnRound& r : history) runs.push_back(r.runs);
  const auto n = static_cast<Index>(runs.size());
  if (n <= most) return runs;
  std::vector<Index> some;
  for (Index i = 0; i < most; ++i)
    some.push_back(runs[static_cast<std::size_t>(
        std::llround(static_cast<double>(i) * static_cast<double>(n - 1) / static_cast<double>(most - 1)))]);
  return some;
}

}  // namespace ersatz
