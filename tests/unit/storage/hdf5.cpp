#include "ersatz/storage/hdf5.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "ersatz/core/error.hpp"
#include "scratch.hpp"

namespace ersatz {
namespace {

using testing::message_of;
using testing::Scratch;
using testing::slurp;
using testing::spill;

Matrix some_matrix() {
  Matrix A(3, 2);
  A << 1.0, -2.5, 1e-300, 4.0, std::numeric_limits<double>::quiet_NaN(), 6.0;
  return A;
}

void fill(const h5::Group& root) {
  root.set("format", "ersatz-emulator");
  root.set("version", std::int64_t{1});
  root.set("alpha", 0.1);
  root.set("list", std::vector<double>{1.0, 2.0});
  root.set("nothing", std::vector<std::string>{});
  root.set("names", std::vector<std::string>{"a", "βeta", ""});
  root.write("A", some_matrix());
  const auto inner = root.create_group("inner/deep");
  ComplexMatrix Z(2, 2);
  Z << Complex(1, 2), Complex(3, 4), Complex(5, 6), Complex(-7, -8);
  inner.write("Z", Z);
  inner.write("v", Vector(Vector::LinSpaced(5, 0.0, 1.0)));
  inner.write("n", std::vector<std::int64_t>{1, -2, 3});
  inner.write("s", std::vector<std::string>{"one", "", "three"});
  inner.set_on("v", "unit", "m");
  inner.set_on("v", "limits", std::vector<double>{0.0, 1.0});
  inner.set_on("v", "words", std::vector<std::string>{"x", "y"});
}

TEST(Hdf5, RoundTripThroughDiskAndMemory) {
  const Scratch scratch;
  const std::string path = scratch("a.h5");
  {
    h5::AtomicFile file(path);
    fill(file.root());
    EXPECT_FALSE(std::filesystem::exists(path));
    file.commit();
  }
  EXPECT_EQ(scratch.count(), 1u);
  const auto on_disk = h5::File::open(path);
  const auto in_memory = h5::File::from_memory(slurp(path), "bytes");
  for (const auto& file : {on_disk, in_memory}) {
    h5::verify_checksum(file, true);
    const auto root = file.root();
    EXPECT_EQ(root.get_string("format"), "ersatz-emulator");
    EXPECT_EQ(root.get_double("alpha"), 0.1);
    EXPECT_EQ(root.get_integer("version"), 1);
    EXPECT_EQ(root.get_doubles("list"), (std::vector<double>{1.0, 2.0}));
    EXPECT_EQ(root.get_strings("names"), (std::vector<std::string>{"a", "βeta", ""}));
    EXPECT_TRUE(root.get_strings("nothing").empty());
    EXPECT_TRUE(root.has_attribute("alpha"));
    EXPECT_FALSE(root.has_attribute("omega"));
    const Matrix A = root.read_matrix("A", 3, 2);
    EXPECT_EQ(A(2, 1), 6.0);
    EXPECT_TRUE(std::isnan(A(2, 0)));
    EXPECT_EQ(A(1, 0), 1e-300);
    EXPECT_EQ(root.names(), (std::vector<std::string>{"A", "inner"}));
    EXPECT_TRUE(root.has("inner/deep/Z"));
    EXPECT_FALSE(root.has("inner/shallow/Z"));
    const auto inner = root.group("inner").group("deep");
    EXPECT_TRUE(inner.is_complex("Z"));
    EXPECT_EQ(inner.read_complex_matrix("Z", 2, 2)(1, 1), Complex(-7, -8));
    EXPECT_EQ(inner.shape("v"), (std::vector<Index>{5}));
    EXPECT_EQ(inner.read_vector("v", 5)[4], 1.0);
    EXPECT_EQ(inner.read_integers("n"), (std::vector<std::int64_t>{1, -2, 3}));
    EXPECT_EQ(inner.read_strings("s", 3), (std::vector<std::string>{"one", "", "three"}));
    EXPECT_EQ(inner.get_string_on("v", "unit"), "m");
    EXPECT_EQ(inner.get_doubles_on("v", "limits"), (std::vector<double>{0.0, 1.0}));
    EXPECT_EQ(inner.get_strings_on("v", "words"), (std::vector<std::string>{"x", "y"}));
    EXPECT_FALSE(inner.has_attribute_on("v", "colour"));
  }
}

TEST(Hdf5, StridedRowsAndEmptyMatrices) {
  auto file = h5::File::in_memory("m");
  Matrix A(4, 6);
  for (Index i = 0; i < A.size(); ++i) A.data()[i] = static_cast<double>(i);
  file.root().write("block", ConstMatrixRef(A.block(1, 2, 2, 3)));
  file.root().write("empty", Matrix(0, 5));
  const auto again = h5::File::from_memory(file.image(), "m");
  EXPECT_TRUE(again.root().read_matrix("block") == A.block(1, 2, 2, 3));
  EXPECT_EQ(again.root().read_matrix("empty", 0, 5).cols(), 5);
}

TEST(Hdf5, FilesInMemoryOfOneNameAreDistinct) {
  auto a = h5::File::in_memory("same"), b = h5::File::in_memory("same");
  a.root().set("x", 1.0);
  b.root().set("x", 2.0);
  const auto a2 = h5::File::from_memory(a.image(), "same"), b2 = h5::File::from_memory(b.image(), "same");
  EXPECT_EQ(a2.root().get_double("x"), 1.0);
  EXPECT_EQ(b2.root().get_double("x"), 2.0);
}

TEST(Hdf5, MessagesNameFileObjectAndShapes) {
  const Scratch scratch;
  const std::string path = scratch("a.h5");
  {
    h5::AtomicFile file(path);
    fill(file.root());
    file.commit();
  }
  ::testing::internal::CaptureStderr();
  const auto root = h5::File::open(path).root();
  const auto shape = message_of<StorageError>([&] { root.read_matrix("A", 3, 4); });
  EXPECT_NE(shape.find(path + ":/A"), std::string::npos) << shape;
  EXPECT_NE(shape.find("3 x 2"), std::string::npos) << shape;
  EXPECT_NE(shape.find("3 x 4"), std::string::npos) << shape;
  EXPECT_NE(message_of<StorageError>([&] { root.read_matrix("B"); }).find("no such dataset"),
            std::string::npos);
  EXPECT_NE(message_of<StorageError>([&] { root.group("B"); }).find("no such group"), std::string::npos);
  EXPECT_NE(message_of<StorageError>([&] { root.get_double("B"); }).find("'B' is missing"),
            std::string::npos);
  EXPECT_NE(message_of<StorageError>([&] { root.get_double("format"); }).find("texts"), std::string::npos);
  EXPECT_NE(message_of<StorageError>([&] { root.get_string("alpha"); }).find("texts are expected"),
            std::string::npos);
  EXPECT_NE(message_of<StorageError>([&] { root.read_matrix("inner/deep/Z"); }).find("complex"),
            std::string::npos);
  EXPECT_NE(message_of<StorageError>([&] { root.read_matrix("inner"); }).find("not a dataset"),
            std::string::npos);
  EXPECT_THROW(h5::Group().names(), UsageError);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");  // HDF5 itself prints nothing
}

TEST(Hdf5, ForeignMissingEmptyAndTruncatedFiles) {
  const Scratch scratch;
  const auto why = [](const std::string& path) {
    return message_of<StorageError>([&] { h5::File::open(path); });
  };
  EXPECT_NE(why(scratch("no.h5")).find("there is no file"), std::string::npos);
  EXPECT_NE(why(scratch.folder()).find("not a file"), std::string::npos);
  spill(scratch("empty.h5"), "");
  EXPECT_NE(why(scratch("empty.h5")).find("is empty"), std::string::npos);
  spill(scratch("text.h5"), "a,b\n1,2\n");
  EXPECT_NE(why(scratch("text.h5")).find("not an HDF5 file"), std::string::npos);
  const std::string path = scratch("a.h5");
  {
    h5::AtomicFile file(path);
    fill(file.root());
    file.commit();
  }
  const std::string whole = slurp(path);
  spill(scratch("cut.h5"), whole.substr(0, whole.size() / 2));
  EXPECT_NE(why(scratch("cut.h5")).find("truncated"), std::string::npos) << why(scratch("cut.h5"));
}

// Whatever byte is changed: HDF5 (which crashes on some damaged files) never sees it.
TEST(Hdf5, EveryChangedByteIsReported) {
  auto file = h5::File::in_memory("m");
  fill(file.root());
  const std::uint64_t before = h5::content_checksum(file.root());
  const std::string whole = file.image();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
    try {
      // Without the first byte of its magic word, the trailer is not one: the content must be right then.
      EXPECT_EQ(h5::content_checksum(h5::File::from_memory(damaged, "damaged").root()), before);
      EXPECT_GE(i, whole.size() - 24) << i;
    } catch (const StorageError& e) {
      if (i >= 8) {
        EXPECT_NE(std::string(e.what()).find("is damaged"), std::string::npos) << e.what();
      }
    }
  }
}

TEST(Hdf5, ContentChecksumCoversValuesShapesTypesNamesAndAttributes) {
  const auto sum = [](auto&& build) {
    auto file = h5::File::in_memory("m");
    build(file.root());
    return h5::content_checksum(file.root());
  };
  const Matrix A = Matrix::Ones(2, 3);
  std::vector<std::uint64_t> sums{
      sum([&](h5::Group g) { g.write("A", A); }),
      sum([&](h5::Group g) { g.write("B", A); }),
      sum([&](h5::Group g) { g.write("A", Matrix(Matrix::Ones(3, 2))); }),
      sum([&](h5::Group g) { g.write("A", Matrix(2.0 * A)); }),
      sum([&](h5::Group g) { g.write("A", ComplexMatrix(ComplexMatrix::Ones(2, 3))); }),
      sum([&](h5::Group g) { g.write("A", std::vector<std::int64_t>(6, 1)); }),
      sum([&](h5::Group g) { g.write("A", std::vector<std::string>(6, "1")); }),
      sum([&](h5::Group g) { g.create_group("A"); }),
      sum([&](h5::Group g) {
        g.write("A", A);
        g.set("x", 1.0);
      }),
      sum([&](h5::Group g) {
        g.write("A", A);
        g.set_on("A", "x", std::vector<double>{1.0});
      }),
  };
  EXPECT_EQ(sums[0], sum([&](h5::Group g) {
              g.write("A", A);
              g.set("checksum", "whatever");
            }));
  std::sort(sums.begin(), sums.end());
  EXPECT_EQ(std::unique(sums.begin(), sums.end()), sums.end());
}

TEST(Hdf5, VerifyChecksumWithoutTrailer) {
  const Scratch scratch;
  const std::string path = scratch("a.h5");
  {
    h5::AtomicFile file(path);
    fill(file.root());
    file.root().write("marker", Vector(Vector::Constant(1, 123456.789)));
    file.commit();
  }
  std::string bytes = slurp(path);
  bytes.resize(bytes.size() - 24);
  spill(path, bytes);
  h5::verify_checksum(h5::File::open(path), true);
  const double marker = 123456.789;
  const auto at = bytes.find(std::string(reinterpret_cast<const char*>(&marker), 8));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] + 1);
  spill(path, bytes);
  EXPECT_NE(
      message_of<StorageError>([&] { h5::verify_checksum(h5::File::open(path), true); }).find("damaged"),
      std::string::npos);
  auto bare = h5::File::in_memory("bare");
  bare.root().set("x", 1.0);
  h5::verify_checksum(bare, false);
  EXPECT_THROW(h5::verify_checksum(bare, true), StorageError);
}

