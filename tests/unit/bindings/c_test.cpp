// The C interface against the C++ one: the same bits, nothing allocated, the same model described; against
// finite differences and brute force where the C++ one has another shape.

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <set>
#include <thread>

#include "bindings/ersatz.h"
#include "ersatz/version.hpp"
#include "unit/bindings/models.hpp"
#include "unit/count_allocations.hpp"

namespace ersatz {
namespace {

using testing::slurp;
using testing::small_archive;

const testing::Scratch& folder() {
  static const testing::Scratch* scratch = [] {
    auto* made = new testing::Scratch;
    testing::write_models(made->folder());
    std::atexit([] { std::filesystem::remove_all(folder().folder()); });
    return made;
  }();
  return *scratch;
}

/// A handle that closes itself.
struct Handle {
  ersatz_emulator* emulator = nullptr;
  Handle() = default;
  explicit Handle(const char* name) {
    EXPECT_EQ(ersatz_open(folder()(name).c_str(), &emulator), ERSATZ_OK) << ersatz_message();
  }
  Handle(const Handle&) = delete;
  ~Handle() { EXPECT_EQ(ersatz_close(emulator), ERSATZ_OK); }
};

struct Memory {
  ersatz_workspace* workspace = nullptr;
  Memory() { EXPECT_EQ(ersatz_workspace_open(&workspace), ERSATZ_OK); }
  Memory(const Memory&) = delete;
  ~Memory() { EXPECT_EQ(ersatz_workspace_close(workspace), ERSATZ_OK); }
};

Matrix points(Index n) {
  RandomStream random(42);
  return small_archive(1).space.sample(n, random);
}

/// What a batch of the C++ interface gives, in rows that hold all outputs side by side.
Matrix rows_of(const std::vector<Matrix>& outputs) {
  Index row = 0;
  for (const Matrix& m : outputs) row += m.cols();
  Matrix all(outputs[0].rows(), row);
  Index at = 0;
  for (const Matrix& m : outputs) {
    all.middleCols(at, m.cols()) = m;
    at += m.cols();
  }
  return all;
}

bool same_bits(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(double)) == 0;
}

TEST(C, SameBitsAsCxx) {
  const Memory memory;
  for (const char* name : {"gp.h5", "spectrum.h5", "steps.h5"}) {
    const Handle handle(name);
    const Emulator emulator = open_emulator(folder()(name));
    for (const Index q : {1, 31, 150}) {  // less and more than a block
      const Matrix X = points(q);
      const Prediction p = emulator.predict(X, true);
      const Matrix mean = rows_of(p.mean), std = rows_of(p.std);
      for (ersatz_workspace* workspace : {memory.workspace, static_cast<ersatz_workspace*>(nullptr)}) {
        Matrix m = Matrix::Zero(mean.rows(), mean.cols()), m2 = m, s = m;
        Vector score(q);
        ASSERT_EQ(ersatz_mean(handle.emulator, workspace, q, X.data(), X.size(), m.data(), m.size()),
                  ERSATZ_OK);
        ASSERT_EQ(ersatz_mean_and_std(handle.emulator, workspace, q, X.data(), X.size(), m2.data(), m2.size(),
                                      s.data(), s.size()),
                  ERSATZ_OK);
        ASSERT_EQ(ersatz_domain_score(handle.emulator, workspace, q, X.data(), X.size(), score.data(), q),
                  ERSATZ_OK);
        EXPECT_TRUE(same_bits(m, mean)) << name;
        EXPECT_TRUE(same_bits(m2, mean)) << name;
        EXPECT_TRUE(same_bits(s, std)) << name;
        EXPECT_EQ(score, p.domain_score) << name;
      }
    }
  }
}

TEST(C, JacobianIsTheSlopeOfTheMean) {
  for (const char* name : {"gp.h5", "spectrum.h5"}) {
    const Handle handle(name);
    int has = 0;
    ASSERT_EQ(ersatz_has_jacobian(handle.emulator, &has), ERSATZ_OK);
    ASSERT_EQ(has, 1);
    std::int64_t row = 0;
    ASSERT_EQ(ersatz_row_size(handle.emulator, &row), ERSATZ_OK);
    const Index q = 70;
    Matrix X = points(q), mean(q, row), alone(q, row), jacobian(q, row * 2), low(q, row), high(q, row);
    ASSERT_EQ(ersatz_mean_and_jacobian(handle.emulator, nullptr, q, X.data(), X.size(), mean.data(),
                                       mean.size(), jacobian.data(), jacobian.size()),
              ERSATZ_OK);
    ASSERT_EQ(ersatz_mean(handle.emulator, nullptr, q, X.data(), X.size(), alone.data(), alone.size()),
              ERSATZ_OK);
    EXPECT_TRUE(same_bits(mean, alone));
    const double step = 1e-3;
    for (Index k = 0; k < 2; ++k) {
      Matrix moved = X;
      moved.col(k).array() -= step;
      ersatz_mean(handle.emulator, nullptr, q, moved.data(), moved.size(), low.data(), low.size());
      moved.col(k).array() += 2.0 * step;
      ersatz_mean(handle.emulator, nullptr, q, moved.data(), moved.size(), high.data(), high.size());
      const Matrix slope = (high - low) / (2.0 * step);
      for (Index i = 0; i < q; ++i)
        for (Index j = 0; j < row; ++j)
          EXPECT_NEAR(jacobian(i, 2 * j + k), slope(i, j), 1e-4 * (1.0 + std::abs(slope(i, j)))) << name;
    }
  }
}

TEST(C, CovarianceOfARow) {
  const Handle handle("gp.h5");
  std::int64_t row = 0, rank = 0;
  ASSERT_EQ(ersatz_row_size(handle.emulator, &row), ERSATZ_OK);
  ASSERT_EQ(ersatz_covariance_rank(handle.emulator, &rank), ERSATZ_OK);
  const Matrix X = points(1);
  Matrix mean(1, row), std(1, row), factors(rank, row);
  Vector diagonal(row);
  ASSERT_EQ(ersatz_mean_and_std(handle.emulator, nullptr, 1, X.data(), 2, mean.data(), row, std.data(), row),
            ERSATZ_OK);
  ASSERT_EQ(ersatz_covariance_factors(handle.emulator, nullptr, X.data(), 2, factors.data(), factors.size(),
                                      diagonal.data(), row),
            ERSATZ_OK);
  Matrix whole = factors.transpose() * factors;
  whole.diagonal() += diagonal;
  for (Index j = 0; j < row; ++j) EXPECT_NEAR(std::sqrt(whole(j, j)), std(0, j), 1e-12 * std(0, j));
  // Outputs of different decoders err independently.
  EXPECT_EQ(whole(0, 1), 0.0);
  EXPECT_EQ(whole(3, row - 1), 0.0);
  for (std::int64_t o = 0; o < 3; ++o) {
    std::int64_t bins = 0, offset = 0;
    int is_complex = 0;
    ASSERT_EQ(ersatz_output(handle.emulator, o, nullptr, nullptr, nullptr, &bins, &is_complex, &offset),
              ERSATZ_OK);
    const Index width = is_complex ? 2 * bins : bins;
    Matrix covariance(width, width);
    ASSERT_EQ(
        ersatz_covariance(handle.emulator, nullptr, o, X.data(), 2, covariance.data(), covariance.size()),
        ERSATZ_OK);
    EXPECT_EQ(covariance, covariance.transpose());
    const Matrix expected = whole.block(offset, offset, width, width);
    EXPECT_LT((covariance - expected).cwiseAbs().maxCoeff(), 1e-13 * expected.diagonal().maxCoeff());
    EXPECT_GT(expected.diagonal().minCoeff(), 0.0);
  }
}

TEST(C, SaysWhatIsInAModel) {
  const Handle handle("gp.h5");
  std::int64_t count = 0, number = -1, axis = -1, bins = 0, offset = -1;
  const char *name = nullptr, *unit = nullptr;
  double lower = 0.0, upper = 0.0;
  int scale = -1, is_complex = -1;
  ASSERT_EQ(ersatz_parameter_count(handle.emulator, &count), ERSATZ_OK);
  EXPECT_EQ(count, 2);
  ASSERT_EQ(ersatz_parameter(handle.emulator, 0, &name, &unit, &lower, &upper, &scale), ERSATZ_OK);
  EXPECT_STREQ(name, "a");
  EXPECT_STREQ(unit, "");
  EXPECT_EQ(lower, 1.0);
  EXPECT_EQ(upper, 10.0);
  EXPECT_EQ(scale, ERSATZ_LOG);
  ASSERT_EQ(ersatz_parameter(handle.emulator, 1, &name, &unit, nullptr, nullptr, &scale), ERSATZ_OK);
  EXPECT_STREQ(unit, "rad");
  EXPECT_EQ(scale, ERSATZ_LINEAR);
  ASSERT_EQ(ersatz_parameter_number(handle.emulator, "b", &number), ERSATZ_OK);
  EXPECT_EQ(number, 1);

  ASSERT_EQ(ersatz_output_count(handle.emulator, &count), ERSATZ_OK);
  EXPECT_EQ(count, 3);
  const std::int64_t expected[3][3] = {{1, 0, 0}, {24, 0, 1}, {30, 1, 25}};  // bins, complex, offset
  for (std::int64_t o = 0; o < 3; ++o) {
    ASSERT_EQ(ersatz_output(handle.emulator, o, &name, &unit, &axis, &bins, &is_complex, &offset), ERSATZ_OK);
    EXPECT_EQ(bins, expected[o][0]);
    EXPECT_EQ(is_complex, expected[o][1]);
    EXPECT_EQ(offset, expected[o][2]);
    std::int64_t again = -1, along = 0;
    ASSERT_EQ(ersatz_output_number(handle.emulator, name, &again), ERSATZ_OK);
    EXPECT_EQ(again, o);
    ASSERT_EQ(ersatz_axis(handle.emulator, axis, nullptr, nullptr, &along), ERSATZ_OK);
    EXPECT_EQ(along, bins);
  }
  std::int64_t row = 0;
  ASSERT_EQ(ersatz_row_size(handle.emulator, &row), ERSATZ_OK);
  EXPECT_EQ(row, 1 + 24 + 60);

  ASSERT_EQ(ersatz_axis_count(handle.emulator, &count), ERSATZ_OK);
  EXPECT_EQ(count, 3);
  ASSERT_EQ(ersatz_axis(handle.emulator, 0, &name, &unit, &bins), ERSATZ_OK);
  EXPECT_STREQ(name, "lambda");
  EXPECT_STREQ(unit, "Angstrom");
  Vector values(bins);
  ASSERT_EQ(ersatz_axis_values(handle.emulator, 0, values.data(), bins), ERSATZ_OK);
  EXPECT_EQ(values, small_archive(1).axes[1].values);
  EXPECT_STREQ(ersatz_version(), version());
}

TEST(C, SomeBinsAlone) {
  const Handle handle("gp.h5");
  Handle some;
  const std::int64_t bins[] = {20, 3, 7};
  ASSERT_EQ(ersatz_restrict(handle.emulator, "lambda", bins, 3, &some.emulator), ERSATZ_OK)
      << ersatz_message();
  std::int64_t row = 0;
  ASSERT_EQ(ersatz_row_size(some.emulator, &row), ERSATZ_OK);
  ASSERT_EQ(row, 1 + 3 + 60);
  const Matrix X = points(5);
  Matrix whole(5, 85), part(5, row);
  const Memory memory;  // used with one model after the other
  ASSERT_EQ(ersatz_mean(handle.emulator, memory.workspace, 5, X.data(), 10, whole.data(), whole.size()),
            ERSATZ_OK);
  ASSERT_EQ(ersatz_mean(some.emulator, memory.workspace, 5, X.data(), 10, part.data(), part.size()),
            ERSATZ_OK);
  for (Index i = 0; i < 5; ++i) {
    for (Index j = 0; j < 3; ++j)
      EXPECT_NEAR(part(i, 1 + j), whole(i, 1 + bins[j]), 1e-12 * whole(i, 1 + bins[j]));
    EXPECT_EQ(part(i, 0), whole(i, 0));
    EXPECT_EQ(part(i, row - 1), whole(i, 84));
  }
}

TEST(C, OpensFromMemory) {
  const std::string bytes = slurp(folder()("spectrum.h5"));
  const auto size = static_cast<std::int64_t>(bytes.size());
  const Handle file("spectrum.h5");
  Handle memory;
  {
    const std::string copy = bytes;  // gone before the model is used
    ASSERT_EQ(ersatz_open_memory(copy.data(), size, &memory.emulator), ERSATZ_OK) << ersatz_message();
  }
  const Matrix X = points(3);
  Matrix a(3, 24), b(3, 24);
  ASSERT_EQ(ersatz_mean(file.emulator, nullptr, 3, X.data(), 6, a.data(), a.size()), ERSATZ_OK);
  ASSERT_EQ(ersatz_mean(memory.emulator, nullptr, 3, X.data(), 6, b.data(), b.size()), ERSATZ_OK);
  EXPECT_TRUE(same_bits(a, b));

  // Damage anywhere is found, and so is an end that is missing.
  RandomStream random(3);
  for (int i = 0; i < 200; ++i) {
    std::string damaged = bytes;
    const auto at = static_cast<std::size_t>(random.uniform() * static_cast<double>(bytes.size()));
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (i % 8)));
    ersatz_emulator* none = file.emulator;
    EXPECT_EQ(ersatz_open_memory(damaged.data(), size, &none), ERSATZ_BAD_FILE) << "byte " << at;
    EXPECT_EQ(none, nullptr);
    EXPECT_EQ(ersatz_open_memory(bytes.data(), static_cast<std::int64_t>(at) + 1, &none),
              static_cast<std::int64_t>(at) + 1 == size ? ERSATZ_OK : ERSATZ_BAD_FILE);
    ersatz_close(none);
  }
}

