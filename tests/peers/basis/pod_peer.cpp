// pod_peer DATA RESULT COLUMNS COMPLEX METHOD TOLERANCE MAX_RANK WEIGHTS THREADS REPEATS
// The POD of rows of COLUMNS doubles (COMPLEX 1: interleaved). WEIGHTS: a file of one double per bin, or "-".
// RESULT: singular values, then elements. Prints rank, passes, working bytes, error estimate and the least
// time of REPEATS.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "ersatz/basis/pod.hpp"
#include "peers/peer.hpp"

namespace {

using namespace ersatz;

int run(char** argv) {
  const Index columns = std::atol(argv[3]);
  const bool complex = argv[4][0] == '1';
  const Matrix rows = peer::read(argv[1], columns);
  PodOptions options;
  options.method = pod_method_from_string(argv[5]);
  options.tolerance = std::atof(argv[6]);
  options.max_rank = std::atol(argv[7]);
  if (argv[8][0] != '-') options.weights = peer::read(argv[8], 1);
  const auto executor = make_executor(std::atol(argv[9]));
  options.executor = executor.get();
  double least = std::numeric_limits<double>::infinity();
  Pod pod;
  for (int repeat = 0; repeat < std::atoi(argv[10]); ++repeat) {
    const double start = peer::seconds();
    pod = fit_pod(rows, complex, options);
    least = std::min(least, peer::seconds() - start);
  }
  std::ofstream out(argv[2], std::ios::binary);
  const auto write = [&](const auto& values) {
    out.write(reinterpret_cast<const char*>(values.data()), values.size() * 8);
  };
  write(Vector(pod.singular_values.head(pod.rank())));
  write(pod.elements);
  std::printf("%ld %ld %.17g %.17g %.17g %s\n", static_cast<long>(pod.rank()),
              static_cast<long>(pod.summary.passes), pod.summary.bytes, pod.summary.error_estimate, least,
              to_string(pod.summary.method));
  return out.good() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 11) {
    std::fputs("usage: see the first lines of pod_peer.cpp\n", stderr);
    return 2;
  }
  try {
    return run(argv);
  } catch (const ersatz::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return e.exit_status();
  }
}
