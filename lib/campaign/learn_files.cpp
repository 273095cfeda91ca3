// What a learning campaign keeps on disk.

#include <unistd.h>

#include <cmath>

#include "campaign/batch_runner.hpp"
#include "campaign/books.hpp"
#include "campaign/learn_parts.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/storage/run_log.hpp"
#include "ersatz/storage/space_file.hpp"

namespace ersatz::detail {
namespace {

constexpr const char* history_format = "ersatz-learning";
constexpr int history_version = 1;

void remove_with_logs(const std::string& archive) {
  for (const auto& log : run_logs_of(archive)) ::unlink(log.c_str());
  ::unlink(archive.c_str());
}

bool same_outputs(const Archive& archive, const Simulator& simulator) {
  const auto& outputs = simulator.outputs();
  if (archive.outputs.size() != outputs.size()) return false;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const OutputSpec &a = archive.outputs[o], &b = outputs[o];
    if (a.name != b.name || a.axis != b.axis || a.size != b.size || a.complex != b.complex) return false;
  }
  return true;
}

const std::vector<std::pair<const char*, double LearnRound::*>>& numbers() {
  static const std::vector<std::pair<const char*, double LearnRound::*>> list{
      {"error", &LearnRound::error},
      {"error_upper", &LearnRound::error_upper},
      {"error_p95", &LearnRound::error_p95},
      {"score", &LearnRound::score},
      {"gain", &LearnRound::gain},
      {"change", &LearnRound::change},
      {"fit_seconds", &LearnRound::fit_seconds},
      {"choose_seconds", &LearnRound::choose_seconds}};
  return list;
}

}  // namespace

Archive LearnFiles::open(const Simulator& simulator) const {
  if (options_.archive.empty()) return {};
  const bool there = exists(options_.archive);
  const bool unfinished = exists(batch()) || !run_logs_of(batch()).empty();
  if (!options_.resume) {
    if (unfinished && !options_.overwrite)
      throw UsageError(text("'", options_.archive, "': a campaign of that name was not finished (", batch(),
                            "). Go on with it with --resume, or begin anew with --force"));
    if (there && !options_.overwrite)
      throw UsageError(text("'", options_.archive, "' is there already; choose another name, go on with it ",
                            "with --resume, or begin anew with --force"));
    for (const auto& log : run_logs_of(batch()))
      if (run_log_in_use(log))
        throw UsageError(text("run log '", log, "': another process is running this campaign"));
    for (const auto& path : {batch(), test()}) remove_with_logs(path);
    ::unlink(history().c_str());
    ::unlink(options_.archive.c_str());
    return {};
  }
  if (!there) return {};
  Archive archive = read_archive(options_.archive);
  if (space_to_toml(archive.space) != space_to_toml(simulator.space()) || !same_outputs(archive, simulator))
    throw UsageError(text("'", options_.archive, "' holds runs of another simulator (other parameters, ",
                          "bounds or outputs); choose another name or --force"));
  if (archive.count(RunStatus::pending) > 0 && !options_.asynchronous)
    throw UsageError(
        text("'", options_.archive, "' has ", archive.count(RunStatus::pending),
             " pending runs: if it comes from an asynchronous campaign, go on with asynchronous = "
             "true; else choose another name"));
  return archive;
}

void LearnFiles::refuse_batch() const {
  if (options_.archive.empty() || (!exists(batch()) && run_logs_of(batch()).empty())) return;
  throw UsageError(text("'", options_.archive, "': a batch is under way (", batch(),
                        "), which an asynchronous campaign cannot take over; let it end with asynchronous = "
                        "false"));
}

void LearnFiles::tidy(const Archive& archive) const {
  if (options_.archive.empty() || !exists(batch())) return;
  const Matrix points = read_archive(batch()).parameters;
  if (points.rows() <= archive.size() && points.cols() == archive.parameters.cols() &&
      points == archive.parameters.bottomRows(points.rows()))
    remove_with_logs(batch());
}

void LearnFiles::store(const Archive& archive) const {
  if (!options_.archive.empty()) write_archive(options_.archive, archive);
}

