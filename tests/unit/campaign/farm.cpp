#include "ersatz/campaign/farm.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/run_log.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::Scratch;
using testing::slurp;
using testing::spill;

// y = (x, x², row sum) and one complex number; writes down which points it ran.
class Toy final : public Simulator {
 public:
  explicit Toy(std::string ledger = "", int milliseconds = 0)
      : ledger_(std::move(ledger)), pause_(milliseconds) {}

  std::string name() const override { return "toy"; }
  std::string description() const override { return "for tests"; }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }
  SimulationResult run(const double* x) const override {
    if (pause_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(pause_));
    if (!ledger_.empty()) {
      const std::string line = text(x[0], "\n");
      const int file = ::open(ledger_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
      (void)!::write(file, line.data(), line.size());
      ::close(file);
    }
    Index count = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      count = ++tried_[x[0]];
    }
    if (x[1] == 1.0) return SimulationResult::failed("it diverged");
    if (x[1] == 2.0 && count < 3) return SimulationResult::failed("bad luck");
    if (x[1] == 3.0) throw std::runtime_error("thrown");
    Vector y(3), z(2);
    y << x[0], x[0] * x[0], x[1] == 4.0 ? std::numeric_limits<double>::quiet_NaN() : x[0] + x[1];
    z << x[0], -x[0];
    if (x[1] == 5.0) return {{y}, ""};
    if (x[1] == 6.0) return {{y, y}, ""};
    return {{y, z}, ""};
  }

 private:
  std::string ledger_;
  int pause_;
  ParameterSpace space_{{{"x", "", 0.0, 1000.0, Scale::linear}, {"mode", "", 0.0, 10.0, Scale::linear}}};
  std::vector<Axis> axes_{{"one", "", Vector::Zero(1)}, {"k", "", Vector::LinSpaced(3, 0, 2)}};
  std::vector<OutputSpec> outputs_{{"y", "m", "k", 3, false}, {"z", "", "one", 1, true}};
  mutable std::mutex mutex_;
  mutable std::map<double, Index> tried_;
};

Matrix points(Index n) {
  Matrix X = Matrix::Zero(n, 2);
  for (Index i = 0; i < n; ++i) X(i, 0) = static_cast<double>(i);
  return X;
}

std::multiset<Index> ledger_rows(const std::string& path) {
  std::multiset<Index> rows;
  std::ifstream in(path);
  for (double x; in >> x;) rows.insert(static_cast<Index>(x));
  return rows;
}

void expect_complete(const Archive& archive, Index n) {
  ASSERT_EQ(archive.size(), n);
  EXPECT_EQ(archive.count(RunStatus::done), n);
  for (Index i = 0; i < n; ++i) {
    const auto x = static_cast<double>(i);
    ASSERT_EQ(archive.values[0](i, 1), x * x);
    ASSERT_EQ(archive.values[1](i, 1), -x);
  }
}

TEST(Farm, SameArchiveWhateverTheExecutor) {
  const Scratch scratch;
  std::string first;
  for (const Index threads : {1, 2, 5}) {
    const auto executor = make_executor(threads);
    FarmOptions options;
    options.executor = executor.get();
    options.archive = scratch(text("a", threads, ".h5"));
    const auto result = simulate(Toy(), points(40), options);
    EXPECT_EQ(result.summary.end, FarmEnd::finished);
    expect_complete(result.archive, 40);
    const Archive stored = read_archive(options.archive);
    expect_complete(stored, 40);
    if (first.empty()) first = stored.data_hash();
    EXPECT_EQ(stored.data_hash(), first);
  }
  EXPECT_EQ(scratch.count(), 3u);  // no logs, no temporary files
  expect_complete(simulate(Toy(), points(7)).archive, 7);
}