TEST(C, WithAWorkspaceNothingIsAllocated) {
#ifdef ERSATZ_COUNTS_ALLOCATIONS
  for (const char* name : {"gp.h5", "spectrum.h5"}) {
    const Handle handle(name);
    const Memory memory;
    const Index q = 100;
    const Matrix X = points(q);
    std::int64_t row = 0;
    ASSERT_EQ(ersatz_row_size(handle.emulator, &row), ERSATZ_OK);
    Matrix mean(q, row), std(q, row), jacobian(q, 2 * row);
    Vector score(q);
    const auto all = [&] {
      int status =
          ersatz_mean(handle.emulator, memory.workspace, q, X.data(), X.size(), mean.data(), mean.size());
      status += ersatz_mean_and_std(handle.emulator, memory.workspace, q, X.data(), X.size(), mean.data(),
                                    mean.size(), std.data(), std.size());
      status += ersatz_mean_and_jacobian(handle.emulator, memory.workspace, q, X.data(), X.size(),
                                         mean.data(), mean.size(), jacobian.data(), jacobian.size());
      status +=
          ersatz_domain_score(handle.emulator, memory.workspace, q, X.data(), X.size(), score.data(), q);
      return status;
    };
    ASSERT_EQ(all(), ERSATZ_OK);
    const long before = allocations;
    const int status = all();
    EXPECT_EQ(allocations, before) << name;
    ASSERT_EQ(status, ERSATZ_OK);
    ASSERT_GT(before, 0);
  }
#else
  GTEST_SKIP() << "allocations are not counted under AddressSanitizer";
#endif
}

