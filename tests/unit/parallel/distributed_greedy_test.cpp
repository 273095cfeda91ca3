// Greedy bases of rows on several ranks against the serial search over all of them.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ersatz/basis/greedy.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/parallel/distributed_basis.hpp"
#include "ersatz/storage/archive.hpp"
#include "unit/basis/snapshots.hpp"
#include "unit/basis/taylorf2.hpp"
#include "unit/parallel/shares.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::combinations;
using testing::Layout;
using testing::layouts;
using testing::name_of;
using testing::random_matrix;
using testing::rows_of;
using testing::told;

SerialExecutor serial;

/// The points, and with them all bits of the elements; errors to what they are good to.
void expect_same(const GreedyBasis& found, const GreedyBasis& expected) {
  ASSERT_EQ(found.rank(), expected.rank());
  EXPECT_TRUE(found.points == expected.points);
  EXPECT_TRUE(found.elements == expected.elements);
  EXPECT_TRUE(found.triangle == expected.triangle);
  EXPECT_EQ(found.reference, expected.reference);
  for (Index k = 0; k < found.rank(); ++k)
    EXPECT_NEAR(found.errors[k], expected.errors[k],
                1e-9 * expected.errors[k] + 4e-13 * std::sqrt(expected.errors[k]))
        << k;
  const GreedySummary &a = found.summary, &b = expected.summary;
  EXPECT_EQ(a.termination, b.termination) << a.message << "\n" << b.message;
  EXPECT_EQ(a.zero_snapshots, b.zero_snapshots);
  EXPECT_NEAR(a.worst_error, b.worst_error, 1e-9 * b.worst_error + 4e-13 * std::sqrt(b.worst_error) + 1e-30);
}

TEST(DistributedGreedy, IsTheSerialOne) {
  const Communicator comm(MPI_COMM_WORLD);
  for (const bool complex : {false, true})
    for (const bool weighted : {false, true})
      for (const bool normalise : {false, true}) {
        Matrix rows = combinations(150, 80, 0.7, complex, 5);
        rows.row(40).setZero();
        rows.row(149).setZero();
        GreedyOptions options;
        options.tolerance = 1e-14;
        options.normalise = normalise;
        if (weighted) options.weights = random_matrix(complex ? 40 : 80, 1, 3).cwiseAbs().array() + 0.1;
        const GreedyBasis expected = greedy_basis(rows, complex, options, serial);
        ASSERT_GT(expected.rank(), 20);
        for (const Layout layout : layouts) {
          SCOPED_TRACE(name_of(layout));
          const GreedyBasis found =
              distributed_greedy(comm, rows_of(rows, comm, layout), complex, options, serial);
          expect_same(found, expected);
          if (expected.summary.worst_error > 1e-18) {  // not rounding alone
            EXPECT_EQ(found.summary.worst_row, expected.summary.worst_row);
          }
          EXPECT_TRUE(testing::same_everywhere(comm, found.errors));
        }
      }
}

TEST(DistributedGreedy, EveryWayToEnd) {
  const Communicator comm(MPI_COMM_WORLD);
  const Matrix rows = combinations(60, 40, 0.5, true, 6);
  const auto both = [&](const Matrix& all, const GreedyOptions& options, GreedyTermination end) {
    const GreedyBasis expected = greedy_basis(all, true, options, serial);
    EXPECT_EQ(expected.summary.termination, end);
    for (const Layout layout : layouts) {
      SCOPED_TRACE(name_of(layout));
      expect_same(distributed_greedy(comm, rows_of(all, comm, layout), true, options, serial), expected);
    }
  };
  GreedyOptions options;
  options.max_rank = 7;
  both(rows, options, GreedyTermination::max_rank);
  options.max_rank = 0;
  options.tolerance = 0.0;
  both(rows.topRows(5), options, GreedyTermination::complete);  // fewer rows than 8 ranks
  both(rows.topRows(1), options, GreedyTermination::complete);
  const Matrix flat = combinations(50, 12, 0.9, true, 7);  // 6 bins
  both(flat, options, GreedyTermination::complete);
  Matrix few(40, 60);
  for (Index i = 0; i < 40; ++i)
    few.row(i) = random_matrix(3, 60, 8).row(i % 3) * (1.0 + 0.01 * static_cast<double>(i));
  both(few, options, GreedyTermination::rounding);
}

