// Rays through a medium whose cells shine as an emulator says: rays model.h5 [RAYS [CELLS]]
//
// The same as examples/fortran/rays.f90, to the last bit, from threads of C++: the emulator is shared, each
// thread has a workspace and buffers of its own.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>
#include <vector>

#include "ersatz/core/error.hpp"
#include "ersatz/emulator/emulator.hpp"

namespace {

struct Ray {
  ersatz::Vector intensity;  ///< of all outputs, one after the other
  int outside = 0;           ///< cells outside of the domain
  std::exception_ptr error{};
};

Ray follow(const ersatz::Emulator& emulator, int ray, int rays, int cells, ersatz::Workspace& workspace) {
  ersatz::Index row = 0;
  for (const auto& output : emulator.outputs()) row += output.width();
  ersatz::Vector source(row);
  std::vector<double*> outputs;
  double* at = source.data();
  for (const auto& output : emulator.outputs()) {
    outputs.push_back(at);
    at += output.width();
  }
  ersatz::Matrix x(1, emulator.space().size());
  Ray result{ersatz::Vector::Zero(row)};
  const double across = (ray - 0.5) / rays;
  for (int cell = 1; cell <= cells; ++cell) {
    const double along = (cell - 0.5) / cells;
    for (ersatz::Index k = 0; k < x.cols(); ++k) {
      const ersatz::Parameter& p = emulator.space()[k];
      x(0, k) = p.lower + (k % 2 == 0 ? along : across) * (p.upper - p.lower);
    }
    emulator.mean(x, outputs.data(), workspace);
    if (!(emulator.domain_score(x.data(), workspace) <= 1.0)) ++result.outside;
    const double passes = std::exp(-2.0 / cells);
    for (ersatz::Index j = 0; j < row; ++j)
      result.intensity[j] = result.intensity[j] * passes + source[j] * (1.0 - passes);
  }
  return result;
}

int number(int argc, char** argv, int i, int fallback) {
  if (argc <= i) return fallback;
  const int value = std::atoi(argv[i]);
  if (value < 1) throw ersatz::UsageError("numbers of rays and cells begin at 1");
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: rays model.h5 [RAYS [CELLS]]\n");
    return 2;
  }
  try {
    const ersatz::Emulator emulator = ersatz::open_emulator(argv[1]);
    const int rays = number(argc, argv, 2, 16), cells = number(argc, argv, 3, 50);
    std::vector<Ray> done(static_cast<std::size_t>(rays));
    std::atomic<int> next{1};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t)
      threads.emplace_back([&] {
        ersatz::Workspace workspace;
        for (int ray = next++; ray <= rays; ray = next++) try {
            done[static_cast<std::size_t>(ray - 1)] = follow(emulator, ray, rays, cells, workspace);
          } catch (...) {
            done[static_cast<std::size_t>(ray - 1)].error = std::current_exception();
          }
      });
    for (std::thread& t : threads) t.join();
    for (int ray = 1; ray <= rays; ++ray) {
      const Ray& r = done[static_cast<std::size_t>(ray - 1)];
      if (r.error) std::rethrow_exception(r.error);
      const ersatz::Index row = r.intensity.size();
      double total = 0.0;
      for (const double value : r.intensity) total += value;
      std::printf("%d %.17g %.17g %.17g %.17g %d\n", ray, r.intensity[0], r.intensity[row / 2],
                  r.intensity[row - 1], total, r.outside);
    }
    return 0;
  } catch (const ersatz::Error& error) {
    std::fprintf(stderr, "rays: %s\n", error.what());
    return error.exit_status();
  }
}
