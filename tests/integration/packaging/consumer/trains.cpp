// A program of others that links training.
#include <cstdio>
#include <string>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/executor.hpp"

int main() {
  const ersatz::SingleThreadedBlas one_thread;
  ersatz::SerialExecutor executor;
  const auto squares = executor.map(4, [](ersatz::Index i) { return std::to_string(i * i); });
  std::printf("%zu tasks, the last gave %s\n", squares.size(), squares.back().c_str());
  return squares.back() == "9" ? 0 : 1;
}
