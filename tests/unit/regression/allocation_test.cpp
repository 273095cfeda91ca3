// A prediction allocates nothing after the first call.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "unit/regression/problems.hpp"

// GCC sees through one half of a replaced pair when it inlines, and takes it for a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace {
std::atomic<long> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  if (void* p = alignment > alignof(std::max_align_t)
                    ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
                    : std::malloc(size ? size : 1))
    return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size, 0); }
void* operator new[](std::size_t size) { return counted(size, 0); }
void* operator new(std::size_t size, std::align_val_t a) {
  return counted(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a) {
  return counted(size, static_cast<std::size_t>(a));
}
// std::stable_sort's buffer: one that may fail.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size ? size : 1);
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace ersatz {
namespace {

class Allocation : public testing::TestWithParam<std::string> {};

TEST_P(Allocation, NoneAfterTheFirstCall) {
  const Fit f = make_regressor(GetParam())->fit(problems::smooth(40, 91, 0.05), {});
  const Matrix X = problems::uniform(10, 3, 92);
  Workspace workspace;
  Matrix mean(10, 2), variance(10, 2), jacobian(2, 3);
  const auto all = [&] {
    f.predictor->mean(X, mean, workspace);
    if (f.predictor->has_variance())
      f.predictor->mean_and_variance(X, mean, variance, Noise::latent, workspace);
    if (f.predictor->has_jacobian()) f.predictor->jacobian(X.data(), jacobian, workspace);
    if (f.predictor->has_variance_gradient()) f.predictor->variance_gradient(X.data(), jacobian, workspace);
  };
  all();
  const long before = allocations;
  all();
  EXPECT_EQ(allocations - before, 0);
}

INSTANTIATE_TEST_SUITE_P(Regressors, Allocation, testing::ValuesIn(regressor_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ersatz
