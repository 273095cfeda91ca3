#include "campaign/learner.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <numeric>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/train.hpp"

namespace ersatz::detail {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Index failing_batches = 3, failing_runs = 10;  ///< so many in a row end the campaign

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
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

}  // namespace

Index start_of(const LearnOptions& o, Index parameters) {
  if (o.start > 0) return o.start;
  return std::max<Index>(2, std::min(10 * parameters, o.budget / 2));
}

Learner::Learner(const Simulator& simulator, const LearnOptions& options, Executor& executor)
    : simulator_(simulator),
      options_(options),
      executor_(executor),
      team_(&executor),
      files_(options_),
      random_(RandomStream(options.seed).split("learn")),
      acquisition_(make_acquisition(options.acquisition.name, options.acquisition.settings)),
      default_start_(options.start == 0) {
  options_.start = start_of(options, simulator.space().size());
}

LearnResult Learner::run() {
  recall();
  if (!prepare_test() || !run_start()) return stopped();
  return options_.asynchronous ? run_asynchronously() : run_in_batches();
}

LearnResult Learner::run_in_batches() {
  for (;;) {
    LearnRound round = assess(archive_.size());
    if (options_.focus != nullptr) look(round);
    if (const auto end = verdict(round)) {
      note(round);
      return result(*end);
    }
    const Matrix batch = choose(std::min(options_.batch, options_.budget - archive_.size()), round);
    note(round);
    if (const auto end = not_worth_it(round)) return result(*end);
    if (!simulate_batch(batch)) return stopped();
  }
}

void Learner::recall() {
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
    if (options_.asynchronous && archive_.size() > 0) files_.refuse_batch();
    return encode(kept);
  });
  history_ = decode_rounds(rounds);
  recall_start(history_);
  share(archive_, executor_);
  // The last round is assessed anew: it may not have stored what it chose.
  const Index known = options_.asynchronous ? known_for_next() : archive_.size();
  history_.erase(
      std::remove_if(history_.begin(), history_.end(), [&](const LearnRound& r) { return r.runs >= known; }),
      history_.end());
}

void Learner::recall_start(const std::vector<LearnRound>& before) {
  if (default_start_ && !before.empty()) options_.start = std::min(before.front().runs, options_.budget);
}

void Learner::check_beginning() const {
  const Matrix design = start_design(simulator_.space(), options_);
  if (archive_.size() < design.rows() || archive_.parameters.topRows(design.rows()) != design)
    throw UsageError(text("'", options_.archive, "' does not begin with the start design of this campaign (",
                          design.rows(), " points): it has another seed, start, start_method or space; ",
                          "choose another name or --force"));
}

FarmOptions Learner::farm_options(const std::string& path, bool show) {
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

bool Learner::run_points(const Matrix& points, const std::string& path, bool show, Archive& result) {
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
    share(result, executor_);
  }
  return true;
}

bool Learner::prepare_test() {
  if (options_.test != nullptr) test_ = options_.test->completed();
  if (options_.test_points > 0) {
    progress().note(text("simulating ", options_.test_points, " test points, which are not learnt from"));
    RandomStream random = random_.split("test");
    Archive all;
    if (!run_points(simulator_.space().sample(options_.test_points, random), files_.test(), true, all))
      return false;
    test_ = all.completed();
    if (test_.size() < 2)
      throw NumericalError(text("of ", all.size(), " test points ", all.count(RunStatus::failed), " failed, ",
                                commonest_failure(all)));
  }
  if (options_.test == nullptr) return true;
  if (test_.size() < 2) throw DataError(text("there are only ", test_.size(), " completed test runs"));
  if (test_.space.names() != simulator_.space().names())
    throw DataError("the test runs have other parameters than the simulator");
  for (std::size_t o = 0; o < simulator_.outputs().size(); ++o) {
    const OutputSpec& output = simulator_.outputs()[o];
    if (o >= test_.outputs.size() || test_.outputs[o].name != output.name ||
        test_.outputs[o].size != output.size || test_.outputs[o].complex != output.complex)
      throw DataError(text("the test runs lack the simulator's output '", output.name, "' (", output.size,
                           output.complex ? " complex" : "", " bins), or have it in another place"));
    const Vector &ours = archive_.axis(output.axis).values,
                 &theirs = test_.axis(test_.outputs[o].axis).values;
    if (ours.size() != theirs.size() ||
        (ours - theirs).cwiseAbs().maxCoeff() > 1e-9 * ours.cwiseAbs().maxCoeff())
      throw DataError(text("the test runs have the output '", output.name,
                           "' on another axis than the simulator: the bins have to be the same"));
  }
  // Of others the campaign knows nothing; an error is the mean over those that it learns.
  test_.outputs.resize(simulator_.outputs().size());
  test_.values.resize(simulator_.outputs().size());
  return true;
}

