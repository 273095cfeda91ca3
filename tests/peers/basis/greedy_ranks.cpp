// What a greedy basis of rows on several ranks takes, and what its cost model needs.
//   tests/mpirun.sh RANKS greedy_ranks time [SNAPSHOTS BINS TOLERANCE MAX_RANK]
//     the snapshots of greedy_peer, spread over the ranks; prints name value lines: seconds (of the search,
//     by the clock), critical (seconds by the processors' clocks: from message to message, the rank that
//     works longest; what the search would take on cores of its own and with messages that take no time),
//     messages, and for each rank its processor time, memory of its rows and peak memory
//   tests/mpirun.sh 1 greedy_ranks rates [BINS]
//     operations per second of what the search consists of
//   tests/mpirun.sh 2 greedy_ranks messages
//     seconds of the exchange and of the broadcast, by size
// Ranks are bound to the cores of this machine in turn. BLAS runs on one thread.

#include <mpi.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "basis/products.hpp"
#include "ersatz/basis/greedy.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/parallel/distributed_basis.hpp"
#include "peers/basis/chirps.hpp"
#include "peers/peer.hpp"

using namespace ersatz;

namespace {

double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Work between the collective messages of the search, which come through the wrappers below.
struct Record {
  bool on = false;
  double since = 0.0, bytes = 0.0;
  std::vector<double> work;  ///< processor seconds before each message, and after the last
  void stop() {
    if (on) work.push_back(processor_seconds() - since);
  }
  void go() { since = processor_seconds(); }
} record;

int size_of(MPI_Datatype type) {
  int size = 0;
  MPI_Type_size(type, &size);
  return size;
}

}  // namespace

// MPI has a second name for each of its functions, so that programs can look at the calls.
extern "C" {
int MPI_Allgather(const void* in, int n, MPI_Datatype type, void* out, int m, MPI_Datatype to,
                  MPI_Comm comm) {
  record.stop();
  record.bytes += static_cast<double>(n) * size_of(type);
  const int status = PMPI_Allgather(in, n, type, out, m, to, comm);
  record.go();
  return status;
}
int MPI_Bcast(void* data, int n, MPI_Datatype type, int root, MPI_Comm comm) {
  record.stop();
  record.bytes += static_cast<double>(n) * size_of(type);
  const int status = PMPI_Bcast(data, n, type, root, comm);
  record.go();
  return status;
}
}

