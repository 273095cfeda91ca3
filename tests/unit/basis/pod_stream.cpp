// pod_stream GIGABYTES LIMIT: a streaming POD of so many gigabytes of snapshots, computed block by block and
// never in memory. Fails where the process takes more than LIMIT megabytes, or the basis leaves more than it
// was asked to of snapshots that it has not seen.

#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ersatz/basis/pod.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"

namespace {

using namespace ersatz;

constexpr Index width = 2000;
constexpr Index waves = 100;

/// Row i: waves whose amplitudes fall by a quarter from one to the next, times random numbers of row i.
class Waves {
 public:
  Waves() : shapes_(waves, width) {
    for (Index k = 0; k < waves; ++k)
      for (Index j = 0; j < width; ++j)
        shapes_(k, j) = std::pow(0.75, static_cast<double>(k)) *
                        std::cos(M_PI * static_cast<double>(k) * (static_cast<double>(j) + 0.5) /
                                 static_cast<double>(width));
  }
  void fill(Index first, MatrixRef block) const {
    Matrix amplitudes(block.rows(), waves);
    const RandomStream random(7);
    for (Index i = 0; i < block.rows(); ++i) {
      RandomStream row = random.split(static_cast<std::uint64_t>(first + i));
      for (Index k = 0; k < waves; ++k) amplitudes(i, k) = 2.0 * row.uniform() - 1.0;
    }
    block.noalias() = amplitudes * shapes_;
  }

 private:
  Matrix shapes_;
};

double resident_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

int run(double gigabytes, double limit) {
  constexpr double tolerance = 1e-6;
  const Waves waves_of;
  const Index rows = static_cast<Index>(gigabytes * 1e9 / (8.0 * static_cast<double>(width)));
  const auto source = generated_snapshots(rows, width, false,
                                          [&](Index first, MatrixRef block) { waves_of.fill(first, block); });
  PodOptions options;
  options.method = PodMethod::streaming;
  options.tolerance = tolerance;
  const auto start = std::chrono::steady_clock::now();
  const Pod pod = fit_pod(*source, options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  Matrix fresh(200, width);
  waves_of.fill(rows + 1000, fresh);
  const Matrix lost = fresh - fresh * pod.elements.transpose() * pod.elements;
  const double error = lost.norm() / fresh.norm();
  const double orthogonality =
      (pod.elements * pod.elements.transpose() - Matrix::Identity(pod.rank(), pod.rank()))
          .cwiseAbs()
          .maxCoeff();
  const double resident = resident_megabytes();
  std::printf(
      "%lld rows, %.3g GB in %.1f s: rank %lld, estimate %.3g, error of fresh rows %.3g,\n"
      "elements orthonormal to %.1e, %.0f MB resident (limit %.0f)\n%s\n",
      static_cast<long long>(rows), gigabytes, seconds, static_cast<long long>(pod.rank()),
      pod.summary.error_estimate, error, orthogonality, resident, limit, pod.summary.message.c_str());
  const bool good = pod.summary.tolerance_met && pod.summary.passes == 1 && error <= 1.1 * tolerance &&
                    orthogonality < 1e-13 && resident < limit;
  if (!good) std::puts("FAILED");
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: pod_stream GIGABYTES LIMIT_IN_MEGABYTES\n", stderr);
    return 2;
  }
  try {
    return run(std::atof(argv[1]), std::atof(argv[2]));
  } catch (const ersatz::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
