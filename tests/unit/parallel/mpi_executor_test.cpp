#include "ersatz/parallel/mpi_executor.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <thread>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {
namespace {

Bytes squared(Index i) { return to_bytes({static_cast<double>(i * i), 0.5}); }

TEST(MpiExecutor, ResultsAreThoseOfOneThread) {
  for (const Index threads : {1, 2}) {
    MpiExecutor executor(MPI_COMM_WORLD, threads);
    EXPECT_EQ(executor.workers(), threads * executor.communicator().size());
    for (const Index n : {0, 1, 2, 7, 100, 1000})
      EXPECT_EQ(executor.map(n, squared), SerialExecutor().map(n, squared));
  }
}

TEST(MpiExecutor, EmptyAndLargeResultsArrive) {
  MpiExecutor executor(MPI_COMM_WORLD);
  const auto sized = [](Index i) {
    return Bytes(static_cast<std::size_t>(i % 3 * 1000000), static_cast<char>(i));
  };
  EXPECT_EQ(executor.map(10, sized), SerialExecutor().map(10, sized));
}

TEST(MpiExecutor, EveryRankWorks) {
  MpiExecutor executor(MPI_COMM_WORLD);
  const auto who = executor.map(16 * executor.processes(), [&](Index) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    return to_bytes({static_cast<double>(executor.process())});
  });
  std::set<double> ranks;
  for (const auto& w : who) ranks.insert(doubles_from_bytes(w)[0]);
  EXPECT_EQ(static_cast<int>(ranks.size()), executor.communicator().size());
}

TEST(MpiExecutor, TheLowestFailureIsThrownOnAllRanks) {
  MpiExecutor executor(MPI_COMM_WORLD);
  for (int round = 0; round < 20; ++round) {
    try {
      executor.map(50, [](Index i) -> Bytes {
        if (i % 10 == 7) throw NumericalError(text("task ", i));
        return {};
      });
      FAIL();
    } catch (const NumericalError& e) {
      EXPECT_STREQ(e.what(), "task 7");
    }
    EXPECT_EQ(executor.map(5, squared), SerialExecutor().map(5, squared));  // and it goes on
  }
}

TEST(MpiExecutor, AMapWithinATaskStaysInIt) {
  MpiExecutor executor(MPI_COMM_WORLD, 2);
  const auto nested = [](Executor& inner) {
    return [&inner](Index i) {
      double total = 0.0;
      for (const auto& r : inner.map(i, squared)) total += doubles_from_bytes(r)[0];
      return to_bytes({total});
    };
  };
  SerialExecutor serial;
  EXPECT_EQ(executor.map(20, nested(executor)), serial.map(20, nested(serial)));
}

TEST(MpiExecutor, LocalWorkersWriteToMemory) {
  MpiExecutor executor(MPI_COMM_WORLD, 2);
  std::vector<double> values(100, 0.0);
  executor.local().map(100, [&](Index i) {
    values[static_cast<std::size_t>(i)] = std::sqrt(static_cast<double>(i));
    return Bytes();
  });
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], std::sqrt(static_cast<double>(i)));
}

TEST(MpiExecutor, ShareAndTogether) {
  MpiExecutor executor(MPI_COMM_WORLD);
  EXPECT_EQ(executor.share([] { return Bytes("of rank 0"); }), "of rank 0");
  EXPECT_THROW(executor.together([&] {
    if (executor.process() == executor.processes() - 1) throw DataError("bad row");
  }),
               DataError);
  EXPECT_THROW(MpiExecutor(MPI_COMM_WORLD, 0), UsageError);
}

