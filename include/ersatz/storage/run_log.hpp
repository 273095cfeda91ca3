#pragma once
// What runs have given, as they end: an append-only file of checksummed records. docs/file-formats.md
// describes its bytes.

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/storage/archive.hpp"

namespace ersatz {

/// One run that ended, done or failed.
struct RunRecord {
  Index row = 0;  ///< of the design
  RunStatus status = RunStatus::done;
  double seconds = 0.0;
  std::string message;         ///< why it failed
  std::vector<double> values;  ///< all outputs one after the other; empty when failed
};

/// The record as bytes and back (also for the way between threads and ranks). Decoding throws StorageError.
std::string encode(const RunRecord& record);
RunRecord decode_run_record(std::string_view bytes);

/// What a log belongs to. Two campaigns are the same when simulator, space, outputs and design are.
struct Campaign {
  std::string simulator;
  ParameterSpace space;
  std::vector<Axis> axes;
  std::vector<OutputSpec> outputs;
  Matrix design;  ///< n × d

  Index width() const;  ///< numbers per run
  /// XXH64 over all of it.
  std::uint64_t hash() const;
};

struct RunLogHeader {
  std::uint64_t campaign = 0;  ///< Campaign::hash
  std::string simulator;
  Index rows = 0;
  std::vector<Axis> axes;
  std::vector<OutputSpec> outputs;
};

/// The header as it stands in a log, and back (also for the way between ranks). Decoding throws StorageError.
std::string encode_run_log_header(const Campaign& campaign);
RunLogHeader decode_run_log_header(std::string_view bytes);

struct RunLogSummary {
  RunLogHeader header;
  Index records = 0;
  std::uint64_t end = 0;      ///< bytes up to the end of the last good record
  std::uint64_t dropped = 0;  ///< bytes that belong to no good record (a torn tail, or damage)
};

/// Reads a log from front to end and hands over each good record. A torn tail is dropped; behind damage in
/// the middle, reading goes on at the next good record. Throws StorageError for a missing or foreign file and
/// one of a newer version.
RunLogSummary read_run_log(const std::string& path, const std::function<void(RunRecord&&)>& take = {});
/// Whether the file ends within a log's header: its process was killed when it had only begun, and no record
/// is in it.
bool ends_in_header(const std::string& path);
/// Whether a process has the log open for appending.
bool run_log_in_use(const std::string& path);

/// A log open for appending, by one process at a time; its threads may append at once.
class RunLog {
 public:
  struct Options {
    bool resume = false;         ///< go on with a log that is there
    double sync_interval = 1.0;  ///< seconds between flushes to disk; 0: after every record
  };

  /// Makes the log or goes on with it (what follows the last good record is cut off). Throws UsageError when
  /// another process has it open, when it is there and `resume` is not set, and when it belongs to another
  /// campaign.
  RunLog(const std::string& path, const Campaign& campaign, Options options);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// A record is safe from a kill when this returns, and from a power loss when the interval has passed.
  /// Throws StorageError(write) when it cannot be written (disk full); the log then ends with the record
  /// before. One thread at a time flushes to disk, while others go on.
  void append(const RunRecord& record);
  /// Flushes to disk. Throws StorageError(write).
  void sync();
  /// Deletes the file, while still holding it.
  void remove();
  const std::string& path() const { return path_; }

 private:
  void write(std::string_view bytes);

  std::mutex mutex_;  ///< of end_ and what is written
  std::atomic<bool> syncing_{false};
  std::string path_;
  Options options_;
  std::uint64_t campaign_;
  int descriptor_ = -1;
  std::uint64_t end_ = 0;
  std::atomic<double> last_sync_{0.0};
};

/// Where the logs of an archive stand: `ARCHIVE.log`, and `ARCHIVE.log.K` for process K > 0.
std::string run_log_path(const std::string& archive, Index process = 0);
/// Those that are there, in order.
std::vector<std::string> run_logs_of(const std::string& archive);

}  // namespace ersatz
