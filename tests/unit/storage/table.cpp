#include "ersatz/storage/table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "ersatz/storage/import.hpp"
#include "ersatz/storage/space_file.hpp"
#include "scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::Scratch;
using testing::slurp;
using testing::spill;
using Names = std::vector<std::string>;

struct TextFile {
  Scratch scratch;
  std::string path = scratch("t.csv");
  explicit TextFile(const std::string& content) { spill(path, content); }
  Table read(const std::string& columns = "") const { return read_table(path + columns); }
  std::string why(const std::string& columns = "") const {
    return message_of<Error>([&] { read(columns); });
  }
};

void expect_says(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << "'" << message << "' does not say '" << part << "'";
}

TEST(TextTable, CommaAndWhiteSpaceHeadersAndComments) {
  for (const char* content :
       {"a,b,c\n1,2,3\n4,5,6\n", "a b c\n1 2 3\n4 5 6",
        "# comment\na, b, c\r\n1, 2, 3 # one\r\n\r\n4,5,6\r\n", "\xef\xbb\xbf\"a\",b,c\n1,2,3\n4,5,6\n",
        "# made by me\n# a b c\n1\t2\t3\n  4  5  6  \n", "#a,b,c\n1 2 3\n4 5 6\n#7 8 9\n"}) {
    const Table t = TextFile(content).read();
    EXPECT_EQ(t.names, (Names{"a", "b", "c"})) << content;
    ASSERT_EQ(t.rows(), 2);
    EXPECT_EQ(t.values(1, 2), 6.0);
  }
  EXPECT_FALSE(TextFile("# x y\na b\n1 2\n").read().names_guessed);
  EXPECT_TRUE(TextFile("# x y\n1 2\n").read().names_guessed);
  EXPECT_TRUE(TextFile("# four words are here\n1 2 3\n").read().names.empty());
  EXPECT_TRUE(TextFile("# 1 2 3\n1 2 3\n").read().names.empty());
  EXPECT_TRUE(TextFile("# a a b\n1 2 3\n").read().names.empty());
  EXPECT_TRUE(TextFile("1 2 3\n# a b c\n4 5 6\n").read().names.empty());
}

TEST(TextTable, NumbersOfCPythonAndFortran) {
  const Table t = TextFile("+1.5 -2e3 1.D+02 -0.5d-1 .5 5. 1e-400 1E5\n").read();
  ASSERT_EQ(t.columns(), 8);
  const double expected[] = {1.5, -2000, 100, -0.05, 0.5, 5, 0, 1e5};
  for (Index k = 0; k < 8; ++k) EXPECT_EQ(t.values(0, k), expected[k]) << k;
}

TEST(TextTable, ErrorsNameLineColumnAndToken) {
  expect_says(TextFile("a,b\n1,2\n3,x4\n").why(), "t.csv, line 3, column 2: 'x4' is not a number");
  expect_says(TextFile("a,b\n1,2\n3\n").why(), "line 3: 1 columns, 2 are expected as in line 1");
  expect_says(TextFile("1,2\n3,nan\n").why(), "line 2, column 2: 'nan' is not finite");
  expect_says(TextFile("1,2\n3,-inf\n").why(), "line 2, column 2: '-inf' is not finite");
  expect_says(TextFile("1,2\n3,1e999\n").why(), "'1e999' is not finite");
  expect_says(TextFile("1,2\n3,\n").why(), "line 2, column 2: '' is not a number");
  expect_says(TextFile("a,b\n").why(), "header but not one row");
  expect_says(TextFile("").why(), "not one row of numbers");
  expect_says(TextFile("# only\n\n").why(), "not one row of numbers");
  expect_says(TextFile("a,a\n1,2\n").why(), "'a' appears twice");
  expect_says(TextFile(std::string("1,2\n\0\0", 6)).why(), "neither text");
  expect_says(TextFile("PK\x03\x04junk").why(), "numpy.save");
  EXPECT_THROW(read_table("/no/such/file.csv"), StorageError);
}