TEST(Hdf5, FormatAndVersion) {
  auto file = h5::File::in_memory("m.h5");
  const auto root = file.root();
  const auto why = [&](std::int64_t supported) {
    return message_of<StorageError>([&] { h5::check_format(root, "ersatz-emulator", supported, "m.h5"); });
  };
  EXPECT_NE(why(1).find("not one of Ersatz's"), std::string::npos);
  root.set("format", "ersatz-archive");
  root.set("version", std::int64_t{3});
  EXPECT_NE(why(3).find("'ersatz-archive'"), std::string::npos);
  root.set("format", "ersatz-emulator");
  EXPECT_NE(why(2).find("newer Ersatz"), std::string::npos);
  EXPECT_NE(why(2).find("up to 2"), std::string::npos);
  EXPECT_EQ(h5::check_format(root, "ersatz-emulator", 3, "m.h5"), 3);
}

TEST(AtomicFile, KeepsTheOldFileUntilCommit) {
  const Scratch scratch;
  const std::string path = scratch("a.h5");
  spill(path, "old");
  {
    h5::AtomicFile file(path);
    fill(file.root());
    EXPECT_EQ(scratch.count(), 2u);
  }
  EXPECT_EQ(slurp(path), "old");
  EXPECT_EQ(scratch.count(), 1u);
  {
    h5::AtomicFile first(path), second(path);  // two writers: the last one wins, nothing is left
    fill(first.root());
    fill(second.root());
    second.root().set("which", "second");
    first.commit();
    second.commit();
    EXPECT_THROW(first.commit(), StorageError);
  }
  EXPECT_EQ(h5::File::open(path).root().get_string("which"), "second");
  EXPECT_EQ(scratch.count(), 1u);
}

