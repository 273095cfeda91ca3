#include "ersatz/parallel/communicator.hpp"

#include <gtest/gtest.h>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

TEST(Communicator, GathersBytesByRank) {
  const Communicator comm(MPI_COMM_WORLD);
  const Bytes mine(static_cast<std::size_t>(3 * comm.rank()), static_cast<char>('a' + comm.rank()));
  const auto all = comm.all_gather(mine);
  ASSERT_EQ(all.size(), static_cast<std::size_t>(comm.size()));
  for (int r = 0; r < comm.size(); ++r)
    EXPECT_EQ(all[static_cast<std::size_t>(r)],
              Bytes(static_cast<std::size_t>(3 * r), static_cast<char>('a' + r)));
  const auto one = comm.gather(mine, comm.size() - 1);
  if (comm.rank() == comm.size() - 1)
    EXPECT_EQ(one, all);
  else
    EXPECT_TRUE(one.empty());
}

TEST(Communicator, SharesAResultOrAnError) {
  const Communicator comm(MPI_COMM_WORLD);
  EXPECT_EQ(comm.share([] { return Bytes("x\0y", 3); }), Bytes("x\0y", 3));
  EXPECT_EQ(comm.share([] { return Bytes(); }), Bytes());
  try {
    comm.share([]() -> Bytes { throw StorageError("disk full", StorageError::Access::write); });
    FAIL();
  } catch (const StorageError& e) {
    EXPECT_EQ(e.access(), StorageError::Access::write);
    EXPECT_STREQ(e.what(), "disk full");
  }
}

TEST(Communicator, AllThrowWhatOneThrew) {
  const Communicator comm(MPI_COMM_WORLD);
  EXPECT_NO_THROW(comm.together([] {}));
  const int bad = comm.size() / 2;
  try {
    comm.together([&] {
      if (comm.rank() >= bad) throw NumericalError(text("matrix of rank ", comm.rank()));
    });
    FAIL();
  } catch (const NumericalError& e) {
    EXPECT_EQ(std::string(e.what()),
              comm.size() == 1 ? "matrix of rank 0" : text("rank ", bad, ": matrix of rank ", bad));
  }
  // What all of them meet is told once, as if there was one.
  try {
    comm.together([] { throw UsageError("no such file"); });
    FAIL();
  } catch (const UsageError& e) {
    EXPECT_STREQ(e.what(), "no such file");
  }
  EXPECT_THROW(comm.together([] { throw 1; }), Error);
}

TEST(Communicator, SumsTheSameBitsEverywhere) {
  const Communicator comm(MPI_COMM_WORLD);
  Vector v = Vector::LinSpaced(1000, 0.1, 1.7) * (1.0 + 0.3 * comm.rank());
  comm.sum(v.data(), v.size());
  const Bytes mine(reinterpret_cast<const char*>(v.data()),
                   static_cast<std::size_t>(v.size()) * sizeof(double));
  for (const auto& other : comm.all_gather(mine)) EXPECT_EQ(other, mine);
  const double factor = comm.size() + 0.3 * comm.size() * (comm.size() - 1) / 2.0;
  EXPECT_NEAR(v[999], 1.7 * factor, 1e-12 * factor);
  EXPECT_EQ(comm.sum(1.0), comm.size());
}

TEST(Communicator, SaysWhichRanksDisagree) {
  const Communicator comm(MPI_COMM_WORLD);
  EXPECT_NO_THROW(comm.agree(7, "a.h5"));
  if (comm.size() == 1) return;
  try {
    comm.agree(comm.rank() == 1 ? 8 : 7, "the simulations in a.h5");
    FAIL();
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("about the simulations in a.h5: rank 1 differs from rank 0"),
              std::string::npos)
        << e.what();
  }
}

TEST(Communicator, PartsCoverAllAndDifferByOne) {
  for (const Index n : {0, 1, 7, 8, 100})
    for (const int size : {1, 2, 3, 8, 64}) {
      Index at = 0, least = n, most = 0;
      for (int r = 0; r < size; ++r) {
        const Part p = part_of(n, r, size);
        EXPECT_EQ(p.begin, at);
        at = p.end;
        least = std::min(least, p.size());
        most = std::max(most, p.size());
      }
      EXPECT_EQ(at, n);
      EXPECT_LE(most - least, 1);
    }
}

TEST(Communicator, WhatIsNoneIsRefused) { EXPECT_THROW(Communicator{MPI_COMM_NULL}, UsageError); }

}  // namespace
}  // namespace ersatz
