#include "ersatz/storage/run_log.hpp"

#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"
#include "scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::Scratch;
using testing::slurp;
using testing::spill;

Campaign some_campaign() {
  Campaign c;
  c.simulator = "toy";
  c.space = ParameterSpace({{"a", "m", 0.0, 1.0, Scale::linear}});
  c.axes = {{"t", "s", Vector::LinSpaced(3, 0.0, 0.3)}};
  c.outputs = {{"y", "V", "t", 3, false}};
  c.design = Vector::LinSpaced(4, 0.0, 1.0);
  return c;
}

RunRecord done(Index row) {
  return {row, RunStatus::done, 0.5, "", {static_cast<double>(row), 0.1, -1e-300}};
}

std::vector<RunRecord> records_of(const std::string& path, RunLogSummary* summary = nullptr) {
  std::vector<RunRecord> records;
  const auto s = read_run_log(path, [&](RunRecord&& r) { records.push_back(std::move(r)); });
  if (summary != nullptr) *summary = s;
  return records;
}

std::string a_log(const Scratch& scratch) {
  RunLog log(scratch("l"), some_campaign(), {});
  log.append(done(2));
  log.append({0, RunStatus::failed, 1.0, "no convergence ErsR", {}});
  log.append(done(3));
  return scratch("l");
}

TEST(RunLog, RoundTrip) {
  const Scratch scratch;
  RunLogSummary summary;
  const auto records = records_of(a_log(scratch), &summary);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].row, 2);
  EXPECT_EQ(records[0].values, done(2).values);
  EXPECT_EQ(records[0].seconds, 0.5);
  EXPECT_EQ(records[1].status, RunStatus::failed);
  EXPECT_EQ(records[1].message, "no convergence ErsR");
  EXPECT_EQ(summary.header.simulator, "toy");
  EXPECT_EQ(summary.header.rows, 4);
  EXPECT_EQ(summary.header.campaign, some_campaign().hash());
  EXPECT_TRUE(summary.header.axes.at(0).values == some_campaign().axes[0].values);
  EXPECT_EQ(summary.header.outputs.at(0).unit, "V");
  EXPECT_EQ(summary.dropped, 0u);
}

TEST(RunLog, TornAtAnyByte) {
  const Scratch scratch;
  const std::string whole = slurp(a_log(scratch));
  RunLogSummary full;
  records_of(scratch("l"), &full);
  std::size_t previous = 0;
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    spill(scratch("t"), whole.substr(0, cut));
    std::size_t kept = 0;
    try {
      RunLogSummary summary;
      kept = records_of(scratch("t"), &summary).size();
      EXPECT_EQ(summary.end + summary.dropped, cut);
    } catch (const StorageError&) {
      EXPECT_EQ(previous, 0u) << cut;  // within the header only
    }
    ASSERT_GE(kept, previous);
    previous = kept;
    // Going on appends behind the last good record.
    RunLog::Options options;
    options.resume = true;
    { RunLog(scratch("t"), some_campaign(), options).append(done(1)); }
    RunLogSummary summary;
    const auto records = records_of(scratch("t"), &summary);
    ASSERT_EQ(records.size(), kept + 1) << cut;
    ASSERT_EQ(records.back().row, 1);
    ASSERT_EQ(summary.dropped, 0u);
  }
  EXPECT_EQ(previous, 3u);
}

TEST(RunLog, AChangedByteCostsOneRecordAtMost) {
  const Scratch scratch;
  const std::string whole = slurp(a_log(scratch));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x11);
    spill(scratch("t"), damaged);
    try {
      const auto records = records_of(scratch("t"));
      ASSERT_EQ(records.size(), 2u) << i;
      for (const auto& r : records) {
        if (r.status == RunStatus::done) {
          EXPECT_EQ(r.values, done(r.row).values);
        }
      }
    } catch (const StorageError&) {
      ASSERT_LT(i, whole.size() - 200) << "the header is where reading may fail";
    }
  }
}

TEST(RunLog, Refusals) {
  const Scratch scratch;
  const std::string path = a_log(scratch);
  RunLog::Options resume;
  resume.resume = true;
  const auto why = [&](const Campaign& c, RunLog::Options options) {
    return message_of<UsageError>([&] { RunLog(path, c, options); });
  };
  const std::string before = slurp(path);
  EXPECT_NE(why(some_campaign(), {}).find("--resume"), std::string::npos);
  Campaign other = some_campaign();
  other.simulator = "game";
  EXPECT_NE(why(other, resume).find("simulator 'toy', not to 'game'"), std::string::npos);
  other = some_campaign();
  other.design(2, 0) += 1e-15;
  EXPECT_NE(why(other, resume).find("another design"), std::string::npos);
  other.design = Vector::Zero(7);
  EXPECT_NE(why(other, resume).find("4 points, this one has 7"), std::string::npos);
  other = some_campaign();
  other.space = ParameterSpace({{"a", "m", 0.0, 2.0, Scale::linear}});
  EXPECT_NE(why(other, resume).find("another design, parameter space"), std::string::npos);
  {
    RunLog held(path, some_campaign(), resume);
    EXPECT_NE(why(some_campaign(), resume).find("another process"), std::string::npos);
  }
  EXPECT_EQ(slurp(path), before);
  spill(scratch("foreign"), "a,b\n1,2\n");
  EXPECT_THROW(RunLog(scratch("foreign"), some_campaign(), resume), StorageError);
  EXPECT_EQ(slurp(scratch("foreign")), "a,b\n1,2\n");
  EXPECT_THROW(read_run_log(scratch("none")), StorageError);
}

TEST(RunLog, Names) {
  const Scratch scratch;
  for (const char* name : {"a.h5.log.10", "a.h5.log", "a.h5.log.2", "a.h5.log.x", "a.h5.logs", "b.h5.log"})
    spill(scratch(name), "");
  EXPECT_EQ(run_logs_of(scratch("a.h5")),
            (std::vector<std::string>{scratch("a.h5.log"), scratch("a.h5.log.2"), scratch("a.h5.log.10")}));
}

}  // namespace
}  // namespace ersatz
