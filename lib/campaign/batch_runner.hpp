#pragma once
// What a process does with the batches that it is sent: runs their rows, and writes down what they gave.

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

#include "ersatz/campaign/farm.hpp"
#include "ersatz/storage/run_log.hpp"

namespace ersatz::detail {

/// Rows of a batch as a task's argument; `longest`: of all runs so far, in seconds.
Bytes encode_batch(const std::vector<Index>& rows, double longest);
/// What a batch gave: a record for each row, pending where it was not run (the message says why).
std::vector<RunRecord> decode_records(const Bytes& bytes);
void append_record(Bytes& bytes, const RunRecord& record);

/// Runs a row of the design, and again while it fails, `retries` times at most and not after `stop`.
RunRecord run_row(const Simulator& simulator, const Matrix& design, Index row, Index retries,
                  const std::atomic<bool>* stop);

/// One per process; its threads run batches at once. The arguments must outlive it.
class BatchRunner {
 public:
  using Clock = std::chrono::steady_clock;

  /// `begin`: from when on the wall-clock limit counts.
  BatchRunner(const Simulator& simulator, const Campaign& campaign, const FarmOptions& options,
              const Executor& executor, Clock::time_point begin);

  /// The log of this process, where it is open already; otherwise the first result opens it.
  void use_log(std::unique_ptr<RunLog> log) { log_ = std::move(log); }
  /// The task of the farm's queue: a batch in, records out; without values where a log has them. Throws
  /// StorageError when a result cannot be written.
  Bytes operator()(const Bytes& batch);
  /// One row, written to the log; pending when it was abandoned.
  RunRecord run(Index row);
  /// Results are on disk, and closed (except by process 0, whose log keeps others away).
  void finish();
  /// Deletes this process's log, holding it to the last.
  void remove_log();
  const std::string& log_path() const { return log_->path(); }
  /// From construction until finish().
  ProcessUse use() const;

 private:
  const char* reason_to_stop() const;
  bool stopping() const { return options_.stop != nullptr && options_.stop->load(); }
  void store(const RunRecord& record);

  const Simulator& simulator_;
  const Campaign& campaign_;
  const FarmOptions& options_;
  const Index process_, workers_;
  const Clock::time_point begin_, start_ = Clock::now();
  std::unique_ptr<RunLog> log_;
  std::mutex opening_;
  std::atomic<bool> broken_{false};
  std::atomic<double> longest_{0.0};
  mutable std::mutex mutex_;
  ProcessUse use_;
};

}  // namespace ersatz::detail
