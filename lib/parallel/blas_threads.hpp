#pragma once
// How many threads BLAS works with, for a while.

extern "C" {
void openblas_set_num_threads(int);
int openblas_get_num_threads();
}

namespace ersatz::parallel {

class BlasThreads {
 public:
  explicit BlasThreads(int threads) : before_(openblas_get_num_threads()) {
    openblas_set_num_threads(threads);
  }
  ~BlasThreads() { openblas_set_num_threads(before_); }
  BlasThreads(const BlasThreads&) = delete;
  BlasThreads& operator=(const BlasThreads&) = delete;

 private:
  int before_;
};

}  // namespace ersatz::parallel
