// How fast the farm is on ranks:
//
//   mpirun -n 2 farm_speed runs COUNT MEAN SPREAD [ARCHIVE]   sleeping runs of MEAN seconds, normal with
//   SPREAD·MEAN mpirun -n 2 farm_speed spin COUNT MEAN SPREAD [ARCHIVE]   the same, busy instead of asleep
//   mpirun -n 2 farm_speed messages COUNT                     empty batches: seconds of process 0 for each
//
// One worker on each rank. Prints JSON on rank 0.
#include <mpi.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <thread>

#include "campaign/batch_runner.hpp"
#include "ersatz/campaign/farm.hpp"
#include "ersatz/campaign/schedule.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/parallel/mpi_executor.hpp"

namespace {

using namespace ersatz;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Takes as long as its parameter says; puts out 100 numbers.
class Sleeper final : public Simulator {
 public:
  explicit Sleeper(bool spin) : spin_(spin) {}
  std::string name() const override { return "sleeper"; }
  std::string description() const override { return "takes as long as its parameter says"; }
  const ParameterSpace& space() const override { return space_; }
  const std::vector<Axis>& axes() const override { return axes_; }
  const std::vector<OutputSpec>& outputs() const override { return outputs_; }
  SimulationResult run(const double* x) const override {
    const auto start = Clock::now();
    if (!spin_) std::this_thread::sleep_for(std::chrono::duration<double>(x[0]));
    while (seconds_since(start) < x[0]) {
    }
    return {{Vector::Constant(100, x[0])}, ""};
  }

 private:
  bool spin_;
  ParameterSpace space_{{{"seconds", "s", 0.0, 1e6, Scale::linear}}};
  std::vector<Axis> axes_{{"k", "", Vector::LinSpaced(100, 0, 99)}};
  std::vector<OutputSpec> outputs_{{"y", "", "k", 100, false}};
};

int runs(MpiExecutor& executor, char** arguments, int count) {
  const Index n = std::atol(arguments[2]);
  const double mean = std::atof(arguments[3]), spread = std::atof(arguments[4]);
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(mean, spread * mean);
  Matrix design(n, 1);
  for (Index i = 0; i < n; ++i) design(i, 0) = std::max(normal(random), 0.1 * mean);
  FarmOptions options;
  options.executor = &executor;
  options.overwrite = true;
  if (count > 5) options.archive = arguments[5];
  const auto start = Clock::now();
  const auto summary = simulate(Sleeper(std::string(arguments[1]) == "spin"), design, options).summary;
  const double duration = seconds_since(start);
  double busy = 0.0, storage = 0.0;
  for (const auto& u : summary.use) {
    busy += u.busy;
    storage += u.storage;
  }
  // What the runs were to take, not what they took: their own delays count as overhead.
  const auto workers = static_cast<double>(executor.workers());
  const double due = design.sum();
  if (executor.process() == 0)
    std::printf(
        "{\"ranks\": %ld, \"runs\": %ld, \"mean\": %g, \"duration\": %.4f, \"efficiency\": %.4f, "
        "\"busy\": %.4f, \"storage\": %.4f, \"overhead_ms_per_run\": %.4f}\n",
        static_cast<long>(executor.processes()), static_cast<long>(n), mean, duration,
        due / workers / duration, busy / workers / duration, storage / workers / duration,
        1e3 * (duration * workers - due) / static_cast<double>(n));
  return summary.done == n ? 0 : 1;
}

double processor_seconds() {
  rusage used;
  ::getrusage(RUSAGE_THREAD, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

// Everything that process 0's main thread does for a batch, with batches of one run that take no time.
int messages(MpiExecutor& executor, Index count) {
  std::vector<Index> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), Index{0});
  ScheduleOptions options;
  options.workers = 4 * executor.workers();  // never out of work
  options.shortest = options.message = options.longest = 0.0;
  Schedule schedule(std::move(rows), options);
  double processor = 0.0, duration = 0.0;
  {
    const auto queue = executor.open([](const Bytes& batch) {
      RunRecord record;
      record.row = static_cast<Index>(doubles_from_bytes(batch).at(1));
      Bytes bytes;
      detail::append_record(bytes, record);
      return bytes;
    });
    const auto start = Clock::now();
    const double before = processor_seconds();
    for (;;) {
      while (const auto batch = schedule.hand_out())
        queue->submit(batch->number, detail::encode_batch(batch->rows, 1.0));
      const auto finished = queue->next();
      if (!finished) break;
      const auto records = detail::decode_records(finished->second);
      schedule.book(finished->first, static_cast<Index>(records.size()), 0.0);
    }
    duration = seconds_since(start);
    processor = processor_seconds() - before;
  }
  if (executor.process() == 0)
    std::printf(
        "{\"ranks\": %ld, \"batches\": %ld, \"microseconds_per_batch\": %.3f, "
        "\"processor_microseconds_per_batch\": %.3f}\n",
        static_cast<long>(executor.processes()), static_cast<long>(count),
        1e6 * duration / static_cast<double>(count), 1e6 * processor / static_cast<double>(count));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int provided = 0, status = 2;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &provided);
  {
    MpiExecutor executor(MPI_COMM_WORLD, 1);
    const std::string what = argc > 1 ? argv[1] : "";
    if ((what == "runs" || what == "spin") && argc >= 5)
      status = runs(executor, argv, argc);
    else if (what == "messages" && argc == 3)
      status = messages(executor, std::atol(argv[2]));
    else
      std::fprintf(stderr, "farm_speed runs|spin COUNT MEAN SPREAD [ARCHIVE], or messages COUNT\n");
  }
  MPI_Finalize();
  return status;
}