std::vector<LearnRound> LearnFiles::load_history() const {
  std::vector<LearnRound> list;
  if (options_.archive.empty() || !options_.resume || !exists(history())) return list;
  const h5::File file = h5::File::open(history());
  h5::check_format(file.root(), history_format, history_version, history());
  const auto runs = file.root().read_integers("runs");
  const auto size = static_cast<Index>(runs.size());
  const auto failed = file.root().read_integers("failed", size);
  list.resize(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    list[i].runs = static_cast<Index>(runs[i]);
    list[i].failed = static_cast<Index>(failed[i]);
  }
  for (const auto& [name, member] : numbers()) {
    if (!file.root().has(name)) continue;  // of a version that did not know it
    const Vector values = file.root().read_vector(name, size);
    for (std::size_t i = 0; i < runs.size(); ++i) list[i].*member = values[static_cast<Index>(i)];
  }
  return list;
}

void LearnFiles::store(const std::vector<LearnRound>& list) const {
  if (options_.archive.empty()) return;
  h5::AtomicFile file(history());
  const h5::Group root = file.root();
  root.set("format", history_format);
  root.set("version", static_cast<std::int64_t>(history_version));
  root.set("acquisition", options_.acquisition.name);
  root.set("seed", static_cast<std::int64_t>(options_.seed));
  root.set("measured_on",
           options_.test != nullptr || options_.test_points > 0 ? "test runs" : "cross-validation");
  std::vector<std::int64_t> runs, failed;
  for (const LearnRound& r : list) {
    runs.push_back(r.runs);
    failed.push_back(r.failed);
  }
  root.write("runs", runs);
  root.write("failed", failed);
  for (const auto& [name, member] : numbers()) {
    Vector values(static_cast<Index>(list.size()));
    for (std::size_t i = 0; i < list.size(); ++i) values[static_cast<Index>(i)] = list[i].*member;
    root.write(name, values);
  }
  file.commit();
}

Bytes encode(const std::vector<LearnRound>& list) {
  std::vector<double> values;
  for (const LearnRound& r : list) {
    values.push_back(static_cast<double>(r.runs));
    values.push_back(static_cast<double>(r.failed));
    for (const auto& [name, member] : numbers()) values.push_back(r.*member);
  }
  return to_bytes(values);
}

std::vector<LearnRound> decode_rounds(const Bytes& bytes) {
  const std::vector<double> values = doubles_from_bytes(bytes);
  const std::size_t width = numbers().size() + 2;
  std::vector<LearnRound> list(values.size() / width);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const double* at = values.data() + i * width;
    list[i].runs = static_cast<Index>(*at++);
    list[i].failed = static_cast<Index>(*at++);
    for (const auto& [name, member] : numbers()) list[i].*member = *at++;
  }
  return list;
}

void append(Archive& archive, const Archive& more) {
  const auto below = [](const Matrix& a, const Matrix& b) {
    Matrix all(a.rows() + b.rows(), a.cols());
    all.topRows(a.rows()) = a;
    all.bottomRows(b.rows()) = b;
    return all;
  };
  archive.parameters = below(archive.parameters, more.parameters);
  for (std::size_t o = 0; o < archive.values.size(); ++o)
    archive.values[o] = below(archive.values[o], more.values[o]);
  archive.status.insert(archive.status.end(), more.status.begin(), more.status.end());
  archive.messages.insert(archive.messages.end(), more.messages.begin(), more.messages.end());
  archive.seconds.insert(archive.seconds.end(), more.seconds.begin(), more.seconds.end());
}

void share(Archive& archive, Executor& executor) {
  if (executor.processes() == 1) return;
  const Bytes points = executor.share([&] {
    return to_bytes({archive.parameters.data(), archive.parameters.data() + archive.parameters.size()});
  });
  const Bytes records = executor.share([&] {
    Bytes bytes;
    for (Index i = 0; i < archive.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      RunRecord record{i, archive.status[at], archive.seconds[at], archive.messages[at], {}};
      if (record.status == RunStatus::done)
        for (const Matrix& v : archive.values)
          record.values.insert(record.values.end(), v.row(i).begin(), v.row(i).end());
      append_record(bytes, record);
    }
    return bytes;
  });
  if (executor.process() == 0) return;
  const std::vector<double> numbers = doubles_from_bytes(points);
  const Index d = archive.space.size();
  const Campaign campaign{
      "", archive.space, archive.axes, archive.outputs,
      Eigen::Map<const Matrix>(numbers.data(), static_cast<Index>(numbers.size()) / d, d)};
  archive = empty_archive(campaign, archive.provenance);
  for (const auto& record : decode_records(records)) take(archive, record);
}

}  // namespace ersatz::detail
