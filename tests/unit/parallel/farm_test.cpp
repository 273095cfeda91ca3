// The simulation farm on ranks: same results as in one process, one log per rank, errors on all ranks.
#include "ersatz/campaign/farm.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "ersatz/core/error.hpp"
#include "ersatz/parallel/mpi_executor.hpp"
#include "ersatz/storage/run_log.hpp"

namespace ersatz {
namespace {

// y = (x, x²); fails where x % 10 = 7; takes `pause` seconds.
class Squares final : public Simulator {
 public:
  explicit Squares(double pause = 0.0) : pause_(pause) {}
  std::string name() const override { return "squares"; }
  std::string description() const override { return "for tests"; }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }
  SimulationResult run(const double* x) const override {
    ++ran;
    std::this_thread::sleep_for(std::chrono::duration<double>(pause_));
    if (static_cast<Index>(x[0]) % 10 == 7) return SimulationResult::failed("a seven");
    Vector y(2);
    y << x[0], x[0] * x[0];
    return {{y}, ""};
  }
  mutable std::atomic<Index> ran{0};

 private:
  double pause_;
  ParameterSpace space_{{{"x", "", 0.0, 1e6, Scale::linear}}};
  std::vector<Axis> axes_{{"k", "", Vector::LinSpaced(2, 0, 1)}};
  std::vector<OutputSpec> outputs_{{"y", "m", "k", 2, false}};
};

Matrix points(Index n) { return Vector::LinSpaced(n, 0.0, static_cast<double>(n - 1)); }

class FarmOnRanks : public ::testing::Test {
 protected:
  FarmOnRanks() {
    // One folder for all ranks.
    name = executor.share([] {
      std::string pattern = (std::filesystem::temp_directory_path() / "ersatz-farm-XXXXXX").string();
      if (::mkdtemp(pattern.data()) == nullptr) throw Error("no folder");
      return pattern;
    });
    options.executor = &executor;
    options.archive = name + "/a.h5";
  }
  ~FarmOnRanks() override {
    executor.gather("");
    if (executor.process() == 0) std::filesystem::remove_all(name);
    executor.share([] { return Bytes(); });
  }
  Index files() const {
    const auto it = std::filesystem::directory_iterator(name);
    return static_cast<Index>(std::distance(begin(it), end(it)));
  }
  Index ran_everywhere(const Squares& simulator) {
    return static_cast<Index>(executor.communicator().sum(static_cast<double>(simulator.ran)));
  }
  void expect_complete(const Archive& a, Index n) {
    ASSERT_EQ(a.size(), n);
    for (Index i = 0; i < n; ++i) {
      const auto x = static_cast<double>(i);
      ASSERT_EQ(a.status[static_cast<std::size_t>(i)], i % 10 == 7 ? RunStatus::failed : RunStatus::done);
      if (i % 10 != 7) {
        ASSERT_EQ(a.values[0](i, 1), x * x);
      }
    }
  }