TEST(C, HandlesAreNeverUsedTwice) {
  const Handle handle("spectrum.h5");
  std::set<const void*> seen{handle.emulator};
  std::int64_t row = 0;
  for (int i = 0; i < 2000; ++i) {
    ersatz_emulator* copy = nullptr;
    ASSERT_EQ(ersatz_copy(handle.emulator, &copy), ERSATZ_OK);
    ASSERT_TRUE(seen.insert(copy).second);
    ASSERT_EQ(ersatz_close(copy), ERSATZ_OK);
    ASSERT_EQ(ersatz_close(copy), ERSATZ_BAD_HANDLE);
  }
  for (const void* old : seen)
    ASSERT_EQ(ersatz_row_size(static_cast<const ersatz_emulator*>(old), &row),
              old == handle.emulator ? ERSATZ_OK : ERSATZ_BAD_HANDLE);
  std::vector<ersatz_emulator*> open(1000);  // more than one block of places
  for (auto& one : open) ASSERT_EQ(ersatz_copy(handle.emulator, &one), ERSATZ_OK);
  for (auto& one : open) ASSERT_EQ(ersatz_row_size(one, &row), ERSATZ_OK);
  for (auto& one : open) ASSERT_EQ(ersatz_close(one), ERSATZ_OK);
}