bool Learner::run_start() {
  if (archive_.size() > 0) return true;
  progress().note(text("simulating the start design of ", options_.start, " points"));
  return simulate_batch(start_design(simulator_.space(), options_));
}

bool Learner::simulate_batch(const Matrix& points) {
  // Of a batch that takes a while, people want to know how it goes.
  double longest = 0.0;
  for (const double s : archive_.seconds)
    if (std::isfinite(s)) longest = std::max(longest, s);
  const bool show = archive_.size() == 0 || longest > 5.0;
  Archive batch;
  if (!run_points(points, files_.batch(), show, batch)) return false;
  append(archive_, batch);
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

Index Learner::failures_in_a_row(Index known) const {
  Index count = 0;
  while (count < known - options_.start &&
         archive_.status[static_cast<std::size_t>(known - 1 - count)] == RunStatus::failed)
    ++count;
  return count;
}
bool Learner::hopeless(Index known) const {
  return failures_in_a_row(known) >= std::max(failing_runs, failing_batches * options_.batch);
}

FitContext Learner::context(Index runs, const char* purpose) {
  FitContext c;
  c.executor = team_;
  c.random = random_.split(static_cast<std::uint64_t>(runs)).split(purpose);
  return c;
}

LearnRound Learner::assess(Index known) {
  const auto began = Clock::now();
  std::vector<Index> rows(static_cast<std::size_t>(known));
  std::iota(rows.begin(), rows.end(), Index{0});
  const Archive all = archive_.subset(rows);
  LearnRound round;
  round.runs = known;
  round.failed = all.count(RunStatus::failed);
  runs_ = all.completed();
  before_ = std::move(emulator_);
  emulator_ =
      std::make_unique<Emulator>(train_emulator(runs_, options_.recipe, context(known, "fit")).emulator);
  folds_ = {};
  if (acquisition_->needs_folds() || test_.size() == 0)
    folds_ = cross_validate(runs_, options_.recipe, options_.folds, context(known, "folds"));
  summarise(
      test_.size() > 0 ? squared_errors(*emulator_, test_, error_weights(test_), *team_) : folds_.squared,
      options_.confidence, round);
  round.fit_seconds = seconds_since(began);
  // All processes have to decide alike.
  return decode_rounds(team_->share([&] { return encode({round}); })).front();
}

void Learner::look(LearnRound& round) {
  if (!before_ && !history_.empty()) {  // resumed
    std::vector<Index> rows(static_cast<std::size_t>(history_.back().runs));
    std::iota(rows.begin(), rows.end(), Index{0});
    before_ = std::make_unique<Emulator>(train_emulator(archive_.subset(rows).completed(), options_.recipe,
                                                        context(history_.back().runs, "fit"))
                                             .emulator);
  }
  const Bytes change = team_->share([&] {
    FitContext c = context(round.runs, "focus");
    c.executor = &team_->local();
    focus_ = options_.focus->look(*emulator_, before_.get(), options_.candidates, c);
    if (focus_.candidates.rows() == 0) focus_.candidates = focus_.points;
    if (focus_.candidates.rows() < options_.batch)
      throw NumericalError(text("after ", round.runs, " simulations there are only ",
                                focus_.candidates.rows(), " points that matter, fewer than a batch"));
    return to_bytes({focus_.change});
  });
  round.change = doubles_from_bytes(change)[0];
}

Matrix Learner::choose(Index count, LearnRound& round) {
  const auto began = Clock::now();
  const Bytes chosen = team_->share([&] {
    FitContext c = context(archive_.size(), "choose");
    c.executor = &team_->local();
    const Matrix candidates =
        options_.focus != nullptr
            ? focus_.candidates
            : shifted_sobol(simulator_.space(), options_.candidates, c.random.split("candidates"));
    Knowledge knowledge{*emulator_,           runs_,          Matrix(0, archive_.space.size()),
                        error_weights(runs_), folds_.squared, folds_.emulators,
                        focus_.points};
    for (Index i = 0; i < archive_.size(); ++i)
      if (i >= round.runs || archive_.status[static_cast<std::size_t>(i)] == RunStatus::failed) {
        knowledge.under_way.conservativeResize(knowledge.under_way.rows() + 1, Eigen::NoChange);
        knowledge.under_way.bottomRows(1) = archive_.parameters.row(i);
      }
    std::vector<double> numbers(2), shares;
    for (const Choice& choice : choose_batch(*acquisition_, knowledge, candidates, count, c)) {
      if (shares.empty()) numbers[0] = choice.score;
      shares.push_back(choice.share);
      const auto row = candidates.row(choice.candidate);
      numbers.insert(numbers.end(), row.begin(), row.end());
    }
    numbers[1] = gain_of_shares(shares);
    if (std::isnan(numbers[1])) {
      std::vector<LearnRound> rounds = history_;
      if (rounds.empty() || rounds.back().runs < round.runs) rounds.push_back(round);
      numbers[1] = gain_of_errors(rounds, count);
    }
    return to_bytes(numbers);
  });
  const std::vector<double> numbers = doubles_from_bytes(chosen);
  round.score = numbers[0];
  round.gain = numbers[1];
  round.choose_seconds = seconds_since(began);
  return Eigen::Map<const Matrix>(numbers.data() + 2, count, archive_.space.size());
}

void Learner::note(const LearnRound& round) {
  const bool moves = options_.focus != nullptr && options_.focus->moves();
  if (shown_ == 0)
    progress().note(text("  runs  failed   error (NRMSE)  at most   p95 of runs      score  gain/run",
                         moves ? "    change" : "", "    fit s  choose s"));
  ++shown_;
  char line[200], change[32] = "";
  if (moves)
    std::snprintf(change, sizeof change, "  %8s",
                  std::isnan(round.change) ? "-" : brief(round.change, 2).c_str());
  std::snprintf(line, sizeof line, "%6ld  %6ld  %14s  %7s  %12s  %9s  %8s%s  %7s  %8s",
                static_cast<long>(round.runs), static_cast<long>(round.failed), brief(round.error, 3).c_str(),
                brief(round.error_upper, 3).c_str(), brief(round.error_p95, 3).c_str(),
                std::isnan(round.score) ? "-" : brief(round.score, 3).c_str(),
                std::isnan(round.gain) ? "-" : text(brief(100.0 * round.gain, 2), "%").c_str(), change,
                brief(round.fit_seconds, 2).c_str(), brief(round.choose_seconds, 2).c_str());
  progress().note(line);
  history_.push_back(round);
  team_->share([&] {
    files_.store(history_);
    return Bytes();
  });
}

LearnResult Learner::result(Verdict verdict) {
  return {std::move(archive_), std::move(test_), std::move(history_), verdict.end, std::move(verdict.why)};
}

LearnResult Learner::stopped() {
  return result(
      {LearnEnd::stopped,
       text("stopped after ", archive_.size() - archive_.count(RunStatus::pending), " simulations")});
}

std::optional<Verdict> Learner::verdict(const LearnRound& round) const {
  if (options_.tolerance > 0.0 && round.error_upper <= options_.tolerance)
    return Verdict{LearnEnd::tolerance,
                   text("error ", brief(round.error, 3), ", with ", 100.0 * options_.confidence,
                        "% confidence at most ", brief(round.error_upper, 3), ", meets the tolerance ",
                        options_.tolerance, " after ", round.runs, " simulations")};
  if (const double last =
          history_.empty() ? std::numeric_limits<double>::quiet_NaN() : history_.back().change;
      options_.settled > 0.0 && round.change < options_.settled && last < options_.settled)
    return Verdict{
        LearnEnd::settled,
        text("after ", round.runs, " simulations what they are for has settled: the last two rounds changed ",
             brief(last, 2), " and ", brief(round.change, 2), ", less than ", options_.settled)};
  if (round.runs >= options_.budget)
    return Verdict{
        LearnEnd::budget,
        text("the budget of ", options_.budget, " simulations is spent; error ", brief(round.error, 3),
             options_.tolerance > 0.0
                 ? text(", above the tolerance ", options_.tolerance, " or not surely below it")
                 : std::string())};
  if (hopeless(round.runs))
    return Verdict{LearnEnd::failing,
                   text("given up after ", round.runs, " simulations: the last ",
                        failures_in_a_row(round.runs), " all failed, ", commonest_failure(archive_))};
  return std::nullopt;
}

std::optional<Verdict> Learner::not_worth_it(const LearnRound& round) const {
  if (!(round.gain < options_.minimum_gain)) return std::nullopt;
  return Verdict{LearnEnd::gain,
                 text("after ", round.runs, " simulations another one is predicted to lower the error ",
                      brief(round.error, 3), " by ", brief(100.0 * round.gain, 2),
                      " %, less than minimum_gain (", 100.0 * options_.minimum_gain, " %)")};
}

}  // namespace ersatz::detail
