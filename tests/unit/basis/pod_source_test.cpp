// Snapshots from functions and from archives, by blocks of rows.

#include <gtest/gtest.h>

#include "ersatz/basis/pod.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/storage/archive.hpp"
#include "unit/basis/snapshots.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::decaying;
using testing::error;
using testing::message_of;
using testing::Scratch;

TEST(PodSource, GeneratedRowsGiveTheSameAsRowsInMemory) {
  const Matrix rows = decaying(700, 200, 0.6, false, 1);
  Index reads = 0;
  const auto source = generated_snapshots(700, 200, false, [&](Index first, MatrixRef block) {
    ++reads;
    block = rows.middleRows(first, block.rows());
  });
  for (const PodMethod method : {PodMethod::exact, PodMethod::randomised, PodMethod::streaming}) {
    PodOptions o;
    o.method = method;
    const Pod here = fit_pod(rows, false, o), there = fit_pod(*source, o);
    EXPECT_EQ(there.summary.method, method);
    EXPECT_EQ(here.rank(), there.rank());
    EXPECT_LT((here.singular_values - there.singular_values).cwiseAbs().maxCoeff(), 1e-13);
    EXPECT_LE(error(*there.basis(), rows), 1.0001e-7);
  }
  // One pass: every block is asked for once (and a few rows before, for the unit).
  PodOptions o;
  o.method = PodMethod::streaming;
  o.block_rows = 100;
  reads = 0;
  const Pod pod = fit_pod(*source, o);
  EXPECT_EQ(pod.summary.passes, 1);
  EXPECT_LE(reads, 7 + 17);
  o.method = PodMethod::automatic;
  o.memory_limit = 1e6;  // the rows are 1.12 MB
  EXPECT_EQ(fit_pod(*source, o).summary.method, PodMethod::streaming);
  EXPECT_THROW(generated_snapshots(5, 3, true, [](Index, MatrixRef) {}), UsageError);
}

TEST(PodSource, ArchivesAreReadByRows) {
  const Scratch scratch;
  Archive a;
  a.space = ParameterSpace({{"x", "", 0.0, 1.0, Scale::linear}});
  a.parameters = Matrix::Random(90, 1).cwiseAbs();
  a.axes = {{"time", "s", Vector::LinSpaced(20, 0.0, 1.0)}};
  a.outputs = {{"strain", "", "time", 20, true}, {"flux", "", "time", 20, false}};
  a.values = {decaying(90, 40, 0.4, true, 2), decaying(90, 20, 0.4, false, 3)};
  a.status.assign(90, RunStatus::done);
  a.messages.resize(90);
  a.seconds.assign(90, 1.0);
  for (const std::size_t failed : {0, 17, 18, 89}) {
    a.status[failed] = RunStatus::failed;
    for (auto& v : a.values) v.row(static_cast<Index>(failed)).setConstant(std::nan(""));
  }
  write_archive(scratch("runs.h5"), a);
  const Archive done = a.completed();
  for (std::size_t o = 0; o < 2; ++o) {
    const ArchiveRows rows(scratch("runs.h5"), a.outputs[o].name);
    ASSERT_EQ(rows.rows(), 86);
    ASSERT_EQ(rows.width(), done.values[o].cols());
    EXPECT_EQ(rows.complex(), a.outputs[o].complex);
    Matrix block(31, rows.width());
    for (const Index first : {0, 5, 55}) {
      rows.read(first, block);
      EXPECT_TRUE(block == done.values[o].middleRows(first, 31));
    }
    EXPECT_THROW(rows.read(56, block), UsageError);

    const auto source = archive_snapshots(scratch("runs.h5"), a.outputs[o].name);
    PodOptions options;
    options.method = PodMethod::streaming;
    options.block_rows = 13;
    const Pod there = fit_pod(*source, options), here = fit_pod(done.values[o], rows.complex(), options);
    EXPECT_TRUE(here.elements == there.elements);
  }
  EXPECT_NE(
      message_of<UsageError>([&] { archive_snapshots(scratch("runs.h5"), "heat"); }).find("flux, strain"),
      std::string::npos);
  EXPECT_THROW(archive_snapshots(scratch("none.h5"), "flux"), StorageError);
}

}  // namespace
}  // namespace ersatz
