#include "ersatz/core/blas.hpp"

#include <mutex>

extern "C" {
void openblas_set_num_threads(int) __attribute__((weak));
int openblas_get_num_threads() __attribute__((weak));
}

namespace ersatz {
namespace {
std::mutex mutex;
int uses = 0;
int before = 1;
}  // namespace

SingleThreadedBlas::SingleThreadedBlas() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (uses++ == 0 && openblas_set_num_threads && openblas_get_num_threads) {
    before = openblas_get_num_threads();
    openblas_set_num_threads(1);
  }
}

SingleThreadedBlas::~SingleThreadedBlas() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (--uses == 0 && openblas_set_num_threads) openblas_set_num_threads(before);
}

}  // namespace ersatz