TEST(TableSelection, NamesNumbersAndRanges) {
  const TextFile f("q,chi1x,chi1y,chi1z,m\n0,1,2,3,4\n");
  const auto names = [&](const char* columns) { return f.read(columns).names; };
  EXPECT_EQ(names("[q:chi1y]"), (Names{"q", "chi1x", "chi1y"}));
  EXPECT_EQ(names("[0:3]"), (Names{"q", "chi1x", "chi1y"}));
  EXPECT_EQ(names("[3:]"), (Names{"chi1z", "m"}));
  EXPECT_EQ(names("[:2]"), (Names{"q", "chi1x"}));
  EXPECT_EQ(names("[chi1z:]"), (Names{"chi1z", "m"}));
  EXPECT_EQ(names("[m, q,2]"), (Names{"m", "q", "chi1y"}));
  EXPECT_EQ(f.read("[m,q]").values(0, 0), 4.0);
  EXPECT_EQ(names("[4]"), (Names{"m"}));
  expect_says(f.why("[chi2x]"), "no column 'chi2x'; there are: q, chi1x");
  expect_says(f.why("[5]"), "they are 0 to 4");
  expect_says(f.why("[0:6]"), "beyond the 5 columns");
  expect_says(f.why("[2:2]"), "is empty");
  expect_says(f.why("[m:q]"), "is empty");
  expect_says(f.why("[q:3]"), "mixes");
  expect_says(f.why("[q,q]"), "twice");
  expect_says(f.why("[]"), "a name is empty");
  expect_says(TextFile("1 2\n").why("[a]"), "no names");
}

TEST(Npy, WhatNumpyWrites) {
  const Scratch scratch;
  const int status = testing::run_python(R"(
import numpy as np
from numpy.lib import format
A = np.arange(6).reshape(2, 3)
for t in ['<f4', '<f8', '>f8', '>f4', 'i1', '<i2', '>i4', '<i8', 'u1', '>u2', '<u4', '>u8']:
    np.save('real_%s.npy' % t.replace('<', 'l').replace('>', 'b'), A.astype(t))
    np.save('fortran_%s.npy' % t.replace('<', 'l').replace('>', 'b'), np.asfortranarray(A.astype(t)))
for v in [(1, 0), (2, 0), (3, 0)]:
    with open('real_v%d.npy' % v[0], 'wb') as f:
        format.write_array(f, A.astype(float), version=v)
np.save('big.npy', np.asfortranarray(np.arange(300000.0).reshape(300, 1000)))
np.save('bool.npy', A % 2 == 1)
Z = A + 1j * (A + 10)
for t in ['<c8', '<c16', '>c16']:
    np.save('complex_%s.npy' % t.replace('<', 'l').replace('>', 'b'), Z.astype(t))
    np.save('complex_fortran_%s.npy' % t.replace('<', 'l').replace('>', 'b'), np.asfortranarray(Z.astype(t)))
np.save('one.npy', np.arange(4.0))
np.save('bad_three.npy', np.zeros((2, 2, 2)))
np.save('bad_scalar.npy', np.float64(3))
np.save('bad_text.npy', np.array(['a', 'b']))
np.save('bad_object.npy', np.array([{}]), allow_pickle=True)
np.save('bad_record.npy', np.zeros(3, dtype=[('a', 'f8')]))
np.save('nan.npy', np.array([[1, 2], [3, np.nan]]))
)",
                                         scratch);
  if (status == 77) GTEST_SKIP() << "numpy is not installed for /usr/bin/python3";
  ASSERT_EQ(status, 0);
  Matrix A(2, 3), Z(2, 6);
  A << 0, 1, 2, 3, 4, 5;
  Z << 0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15;
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(scratch.folder())) {
    const std::string name = entry.path().filename(), path = entry.path();
    if (name.rfind("real", 0) == 0 || name.rfind("fortran", 0) == 0) {
      EXPECT_TRUE(read_table(path).values == A) << name;
      ++seen;
    } else if (name.rfind("complex", 0) == 0) {
      const Table t = read_table(path);
      EXPECT_TRUE(t.complex && t.columns() == 3 && t.values == Z) << name;
      EXPECT_EQ(read_table(path + "[1:2]").values(1, 1), 14.0) << name;
      ++seen;
    } else if (name.rfind("bad", 0) == 0) {
      expect_says(message_of<StorageError>([&] { read_table(path); }), name);
      ++seen;
    }
  }
  EXPECT_EQ(seen, 38);
  EXPECT_EQ(read_table(scratch("bool.npy")).values(1, 0), 1.0);
  const Table big = read_table(scratch("big.npy"));
  for (Index i = 0; i < big.values.size(); ++i) ASSERT_EQ(big.values.data()[i], static_cast<double>(i));
  EXPECT_EQ(read_table(scratch("one.npy")).rows(), 4);
  EXPECT_EQ(read_table(scratch("one.npy")).columns(), 1);
  expect_says(message_of<DataError>([&] { read_table(scratch("nan.npy")); }), "row 1, column 1");
}