// A queue gives each result once, on rank 0.
TEST(MpiQueue, EveryTaskIsRunOnceAndEveryRankWorks) {
  for (const Index threads : {1, 3}) {
    MpiExecutor executor(MPI_COMM_WORLD, threads);
    std::map<Index, double> found;
    std::set<double> ranks;
    constexpr Index n = 300;
    {
      const auto queue = executor.open([&](const Bytes& argument) {
        std::this_thread::sleep_for(std::chrono::microseconds(500));
        return to_bytes({2.0 * doubles_from_bytes(argument)[0], static_cast<double>(executor.process())});
      });
      for (Index i = 0; i < n; ++i) queue->submit(i, to_bytes({static_cast<double>(i)}));
      while (const auto result = queue->next()) {
        const auto values = doubles_from_bytes(result->second);
        EXPECT_TRUE(found.emplace(result->first, values[0]).second);
        ranks.insert(values[1]);
      }
    }
    if (executor.process() != 0) {
      EXPECT_TRUE(found.empty());
      continue;
    }
    ASSERT_EQ(static_cast<Index>(found.size()), n);
    for (const auto& [id, value] : found) EXPECT_EQ(value, 2.0 * static_cast<double>(id));
    EXPECT_EQ(static_cast<Index>(ranks.size()), executor.processes());
  }
}

TEST(MpiQueue, WhatATaskThrowsComesOutOnRank0AndTheOthersGoOn) {
  MpiExecutor executor(MPI_COMM_WORLD);
  Index thrown = 0, good = 0;
  {
    const auto queue = executor.open([](const Bytes& argument) -> Bytes {
      if (argument == "bad") throw DataError("a bad argument");
      return argument;
    });
    for (Index i = 0; i < 20; ++i) queue->submit(i, i % 4 == 3 ? "bad" : "good");
    for (;;) try {
        if (!queue->next()) break;
        ++good;
      } catch (const DataError& e) {
        EXPECT_STREQ(e.what(), "a bad argument");
        ++thrown;
      }
  }
  EXPECT_EQ(thrown, executor.process() == 0 ? 5 : 0);
  EXPECT_EQ(good, executor.process() == 0 ? 15 : 0);
}

// Rank 0 leaves while tasks are under way (an error of its own): the others come back, and the next queue is
// clean.
TEST(MpiQueue, AbandonedQueuesLeaveNothingBehind) {
  MpiExecutor executor(MPI_COMM_WORLD);
  for (int round = 0; round < 10; ++round) {
    const auto queue = executor.open([&](const Bytes& argument) { return argument + text(round); });
    for (Index i = 0; i < 30; ++i) queue->submit(i, "x");
    if (round % 2 == 1) queue->next();
    if (executor.process() == 0 && queue->next()) {
      const auto result = queue->next();
      ASSERT_TRUE(result);
      EXPECT_EQ(result->second, text("x", round));
    }
  }
}

// Training on ranks has the bits of training on one.
TEST(MpiExecutor, FitsHaveTheSameBits) {
  RandomStream random(3);
  TrainingData data;
  Matrix& x = data.x;
  Matrix& y = data.y;
  x.resize(60, 3);
  y.resize(60, 5);
  for (Index i = 0; i < x.rows(); ++i) {
    for (Index k = 0; k < 3; ++k) x(i, k) = random.uniform();
    for (Index v = 0; v < 5; ++v)
      y(i, v) =
          std::sin(3.0 * x(i, 0) + static_cast<double>(v)) + x(i, 1) * x(i, 2) * static_cast<double>(v + 1);
  }
  Matrix points(10, 3);
  for (Index i = 0; i < points.size(); ++i) points.data()[i] = random.uniform();
  MpiExecutor ranks(MPI_COMM_WORLD);
  SerialExecutor serial;
  for (const char* name : {"gp", "ridge", "lasso", "knn"}) {
    Matrix means[2];
    int i = 0;
    for (Executor* executor : {static_cast<Executor*>(&ranks), static_cast<Executor*>(&serial)}) {
      FitContext context;
      context.executor = executor;
      context.random = RandomStream(11);
      const auto fitted = make_regressor(name)->fit(data, context);
      means[i].resize(points.rows(), 5);
      Workspace workspace;
      fitted.predictor->mean(points, means[i++], workspace);
    }
    EXPECT_EQ(means[0], means[1]) << name;
  }
}

}  // namespace
}  // namespace ersatz
