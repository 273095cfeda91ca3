#pragma once
// Runs a simulator over a design: in this thread, on several threads or on ranks, through kills and restarts.

#include <atomic>
#include <map>
#include <string>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/progress.hpp"
#include "ersatz/simulators/simulator.hpp"
#include "ersatz/storage/archive.hpp"

namespace ersatz {

struct FarmOptions {
  Executor* executor = nullptr;  ///< null: this thread
  /// Where the archive goes when all runs have ended; until then results stand in run logs beside it, one for
  /// each process (storage/run_log.hpp). Empty: results are kept in memory only.
  std::string archive;
  bool resume = false;        ///< go on with what is there: a log, or an archive that is complete already
  bool overwrite = false;     ///< an archive may be there and is replaced
  bool retry_failed = false;  ///< on resuming, run again what had failed
  Index retries = 0;          ///< how often a failing run is repeated before it counts as failed
  /// Seconds in all. No run is started that could end after them, going by the longest run so far. 0: no
  /// limit.
  double walltime = 0.0;
  double sync_interval = 1.0;  ///< what a power loss may cost, in seconds; 0: nothing (slow for fast runs)
  std::string provenance;
  Progress* progress = nullptr;
  /// Set from outside (a signal handler) to stop: no run is started any more, those under way are waited for.
  /// A run that fails after that is taken for abandoned and stays pending.
  const std::atomic<bool>* stop = nullptr;
};

enum class FarmEnd { finished, stopped, walltime };

/// What the workers of one process did. Seconds are summed over its workers.
struct ProcessUse {
  Index process = 0, workers = 1, runs = 0;
  double busy = 0.0;     ///< within runs
  double storage = 0.0;  ///< writing to the run log, and waiting for it
  double total = 0.0;    ///< workers × the time from the first hand-out to the end; the rest was idle

  double idle() const;
};

struct FarmSummary {
  FarmEnd end = FarmEnd::finished;
  Index runs = 0, done = 0, failed = 0, pending = 0;
  Index kept = 0;                        ///< of those done or failed, from before this call
  std::map<std::string, Index> reasons;  ///< of the failed ones
  double seconds = 0.0;
  std::string log;              ///< where to go on, when not finished
  std::vector<ProcessUse> use;  ///< by process; empty when nothing was to be run

  std::string report() const;  ///< a few lines for people
};

struct FarmResult {
  /// What there is; rows not reached are pending. With FarmOptions::archive on process 0 alone: empty on
  /// others.
  Archive archive;
  FarmSummary summary;
};

/// Runs every point (rows of `design`, in the order of the simulator's space) once. Results are the same
/// whatever the executor. With several processes, all call this, and all get the summary. A run fails with a
/// reason when the simulator says so or throws, or when its outputs have the wrong size or are not finite;
/// failures do not stop the farm. Throws, on all processes: UsageError when the design does not fit the
/// simulator, when an archive or log is in the way, when the log belongs to another campaign, and when
/// another process works on it; DataError when the processes were given different designs; StorageError when
/// results cannot be stored (what was stored before is kept).
FarmResult simulate(const Simulator& simulator, const Matrix& design, const FarmOptions& options = {});

}  // namespace ersatz