TEST(AtomicFile, RefusesWhatCannotBeReplaced) {
  const Scratch scratch;
  const auto why = [](const std::string& path) {
    try {
      h5::AtomicFile file(path);
    } catch (const StorageError& e) {
      return std::make_pair(std::string(e.what()), e.access());
    }
    return std::make_pair(std::string(), StorageError::Access::read);
  };
  EXPECT_NE(why(scratch("no/such/folder.h5")).first.find("No such file"), std::string::npos);
  EXPECT_EQ(why(scratch("no/such/folder.h5")).second, StorageError::Access::write);
  EXPECT_NE(why(scratch.folder()).first.find("not a plain file"), std::string::npos);
  EXPECT_NE(why("/dev/null").first.find("not a plain file"), std::string::npos);
}

TEST(AtomicFile, RemovesWhatAKilledWriterLeftBehind) {
  const Scratch scratch;
  spill(scratch(".a.h5.4711-0.tmp"), "half");
  spill(scratch(".b.h5.4711-0.tmp"), "of another file");
  h5::AtomicFile file(scratch("a.h5"));
  file.root().set("x", 1.0);
  file.commit();
  EXPECT_FALSE(std::filesystem::exists(scratch(".a.h5.4711-0.tmp")));
  EXPECT_TRUE(std::filesystem::exists(scratch(".b.h5.4711-0.tmp")));
}

