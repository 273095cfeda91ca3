#include "campaign/batch_runner.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ersatz/core/error.hpp"

namespace ersatz::detail {
namespace {

constexpr char stopped[] = "stopped", out_of_time[] = "walltime";

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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

void raise(std::atomic<double>& longest, double seconds) {
  double before = longest;
  while (before < seconds && !longest.compare_exchange_weak(before, seconds)) {
  }
}

}  // namespace

RunRecord run_row(const Simulator& simulator, const Matrix& design, Index row, Index retries,
                  const std::atomic<bool>* stop) {
  RunRecord record;
  record.row = row;
  for (Index attempt = 0;; ++attempt) {
    const auto start = std::chrono::steady_clock::now();
    const SimulationResult result = run_once(simulator, design.row(row).data());
    record.seconds = seconds_since(start);
    if (result.ok()) {
      record.status = RunStatus::done;
      record.message.clear();
      for (const auto& output : result.outputs)
        record.values.insert(record.values.end(), output.begin(), output.end());
      return record;
    }
    record.status = RunStatus::failed;
    record.message = clean(result.failure);
    if (attempt >= retries || (stop != nullptr && stop->load())) break;
  }
  if (retries > 0) record.message += text(" (", retries + 1, " attempts)");
  return record;
}

Bytes encode_batch(const std::vector<Index>& rows, double longest) {
  std::vector<double> numbers{longest};
  numbers.insert(numbers.end(), rows.begin(), rows.end());
  return to_bytes(numbers);
}

void append_record(Bytes& bytes, const RunRecord& record) {
  const std::string one = encode(record);
  const std::uint64_t size = one.size();
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
  bytes += one;
}

std::vector<RunRecord> decode_records(const Bytes& bytes) {
  std::vector<RunRecord> records;
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= bytes.size();) {
    std::uint64_t size;
    std::memcpy(&size, bytes.data() + at, sizeof size);
    at += sizeof size;
    records.push_back(decode_run_record(std::string_view(bytes).substr(at, size)));
    at += size;
  }
  return records;
}

BatchRunner::BatchRunner(const Simulator& simulator, const Campaign& campaign, const FarmOptions& options,
                         const Executor& executor, Clock::time_point begin)
    : simulator_(simulator),
      campaign_(campaign),
      options_(options),
      process_(executor.process()),
      workers_(executor.workers() / executor.processes()),
      begin_(begin) {}

const char* BatchRunner::reason_to_stop() const {
  if (stopping() || broken_) return stopped;
  if (options_.walltime > 0.0 && seconds_since(begin_) + longest_ > options_.walltime) return out_of_time;
  return nullptr;
}

Bytes BatchRunner::operator()(const Bytes& batch) {
  const auto numbers = doubles_from_bytes(batch);
  raise(longest_, numbers.at(0));
  Bytes results;
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    RunRecord record;
    record.row = static_cast<Index>(numbers[i]);
    if (const char* why = reason_to_stop()) {
      record.status = RunStatus::pending;
      record.message = why;
    } else {
      record = run(record.row);
    }
    if (!options_.archive.empty()) record.values.clear();  // the log has them
    append_record(results, record);
  }
  return results;
}

RunRecord BatchRunner::run(Index row) {
  const auto start = Clock::now();
  RunRecord record = run_row(simulator_, campaign_.design, row, options_.retries, options_.stop);
  const double busy = seconds_since(start);
  if (record.status != RunStatus::done && stopping()) {
    record.status = RunStatus::pending;  // a run that fails after the signal was ended by it
    record.message = stopped;
  } else {
    raise(longest_, record.seconds);
    if (!options_.archive.empty()) store(record);
  }
  const double all = seconds_since(start);
  const std::lock_guard<std::mutex> lock(mutex_);
  use_.runs += record.status != RunStatus::pending;
  use_.busy += busy;
  use_.storage += all - busy;
  return record;
}

void BatchRunner::store(const RunRecord& record) {
  try {
    {
      const std::lock_guard<std::mutex> lock(opening_);
      RunLog::Options options;
      options.resume = true;  // process 0 has looked whether it may be there
      options.sync_interval = options_.sync_interval;
      if (log_ == nullptr)
        log_ = std::make_unique<RunLog>(run_log_path(options_.archive, process_), campaign_, options);
    }
    log_->append(record);
  } catch (...) {
    broken_ = true;
    throw;
  }
}

void BatchRunner::finish() {
  use_ = use();
  if (log_ == nullptr) return;
  log_->sync();
  if (process_ != 0) log_.reset();
}

void BatchRunner::remove_log() {
  if (log_ != nullptr) log_->remove();
}

ProcessUse BatchRunner::use() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  ProcessUse use = use_;
  use.process = process_;
  use.workers = workers_;
  if (use.total == 0.0) use.total = static_cast<double>(workers_) * seconds_since(start_);
  return use;
}

}  // namespace ersatz::detail
