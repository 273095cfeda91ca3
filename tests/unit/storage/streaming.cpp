// Files by blocks of rows: the same content as all at once.
#include <gtest/gtest.h>

#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "ersatz/storage/table.hpp"
#include "unit/storage/scratch.hpp"

namespace ersatz {
namespace {

using testing::slurp;
using testing::spill;

Matrix counted(Index rows, Index cols) {
  Matrix m(rows, cols);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = std::sin(static_cast<double>(i)) * 1e3;
  return m;
}

TEST(Streaming, RowsInAnyOrderMakeTheFile) {
  const testing::Scratch scratch;
  const std::string path = scratch("rows.h5");
  const Matrix a = counted(100, 7), c = counted(100, 6);
  std::vector<std::int64_t> flags(100);
  for (std::size_t i = 0; i < flags.size(); ++i) flags[i] = static_cast<std::int64_t>(i * i);
  {
    h5::StreamedFile file(path);
    const h5::Group group = file.root().create_group("inner");
    file.root().set("format", "test");
    const auto real = file.reserve(group, "real", 100, 7),
               complex = file.reserve(group, "complex", 100, 6, true);
    const auto whole = file.reserve_integers(file.root(), "flags", 100);
    file.reserve(group, "none", 0, 3);
    EXPECT_THROW(file.write_rows(real, 0, 1, a.data()), UsageError);
    file.lay_out();
    EXPECT_THROW(file.reserve(group, "late", 1, 1), Error);
    for (const Index first : {70, 0, 40, 10}) {
      const Index count = first == 10 ? 30 : first == 0 ? 10 : 30;
      file.write_rows(real, first, count, a.row(first).data());
      file.write_rows(complex, first, count, c.row(first).data());
      file.write_rows(whole, first, count, flags.data() + first);
    }
    EXPECT_THROW(file.write_rows(real, 90, 11, a.data()), UsageError);
    file.commit();
  }
  const h5::Group root = h5::File::open(path).root(), group = root.group("inner");
  EXPECT_EQ(root.get_string("format"), "test");
  EXPECT_EQ(group.read_matrix("real"), a);
  EXPECT_EQ(interleaved(group.read_complex_matrix("complex")), c);
  EXPECT_EQ(root.read_integers("flags"), flags);
  EXPECT_EQ(group.shape("none"), (std::vector<Index>{0, 3}));

  // The trailer covers rows that HDF5 never saw.
  std::string bytes = slurp(path);
  bytes[bytes.size() / 2] ^= 4;
  spill(path, bytes);
  EXPECT_THROW(h5::File::open(path), StorageError);
}

TEST(Streaming, WithoutCommitNothingIsLeft) {
  const testing::Scratch scratch;
  const std::string path = scratch("rows.h5"), npy = scratch("rows.npy"), csv = scratch("rows.csv");
  spill(path, "old");
  {
    h5::StreamedFile file(path);
    file.reserve(file.root(), "x", 1000, 10);
    file.lay_out();
    NpyFile array(npy, 10, 3);
    array.write_rows(0, counted(10, 3));
    CsvFile table(csv);
    table.append(counted(10, 3));
  }
  EXPECT_EQ(slurp(path), "old");
  EXPECT_EQ(scratch.count(), 1U);
}

TEST(Streaming, NpyAndCsvAreThoseWrittenAtOnce) {
  const testing::Scratch scratch;
  const Matrix a = counted(50, 4);
  write_npy(scratch("whole.npy"), a);
  write_csv(scratch("whole.csv"), a, {"p", "q r", "s", "t"});
  NpyFile npy(scratch("parts.npy"), 50, 4);
  npy.write_rows(20, a.bottomRows(30));
  npy.write_rows(0, a.topRows(20));
  EXPECT_THROW(npy.write_rows(40, a.topRows(20)), UsageError);
  EXPECT_THROW(npy.write_rows(0, a.leftCols(3)), UsageError);
  npy.commit();
  CsvFile csv(scratch("parts.csv"), {"p", "q r", "s", "t"});
  csv.append(a.topRows(20));
  csv.append(a.bottomRows(30));
  csv.commit();
  EXPECT_EQ(slurp(scratch("parts.npy")), slurp(scratch("whole.npy")));
  EXPECT_EQ(slurp(scratch("parts.csv")), slurp(scratch("whole.csv")));
}

TEST(Streaming, BlocksOfATableAreItsRows) {
  const testing::Scratch scratch;
  const Matrix a = counted(40, 5);
  write_npy(scratch("a.npy"), a);
  write_csv(scratch("a.csv"), a, {"v", "w", "x", "y", "z"});
  {
    h5::AtomicFile file(scratch("a.h5"));
    file.root().write("points", a);
    file.root().set_on("points", "names", std::vector<std::string>{"v", "w", "x", "y", "z"});
    file.commit();
  }
  for (const std::string& input :
       std::vector<std::string>{scratch("a.npy"), scratch("a.csv"), scratch("a.h5") + ":/points"})
    for (const char* columns : {"", "[1:3]", "[4,0]"}) {
      const Table whole = read_table(input + columns);
      const TableRows rows(input + columns);
      ASSERT_EQ(rows.rows(), 40);
      for (const Index first : {0, 13, 39}) {
        const Index count = std::min<Index>(10, 40 - first);
        const Table part = rows.read(first, count);
        EXPECT_EQ(part.values, whole.values.middleRows(first, count)) << input << columns;
        EXPECT_EQ(part.names, whole.names);
      }
    }
}

TEST(Streaming, MessagesCountRowsFromTheFilesFirst) {
  const testing::Scratch scratch;
  Matrix a = counted(40, 5);
  a(33, 2) = std::nan("");
  write_npy(scratch("a.npy"), a);
  const TableRows rows(scratch("a.npy"));
  EXPECT_NO_THROW(rows.read(0, 33));
  const std::string message = testing::message_of<DataError>([&] { rows.read(30, 10); });
  EXPECT_NE(message.find("row 33, column 2"), std::string::npos) << message;
}

}  // namespace
}  // namespace ersatz