TEST(C, AWorkspaceInUseIsBusy) {
  const Handle handle("spectrum.h5");
  const Memory memory;
  const Index q = 2000;
  const Matrix X = points(q);
  Matrix mean(q, 24), one(1, 24);
  std::atomic<bool> seen{false};
  std::thread other([&] {
    while (!seen) {
      const int status =
          ersatz_mean(handle.emulator, memory.workspace, q, X.data(), X.size(), mean.data(), mean.size());
      EXPECT_TRUE(status == ERSATZ_OK || status == ERSATZ_BUSY);
    }
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!seen && std::chrono::steady_clock::now() < deadline)
    if (ersatz_mean(handle.emulator, memory.workspace, 1, X.data(), 2, one.data(), 24) == ERSATZ_BUSY) {
      EXPECT_NE(std::string(ersatz_message()).find("one of its own"), std::string::npos);
      seen = true;
    }
  EXPECT_TRUE(seen);
  seen = true;
  other.join();
}

TEST(C, OneOfManyThreadsCloses) {
  for (int repeat = 0; repeat < 50; ++repeat) {
    ersatz_emulator* emulator = nullptr;
    const Handle handle("spectrum.h5");
    ASSERT_EQ(ersatz_copy(handle.emulator, &emulator), ERSATZ_OK);
    std::atomic<int> closed{0}, refused{0}, ready{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (++ready; ready < 4;) std::this_thread::yield();
        const int status = ersatz_close(emulator);
        closed += status == ERSATZ_OK;
        refused += status == ERSATZ_BAD_HANDLE;
      });
    for (auto& t : threads) t.join();
    EXPECT_EQ(closed, 1);
    EXPECT_EQ(refused, 3);
  }
}

