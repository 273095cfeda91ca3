// What one evaluation of the exact Gaussian process' likelihood takes on ranks, against one process with
// threads.
//
//   gp_ranks threads N [threads, 2]                    one process: DenseCovariance worked on by a team of
//   threads tests/mpirun.sh R gp_ranks ranks N [block, 0] [rows columns, 0 0] [threads of each rank, 1]
//   tests/mpirun.sh 2 gp_ranks messages                latency and bandwidth between ranks 0 and 1
//
// Prints one line of JSON: seconds (wall clock; for what is before it in a step see the names), the value,
// and the peak memory of the largest process in bytes. ranks.py runs both in turn and compares.
#include <mpi.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/regression/gp/likelihood.hpp"
#include "parallel/block_cyclic.hpp"

namespace {

using namespace ersatz;

/// Peak resident memory of this process.
double peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      double kilobytes = 0.0;
      status >> kilobytes;
      return 1024.0 * kilobytes;
    }
  return 0.0;
}

double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Data {
  Matrix x, y;
};

Data data_of(Index n) {
  constexpr Index d = 6;
  RandomStream random(1);
  Data data{Matrix(n, d), Matrix(n, 1)};
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < d; ++k) data.x(i, k) = random.uniform();
    const auto x = data.x.row(i);
    data.y(i, 0) = std::sin(4 * x[0] + 2 * x[1] * x[2]) + x[1] * x[1] * x[3] + std::cos(3 * x[4] * x[0]) +
                   0.3 * std::exp(-2 * x[5]) + 1e-3 * random.normal();
  }
  return data;
}

/// The parts of an evaluation, each on its own, then one of value and gradient as a search has it.
void measure(const std::string& name, Index n, std::shared_ptr<gp::CovarianceMatrix> r,
             const Communicator& comm) {
  const Data data = data_of(n);
  const gp::KernelPtr kernel = gp::make_kernel("matern52-product", data.x.cols());
  std::vector<double> theta(7, std::log(1.5)), gradient(7), c(6);
  theta[6] = std::log(1e-6);
  kernel->prepare(theta.data(), c.data());
  std::string line = "{\"what\": \"" + name + "\", \"n\": " + std::to_string(n);
  const auto timed = [&](const char* what, const auto& work) {
    comm.barrier();
    const double began = MPI_Wtime(), before = processor_seconds();
    work();
    double spent = processor_seconds() - before;
    MPI_Allreduce(MPI_IN_PLACE, &spent, 1, MPI_DOUBLE, MPI_MAX, comm.handle());
    line += std::string(", \"") + what + "\": " + std::to_string(MPI_Wtime() - began) + ", \"cpu_" + what +
            "\": " + std::to_string(spent);
  };
  {
    const SingleThreadedBlas single;  // as in a search
    Eigen::MatrixXd b = data.y;
    timed("factor", [&] { r->factor(*kernel, c.data(), 1e-6, 0.0, nullptr); });
    timed("solve", [&] { r->solve(false, 1, b); });
    timed("invert", [&] { r->invert(); });
    timed("contract", [&] { r->contract(*kernel, c.data(), gradient.data()); });
  }
  gp::ObjectiveOptions options;
  gp::Likelihood likelihood(kernel, data.x, data.y, options, r);
  double value = 0.0;
  timed("value", [&] { likelihood.evaluate(theta.data(), &value, nullptr); });
  timed("value_and_gradient", [&] { likelihood.evaluate(theta.data(), &value, gradient.data()); });
  double most = 0.0, mine = peak_bytes();
  MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, comm.handle());
  char rest[200];
  std::snprintf(rest, sizeof rest, ", \"result\": %.15g, \"gradient\": %.15g, \"peak_bytes\": %.0f}", value,
                gradient[0], most);
  if (comm.rank() == 0) std::printf("%s%s\n", line.c_str(), rest);
}

/// Round trips of 8 bytes, and of 1 MB: the best of many, which others on the machine disturb least.
void messages(const Communicator& comm) {
  const auto trip = [&](int bytes, int times, int tries) {
    std::vector<char> data(static_cast<std::size_t>(bytes));
    double best = HUGE_VAL;
    for (int t = 0; t < tries; ++t) {
      comm.barrier();
      const double began = MPI_Wtime();
      for (int i = 0; i < times && comm.rank() < 2; ++i)
        for (const int sender : {0, 1}) {
          if (comm.rank() == sender)
            MPI_Send(data.data(), bytes, MPI_BYTE, 1 - sender, 0, comm.handle());
          else
            MPI_Recv(data.data(), bytes, MPI_BYTE, sender, 0, comm.handle(), MPI_STATUS_IGNORE);
        }
      best = std::min(best, (MPI_Wtime() - began) / (2.0 * times));
    }
    return best;
  };
  const double small = trip(8, 100, 300), large = trip(1 << 20, 2, 300);
  if (comm.rank() == 0)
    std::printf("{\"what\": \"messages\", \"latency\": %.3g, \"seconds_per_byte\": %.3g}\n", small,
                (large - small) / (1 << 20));
}

}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  {
    const Communicator comm(MPI_COMM_WORLD);
    const auto argument = [&](int i, int otherwise) { return argc > i ? std::atoi(argv[i]) : otherwise; };
    const std::string what = argc > 1 ? argv[1] : "";
    const Index n = argument(2, 12000);
    if (what == "messages") {
      messages(comm);
    } else if (what == "threads") {
      measure(what, n, std::make_shared<gp::DenseCovariance>(data_of(n).x, argument(3, 2)), comm);
    } else if (what == "ranks") {
      const auto grid = std::make_shared<const parallel::ProcessGrid>(
          comm, parallel::GridShape{argument(4, 0), argument(5, 0)});
      measure(
          what, n,
          std::make_shared<parallel::BlockCyclicCovariance>(
              grid, data_of(n).x, parallel::BlockCyclicCovariance::Options{argument(3, 0), argument(6, 1)}),
          comm);
    } else {
      std::fprintf(stderr, "usage: gp_ranks threads|ranks|messages …, see its source\n");
    }
  }
  MPI_Finalize();
  return 0;
}