TEST(Farm, FailuresAreRecordedWithTheirReason) {
  const Scratch scratch;
  FarmOptions options;
  options.archive = scratch("a.h5");
  Matrix X = points(8);
  for (Index i = 0; i < 8; ++i) X(i, 1) = static_cast<double>(i);
  auto result = simulate(Toy(), X, options);
  const Archive a = read_archive(options.archive);
  EXPECT_EQ(a.count(RunStatus::done), 2);  // 0 and 7
  EXPECT_EQ(a.count(RunStatus::failed), 6);
  EXPECT_EQ(a.messages[1], "it diverged");
  EXPECT_EQ(a.messages[2], "bad luck");
  EXPECT_EQ(a.messages[3], "exception: thrown");
  EXPECT_EQ(a.messages[4], "output 'y', bin 2 is nan");
  EXPECT_EQ(a.messages[5], "1 outputs, 2 are expected");
  EXPECT_EQ(a.messages[6], "output 'z' has 3 numbers, 2 are expected");
  EXPECT_TRUE(std::isnan(a.values[0](1, 0)));
  EXPECT_EQ(result.summary.reasons.at("it diverged"), 1);
  EXPECT_NE(result.summary.report().find("6 failed"), std::string::npos);

  options.archive = scratch("b.h5");
  options.retries = 2;
  result = simulate(Toy(), X, options);
  EXPECT_EQ(result.archive.status[2], RunStatus::done);
  EXPECT_EQ(result.archive.messages[1], "it diverged (3 attempts)");
}

TEST(Farm, RefusesWhatIsInTheWay) {
  const Scratch scratch;
  FarmOptions options;
  options.archive = scratch("a.h5");
  simulate(Toy(), points(3), options);
  const auto why = [&](const Matrix& X) {
    return message_of<UsageError>([&] { simulate(Toy(), X, options); });
  };
  EXPECT_NE(why(points(3)).find("is there already"), std::string::npos);
  options.resume = true;
  Toy never(scratch("ledger"));
  const auto again = simulate(never, points(3), options);  // it is finished: nothing runs
  EXPECT_EQ(again.summary.kept, 3);
  expect_complete(again.archive, 3);
  EXPECT_FALSE(std::filesystem::exists(scratch("ledger")));
  EXPECT_NE(why(points(4)).find("another campaign"), std::string::npos);
  options.overwrite = true;
  expect_complete(simulate(Toy(), points(4), options).archive, 4);
  EXPECT_THROW(simulate(Toy(), Matrix::Zero(3, 5), options), UsageError);
  Matrix bad = points(3);
  bad(1, 1) = std::numeric_limits<double>::infinity();
  EXPECT_THROW(simulate(Toy(), bad, options), DataError);
}