TEST(AtomicFile, FollowsASymbolicLinkAndKeepsTheMode) {
  const Scratch scratch;
  spill(scratch("real.h5"), "old");
  ::chmod(scratch("real.h5").c_str(), 0640);
  std::filesystem::create_symlink("real.h5", scratch("link.h5"));
  {
    h5::AtomicFile file(scratch("link.h5"));
    file.root().set("x", 1.0);
    file.commit();
  }
  EXPECT_TRUE(std::filesystem::is_symlink(scratch("link.h5")));
  EXPECT_EQ(h5::File::open(scratch("real.h5")).root().get_double("x"), 1.0);
  struct stat info;
  ASSERT_EQ(::stat(scratch("real.h5").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

// On a file system of 128 kB of its own, in a child process: exit status 0 all well, 77 not permitted here.
int write_to_full_disk(const Scratch& scratch) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 77;
  ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  if (::mount("tmpfs", scratch.folder().c_str(), "tmpfs", 0, "size=128k") != 0) return 77;
  const std::string path = scratch("a.h5");
  {
    h5::AtomicFile file(path);
    file.root().set("x", 1.0);
    file.commit();
  }
  const std::string before = slurp(path);
  try {
    h5::AtomicFile file(path);
    file.root().write("big", Matrix(Matrix::Ones(1000, 100)));
    file.commit();
    return 1;
  } catch (const StorageError& e) {
    if (e.access() != StorageError::Access::write) return 2;
    if (std::string(e.what()).find("disk is full") == std::string::npos) return 3;
    if (std::string(e.what()).find(path) == std::string::npos) return 4;
  }
  if (scratch.count() != 1) return 5;
  return slurp(path) == before && !before.empty() ? 0 : 6;
}

TEST(AtomicFile, FullDisk) {
  const Scratch scratch;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(write_to_full_disk(scratch));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no small file system can be mounted here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Hdf5, ManyThreads) {
  const Scratch scratch;
  const std::string path = scratch("a.h5");
  {
    h5::AtomicFile file(path);
    fill(file.root());
    file.commit();
  }
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const auto file = h5::File::open(path);
        if (file.root().read_matrix("A")(2, 1) == 6.0 &&
            file.root().group("inner/deep").read_strings("s")[2] == "three" &&
            !message_of<StorageError>([&] { file.root().group("none"); }).empty())
          ++good[t];
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(good, std::vector<int>(4, 50));
}

TEST(Hdf5, ReadsWhatH5pyWrites) {
  const Scratch scratch;
  const int status = testing::run_python(R"(
import h5py, numpy as np
with h5py.File('p.h5', 'w') as f:
    for t in ['f2', 'f4', '>f8', 'i1', 'u2', '>i4', 'i8', 'u8', '?']:
        f['x_' + t.replace('>', 'big_').replace('?', 'bool')] = np.array([[0, 1], [1, 0]], dtype=t)
    f['long'] = np.array([[0, 1], [1, 0]], dtype=np.longdouble)
    f['c64'] = np.array([[1 + 2j, 3 - 4j]], dtype='c8')
    f['c128'] = np.array([[1 + 2j, 3 - 4j]])
    f['fixed'] = np.array([b'one', b'fourth'])
    f['variable'] = ['eins', 'zw\u00f6lf']
    f['scalar'] = 3
    f.create_dataset('packed', data=np.ones((200, 300)), compression='gzip')
    f['float_status'] = np.array([1.0, 2.0])
    f.attrs['title'] = 'Titel'
    f.attrs['bytes'] = np.bytes_('fixed')
    f.attrs['names'] = ['a', 'b']
    f.attrs['bounds'] = np.array([1, 2], dtype='i4')
    f.attrs['f4'] = np.float32(0.5)
    f.attrs['nothing'] = h5py.Empty('f8')
)",
                                         scratch);
  if (status == 77) GTEST_SKIP() << "h5py is not installed for /usr/bin/python3";
  ASSERT_EQ(status, 0);
  const auto root = h5::File::open(scratch("p.h5")).root();
  Matrix expected(2, 2);
  expected << 0, 1, 1, 0;
  for (const auto& name : root.names())
    if (name.rfind("x_", 0) == 0 || name == "long") {
      EXPECT_TRUE(root.read_matrix(name) == expected) << name;
      Vector second(2);
      root.read_rows(name, 1, 1, second.data());
      EXPECT_EQ(second, Vector(expected.row(1).transpose())) << name;
    }
  double number = 0.0;
  EXPECT_NE(message_of<StorageError>([&] { root.read_rows("fixed", 0, 1, &number); }).find("holds texts"),
            std::string::npos);
  EXPECT_EQ(root.read_complex_matrix("c64")(0, 1), Complex(3, -4));
  EXPECT_EQ(root.read_complex_matrix("c128")(0, 0), Complex(1, 2));
  EXPECT_EQ(root.read_strings("fixed"), (std::vector<std::string>{"one", "fourth"}));
  EXPECT_EQ(root.read_strings("variable"), (std::vector<std::string>{"eins", "zwölf"}));
  EXPECT_EQ(root.read_matrix("packed").sum(), 60000.0);
  EXPECT_EQ(root.read_integers("float_status"), (std::vector<std::int64_t>{1, 2}));
  EXPECT_TRUE(root.shape("scalar").empty());
  EXPECT_EQ(root.get_string("title"), "Titel");
  EXPECT_EQ(root.get_string("bytes"), "fixed");
  EXPECT_EQ(root.get_strings("names"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(root.get_doubles("bounds"), (std::vector<double>{1, 2}));
  EXPECT_EQ(root.get_double("f4"), 0.5);
  EXPECT_TRUE(root.get_doubles("nothing").empty());
}

TEST(Hdf5, H5pyReadsWhatWeWrite) {
  const Scratch scratch;
  {
    h5::AtomicFile file(scratch("a.h5"));
    fill(file.root());
    file.commit();
  }
  const int status = testing::run_python(R"(
import h5py, numpy as np
with h5py.File('a.h5', 'r') as f:
    assert f.attrs['format'] == 'ersatz-emulator' and f.attrs['version'] == 1
    assert list(f.attrs['names']) == ['a', '\u03b2eta', '']
    Z = f['inner/deep/Z'][()]
    assert Z.dtype == np.complex128 and Z[1, 1] == -7 - 8j
    assert f['A'].shape == (3, 2) and f['A'][0, 1] == -2.5
    assert f['inner/deep/s'].asstr()[2] == 'three'
    assert f['inner/deep/v'].attrs['unit'] == 'm'
)",
                                         scratch);
  if (status == 77) GTEST_SKIP() << "h5py is not installed for /usr/bin/python3";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace ersatz
