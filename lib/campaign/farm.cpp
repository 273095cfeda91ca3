#include "ersatz/campaign/farm.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/run_log.hpp"
#include "ersatz/storage/space_file.hpp"

namespace ersatz {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

bool exists(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0;
}

// Why the outputs cannot be stored; empty when they can.
std::string what_is_wrong(const std::vector<OutputSpec>& specs, const std::vector<Vector>& outputs) {
  if (outputs.size() != specs.size())
    return text(outputs.size(), " outputs, ", specs.size(), " are expected");
  for (std::size_t o = 0; o < specs.size(); ++o) {
    const auto& spec = specs[o];
    if (outputs[o].size() != spec.width())
      return text("output '", spec.name, "' has ", outputs[o].size(), " numbers, ", spec.width(),
                  " are expected");
    for (Index k = 0; k < outputs[o].size(); ++k)
      if (!std::isfinite(outputs[o][k]))
        return text("output '", spec.name, "', bin ", spec.complex ? k / 2 : k, " is ", outputs[o][k]);
  }
  return {};
}

SimulationResult run_once(const Simulator& simulator, const double* x) {
  try {
    SimulationResult result = simulator.run(x);
    if (result.ok()) result.failure = what_is_wrong(simulator.outputs(), result.outputs);
    return result;
  } catch (const std::exception& e) {
    return SimulationResult::failed(text("exception: ", e.what()));
  } catch (...) {
    return SimulationResult::failed("an exception of unknown type");
  }
}

// A text with a zero byte cannot be stored in HDF5.
std::string clean(std::string message) {
  std::replace(message.begin(), message.end(), '\0', '?');
  return message;
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

// The last record of a row counts, but a failure never displaces a result.
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

void check_design(const Simulator& simulator, const Matrix& design) {
  const auto& space = simulator.space();
  if (design.cols() != space.size())
    throw UsageError(text("the design has ", design.cols(), " columns, the simulator '", simulator.name(),
                          "' has ", space.size(), " parameters"));
  for (Index i = 0; i < design.rows(); ++i)
    for (Index k = 0; k < design.cols(); ++k)
      if (!std::isfinite(design(i, k)))
        throw DataError(text("the design, row ", i, ", column ", k, " (", space[k].name, "): ", design(i, k),
                             " is not finite"));
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

class Farm {
 public:
  Farm(const Simulator& simulator, const Matrix& design, const FarmOptions& options)
      : simulator_(simulator),
        options_(options),
        campaign_{simulator.name(), simulator.space(), simulator.axes(), simulator.outputs(), design},
        status_(static_cast<std::size_t>(design.rows()), RunStatus::pending) {}

  FarmResult run() {
    const auto start = std::chrono::steady_clock::now();
    FarmResult result;
    if (!options_.archive.empty()) {
      if (auto finished = finished_before()) {
        result.archive = std::move(*finished);
        kept_ = result.archive.size();
        summarize(result, start);
        return result;
      }
      open_log();
    }
    const FarmEnd end = run_pending(start);
    result.archive = empty_archive(campaign_, options_.provenance);
    for (const auto& record : in_memory_) take(result.archive, record);
    if (log_) {
      log_->sync();
      for (const auto& path : run_logs_of(options_.archive))
        read_run_log(path, [&](RunRecord&& record) { take(result.archive, record); });
    }
    summarize(result, start);
    result.summary.end = end;
    if (!log_) return result;
    if (end == FarmEnd::finished) {
      write_archive(options_.archive, result.archive);
      for (const auto& path : run_logs_of(options_.archive))
        if (path != log_->path()) ::unlink(path.c_str());
      log_->remove();
    } else {
      result.summary.log = log_->path();
    }
    return result;
  }

 private:
  // An archive that this very campaign has completed before.
  std::optional<Archive> finished_before() const {
    if (!exists(options_.archive)) return std::nullopt;
    if (!options_.resume) {
      if (options_.overwrite) return std::nullopt;
      throw UsageError(text("'", options_.archive, "' is there already; choose another name or --force"));
    }
    if (!run_logs_of(options_.archive).empty()) return std::nullopt;
    Archive archive = read_archive(options_.archive);
    if (!belongs_to(archive, campaign_)) {
      if (options_.overwrite) return std::nullopt;
      throw UsageError(text("'", options_.archive,
                            "' holds another campaign (other design, space or outputs); choose ",
                            "another name or --force"));
    }
    const bool again = archive.count(RunStatus::pending) > 0 ||
                       (options_.retry_failed && archive.count(RunStatus::failed) > 0);
    if (again && !options_.overwrite)
      throw UsageError(text("'", options_.archive, "' has ", archive.count(RunStatus::failed), " failed and ",
                            archive.count(RunStatus::pending),
                            " pending runs and no log to go on with; --force runs ", "all points anew"));
    if (again) return std::nullopt;
    return archive;
  }

  void open_log() {
    RunLog::Options log_options;
    log_options.resume = options_.resume;
    log_options.sync_interval = options_.sync_interval;
    log_ = std::make_unique<RunLog>(run_log_path(options_.archive), campaign_, log_options);
    const auto hash = campaign_.hash();
    for (const auto& path : run_logs_of(options_.archive)) {
      const auto summary = read_run_log(path, [&](RunRecord&& record) {
        auto& status = status_[static_cast<std::size_t>(record.row)];
        if (status != RunStatus::done) status = record.status;
        longest_ = std::max(longest_, record.seconds);
      });
      if (summary.header.campaign != hash)
        throw UsageError(text("run log '", path, "' belongs to another campaign; delete it"));
    }
    for (auto& status : status_) {
      if (status == RunStatus::failed && options_.retry_failed) status = RunStatus::pending;
      kept_ += status != RunStatus::pending;
    }
  }

  bool stopping() const { return options_.stop != nullptr && options_.stop->load(); }

  FarmEnd run_pending(std::chrono::steady_clock::time_point start) {
    SerialExecutor serial;
    Executor& executor = options_.executor != nullptr ? *options_.executor : serial;
    const auto queue = executor.open(simulation_task(simulator_, options_.retries, options_.stop));
    const Index n = campaign_.design.rows();
    Progress silent;
    Progress& progress = options_.progress != nullptr ? *options_.progress : silent;
    progress.begin("simulations", n);
    progress.step(kept_);
    Index next = 0, under_way = 0, ended = kept_;
    FarmEnd end = FarmEnd::finished;
    for (;;) {
      // No more than the workers can take: what waits in a queue could not be stopped.
      while (under_way < executor.workers()) {
        while (next < n && status_[static_cast<std::size_t>(next)] != RunStatus::pending) ++next;
        if (next == n) break;
        if (stopping()) {
          end = FarmEnd::stopped;
          break;
        }
        if (options_.walltime > 0.0 && seconds_since(start) + longest_ > options_.walltime) {
          end = FarmEnd::walltime;
          break;
        }
        std::vector<double> argument{static_cast<double>(next)};
        argument.insert(argument.end(), campaign_.design.row(next).begin(), campaign_.design.row(next).end());
        queue->submit(next, to_bytes(argument));
        ++next;
        ++under_way;
      }
      if (under_way == 0) break;
      const auto finished = queue->next();
      if (!finished) break;
      --under_way;
      RunRecord record = decode_run_record(finished->second);
      if (record.status != RunStatus::done && stopping()) {
        end = FarmEnd::stopped;
        continue;
      }
      status_[static_cast<std::size_t>(record.row)] = record.status;
      longest_ = std::max(longest_, record.seconds);
      if (log_)
        log_->append(record);
      else
        in_memory_.push_back(std::move(record));
      progress.step(++ended);
    }
    progress.end();
    return end;
  }

  void summarize(FarmResult& result, std::chrono::steady_clock::time_point start) const {
    auto& s = result.summary;
    s.runs = result.archive.size();
    s.done = result.archive.count(RunStatus::done);
    s.failed = result.archive.count(RunStatus::failed);
    s.pending = result.archive.count(RunStatus::pending);
    s.kept = kept_;
    for (std::size_t i = 0; i < result.archive.status.size(); ++i)
      if (result.archive.status[i] == RunStatus::failed) ++s.reasons[result.archive.messages[i]];
    s.seconds = seconds_since(start);
  }

  const Simulator& simulator_;
  const FarmOptions& options_;
  Campaign campaign_;
  std::vector<RunStatus> status_;
  std::unique_ptr<RunLog> log_;
  std::vector<RunRecord> in_memory_;
  Index kept_ = 0;
  double longest_ = 0.0;
};

}  // namespace

Executor::Task simulation_task(const Simulator& simulator, Index retries, const std::atomic<bool>* stop) {
  return [&simulator, retries, stop](const Bytes& argument) {
    const auto numbers = doubles_from_bytes(argument);
    RunRecord record;
    record.row = static_cast<Index>(numbers.at(0));
    for (Index attempt = 0;; ++attempt) {
      const auto start = std::chrono::steady_clock::now();
      const SimulationResult result = run_once(simulator, numbers.data() + 1);
      record.seconds = seconds_since(start);
      if (result.ok()) {
        record.status = RunStatus::done;
        for (const auto& output : result.outputs)
          record.values.insert(record.values.end(), output.begin(), output.end());
        return encode(record);
      }
      record.status = RunStatus::failed;
      record.message = clean(result.failure);
      if (attempt >= retries || (stop != nullptr && stop->load())) break;
    }
    if (retries > 0) record.message += text(" (", retries + 1, " attempts)");
    return encode(record);
  };
}

FarmResult simulate(const Simulator& simulator, const Matrix& design, const FarmOptions& options) {
  check_design(simulator, design);
  return Farm(simulator, design, options).run();
}

std::string FarmSummary::report() const {
  std::string out = text(done, " of ", runs, " runs done, ", failed, " failed, ", pending, " pending");
  if (kept > 0) out += text(" (", kept, " from before)");
  out += text(" in ", brief(seconds), " s\n");
  std::vector<std::pair<Index, std::string>> common;
  for (const auto& [why, count] : reasons) common.emplace_back(count, why);
  std::stable_sort(common.begin(), common.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; i < common.size() && i < 5; ++i)
    out += text("  ", common[i].first, " failed: ", common[i].second, "\n");
  if (common.size() > 5) out += text("  and ", common.size() - 5, " other reasons\n");
  if (end == FarmEnd::stopped) out += "stopped on request\n";
  if (end == FarmEnd::walltime) out += "stopped: the next run might not have ended within the time allowed\n";
  if (!log.empty()) out += text("what is finished stands in ", log, "; go on with --resume\n");
  return out;
}

}  // namespace ersatz