TEST(Npy, DamagedHeadersAreRefused) {
  const Scratch scratch;
  write_npy(scratch("a.npy"), Matrix::Ones(3, 2));
  const std::string whole = slurp(scratch("a.npy"));
  EXPECT_EQ(whole.size(), 128u + 48u);
  for (std::size_t cut = 6; cut < whole.size(); ++cut) {
    spill(scratch("b.npy"), whole.substr(0, cut));
    ASSERT_THROW(read_table(scratch("b.npy")), StorageError) << cut;
  }
  for (std::size_t i = 6; i < 128; ++i) {  // any outcome but a crash
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x15);
    spill(scratch("b.npy"), damaged);
    try {
      read_table(scratch("b.npy"));
    } catch (const Error&) {
    }
  }
}

TEST(TableWriters, ReadBackToTheSameBits) {
  const Scratch scratch;
  Matrix A(3, 2);
  A << 0.1, 1.0 / 3.0, -1e-310, 1e300, 5.0, -0.0;
  write_csv(scratch("a.csv"), A, {"first", "with, comma \"q\" # and space"});
  const Table t = read_table(scratch("a.csv"));
  EXPECT_EQ(t.names[1], "with, comma \"q\" # and space");
  EXPECT_FALSE(t.names_guessed);
  EXPECT_EQ(std::memcmp(t.values.data(), A.data(), sizeof(double) * 6), 0);
  write_npy(scratch("a.npy"), A);
  EXPECT_TRUE(read_table(scratch("a.npy")).values == A);
  ComplexMatrix Z(2, 2);
  Z << Complex(1, 2), 3, 4, Complex(0, -5);
  write_complex_npy(scratch("z.npy"), Z);
  EXPECT_TRUE(read_table(scratch("z.npy")).complex);
  EXPECT_TRUE(deinterleaved(read_table(scratch("z.npy")).values) == Z);
  EXPECT_THROW(write_csv(scratch("b.csv"), A, {"one"}), UsageError);
  EXPECT_THROW(write_csv(scratch("b.csv"), A, {"1", "2"}), UsageError);
  const int status = testing::run_python(R"(
import numpy as np
assert (np.load('a.npy') == np.array([[0.1, 1/3], [-1e-310, 1e300], [5, 0]])).all()
assert (np.load('z.npy') == np.array([[1 + 2j, 3], [4, -5j]])).all()
)",
                                         scratch);
  EXPECT_TRUE(status == 0 || status == 77);
}

TEST(Hdf5Table, DatasetsByPath) {
  const Scratch scratch;
  const std::string path = scratch("a.h5");
  {
    h5::AtomicFile file(path);
    file.root().write("g/X", Matrix(Matrix::Identity(2, 3)));
    file.root().set_on("g/X", "names", Names{"a", "b", "c"});
    file.root().write("v", Vector(Vector::LinSpaced(3, 1, 3)));
    file.root().write("Z", ComplexMatrix(ComplexMatrix::Constant(2, 2, Complex(1, 2))));
    file.commit();
  }
  EXPECT_EQ(read_table(path + ":/g/X[b:c]").names, (Names{"b", "c"}));
  EXPECT_EQ(read_table(path + ":/v").values(2, 0), 3.0);
  EXPECT_TRUE(read_table(path + ":/Z").complex);
  expect_says(message_of<StorageError>([&] { read_table(path + ":/w"); }), path + ":/w");
  expect_says(message_of<UsageError>([&] { read_table(path); }), "/Z, /g/X, /v");
  expect_says(message_of<StorageError>([&] { read_table(scratch("no.h5") + ":/w"); }), "there is no file");
}

