#pragma once
// For one source of a program that asks whether it allocates.

#include <atomic>
#include <cstdlib>

// Every allocation of this program is counted: Eigen calls malloc itself, so operator new is not enough.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define ERSATZ_COUNTS_ALLOCATIONS
static std::atomic<long> allocations{0};
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t n, std::size_t size);
void* __libc_realloc(void* p, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void* malloc(std::size_t size) noexcept {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  ++allocations;
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t size) noexcept {
  ++allocations;
  return __libc_realloc(p, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  ++allocations;
  return __libc_memalign(alignment, size);
}
}
#endif