TEST(C, MessagesBelongToTheirThread) {
  ersatz_emulator* none = nullptr;
  EXPECT_EQ(ersatz_open("/nowhere/here.h5", &none), ERSATZ_BAD_FILE);
  std::thread([] { EXPECT_STREQ(ersatz_message(), ""); }).join();
  EXPECT_NE(std::string(ersatz_message()).find("/nowhere/here.h5"), std::string::npos);
  // A long one is cut, between characters.
  std::string name = "a";
  while (name.size() < 4000) name += "ü";
  EXPECT_EQ(ersatz_open(name.c_str(), &none), ERSATZ_BAD_FILE);
  const std::string message = ersatz_message();
  EXPECT_LT(message.size(), 2048u);
  EXPECT_GT(message.size(), 2000u);
  EXPECT_EQ(static_cast<unsigned char>(message.back()), 0xbc);
}

TEST(C, StatusesHaveTexts) {
#define ERSATZ_CHECK(name, number, text)       \
  EXPECT_EQ(static_cast<int>(name), (number)); \
  EXPECT_STREQ(ersatz_status_text(number), text);
  ERSATZ_STATUSES(ERSATZ_CHECK)
#undef ERSATZ_CHECK
  EXPECT_EQ(ERSATZ_FAILURE, 12);  // those of version 1 of the interface stay
  EXPECT_STREQ(ersatz_status_text(-1), ersatz_status_text(1000));
}

}  // namespace
}  // namespace ersatz