namespace {

int rank = 0, size = 1;

void bind_to_core() {
  cpu_set_t allowed, one;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  std::vector<int> cores;
  for (int c = 0; c < CPU_SETSIZE; ++c)
    if (CPU_ISSET(c, &allowed)) cores.push_back(c);
  CPU_ZERO(&one);
  CPU_SET(cores[static_cast<std::size_t>(rank) % cores.size()], &one);
  sched_setaffinity(0, sizeof one, &one);
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

Index argument(int argc, char** argv, int i, Index otherwise) {
  return argc > i ? std::atol(argv[i]) : otherwise;
}

int time(int argc, char** argv) {
  const Index n = argument(argc, argv, 2, 10000), m = argument(argc, argv, 3, 4000);
  GreedyOptions options;
  options.tolerance = argc > 4 ? std::atof(argv[4]) : 1e-12;
  options.max_rank = argument(argc, argv, 5, 0);
  const Communicator comm(MPI_COMM_WORLD);
  const Part part = part_of(n, rank, size);
  const Matrix rows = peer::chirps(part.begin, part.end, m);
  SerialExecutor serial;
  comm.barrier();
  record.on = true;
  record.go();
  const double begin = peer::seconds();
  const GreedyBasis basis = distributed_greedy(comm, rows, true, options, serial);
  record.stop();
  record.on = false;
  const double taken = peer::seconds() - begin;
  std::vector<double> longest = record.work;
  const int count = static_cast<int>(longest.size());
  MPI_Allreduce(MPI_IN_PLACE, longest.data(), count, MPI_DOUBLE, MPI_MAX, comm.handle());
  double critical = 0.0, mine = 0.0;
  for (const double s : longest) critical += s;
  for (const double s : record.work) mine += s;
  const double numbers[] = {mine, static_cast<double>(rows.size()) * 8.0 / 1048576.0, peak_megabytes()};
  std::vector<double> all(3 * static_cast<std::size_t>(size));
  PMPI_Gather(numbers, 3, MPI_DOUBLE, all.data(), 3, MPI_DOUBLE, 0, comm.handle());
  if (rank != 0) return 0;
  long sum = 0;  // tells whether two runs took the same snapshots
  for (const GreedyPoint& p : basis.points) sum = (31 * sum + static_cast<long>(p.row)) % 1000003;
  std::printf("ranks %d\nseconds %.4f\ncritical %.4f\nelements %ld\npoints %ld\npasses %.2f\n", size, taken,
              critical, static_cast<long>(basis.rank()), sum, basis.summary.passes);
  std::printf("messages %d\nsent_MB %.2f\nstep_ms %.3f\n", count - 1, record.bytes / 1048576.0,
              1e3 * taken / static_cast<double>(std::max<Index>(basis.rank(), 1)));
  for (int r = 0; r < size; ++r)
    std::printf("rank%d processor_s %.4f rows_MB %.1f peak_MB %.1f\n", r,
                all[static_cast<std::size_t>(3 * r)], all[static_cast<std::size_t>(3 * r + 1)],
                all[static_cast<std::size_t>(3 * r + 2)]);
  return 0;
}

/// Least processor seconds of several calls.
template <class Work>
double least(int times, const Work& work) {
  double best = 1e300;
  for (int t = 0; t < times; ++t) {
    const double begin = processor_seconds();
    work();
    best = std::min(best, processor_seconds() - begin);
  }
  return best;
}

int rates(int argc, char** argv) {
  const Index m = argument(argc, argv, 2, 4000), k = 128, p = 32;
  const int mi = static_cast<int>(m), ki = static_cast<int>(k), pi = static_cast<int>(p);
  const SingleThreadedBlas single;
  std::vector<Complex> elements(static_cast<std::size_t>(k * m)), rows(static_cast<std::size_t>(p * m)),
      products(static_cast<std::size_t>(k * p));
  RandomStream random(1);
  for (auto* v : {&elements, &rows})
    for (Complex& z : *v) z = {random.normal(), random.normal()};
  // 8 operations for each product of complex numbers that is added to another.
  const double work = 8.0 * static_cast<double>(m);
  for (const int q : {1, 4, 16, 128}) {
    const double s =
        least(9, [&] { inner_products(mi, q, pi, elements.data(), rows.data(), products.data()); });
    std::printf("products_of_%d_elements %.4g\n", q, work * q * static_cast<double>(p) / s);
  }
  // Elements of a sweep come from memory or the last cache, piece of bins by piece of bins.
  const int piece = 256;
  const double s = least(9, [&] {
    for (int i = 0; i + piece <= mi; i += piece) {
      inner_products_of_one(piece, ki, mi, elements.data() + i, rows.data() + i, products.data(), 1);
      subtract_combination(piece, ki, mi, elements.data() + i, products.data(), rows.data() + i);
    }
  });
  std::printf("orthogonalisation %.4g\n",
              2.0 * 8.0 * static_cast<double>(mi / piece * piece) * static_cast<double>(k) / s);
  // Rows from memory, one element at a time.
  const Matrix many = peer::chirps(0, 2000, m);
  std::vector<Complex> one(2000);
  const double slow = least(5, [&] {
    inner_products_of_one(mi, 2000, mi, reinterpret_cast<const Complex*>(many.data()), elements.data(),
                          one.data(), 1);
  });
  std::printf("rows_from_memory_bytes %.4g\n", 16.0 * static_cast<double>(m) * 2000.0 / slow);
  return 0;
}

int messages() {
  std::vector<double> data(1 << 17), all(static_cast<std::size_t>(size) << 17);
  for (const int count : {4, 16, 256, 1024, 8192, 65536}) {
    double exchange = 1e300, broadcast = 1e300;
    const int times = count > 10000 ? 50 : 500;
    for (int batch = 0; batch < 7; ++batch) {
      PMPI_Barrier(MPI_COMM_WORLD);
      double begin = peer::seconds();
      for (int t = 0; t < times; ++t)
        PMPI_Allgather(data.data(), count, MPI_DOUBLE, all.data(), count, MPI_DOUBLE, MPI_COMM_WORLD);
      exchange = std::min(exchange, (peer::seconds() - begin) / times);
      PMPI_Barrier(MPI_COMM_WORLD);
      begin = peer::seconds();
      for (int t = 0; t < times; ++t) PMPI_Bcast(data.data(), count, MPI_DOUBLE, t % size, MPI_COMM_WORLD);
      broadcast = std::min(broadcast, (peer::seconds() - begin) / times);
    }
    if (rank == 0)
      std::printf("bytes %d exchange_us %.3f broadcast_us %.3f\n", 8 * count, 1e6 * exchange,
                  1e6 * broadcast);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  bind_to_core();
  const std::string what = argc > 1 ? argv[1] : "";
  int status = 2;
  if (what == "time") status = time(argc, argv);
  if (what == "rates") status = rates(argc, argv);
  if (what == "messages") status = messages();
  if (status == 2 && rank == 0) std::fprintf(stderr, "greedy_ranks time|rates|messages …: see the source\n");
  MPI_Finalize();
  return status;
}