TEST(Farm, StopsOnRequestAndGoesOn) {
  const Scratch scratch;
  std::atomic<bool> stop{false};
  struct StopAtTen : Progress {
    std::atomic<bool>* stop;
    void step(Index done) override {
      if (done >= 10) *stop = true;
    }
  } progress;
  progress.stop = &stop;
  FarmOptions options;
  const auto executor = make_executor(2);
  options.executor = executor.get();
  options.archive = scratch("a.h5");
  options.stop = &stop;
  options.progress = &progress;
  const auto stopped = simulate(Toy(scratch("ledger1")), points(50), options);
  EXPECT_EQ(stopped.summary.end, FarmEnd::stopped);
  EXPECT_GE(stopped.summary.done, 10);
  EXPECT_LE(stopped.summary.done, 20);  // the batches under way end with the run that they are at
  EXPECT_EQ(stopped.summary.pending, 50 - stopped.summary.done);
  EXPECT_EQ(stopped.summary.log, scratch("a.h5.log"));
  EXPECT_NE(stopped.summary.report().find("--resume"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(scratch("a.h5")));
  stop = false;
  options.progress = nullptr;
  EXPECT_NE(message_of<UsageError>([&] { simulate(Toy(), points(50), options); }).find("--resume"),
            std::string::npos);
  options.resume = true;
  EXPECT_NE(message_of<UsageError>([&] { simulate(Toy(), points(51), options); }).find("design of 50 points"),
            std::string::npos);
  const auto finished = simulate(Toy(scratch("ledger2")), points(50), options);
  EXPECT_EQ(finished.summary.kept, stopped.summary.done);
  expect_complete(read_archive(scratch("a.h5")), 50);
  auto all = ledger_rows(scratch("ledger1"));
  all.merge(ledger_rows(scratch("ledger2")));
  EXPECT_EQ(all.size(), 50u);
  EXPECT_EQ(std::set<Index>(all.begin(), all.end()).size(), 50u);
  EXPECT_FALSE(std::filesystem::exists(scratch("a.h5.log")));
}

TEST(Farm, EndsBeforeTheWallclockLimit) {
  const Scratch scratch;
  FarmOptions options;
  options.archive = scratch("a.h5");
  options.walltime = 0.3;
  const auto start = std::chrono::steady_clock::now();
  const auto result = simulate(Toy("", 40), points(100), options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_EQ(result.summary.end, FarmEnd::walltime);
  EXPECT_GT(result.summary.done, 0);
  EXPECT_LT(seconds, 0.6);
  options.walltime = 0.0;
  options.resume = true;
  expect_complete(simulate(Toy(), points(100), options).archive, 100);
}

TEST(Farm, FailedRunsAreKeptOrRunAgain) {
  const Scratch scratch;
  FarmOptions options;
  options.archive = scratch("a.h5");
  options.walltime = 1e-9;
  Matrix X = points(2);
  simulate(Toy(), X, options);  // no run fits: the log is there and empty
  options.walltime = 0.0;
  options.resume = true;
  X(1, 1) = 1.0;
  EXPECT_NE(message_of<UsageError>([&] { simulate(Toy(), X, options); }).find("another design"),
            std::string::npos);
  ::unlink(scratch("a.h5.log").c_str());
  Campaign campaign{"toy", Toy().space(), Toy().axes(), Toy().outputs(), X};
  { RunLog(scratch("a.h5.log"), campaign, {}).append({0, RunStatus::failed, 0.1, "node went down", {}}); }
  spill(scratch("kept.log"), slurp(scratch("a.h5.log")));
  auto result = simulate(Toy(), X, options);
  EXPECT_EQ(result.archive.messages[0], "node went down");
  ::unlink(scratch("a.h5").c_str());
  std::filesystem::rename(scratch("kept.log"), scratch("a.h5.log"));
  options.retry_failed = true;
  result = simulate(Toy(), X, options);
  EXPECT_EQ(result.archive.status[0], RunStatus::done);
  EXPECT_EQ(result.archive.messages[1], "it diverged");
}

// Starts a farm in a process of its own.
pid_t start_farm(const Scratch& scratch, const std::string& ledger, Index n, Index threads,
                 int milliseconds) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  const auto executor = make_executor(threads);
  FarmOptions options;
  options.executor = executor.get();
  options.archive = scratch("a.h5");
  options.resume = true;
  try {
    simulate(Toy(ledger, milliseconds), points(n), options);
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

TEST(Farm, KilledAgainAndAgainEveryRunCountsOnce) {
  const Scratch scratch;
  constexpr Index n = 120;
  std::set<Index> kept;
  int kills = 0;
  for (int generation = 0;; ++generation) {
    ASSERT_LT(generation, 60);
    const std::string ledger = scratch(text("ledger", generation));
    const pid_t child = start_farm(scratch, ledger, n, 2, 2);
    ASSERT_GT(child, 0);
    bool ended = false;
    int status = 0;
    for (int wait = 0; wait < 20 + 7 * generation && !ended; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      ended = ::waitpid(child, &status, WNOHANG) == child;
    }
    if (!ended) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      ++kills;
    }
    // Nothing that was finished has run again.
    const auto ran = ledger_rows(ledger);
    EXPECT_EQ(std::set<Index>(ran.begin(), ran.end()).size(), ran.size()) << "twice in one life";
    for (const Index row : ran) EXPECT_EQ(kept.count(row), 0u) << "row " << row << " ran again";
    if (ended) {
      ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
      break;
    }
    if (std::filesystem::exists(scratch("a.h5.log"))) {
      std::set<Index> before = kept;
      try {
        read_run_log(scratch("a.h5.log"), [&](RunRecord&& r) { kept.insert(r.row); });
      } catch (const StorageError&) {
        EXPECT_TRUE(before.empty());  // killed while the header was written
      }
      // At most what was in flight on two threads is lost.
      std::size_t lost = 0;
      for (const Index row : ran) lost += kept.count(row) == 0;
      EXPECT_LE(lost, 4u);
    }
  }
  EXPECT_GE(kills, 2);
  expect_complete(read_archive(scratch("a.h5")), n);
}

TEST(Farm, LogsThatAreLeftAfterTheArchiveAreNoReasonToRunAgain) {
  const Scratch scratch;
  FarmOptions options;
  options.archive = scratch("a.h5");
  const auto result = simulate(Toy(), points(9), options);
  const auto log_of = [&](Index process, const Archive& a, Index begin, Index end) {
    const Campaign campaign{"toy", Toy().space(), Toy().axes(), Toy().outputs(), points(9)};
    RunLog log(run_log_path(options.archive, process), campaign, {});
    for (Index i = begin; i < end; ++i) {
      RunRecord record{i, RunStatus::done, a.seconds[static_cast<std::size_t>(i)], "", {}};
      for (const auto& values : a.values)
        record.values.insert(record.values.end(), values.row(i).begin(), values.row(i).end());
      log.append(record);
    }
  };
  // Killed before all logs were deleted: nothing runs, and they go.
  log_of(0, result.archive, 0, 4);
  log_of(2, result.archive, 7, 9);
  options.resume = true;
  const auto again = simulate(Toy(scratch("ledger")), points(9), options);
  EXPECT_EQ(again.summary.kept, 9);
  EXPECT_EQ(scratch.count(), 1u);
  // A call with --force that was killed on its way to replace the archive: its runs count, the others run.
  Archive other = result.archive;
  for (auto& seconds : other.seconds) seconds += 1.0;
  log_of(0, other, 0, 4);
  const auto replaced = simulate(Toy(scratch("ledger")), points(9), options);
  EXPECT_EQ(replaced.summary.kept, 4);
  EXPECT_EQ(ledger_rows(scratch("ledger")).size(), 5u);
  expect_complete(read_archive(options.archive), 9);
}

TEST(Farm, LogsOfOtherProcessesMayBeTornAnywhere) {
  const Scratch scratch;
  const std::string path = scratch("a.h5.log.1");
  const Campaign campaign{"toy", Toy().space(), Toy().axes(), Toy().outputs(), points(5)};
  std::vector<std::size_t> ends;
  {
    RunLog log(path, campaign, {});
    for (Index i = 0; i < 3; ++i) {
      ends.push_back(slurp(path).size());
      const auto x = static_cast<double>(i);
      log.append({i, RunStatus::done, 0.1, "", {x, x * x, x, x, -x}});
    }
  }
  const std::string whole = slurp(path);
  FarmOptions options;
  options.archive = scratch("a.h5");
  EXPECT_NE(message_of<UsageError>([&] { simulate(Toy(), points(5), options); }).find("--resume"),
            std::string::npos);
  options.resume = true;
  ends.push_back(whole.size());
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    spill(path, whole.substr(0, cut));
    const auto intact =
        std::count_if(ends.begin() + 1, ends.end(), [&](std::size_t end) { return end <= cut; });
    const auto result = simulate(Toy(), points(5), options);
    ASSERT_EQ(result.summary.kept, intact) << cut;
    expect_complete(result.archive, 5);
    ASSERT_FALSE(std::filesystem::exists(path));
    ::unlink(options.archive.c_str());
  }
}

TEST(Farm, TellsWhatTheWorkersDid) {
  const auto executor = make_executor(2);
  FarmOptions options;
  options.executor = executor.get();
  const auto summary = simulate(Toy("", 5), points(40), options).summary;
  ASSERT_EQ(summary.use.size(), 1u);
  const auto& use = summary.use[0];
  EXPECT_EQ(use.workers, 2);
  EXPECT_EQ(use.runs, 40);
  EXPECT_GE(use.busy, 40 * 0.005);
  EXPECT_LE(use.busy, use.total);
  EXPECT_NEAR(use.storage + use.busy + use.idle(), use.total, 1e-9);
  EXPECT_NE(summary.report().find("2 workers: busy"), std::string::npos);
  FarmSummary many = summary;
  for (Index p = 1; p < 40; ++p) many.use.push_back({p, 1, 10, 1.0 + static_cast<double>(p % 7), 0.0, 10.0});
  const std::string report = many.report();
  EXPECT_NE(report.find("(median)"), std::string::npos);
  EXPECT_NE(report.find("7 (worst)"), std::string::npos) << report;
  EXPECT_LT(std::count(report.begin(), report.end(), '\n'), 12);
}

TEST(Farm, TwoAtOnceTheSecondIsRefused) {
  const Scratch scratch;
  const pid_t child = start_farm(scratch, "", 200, 2, 20);
  const std::string log = scratch("a.h5.log");
  for (int i = 0; i < 500 && slurp(log).size() < 1000; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (const bool resume : {false, true}) {
    FarmOptions options;
    options.archive = scratch("a.h5");
    options.resume = resume;
    EXPECT_NE(message_of<UsageError>([&] { simulate(Toy(), points(200), options); }).find("another process"),
              std::string::npos);
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  FarmOptions options;
  options.archive = scratch("a.h5");
  options.resume = true;
  expect_complete(simulate(Toy(), points(200), options).archive, 200);
}

}  // namespace
}  // namespace ersatz
