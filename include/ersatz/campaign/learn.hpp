#pragma once
// Simulate, learn, choose the next points, and again: until the error is small enough or the budget is spent.

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/acquisition/acquisition.hpp"
#include "ersatz/campaign/farm.hpp"
#include "ersatz/campaign/focus.hpp"
#include "ersatz/design/design.hpp"
#include "ersatz/emulator/recipe.hpp"

namespace ersatz {

struct LearnOptions {
  // What is learnt, and how.
  Index budget = 0;  ///< simulations in all, failed ones included; the test set's are not counted
  Index start = 0;   ///< of them, spread over the space first; 0: ten per parameter, at most half the budget
  DesignMethod start_method = DesignMethod::maximin;
  Index batch = 1;  ///< points that are chosen at a time
  /// Not batch after batch: `batch` points are under way at any time, and whenever one has ended another one
  /// is chosen. Point k is chosen from the runs before k - batch + 1, the others under way, so that the
  /// points are the same whatever the executor and the order in which runs end; a run that takes much longer
  /// than the batch - 1 after it holds up the next choice. Process 0 learns and chooses alone, with its
  /// threads.
  bool asynchronous = false;
  Index candidates =
      5000;  ///< points that a batch is chosen among: a Sobol' sequence shifted anew each round
  Component acquisition{"integrated-variance", {}};
  Recipe recipe;  ///< its test_fraction does not matter here; the regressor must be named ("auto" is refused)

  // When it is good enough.
  double tolerance = 0.0;    ///< on NRMSE, all outputs together; 0: the budget decides
  double confidence = 0.95;  ///< that the error is below the tolerance (one-sided)
  /// What a simulation has to be worth: the campaign ends when the next ones are predicted to lower the error
  /// by a smaller share each (LearnRound::gain). 0: the budget decides.
  double minimum_gain = 0.0;
  /// Runs that the error is measured on, none of which is learnt from: these, or so many random points that
  /// are simulated first. Neither: cross-validation in `folds` parts.
  const Archive* test = nullptr;
  Index test_points = 0;
  Index folds = 5;

  /// Where the emulator has to be good, if not everywhere: it says which points are candidates, and which
  /// integrated-variance averages over. Not with `asynchronous`.
  const Focus* focus = nullptr;
  /// The campaign ends when the last two rounds changed less (FocusView::change). 0: not looked at.
  double settled = 0.0;

  // How it runs.
  /// The archive, rewritten after each batch; beside it stand ARCHIVE.history.h5, ARCHIVE.test.h5 (with
  /// test_points), and while a batch runs ARCHIVE.batch.h5 or its run logs. Empty: all in memory.
  std::string archive;
  bool resume = false;     ///< go on with what is there
  bool overwrite = false;  ///< begin anew where something is there
  Index retries = 0;
  std::string provenance;
  std::uint64_t seed = 0;
  Executor* executor = nullptr;  ///< null: this thread
  Progress* progress = nullptr;
  const std::atomic<bool>* stop = nullptr;  ///< as for simulate()
};

/// The state before a batch was chosen, and what that took.
struct LearnRound {
  Index runs = 0, failed = 0;  ///< simulations spent so far, and those of them that failed
  double error = 0.0;          ///< NRMSE: root of the mean over outputs of NRMSE²
  double error_upper = 0.0;    ///< one-sided bound at the confidence asked for
  double error_p95 = 0.0;      ///< the same per run: its 95% quantile, over the same spread
  /// Of the best candidate; NaN where none was chosen.
  double score = std::numeric_limits<double>::quiet_NaN();
  /// By which share each simulation of the batch chosen lowers the error, as predicted: from the variance
  /// that goes, where the acquisition knows it; else along a power law with a floor through the errors so
  /// far, from five rounds on. NaN before that, and where none was chosen.
  double gain = std::numeric_limits<double>::quiet_NaN();
  /// What the focus says has changed since the round before; NaN in the first, and without a focus.
  double change = std::numeric_limits<double>::quiet_NaN();
  double fit_seconds = 0.0, choose_seconds = 0.0;
};

/// What the same budget gives when it is spent without looking.
struct LearnCurve {
  std::string name;  ///< "random", "space-filling"
  Vector runs, error, error_p95;
};

enum class LearnEnd { tolerance, settled, gain, budget, stopped, failing };
std::string_view to_string(LearnEnd end);

struct LearnResult {
  Archive archive;                  ///< all runs, in the order in which they were asked for
  Archive test;                     ///< what errors were measured on; no rows: cross-validation
  std::vector<LearnRound> history;  ///< rounds before a resumed call included, where their file is there
  LearnEnd end = LearnEnd::budget;
  std::string why;  ///< one line
};

/// The same seed gives the same points whatever the executor, and when a call is killed and resumed: what is
/// chosen depends on the runs that are there, the options and the seed alone. On resuming, budget, tolerance,
/// minimum_gain and batch may be others. With several processes, all call this and all get the result.
/// Throws, on all processes: UsageError for options that make no sense, an acquisition that the recipe cannot
/// serve, files in the way and archives of another campaign; NumericalError when fewer than two runs of the
/// start succeeded (says why); what simulate() and train_emulator() throw.
LearnResult learn(const Simulator& simulator, const LearnOptions& options);

/// The points that a campaign begins with. Throws UsageError as learn() does for options that make no
/// sense.
Matrix start_design(const ParameterSpace& space, const LearnOptions& options);

/// The errors of emulators learnt from the first 1 … n points of a random sample ("random") or of a shifted
/// Sobol' sequence ("space-filling"), n the largest of `runs`, on the same test set. In memory: for
/// simulators that are cheap. Numbers too small to learn from are left out. Throws UsageError for another
/// name or a test set of fewer than two runs.
LearnCurve spend_blindly(const std::string& how, const Simulator& simulator, const std::vector<Index>& runs,
                         const Archive& test, const LearnOptions& options);

/// At most `most` numbers of runs of the history, the first and the last among them.
std::vector<Index> curve_points(const std::vector<LearnRound>& history, Index most = 12);

}  // namespace ersatz
