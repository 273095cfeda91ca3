#include "campaign/books.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/space_file.hpp"

namespace ersatz::detail {
namespace {

// Whether `first` was last written before `second`, or at the same time.
bool not_later(const std::string& first, const std::string& second) {
  struct stat a, b;
  if (::stat(first.c_str(), &a) != 0 || ::stat(second.c_str(), &b) != 0) return false;
  return a.st_mtim.tv_sec != b.st_mtim.tv_sec ? a.st_mtim.tv_sec < b.st_mtim.tv_sec
                                              : a.st_mtim.tv_nsec <= b.st_mtim.tv_nsec;
}

// Whether an archive is what this campaign would have written. Files keep axes in their own order.
bool belongs_to(const Archive& archive, const Campaign& campaign) {
  if (archive.parameters.rows() != campaign.design.rows() ||
      archive.parameters.cols() != campaign.design.cols() || archive.parameters != campaign.design ||
      space_to_toml(archive.space) != space_to_toml(campaign.space) ||
      archive.outputs.size() != campaign.outputs.size())
    return false;
  for (std::size_t o = 0; o < campaign.outputs.size(); ++o) {
    const auto &there = archive.outputs[o], &here = campaign.outputs[o];
    if (there.name != here.name || there.unit != here.unit || there.axis != here.axis ||
        there.size != here.size || there.complex != here.complex)
      return false;
    for (const auto& axis : campaign.axes)
      if (axis.name == here.axis && archive.axis(here.axis).values != axis.values) return false;
  }
  return true;
}

}  // namespace

bool exists(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0;
}

Archive empty_archive(const Campaign& campaign, const std::string& provenance) {
  Archive archive;
  archive.space = campaign.space;
  archive.parameters = campaign.design;
  archive.axes = campaign.axes;
  archive.outputs = campaign.outputs;
  archive.provenance = provenance;
  const auto n = static_cast<std::size_t>(archive.size());
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& o : campaign.outputs)
    archive.values.push_back(Matrix::Constant(archive.size(), o.width(), nan));
  archive.status.assign(n, RunStatus::pending);
  archive.messages.assign(n, "");
  archive.seconds.assign(n, nan);
  return archive;
}

void take(Archive& archive, const RunRecord& record) {
  const auto i = static_cast<std::size_t>(record.row);
  if (archive.status[i] == RunStatus::done && record.status != RunStatus::done) return;
  archive.status[i] = record.status;
  archive.messages[i] = record.message;
  archive.seconds[i] = record.seconds;
  if (record.status != RunStatus::done) return;
  std::size_t at = 0;
  for (auto& values : archive.values) {
    std::copy_n(record.values.data() + at, values.cols(), values.row(record.row).data());
    at += static_cast<std::size_t>(values.cols());
  }
}

Books::Books(const Campaign& campaign, const FarmOptions& options)
    : campaign_(campaign),
      options_(options),
      status_(static_cast<std::size_t>(campaign.design.rows()), RunStatus::pending) {}

std::optional<Archive> Books::open() {
  if (options_.archive.empty()) return std::nullopt;
  if (auto finished = finished_before()) return finished;
  const bool archive_there = exists(options_.archive);
  const auto logs = run_logs_of(options_.archive);
  for (const auto& path : logs)
    if (path != run_log_path(options_.archive)) {
      if (run_log_in_use(path))
        throw UsageError(text("run log '", path, "': another process is running this campaign (a rank of a ",
                              "call that was killed?); wait until it ends, or stop it"));
      if (!options_.resume)
        throw UsageError(text("run log '", path, "': it belongs to a campaign that was not finished. Go on ",
                              "with it with --resume, or delete it"));
    }
  RunLog::Options log_options;
  log_options.resume = options_.resume;
  log_options.sync_interval = options_.sync_interval;
  log_ = std::make_unique<RunLog>(run_log_path(options_.archive), campaign_, log_options);
  if (exists(options_.archive) && !archive_there) {
    // Whoever held the log has finished meanwhile.
    log_->remove();
    log_.reset();
    return open();
  }
  read_logs();
  return std::nullopt;
}

