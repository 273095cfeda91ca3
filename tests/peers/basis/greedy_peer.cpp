// Our side of the comparisons of greedy bases and interpolation nodes. Rows are written by NumPy's tofile.
//   greedy_peer points ROWS WIDTH COMPLEX MAX_RANK       points and their squared errors, not normalised
//   greedy_peer nodes ELEMENTS WIDTH COMPLEX RULE        nodes, then the Lebesgue constants
//   greedy_peer time BINS SNAPSHOTS THREADS TOLERANCE [DUMP]
//     snapshots of its own making (see below; DUMP: a file that gets them): seconds, rank, passes, peak
//     memory

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "ersatz/basis/greedy.hpp"
#include "ersatz/basis/interpolation.hpp"
#include "peers/basis/chirps.hpp"
#include "peers/peer.hpp"

using namespace ersatz;

namespace {

int points(char** argv) {
  const Matrix rows = peer::read(argv[0], std::atol(argv[1]));
  GreedyOptions options;
  options.tolerance = 0.0;
  options.normalise = false;
  options.max_rank = std::atol(argv[3]);
  SerialExecutor serial;
  const GreedyBasis basis = greedy_basis(rows, std::atoi(argv[2]) != 0, options, serial);
  for (Index k = 0; k < basis.rank(); ++k)
    std::printf("%ld %.17g\n", static_cast<long>(basis.points[static_cast<std::size_t>(k)].row),
                basis.errors[k] * basis.reference * basis.reference);
  return 0;
}

int nodes(char** argv) {
  const Matrix elements = peer::read(argv[0], std::atol(argv[1]));
  const auto found = empirical_interpolation(elements, std::atoi(argv[2]) != 0, node_rule(argv[3]));
  for (const Index node : found.nodes) std::printf("%ld\n", static_cast<long>(node));
  std::printf("%.17g %.17g\n", found.lebesgue_max, found.lebesgue_2);
  return 0;
}

int time(int argc, char** argv) {
  const Matrix rows = peer::chirps(0, std::atol(argv[1]), std::atol(argv[0]));
  if (argc > 4)
    std::ofstream(argv[4], std::ios::binary)
        .write(reinterpret_cast<const char*>(rows.data()), static_cast<std::streamsize>(rows.size() * 8));
  GreedyOptions options;
  options.tolerance = std::atof(argv[3]);
  const auto executor = make_executor(std::atol(argv[2]));
  const double begin = peer::seconds();
  const GreedyBasis basis = greedy_basis(rows, true, options, *executor);
  const double taken = peer::seconds() - begin;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%.4f %ld %.2f %.1f %.3g\n", taken, static_cast<long>(basis.rank()), basis.summary.passes,
              static_cast<double>(usage.ru_maxrss) / 1024.0, basis.summary.worst_error);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "points" && argc == 6) return points(argv + 2);
  if (what == "nodes" && argc == 6) return nodes(argv + 2);
  if (what == "time" && argc >= 6) return time(argc - 2, argv + 2);
  std::fprintf(stderr, "greedy_peer points|nodes|time …: see the source\n");
  return 2;
}
