#include "ersatz/campaign/learn.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "campaign/learn_parts.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/train.hpp"

namespace ersatz {
namespace {

using Clock = std::chrono::steady_clock;
using detail::LearnFiles;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr Index failing_batches = 3, failing_runs = 10;  ///< so many in a row end the campaign

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Index start_of(const LearnOptions& o, Index parameters) {
  if (o.start > 0) return o.start;
  return std::max<Index>(2, std::min(10 * parameters, o.budget / 2));
}

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

/// "17 times: exit status 3".
std::string commonest_failure(const Archive& archive) {
  std::map<std::string, Index> reasons;
  for (std::size_t i = 0; i < archive.status.size(); ++i)
    if (archive.status[i] == RunStatus::failed) ++reasons[archive.messages[i]];
  const auto most = std::max_element(reasons.begin(), reasons.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == reasons.end() ? "" : text(most->second, " times: ", most->first);
}

/// One campaign at work; all processes go through the same steps.
class Learner {
 public:
  Learner(const Simulator& simulator, const LearnOptions& options, Executor& executor)
      : simulator_(simulator),
        options_(options),
        executor_(executor),
        files_(options_),
        random_(RandomStream(options.seed).split("learn")),
        acquisition_(make_acquisition(options.acquisition.name, options.acquisition.settings)),
        default_start_(options.start == 0) {
    options_.start = start_of(options, simulator.space().size());
  }

  LearnResult run() {
    recall();
    if (!prepare_test() || !run_start()) return stopped();
    for (;;) {
      LearnRound round = assess();
      const Index left = options_.budget - archive_.size();
      const bool reached = options_.tolerance > 0.0 && round.error_upper <= options_.tolerance;
      if (reached || left <= 0 || hopeless()) {
        round.score = nan;
        note(round);
        return finished(reached, round);
      }
      const Matrix batch = choose(std::min(options_.batch, left), round);
      note(round);
      if (!simulate_batch(batch)) return stopped();
    }
  }

 private:
  Progress& progress() { return options_.progress != nullptr ? *options_.progress : silent_; }

  /// What there is from a call before.
  void recall() {
    archive_.space = simulator_.space();
    archive_.axes = simulator_.axes();
    archive_.outputs = simulator_.outputs();
    for (const OutputSpec& o : archive_.outputs) archive_.values.emplace_back(0, o.width());
    archive_.parameters.resize(0, simulator_.space().size());
    archive_.provenance = options_.provenance;
    const Bytes rounds = executor_.share([&] {
      std::vector<LearnRound> kept;
      if (Archive before = files_.open(simulator_); before.size() > 0) {
        archive_ = std::move(before);
        kept = files_.load_history();
        recall_start(kept);
        check_beginning();
      }
      files_.tidy(archive_);
      return detail::encode(kept);
    });
    history_ = detail::decode_rounds(rounds);
    recall_start(history_);
    detail::share(archive_, executor_);
    // The last round is assessed anew: it may not have stored what it chose.
    history_.erase(std::remove_if(history_.begin(), history_.end(),
                                  [&](const LearnRound& r) { return r.runs >= archive_.size(); }),
                   history_.end());
  }

  /// The default start depends on the budget, which may be another now: it is what it was.
  void recall_start(const std::vector<LearnRound>& before) {
    if (default_start_ && !before.empty()) options_.start = std::min(before.front().runs, options_.budget);
  }

  void check_beginning() const {
    const Matrix design = start_design(simulator_.space(), options_);
    if (archive_.size() < design.rows() || archive_.parameters.topRows(design.rows()) != design)
      throw UsageError(text(
          "'", options_.archive, "' does not begin with the start design of this campaign (", design.rows(),
          " points): it has another seed, start, start_method or space; ", "choose another name or --force"));
  }

  FarmOptions farm_options(const std::string& path, bool show) {
    FarmOptions farm;
    farm.executor = &executor_;
    farm.archive = path;
    farm.resume = true;
    farm.retries = options_.retries;
    farm.provenance = options_.provenance;
    farm.progress = show ? options_.progress : nullptr;
    farm.stop = options_.stop;
    return farm;
  }

  /// False when stopped before all had run.
  bool run_points(const Matrix& points, const std::string& path, bool show, Archive& result) {
    FarmResult farm = simulate(simulator_, points, farm_options(path, show));
    if (farm.summary.end != FarmEnd::finished) return false;
    result = std::move(farm.archive);
    if (!path.empty()) {
      if (executor_.process() != 0) {
        result.space = archive_.space;
        result.axes = archive_.axes;
        result.outputs = archive_.outputs;
        result.provenance = options_.provenance;
      }
      detail::share(result, executor_);
    }
    return true;
  }

  bool prepare_test() {
    if (options_.test != nullptr) test_ = options_.test->completed();
    if (options_.test_points > 0) {
      progress().note(text("simulating ", options_.test_points, " test points, which are not learnt from"));
      RandomStream random = random_.split("test");
      Archive all;
      if (!run_points(simulator_.space().sample(options_.test_points, random), files_.test(), true, all))
        return false;
      test_ = all.completed();
      if (test_.size() < 2)
        throw NumericalError(text("of ", all.size(), " test points ", all.count(RunStatus::failed),
                                  " failed, ", commonest_failure(all)));
    }
    if (options_.test == nullptr) return true;
    if (test_.size() < 2) throw DataError(text("there are only ", test_.size(), " completed test runs"));
    if (test_.space.names() != simulator_.space().names())
      throw DataError("the test runs have other parameters than the simulator");
    for (std::size_t o = 0; o < simulator_.outputs().size(); ++o) {
      const OutputSpec& output = simulator_.outputs()[o];
      if (o >= test_.outputs.size() || test_.outputs[o].name != output.name ||
          test_.outputs[o].width() != output.width())
        throw DataError(text("the test runs lack the simulator's output '", output.name, "' (", output.size,
                             " bins), or have it in another place"));
    }
    return true;
  }

  bool run_start() {
    if (archive_.size() > 0) return true;
    progress().note(text("simulating the start design of ", options_.start, " points"));
    return simulate_batch(start_design(simulator_.space(), options_));
  }

  bool simulate_batch(const Matrix& points) {
    // Of a batch that takes a while, people want to know how it goes.
    double longest = 0.0;
    for (const double s : archive_.seconds)
      if (std::isfinite(s)) longest = std::max(longest, s);
    const bool show = archive_.size() == 0 || longest > 5.0;
    Archive batch;
    if (!run_points(points, files_.batch(), show, batch)) return false;
    detail::append(archive_, batch);
    executor_.share([&] {
      files_.store(archive_);
      files_.tidy(archive_);
      return Bytes();
    });
    const Index needed = test_.size() > 0 ? 2 : 3;  // cross-validation learns from all but one at least
    if (archive_.count(RunStatus::done) < needed && archive_.size() == points.rows())
      throw NumericalError(text("of ", archive_.size(), " simulations of the start design ",
                                archive_.count(RunStatus::failed), " failed, ", commonest_failure(archive_),
                                ". There is nothing to learn from"));
    return true;
  }

  Index failures_in_a_row() const {
    Index count = 0;
    while (count < archive_.size() - options_.start &&
           archive_.status[static_cast<std::size_t>(archive_.size() - 1 - count)] == RunStatus::failed)
      ++count;
    return count;
  }
  bool hopeless() const {
    return failures_in_a_row() >= std::max(failing_runs, failing_batches * options_.batch);
  }

  FitContext context(const char* purpose) {
    FitContext c;
    c.executor = &executor_;
    c.random = random_.split(static_cast<std::uint64_t>(archive_.size())).split(purpose);
    return c;
  }

  LearnRound assess() {
    const auto began = Clock::now();
    LearnRound round;
    round.runs = archive_.size();
    round.failed = archive_.count(RunStatus::failed);
    runs_ = archive_.completed();
    emulator_ = std::make_unique<Emulator>(train_emulator(runs_, options_.recipe, context("fit")).emulator);
    folds_ = {};
    if (acquisition_->needs_folds() || test_.size() == 0)
      folds_ = detail::cross_validate(runs_, options_.recipe, options_.folds, context("folds"));
    detail::summarise(test_.size() > 0
                          ? detail::squared_errors(*emulator_, test_, error_weights(test_), executor_)
                          : folds_.squared,
                      options_.confidence, round);
    round.fit_seconds = seconds_since(began);
    // All processes have to decide alike.
    return detail::decode_rounds(executor_.share([&] { return detail::encode({round}); })).front();
  }

  /// On process 0; the others are told.
  Matrix choose(Index count, LearnRound& round) {
    const auto began = Clock::now();
    const Bytes chosen = executor_.share([&] {
      DesignOptions shift;
      shift.digital_shift = true;
      FitContext c = context("choose");
      c.executor = &executor_.local();
      const Matrix candidates = make_design(DesignMethod::sobol, simulator_.space(), options_.candidates,
                                            c.random.split("candidates"), shift);
      Knowledge knowledge{*emulator_,           runs_,          Matrix(0, archive_.space.size()),
                          error_weights(runs_), folds_.squared, folds_.emulators};
      for (Index i = 0; i < archive_.size(); ++i)
        if (archive_.status[static_cast<std::size_t>(i)] == RunStatus::failed) {
          knowledge.under_way.conservativeResize(knowledge.under_way.rows() + 1, Eigen::NoChange);
          knowledge.under_way.bottomRows(1) = archive_.parameters.row(i);
        }
      std::vector<double> points;
      for (const Choice& choice : choose_batch(*acquisition_, knowledge, candidates, count, c)) {
        if (points.empty()) points.push_back(choice.score);
        const auto row = candidates.row(choice.candidate);
        points.insert(points.end(), row.begin(), row.end());
      }
      return to_bytes(points);
    });
    const std::vector<double> numbers = doubles_from_bytes(chosen);
    round.score = numbers.front();
    round.choose_seconds = seconds_since(began);
    return Eigen::Map<const Matrix>(numbers.data() + 1, count, archive_.space.size());
  }

  void note(const LearnRound& round) {
    if (shown_ == 0)
      progress().note("  runs  failed   error (NRMSE)  at most   p95 of runs      score    fit s  choose s");
    ++shown_;
    char line[160];
    std::snprintf(
        line, sizeof line, "%6ld  %6ld  %14s  %7s  %12s  %9s  %7s  %8s", static_cast<long>(round.runs),
        static_cast<long>(round.failed), brief(round.error, 3).c_str(), brief(round.error_upper, 3).c_str(),
        brief(round.error_p95, 3).c_str(), std::isnan(round.score) ? "-" : brief(round.score, 3).c_str(),
        brief(round.fit_seconds, 2).c_str(), brief(round.choose_seconds, 2).c_str());
    progress().note(line);
    history_.push_back(round);
    executor_.share([&] {
      files_.store(history_);
      return Bytes();
    });
  }

  LearnResult result(LearnEnd end, std::string why) {
    return {std::move(archive_), std::move(test_), std::move(history_), end, std::move(why)};
  }
  LearnResult stopped() {
    return result(LearnEnd::stopped, text("stopped after ", archive_.size(), " simulations"));
  }
  LearnResult finished(bool reached, const LearnRound& round) {
    if (reached)
      return result(LearnEnd::tolerance,
                    text("error ", brief(round.error, 3), ", with ", 100.0 * options_.confidence,
                         "% confidence at most ", brief(round.error_upper, 3), ", meets the tolerance ",
                         options_.tolerance, " after ", round.runs, " simulations"));
    if (archive_.size() < options_.budget)
      return result(LearnEnd::failing,
                    text("given up after ", round.runs, " simulations: the last ", failures_in_a_row(),
                         " all failed, ", commonest_failure(archive_)));
    return result(
        LearnEnd::budget,
        text("the budget of ", options_.budget, " simulations is spent; error ", brief(round.error, 3),
             options_.tolerance > 0.0
                 ? text(", above the tolerance ", options_.tolerance, " or not surely below it")
                 : std::string()));
  }

  const Simulator& simulator_;
  LearnOptions options_;  ///< with the start resolved
  Executor& executor_;
  const LearnFiles files_;
  const RandomStream random_;
  const AcquisitionPtr acquisition_;
  const bool default_start_;
  Progress silent_;
  Archive archive_, test_, runs_;
  std::unique_ptr<Emulator> emulator_;
  detail::Folds folds_;
  std::vector<LearnRound> history_;
  int shown_ = 0;
};

}  // namespace

std::string_view to_string(LearnEnd end) {
  switch (end) {
    case LearnEnd::tolerance:
      return "tolerance";
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
  return Learner(simulator, options, executor).run();
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
  DesignOptions shift;
  shift.digital_shift = true;
  const Matrix points = how == "random"
                            ? simulator.space().sample(n, random)
                            : make_design(DesignMethod::sobol, simulator.space(), n, random, shift);
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
