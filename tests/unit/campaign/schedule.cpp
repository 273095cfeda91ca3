#include "ersatz/campaign/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

std::vector<Index> rows(Index n, Index first = 0) {
  std::vector<Index> r(static_cast<std::size_t>(n));
  std::iota(r.begin(), r.end(), first);
  return r;
}

ScheduleOptions of_workers(Index workers) {
  ScheduleOptions options;
  options.workers = workers;
  return options;
}

TEST(Schedule, EveryRowOnceAndInOrderWhateverTheOrderOfReturn) {
  std::mt19937 random(3);
  for (const Index workers : {1, 2, 7, 100})
    for (const Index n : {0, 1, 6, 1000}) {
      const auto all = rows(n, 5);
      Schedule schedule(all, of_workers(workers));
      std::vector<Index> handed;
      std::vector<Batch> out;
      for (;;) {
        while (auto batch = schedule.hand_out()) {
          handed.insert(handed.end(), batch->rows.begin(), batch->rows.end());
          out.push_back(std::move(*batch));
        }
        ASSERT_LE(static_cast<Index>(out.size()), workers);
        ASSERT_EQ(schedule.out(), static_cast<Index>(out.size()));
        if (out.empty()) break;
        std::swap(out[random() % out.size()], out.back());
        const auto size = static_cast<Index>(out.back().rows.size());
        schedule.book(out.back().number, size, 1e-4 * static_cast<double>(size));
        out.pop_back();
      }
      EXPECT_EQ(handed, all);
      EXPECT_EQ(schedule.ended(), n);
      EXPECT_EQ(schedule.waiting(), 0);
    }
}

TEST(Schedule, BatchesBeginWithOneRowGrowAndShrink) {
  Schedule schedule(rows(100000), of_workers(2));
  std::vector<Index> sizes;
  while (const auto batch = schedule.hand_out()) {
    sizes.push_back(static_cast<Index>(batch->rows.size()));
    schedule.book(batch->number, sizes.back(), 1e-3 * static_cast<double>(sizes.back()));
  }
  EXPECT_EQ(sizes[0], 1);
  EXPECT_EQ(*std::max_element(sizes.begin(), sizes.end()), 1000);  // a second's worth
  for (std::size_t i = 1; i < sizes.size(); ++i) EXPECT_LE(sizes[i], 2 * sizes[i - 1] + 2);
  EXPECT_LE(sizes.back(), 20);  // 0.02 s
  EXPECT_LT(sizes.size(), 200u);
}

TEST(Schedule, RunsLongerThanABatchMayBeGoOutSingly) {
  auto options = of_workers(4);
  options.known_runs = 1000;
  options.known_seconds = 60e3;
  Schedule schedule(rows(100000), options);
  while (const auto batch = schedule.hand_out()) EXPECT_EQ(batch->rows.size(), 1u);
  EXPECT_EQ(schedule.out(), 4);
}

TEST(Schedule, ManyWorkersGetBatchesThatProcessZeroCanServe) {
  auto options = of_workers(4096);
  options.known_runs = 4096;
  options.known_seconds = 40.96;  // 0.01 s each
  options.message = 2e-5;         // once around: 0.08 s
  Schedule schedule(rows(409600), options);
  EXPECT_EQ(schedule.hand_out()->rows.size(), 6u);  // one each has been seen, 4096 in all
  options.known_runs *= 1000;
  options.known_seconds *= 1000;
  Schedule later(rows(409600), options);
  EXPECT_EQ(later.hand_out()->rows.size(), 50u);  // half of an even share
  Schedule last(rows(4096), options);
  EXPECT_EQ(last.hand_out()->rows.size(), 8u);
  options.workers = 65536;  // once around: 1.3 s
  Schedule many(rows(6553600), options);
  EXPECT_EQ(many.hand_out()->rows.size(), 131u);
}

TEST(Schedule, NothingAfterStop) {
  Schedule schedule(rows(10), of_workers(3));
  const auto batch = schedule.hand_out();
  schedule.stop();
  EXPECT_FALSE(schedule.hand_out());
  schedule.book(batch->number, 0, 0.0);  // it was not run either
  EXPECT_EQ(schedule.ended(), 0);
  EXPECT_EQ(schedule.waiting(), 9);
}

TEST(Schedule, RefusesWhatCannotBe) {
  EXPECT_THROW(Schedule(rows(1), of_workers(0)), UsageError);
  Schedule schedule(rows(10), of_workers(1));
  const auto batch = schedule.hand_out();
  EXPECT_THROW(schedule.book(batch->number + 1, 1, 0.0), Error);
  EXPECT_THROW(schedule.book(batch->number, 2, 0.0), Error);
  schedule.book(batch->number, 1, 0.0);
  EXPECT_THROW(schedule.book(batch->number, 1, 0.0), Error);  // twice
}

}  // namespace
}  // namespace ersatz