  MpiExecutor executor{MPI_COMM_WORLD, 2};
  std::string name;
  FarmOptions options;
};

TEST_F(FarmOnRanks, AllRunOnceAndTheArchiveJoinsThem) {
  Squares simulator(0.002);
  const auto result = simulate(simulator, points(100), options);
  EXPECT_EQ(ran_everywhere(simulator), 100);
  EXPECT_EQ(result.summary.end, FarmEnd::finished);
  EXPECT_EQ(result.summary.done, 90);
  EXPECT_EQ(result.summary.reasons.at("a seven"), 10);
  ASSERT_EQ(static_cast<Index>(result.summary.use.size()), executor.processes());
  Index runs = 0;
  for (const auto& use : result.summary.use) {
    EXPECT_EQ(use.workers, 2);
    EXPECT_GT(use.runs, 0);
    EXPECT_LE(use.busy + use.storage, use.total);
    runs += use.runs;
  }
  EXPECT_EQ(runs, 100);
  executor.share([&] {
    expect_complete(result.archive, 100);
    expect_complete(read_archive(options.archive), 100);
    EXPECT_EQ(files(), 1);
    return Bytes();
  });
}

TEST_F(FarmOnRanks, InMemoryAllRanksGetTheResults) {
  options.archive.clear();
  const auto result = simulate(Squares(), points(55), options);
  expect_complete(result.archive, 55);
  const auto serial = simulate(Squares(), points(55));
  EXPECT_EQ(result.archive.data_hash(), serial.archive.data_hash());
}

TEST_F(FarmOnRanks, StoppedOnOneRankAllStopAndGoOn) {
  std::atomic<bool> stop{false};
  options.stop = &stop;
  const Index last = executor.processes() - 1;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    if (executor.process() == last) stop = true;
  });
  Squares simulator(0.005);
  const auto stopped = simulate(simulator, points(2000), options);
  later.join();
  EXPECT_EQ(stopped.summary.end, FarmEnd::stopped);
  EXPECT_GT(stopped.summary.pending, 0);
  // Runs that fail after the stop are taken for abandoned: two threads of one rank were told.
  const Index abandoned = ran_everywhere(simulator) - (2000 - stopped.summary.pending);
  EXPECT_GE(abandoned, 0);
  EXPECT_LE(abandoned, 2);
  EXPECT_EQ(stopped.summary.log, options.archive + ".log");
  stop = false;
  Squares again;
  EXPECT_THROW(simulate(again, points(2000), options), UsageError);
  options.resume = true;
  const auto result = simulate(again, points(2000), options);
  EXPECT_EQ(ran_everywhere(again), stopped.summary.pending);
  EXPECT_EQ(result.summary.kept, 2000 - stopped.summary.pending);
  executor.share([&] {
    expect_complete(result.archive, 2000);
    EXPECT_EQ(files(), 1);
    return Bytes();
  });
}

TEST_F(FarmOnRanks, LogsOfMoreRanksThanNowAreReadAndDeleted) {
  const Squares simulator;
  const Campaign campaign{"squares", simulator.space(), simulator.axes(), simulator.outputs(), points(30)};
  executor.share([&] {
    for (const Index process : {0, 3, 17}) {
      RunLog log(run_log_path(options.archive, process), campaign, {});
      for (Index row = process; row < process + 3; ++row)
        log.append({row, RunStatus::done, 0.1, "", {1.0, static_cast<double>(row * row)}});
    }
    return Bytes();
  });
  options.resume = true;
  const auto result = simulate(simulator, points(30), options);
  EXPECT_EQ(result.summary.kept, 9);
  EXPECT_EQ(ran_everywhere(simulator), 21);
  executor.share([&] {
    EXPECT_EQ(result.archive.status[17], RunStatus::done);  // as the log has it
    EXPECT_EQ(files(), 1);
    return Bytes();
  });
}

TEST_F(FarmOnRanks, ErrorsOfOneRankAreThoseOfAll) {
  if (executor.processes() == 1) return;
  // Another design on the last rank.
  const Index n = executor.process() == executor.processes() - 1 ? 21 : 20;
  try {
    simulate(Squares(), points(n), options);
    ADD_FAILURE();
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find(text("rank ", executor.processes() - 1, ": the design")),
              std::string::npos)
        << e.what();
  }
  // The last rank cannot write its log: a folder stands in its place.
  const std::string log = run_log_path(options.archive, executor.processes() - 1);
  FarmOptions on_disk = options;
  executor.share([&] {
    EXPECT_EQ(files(), 0);
    return Bytes();
  });
  struct Spoil final : Progress {
    std::string log;
    void begin(std::string_view, Index) override { std::filesystem::create_directory(log); }
  } spoil;
  spoil.log = log;
  if (executor.process() == 0) on_disk.progress = &spoil;
  try {
    simulate(Squares(0.002), points(500), on_disk);
    ADD_FAILURE();
  } catch (const StorageError& e) {
    EXPECT_NE(std::string(e.what()).find(log), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace ersatz