TEST(SelectRows, Rules) {
  using Rows = std::vector<Index>;
  EXPECT_EQ(select_rows("every:5", 12), (Rows{0, 5, 10}));
  EXPECT_EQ(select_rows("except-every:5", 7), (Rows{1, 2, 3, 4, 6}));
  EXPECT_EQ(select_rows("2:4", 5), (Rows{2, 3}));
  EXPECT_EQ(select_rows(":2", 5), (Rows{0, 1}));
  EXPECT_EQ(select_rows("3:", 5), (Rows{3, 4}));
  EXPECT_EQ(select_rows("", 2), (Rows{0, 1}));
  for (const char* wrong : {"5", "every:0", "every:x", "0:9", "3:2", "-1:2", "some:3"})
    EXPECT_THROW(select_rows(wrong, 5), UsageError) << wrong;
}

TEST(Import, TablesBecomeAnArchive) {
  const Scratch scratch;
  spill(scratch("p.csv"), "a,b\n1,2\n3,4\n5,6\n7,8\n");
  write_complex_npy(scratch("y.npy"), ComplexMatrix(ComplexMatrix::Constant(4, 3, Complex(1, -1))));
  spill(scratch("axis.txt"), "time\n0.5\n1.5\n2.5\n");
  ImportOptions options;
  options.parameters = scratch("p.csv");
  options.outputs = scratch("y.npy");
  Archive a = import_archive(options);
  EXPECT_EQ(a.space.names(), (Names{"a", "b"}));
  EXPECT_EQ(a.space[1].upper, 8.0);
  EXPECT_EQ(a.count(RunStatus::done), 4);
  EXPECT_TRUE(a.outputs[0].complex);
  EXPECT_EQ(a.axes[0].values[2], 2.0);

  options.axis = scratch("axis.txt");
  options.rows = "except-every:2";
  options.name = "strain";
  options.parameters = scratch("p.csv") + "[b]";
  a = import_archive(options);
  EXPECT_EQ(a.size(), 2);
  EXPECT_EQ(a.parameters(1, 0), 8.0);
  EXPECT_EQ(a.axis("time").values[1], 1.5);
  EXPECT_EQ(a.outputs[0].name, "strain");

  options.space = scratch("s.toml");
  write_space(options.space, ParameterSpace({{"b", "m", 0.0, 5.0, Scale::linear}}));
  struct Notes : Progress {
    std::string all;
    void note(std::string_view message) override { all += message; }
  } notes;
  options.progress = &notes;
  options.parameters = scratch("p.csv");
  a = import_archive(options);
  EXPECT_EQ(a.space[0].unit, "m");
  EXPECT_EQ(a.parameters(0, 0), 4.0);
  expect_says(notes.all, "1 of 2 points lie outside");
  write_archive(scratch("a.h5"), a);
  EXPECT_EQ(read_archive(scratch("a.h5")).data_hash(), a.data_hash());

  options.axis = scratch("p.csv");
  expect_says(message_of<DataError>([&] { import_archive(options); }), "an axis is one column");
  options.axis = "";
  options.outputs = scratch("axis.txt");
  expect_says(message_of<DataError>([&] { import_archive(options); }), "4 rows");
  write_space(options.space, ParameterSpace({{"c", "m", 0.0, 5.0, Scale::linear}}));
  options.outputs = scratch("y.npy");
  expect_says(message_of<DataError>([&] { import_archive(options); }),
              "no column for c; the columns are: a, b");
}

}  // namespace
}  // namespace ersatz
