#include "ersatz/campaign/farm.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <utility>

#include "campaign/batch_runner.hpp"
#include "campaign/books.hpp"
#include "campaign/farm_summary.hpp"
#include "ersatz/campaign/schedule.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

using Clock = std::chrono::steady_clock;

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

// All processes go through the same steps; process 0 keeps the books and hands out, all run.
class Farm {
 public:
  Farm(const Simulator& simulator, const Matrix& design, const FarmOptions& options, Executor& executor)
      : simulator_(simulator),
        options_(options),
        executor_(executor),
        campaign_{simulator.name(), simulator.space(), simulator.axes(), simulator.outputs(), design},
        books_(campaign_, options) {}

  FarmResult run() {
    FarmResult result;
    require_same(
        executor_, text(campaign_.hash()),
        text("the design (", campaign_.design.rows(), " points), parameter space, simulator or outputs ",
             "are not the same here as on process 0: is the file the same on all nodes?"));
    std::optional<Archive> finished;
    const bool nothing_to_do = !executor_
                                    .share([&] {
                                      finished = books_.open();
                                      return Bytes(finished ? "finished" : "");
                                    })
                                    .empty();
    if (nothing_to_do) {
      if (finished) {
        result.archive = std::move(*finished);
        result.summary = summary_of(result.archive, result.archive.size());
      }
      share(result.summary);
      return result;
    }
    detail::BatchRunner runner(simulator_, campaign_, options_, executor_, start_);
    runner.use_log(books_.release_log());
    run_pending(runner);
    executor_.together([&] { runner.finish(); });
    const auto use = executor_.gather(detail::encode(runner.use()));
    const Bytes summary = executor_.share([&] {
      conclude(runner, result);
      for (const auto& u : use) result.summary.use.push_back(detail::decode_process_use(u));
      return detail::encode(result.summary);
    });
    result.summary = detail::decode_farm_summary(summary);
    if (options_.archive.empty()) share_archive(result.archive);
    return result;
  }

 private:
  bool stopping() const { return options_.stop != nullptr && options_.stop->load(); }

  // Hands out what is pending, on process 0; runs what comes, on the others. An error of any process's is
  // thrown on all.
  void run_pending(detail::BatchRunner& runner) {
    std::exception_ptr error;
    try {
      const auto queue = executor_.open([&runner](const Bytes& batch) { return runner(batch); });
      if (executor_.process() != 0)
        queue->next();
      else
        hand_out(*queue, runner);
    } catch (...) {
      error = std::current_exception();
    }
    executor_.share([&] {
      if (error) std::rethrow_exception(error);
      return Bytes();
    });
  }

  void hand_out(TaskQueue& queue, detail::BatchRunner& runner) {
    Progress silent;
    Progress& progress = options_.progress != nullptr ? *options_.progress : silent;
    progress.begin("simulations", campaign_.design.rows());
    Index ended = books_.kept();
    progress.step(ended);
    double longest = books_.longest();
    // What the simulator has tried already costs nothing here, and another run elsewhere.
    std::vector<Index> pending;
    for (const Index row : books_.pending()) {
      if (simulator_.has_result(campaign_.design.row(row).data()))
        progress.step(ended += book(runner.run(row), longest));
      else
        pending.push_back(row);
    }
    ScheduleOptions options;
    options.workers = executor_.workers();
    options.known_runs = books_.kept();
    options.known_seconds = books_.seconds();
    Schedule schedule(std::move(pending), options);
    for (;;) {
      if (end_ == FarmEnd::finished && stopping()) end_ = FarmEnd::stopped;
      if (end_ != FarmEnd::finished) schedule.stop();
      while (const auto batch = schedule.hand_out())
        queue.submit(batch->number, detail::encode_batch(batch->rows, longest));
      const auto finished = queue.next();
      if (!finished) break;
      Index count = 0;
      double seconds = 0.0;
      for (RunRecord& record : detail::decode_records(finished->second)) {
        if (record.status != RunStatus::pending) seconds += record.seconds;
        count += book(std::move(record), longest);
      }
      schedule.book(finished->first, count, seconds);
      progress.step(ended += count);
    }
    progress.end();
  }

  // 1 when the run has ended, 0 when it was not to be.
  Index book(RunRecord record, double& longest) {
    if (record.status == RunStatus::pending) {
      if (end_ == FarmEnd::finished)
        end_ = record.message == "walltime" ? FarmEnd::walltime : FarmEnd::stopped;
      return 0;
    }
    longest = std::max(longest, record.seconds);
    if (options_.archive.empty()) in_memory_.push_back(std::move(record));
    return 1;
  }

  FarmSummary summary_of(const Archive& archive, Index kept) const {
    FarmSummary s;
    s.runs = archive.size();
    s.done = archive.count(RunStatus::done);
    s.failed = archive.count(RunStatus::failed);
    s.pending = archive.count(RunStatus::pending);
    s.kept = kept;
    for (std::size_t i = 0; i < archive.status.size(); ++i)
      if (archive.status[i] == RunStatus::failed) ++s.reasons[archive.messages[i]];
    s.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    return s;
  }

  // On process 0, when all results are on disk.
  void conclude(detail::BatchRunner& runner, FarmResult& result) {
    if (options_.archive.empty()) {
      result.archive = detail::empty_archive(campaign_, options_.provenance);
      for (const auto& record : in_memory_) detail::take(result.archive, record);
    } else {
      result.archive = books_.join();
    }
    result.summary = summary_of(result.archive, books_.kept());
    result.summary.end = end_;
    if (options_.archive.empty()) return;
    if (end_ != FarmEnd::finished) {
      result.summary.log = runner.log_path();
      return;
    }
    if (result.summary.pending > 0)
      throw Error(text(result.summary.pending, " runs have ended but are in no run log of ", options_.archive,
                       " (has someone deleted one?): go on with --resume"));
    books_.store(result.archive);
    runner.remove_log();
  }

  void share(FarmSummary& summary) {
    summary = detail::decode_farm_summary(executor_.share([&] { return detail::encode(summary); }));
  }

  // Where nothing is stored, all processes get what came out.
  void share_archive(Archive& archive) {
    if (executor_.processes() == 1) return;
    const Bytes records = executor_.share([&] {
      Bytes bytes;
      for (const auto& record : in_memory_) detail::append_record(bytes, record);
      return bytes;
    });
    if (executor_.process() == 0) return;
    archive = detail::empty_archive(campaign_, options_.provenance);
    for (const auto& record : detail::decode_records(records)) detail::take(archive, record);
  }

  const Simulator& simulator_;
  const FarmOptions& options_;
  Executor& executor_;
  const Campaign campaign_;
  detail::Books books_;
  std::vector<RunRecord> in_memory_;
  FarmEnd end_ = FarmEnd::finished;
  const Clock::time_point start_ = Clock::now();
};

}  // namespace

FarmResult simulate(const Simulator& simulator, const Matrix& design, const FarmOptions& options) {
  SerialExecutor serial;
  Executor& executor = options.executor != nullptr ? *options.executor : serial;
  executor.together([&] { check_design(simulator, design); });
  return Farm(simulator, design, options, executor).run();
}

}  // namespace ersatz