TEST(DistributedGreedy, TiesGoToTheFirstOfAll) {
  const Communicator comm(MPI_COMM_WORLD);
  GreedyOptions options;
  options.tolerance = 0.1;
  options.normalise = false;
  // Orthogonal rows, the later the longer by a little: what counts as equal to the largest is cut off in the
  // middle of a rank's rows, which that rank can not know by itself.
  for (const double step : {0.0, 1e-12, 1.3e-10, 3e-10, 2e-9}) {
    SCOPED_TRACE(step);
    Matrix rows = Matrix::Zero(24, 24);
    for (Index i = 0; i < 24; ++i) rows(i, i) = std::sqrt(1.0 + step * static_cast<double>(i));
    const GreedyBasis expected = greedy_basis(rows, false, options, serial);
    ASSERT_EQ(expected.rank(), 24);
    for (const Layout layout : layouts)
      expect_same(distributed_greedy(comm, rows_of(rows, comm, layout), false, options, serial), expected);
  }
  // The same rows again and again, on every rank.
  const Matrix one = combinations(8, 30, 0.8, true, 9);
  const Matrix rows = one.replicate(6, 1);
  options.tolerance = 1e-20;
  const GreedyBasis expected = greedy_basis(rows, true, options, serial);
  for (const GreedyPoint& p : expected.points) EXPECT_LT(p.row, 8);
  for (const Layout layout : layouts)
    expect_same(distributed_greedy(comm, rows_of(rows, comm, layout), true, options, serial), expected);
}

TEST(DistributedGreedy, FirstSnapshotAskedFor) {
  const Communicator comm(MPI_COMM_WORLD);
  Matrix rows = combinations(31, 40, 0.6, false, 10);
  rows.row(12).setZero();
  for (const Index seed : {0, 17, 30}) {
    GreedyOptions options;
    options.seed = seed;
    const GreedyBasis expected = greedy_basis(rows, false, options, serial);
    EXPECT_EQ(expected.points[0].row, seed);
    for (const Layout layout : layouts)
      expect_same(distributed_greedy(comm, rows_of(rows, comm, layout), false, options, serial), expected);
  }
  GreedyOptions options;
  const Matrix mine = rows_of(rows, comm, Layout::even);
  options.seed = 12;
  EXPECT_NE(
      told<DataError>([&] { distributed_greedy(comm, mine, false, options, serial); }).find("12, is zero"),
      std::string::npos);
  options.seed = 31;
  EXPECT_NE(
      told<UsageError>([&] { distributed_greedy(comm, mine, false, options, serial); }).find("there are 31"),
      std::string::npos);
}

TEST(DistributedGreedy, GoesOnAsIfItHadNotStopped) {
  const Communicator comm(MPI_COMM_WORLD);
  const Matrix rows = combinations(90, 60, 0.7, true, 11), more = combinations(20, 60, 0.9, true, 12);
  GreedyOptions options;
  const GreedyBasis whole = greedy_basis(rows, true, options, serial);
  options.max_rank = 6;
  const Matrix mine = rows_of(rows, comm, Layout::uneven);
  GreedyBasis basis = distributed_greedy(comm, mine, true, options, serial);
  options.max_rank = 0;
  basis = continue_distributed_greedy(comm, basis, mine, options, serial);
  expect_same(basis, whole);
  const GreedyBasis expected = continue_greedy(whole, more, options, serial, 1);
  expect_same(
      continue_distributed_greedy(comm, basis, rows_of(more, comm, Layout::hollow), options, serial, 1),
      expected);
  if (comm.size() == 1) return;
  if (comm.rank() == 1) basis.elements(0, 0) += 1.0;
  EXPECT_NE(told<DataError>([&] {
              continue_distributed_greedy(comm, basis, mine, options, serial);
            }).find("the basis to go on from: rank 1 differs"),
            std::string::npos);
}

TEST(DistributedGreedy, BadRowsAreNamedByTheirNumberOfAll) {
  const Communicator comm(MPI_COMM_WORLD);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Matrix rows = combinations(50, 20, 0.8, false, 13);
    rows(37, 5) = bad;
    for (const Layout layout : layouts) {
      const std::string message =
          told<DataError>([&] { distributed_greedy(comm, rows_of(rows, comm, layout), false, {}, serial); });
      EXPECT_NE(message.find("snapshot 37 contains values that are not finite"), std::string::npos)
          << message;
    }
  }
  const Matrix zeros = Matrix::Zero(50, 20), none(0, 20);
  EXPECT_EQ(told<DataError>(
                [&] { distributed_greedy(comm, rows_of(zeros, comm, Layout::hollow), false, {}, serial); }),
            "greedy basis: all 50 snapshots are zero");
  EXPECT_EQ(told<DataError>([&] { distributed_greedy(comm, none, false, {}, serial); }),
            "greedy basis: there are no snapshots");
  const Matrix odd = Matrix::Ones(4, 7);
  EXPECT_NE(told<UsageError>([&] { distributed_greedy(comm, odd, true, {}, serial); }).find("pairs"),
            std::string::npos);
}

