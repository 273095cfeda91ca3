#pragma once
// What process 0 knows of a campaign: which runs have ended, in the logs of all processes, and the archive.

#include <memory>
#include <optional>

#include "ersatz/campaign/farm.hpp"
#include "ersatz/storage/run_log.hpp"

namespace ersatz::detail {

bool exists(const std::string& path);
/// All rows pending.
Archive empty_archive(const Campaign& campaign, const std::string& provenance);
/// The last record of a row counts, but a failure never displaces a result.
void take(Archive& archive, const RunRecord& record);

class Books {
 public:
  Books(const Campaign& campaign, const FarmOptions& options);

  /// Takes possession: opens process 0's log and reads all others. Returns the archive instead when this very
  /// campaign was completed before. Throws what simulate() throws about files in the way.
  std::optional<Archive> open();
  /// The log that open() left open, for the process's results.
  std::unique_ptr<RunLog> release_log() { return std::move(log_); }

  std::vector<Index> pending() const;
  Index kept() const { return kept_; }
  double longest() const { return longest_; }  ///< seconds of the longest run known
  double seconds() const { return seconds_; }  ///< of all runs known
  /// Joins what all logs hold.
  Archive join() const;
  /// Writes the archive and deletes the logs of all processes but this one's.
  void store(const Archive& archive) const;

 private:
  std::optional<Archive> finished_before() const;
  bool made_from(const Archive& archive, const std::vector<std::string>& logs) const;
  void read_logs();

  const Campaign& campaign_;
  const FarmOptions& options_;
  std::vector<RunStatus> status_;
  std::unique_ptr<RunLog> log_;
  Index kept_ = 0;
  double longest_ = 0.0, seconds_ = 0.0;
};

}  // namespace ersatz::detail
