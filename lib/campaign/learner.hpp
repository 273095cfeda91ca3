#pragma once
// One campaign at work. Not installed.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "campaign/learn_parts.hpp"

namespace ersatz::detail {

/// LearnOptions::start, or what takes its place.
Index start_of(const LearnOptions& options, Index parameters);

/// Why a campaign ends.
struct Verdict {
  LearnEnd end = LearnEnd::budget;
  std::string why;
};

/// All processes go through the same steps. Of an asynchronous campaign, process 0 learns and chooses while
/// the others simulate.
class Learner {
 public:
  Learner(const Simulator& simulator, const LearnOptions& options, Executor& executor);
  LearnResult run();

 private:
  Progress& progress() { return options_.progress != nullptr ? *options_.progress : silent_; }

  /// What there is from a call before.
  void recall();
  /// The default start depends on the budget, which may be another now: it is what it was.
  void recall_start(const std::vector<LearnRound>& before);
  void check_beginning() const;

  FarmOptions farm_options(const std::string& path, bool show);
  /// False when stopped before all had run.
  bool run_points(const Matrix& points, const std::string& path, bool show, Archive& result);
  bool prepare_test();
  bool run_start();
  bool simulate_batch(const Matrix& points);

  LearnResult run_in_batches();

  // Asynchronously: asynchronous.cpp.
  LearnResult run_asynchronously();
  /// So many runs the next point is chosen from; those after it count as under way.
  Index known_for_next() const;
  /// Hands out points and takes what comes back, until the end. Process 0 alone; nothing when stopped.
  std::optional<Verdict> lead(TaskQueue& queue);
  /// Chooses the next point, a pending row of the archive; the reason where there is none to be.
  std::optional<Verdict> choose_next();
  void submit(TaskQueue& queue, Index row) const;
  Bytes simulate_point(const Bytes& point) const;

  // Of the first `known` runs.
  Index failures_in_a_row(Index known) const;
  bool hopeless(Index known) const;
  LearnRound assess(Index known);
  FitContext context(Index runs, const char* purpose);
  /// What matters, as this round's emulator sees it, and what has changed since the last one's.
  void look(LearnRound& round);

  /// From what was assessed in this round. On the team's first process; the others are told.
  Matrix choose(Index count, LearnRound& round);
  void note(const LearnRound& round);
  LearnResult result(Verdict verdict);
  LearnResult stopped();
  /// Where no more points are to be chosen.
  std::optional<Verdict> verdict(const LearnRound& round) const;
  std::optional<Verdict> not_worth_it(const LearnRound& round) const;

  const Simulator& simulator_;
  LearnOptions options_;  ///< with the start resolved
  Executor& executor_;
  Executor* team_;  ///< who learns and chooses: all processes, or those of process 0
  const LearnFiles files_;
  const RandomStream random_;
  const AcquisitionPtr acquisition_;
  const bool default_start_;
  Progress silent_;
  Archive archive_, test_, runs_;
  std::unique_ptr<Emulator> emulator_, before_;
  FocusView focus_;  ///< on the team's first process
  Folds folds_;
  std::optional<LearnRound> assessed_;  ///< asynchronously: what emulator_ and folds_ come from
  std::vector<LearnRound> history_;
  int shown_ = 0;
};

}  // namespace ersatz::detail
