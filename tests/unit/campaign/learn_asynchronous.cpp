// Campaigns with points under way at any time.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "ersatz/core/error.hpp"
#include "unit/campaign/hill.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::dies_in_run;
using testing::expect_same;
using testing::Hill;
using testing::message_of;
using testing::Scratch;
using testing::small;

LearnOptions asynchronous() {
  LearnOptions o = small();
  o.asynchronous = true;
  o.batch = 3;
  return o;
}

// Runs of very different lengths, so that they end in another order on each executor.
class Uneven final : public Simulator {
 public:
  explicit Uneven(const Simulator& inner) : inner_(inner) {}
  std::string name() const override { return inner_.name(); }
  std::string description() const override { return inner_.description(); }
  const ParameterSpace& space() const override { return inner_.space(); }
  const std::vector<Axis>& axes() const override { return inner_.axes(); }
  const std::vector<OutputSpec>& outputs() const override { return inner_.outputs(); }
  SimulationResult run(const double* x) const override {
    std::this_thread::sleep_for(std::chrono::milliseconds(count_++ % 3 == 0 ? 20 : 1));
    return inner_.run(x);
  }

 private:
  const Simulator& inner_;
  mutable std::atomic<int> count_{0};
};

TEST(Learn, AsynchronouslyTheSamePointsWhateverTheExecutor) {
  for (const char* acquisition : {"integrated-variance", "residual"}) {
    std::vector<LearnResult> results;
    for (const Index threads : {1, 2, 4}) {
      const auto executor = make_executor(threads);
      LearnOptions o = asynchronous();
      o.acquisition = {acquisition, {}};
      o.executor = executor.get();
      const Hill hill;
      results.push_back(learn(Uneven(hill), o));
      EXPECT_EQ(results.back().end, LearnEnd::budget);
      EXPECT_EQ(results.back().archive.count(RunStatus::done), 14);
      expect_same(results.back().archive, results.front().archive);
    }
    // Each round knows one run more; the last one all of them.
    std::vector<Index> runs;
    for (const LearnRound& r : results[0].history) runs.push_back(r.runs);
    EXPECT_EQ(runs, (std::vector<Index>{8, 9, 10, 11, 14}));
  }
}

TEST(Learn, AsynchronousPointsKeepAwayFromThoseUnderWay) {
  LearnOptions o = asynchronous();
  o.budget = 11;
  o.acquisition = {"space-filling", {}};
  const Archive runs = learn(Hill(), o).archive;
  for (Index i = 0; i < 11; ++i)
    for (Index j = 0; j < i; ++j)
      EXPECT_GT((runs.parameters.row(i) - runs.parameters.row(j)).norm(), 0.1) << i << " " << j;
  // With one under way it is one after the other.
  o.batch = 1;
  const Archive one = learn(Hill(), o).archive;
  o.asynchronous = false;
  expect_same(learn(Hill(), o).archive, one);
}

TEST(Learn, AnAsynchronousCampaignKilledAndResumedEndsWithTheSamePoints) {
  const LearnResult undisturbed = learn(Hill(), asynchronous());
  for (const Index threads : {1, 2})
    for (const int fatal : {33, 38, 39, 41, 43}) {
      const Scratch scratch;
      LearnOptions o = asynchronous();
      o.archive = scratch("runs.h5");
      ASSERT_TRUE(dies_in_run(fatal, o, threads)) << fatal;
      o.resume = true;
      const Hill hill;
      const LearnResult result = learn(hill, o);
      EXPECT_EQ(result.end, LearnEnd::budget);
      expect_same(result.archive, undisturbed.archive);
      expect_same(read_archive(o.archive), undisturbed.archive);
      // Of those under way, all but the one that it was killed in may have ended without being written down.
      EXPECT_LE(hill.count, 44 - fatal + static_cast<int>(threads)) << fatal;
      EXPECT_EQ(result.history.size(), undisturbed.history.size());
      EXPECT_EQ(scratch.count(), 3u);  // archive, history, test runs
    }
}

TEST(Learn, AnAsynchronousCampaignStopsAndGoesOn) {
  const Archive undisturbed = learn(Hill(), asynchronous()).archive;
  const Scratch scratch;
  LearnOptions o = asynchronous();
  o.archive = scratch("runs.h5");
  std::atomic<bool> stop{false};
  o.stop = &stop;
  Hill hill;
  hill.fatal = 40;
  hill.stop = &stop;
  EXPECT_EQ(learn(hill, o).end, LearnEnd::stopped);
  EXPECT_GT(read_archive(o.archive).count(RunStatus::pending), 0);
  stop = false;
  o.resume = true;
  o.asynchronous = false;
  EXPECT_NE(message_of<UsageError>([&] { learn(Hill(), o); }).find("asynchronous = true"), std::string::npos);
  o.asynchronous = true;
  expect_same(learn(Hill(), o).archive, undisturbed);
  o.tolerance = 0.9;  // met already
  o.budget = 100;
  const Hill none;
  EXPECT_EQ(learn(none, o).end, LearnEnd::tolerance);
  EXPECT_EQ(none.count, 0);
}

}  // namespace
}  // namespace ersatz