std::optional<Archive> Books::finished_before() const {
  if (!exists(options_.archive)) return std::nullopt;
  if (!options_.resume) {
    if (options_.overwrite) return std::nullopt;
    throw UsageError(text("'", options_.archive, "' is there already; choose another name or --force"));
  }
  const auto logs = run_logs_of(options_.archive);
  for (const auto& path : logs)
    if (run_log_in_use(path)) return std::nullopt;  // opening it says so
  Archive archive;
  try {
    archive = read_archive(options_.archive);
  } catch (const StorageError&) {
    if (logs.empty()) throw;
    return std::nullopt;  // whoever made the logs was to replace it
  }
  if (!logs.empty()) {
    // Either the logs that the archive was made from, not all deleted when the process was killed; or those
    // of a call with --force that is to replace it.
    if (!belongs_to(archive, campaign_) || !made_from(archive, logs)) return std::nullopt;
    for (const auto& path : logs) ::unlink(path.c_str());
  }
  if (!belongs_to(archive, campaign_)) {
    if (options_.overwrite) return std::nullopt;
    throw UsageError(text("'", options_.archive,
                          "' holds another campaign (other design, space or outputs); ",
                          "choose another name or --force"));
  }
  const bool again = archive.count(RunStatus::pending) > 0 ||
                     (options_.retry_failed && archive.count(RunStatus::failed) > 0);
  if (again && !options_.overwrite)
    throw UsageError(text("'", options_.archive, "' has ", archive.count(RunStatus::failed), " failed and ",
                          archive.count(RunStatus::pending),
                          " pending runs and no log to go on with; --force runs all points anew"));
  if (again) return std::nullopt;
  return archive;
}

// Every record is in the archive, to the last digit of its run's seconds; where there is none, no log is
// younger than the archive.
bool Books::made_from(const Archive& archive, const std::vector<std::string>& logs) const {
  bool all_there = true, any = false, older = true;
  for (const auto& path : logs) {
    older = older && not_later(path, options_.archive);
    if (ends_in_header(path)) continue;
    const auto summary = read_run_log(path, [&](RunRecord&& record) {
      const auto i = static_cast<std::size_t>(record.row);
      any = true;
      if (i >= archive.status.size())
        all_there = false;
      else if (record.status == RunStatus::done || archive.status[i] != RunStatus::done)
        all_there = all_there && archive.status[i] == record.status &&
                    (archive.seconds[i] == record.seconds || record.status == RunStatus::failed);
    });
    if (summary.header.campaign != campaign_.hash()) return false;
  }
  return all_there && (any || older);
}

void Books::read_logs() {
  const auto hash = campaign_.hash();
  for (const auto& path : run_logs_of(options_.archive)) {
    if (ends_in_header(path)) continue;
    const auto summary = read_run_log(path, [&](RunRecord&& record) {
      if (record.row >= static_cast<Index>(status_.size())) return;  // of another campaign: see below
      auto& status = status_[static_cast<std::size_t>(record.row)];
      if (status != RunStatus::done) status = record.status;
      longest_ = std::max(longest_, record.seconds);
      seconds_ += record.seconds;
    });
    if (summary.header.campaign != hash)
      throw UsageError(text("run log '", path, "' belongs to another campaign; delete it"));
  }
  for (auto& status : status_) {
    if (status == RunStatus::failed && options_.retry_failed) status = RunStatus::pending;
    kept_ += status != RunStatus::pending;
  }
}

std::vector<Index> Books::pending() const {
  std::vector<Index> rows;
  for (std::size_t i = 0; i < status_.size(); ++i)
    if (status_[i] == RunStatus::pending) rows.push_back(static_cast<Index>(i));
  return rows;
}

Archive Books::join() const {
  Archive archive = empty_archive(campaign_, options_.provenance);
  for (const auto& path : run_logs_of(options_.archive))
    if (!ends_in_header(path)) read_run_log(path, [&](RunRecord&& record) { take(archive, record); });
  return archive;
}

void Books::store(const Archive& archive) const {
  write_archive(options_.archive, archive);
  for (const auto& path : run_logs_of(options_.archive))
    if (path != run_log_path(options_.archive)) ::unlink(path.c_str());
}

}  // namespace ersatz::detail