TEST(DistributedGreedy, RanksThatDisagreeAreNamed) {
  const Communicator comm(MPI_COMM_WORLD);
  if (comm.size() == 1) return;
  const bool other = comm.rank() == 1;
  const Matrix rows = Matrix::Ones(3, other ? 8 : 10);
  std::string message = told<DataError>([&] { distributed_greedy(comm, rows, false, {}, serial); });
  EXPECT_NE(message.find("have 10 values, those of rank 1 have 8"), std::string::npos) << message;
  GreedyOptions options;
  options.tolerance = other ? 1e-3 : 1e-4;
  message = told<DataError>([&] { distributed_greedy(comm, Matrix::Ones(3, 8), false, options, serial); });
  EXPECT_NE(message.find("the options of the greedy basis: rank 1 differs"), std::string::npos) << message;
  message = told<DataError>([&] { distributed_greedy(comm, Matrix::Ones(3, 8), other, {}, serial); });
  EXPECT_NE(message.find("whether the snapshots are complex: rank 1 differs"), std::string::npos) << message;
}

/// Fails when it is asked to work for the n-th time.
class Failing final : public Executor {
 public:
  explicit Failing(int calls) : left_(calls) {}
  Index workers() const override { return 1; }
  Executor& local() override { return *this; }
  std::vector<Bytes> map(Index n, const IndexedTask& task) override {
    if (left_-- == 0) throw NumericalError("the node is on fire");
    return serial.map(n, task);
  }
  std::unique_ptr<TaskQueue> open(Task task) override { return serial.open(std::move(task)); }

 private:
  int left_;
};

TEST(DistributedGreedy, AFailureInTheMiddleEndsAllRanks) {
  const Communicator comm(MPI_COMM_WORLD);
  const Matrix rows = combinations(64, 40, 0.8, false, 14);
  for (const int calls : {0, 1, 5, 11}) {
    Failing failing(calls);
    const bool here = comm.rank() == comm.size() - 1;
    const std::string message = told<NumericalError>([&] {
      distributed_greedy(comm, rows_of(rows, comm, Layout::even), false, {},
                         here ? static_cast<Executor&>(failing) : serial);
    });
    EXPECT_EQ(message,
              text(comm.size() > 1 ? text("rank ", comm.size() - 1, ": ") : "", "the node is on fire"));
  }
}

TEST(DistributedGreedy, ReadsItsRowsFromAnArchive) {
  const Communicator comm(MPI_COMM_WORLD);
  std::unique_ptr<testing::Scratch> scratch;
  const Matrix all = combinations(40, 24, 0.6, true, 15);
  const std::string path = comm.share([&] {
    scratch = std::make_unique<testing::Scratch>();
    Archive a;
    a.space = ParameterSpace({{"x", "", 0.0, 1.0, Scale::linear}});
    a.parameters = Matrix::Random(40, 1).cwiseAbs();
    a.axes = {{"time", "s", Vector::LinSpaced(12, 0.0, 1.0)}};
    a.outputs = {{"strain", "", "time", 12, true}};
    a.values = {all};
    a.status.assign(40, RunStatus::done);
    a.messages.resize(40);
    a.seconds.assign(40, 1.0);
    a.status[11] = RunStatus::failed;
    a.values[0].row(11).setConstant(std::nan(""));
    write_archive((*scratch)("runs.h5"), a);
    return (*scratch)("runs.h5");
  });
  Matrix done(39, 24);
  done << all.topRows(11), all.bottomRows(28);
  const auto source = shared_snapshots(comm, path, "strain");
  expect_same(distributed_greedy(comm, *source, {}, serial), greedy_basis(done, true, {}, serial));
  PodOptions options;
  const Pod found = distributed_pod(comm, *source, options), expected = fit_pod(done, true, options);
  EXPECT_EQ(found.rank(), expected.rank());
  EXPECT_LT((found.singular_values.head(found.rank()) - expected.singular_values.head(found.rank())).norm(),
            1e-13 * expected.singular_values[0]);
  EXPECT_THROW(shared_snapshots(comm, path + ".none", "strain"), StorageError);
  EXPECT_THROW(shared_snapshots(comm, path, "heat"), UsageError);
  comm.barrier();
}

TEST(DistributedGreedy, PublishedPointsOfTaylorF2) {
  const Communicator comm(MPI_COMM_WORLD);
  const auto expected = golden::rows("taylorf2_greedy.csv");
  ASSERT_EQ(expected.size(), 268u);
  const Part part = part_of(900, comm.rank(), comm.size());
  const Matrix mine = taylorf2::training(part.begin, part.end);
  const GreedyBasis basis = distributed_greedy(comm, mine, true, taylorf2::options(), serial);
  ASSERT_EQ(basis.rank(), 268);
  for (std::size_t k = 0; k < 268; ++k)
    EXPECT_EQ(basis.points[k], (GreedyPoint{0, static_cast<Index>(expected[k][0])})) << k;
  for (Index k = 0; k < 200; ++k)
    EXPECT_NEAR(basis.errors[k] / expected[static_cast<std::size_t>(k)][1], 1.0, 1e-8) << k;
}

}  // namespace
}  // namespace ersatz
