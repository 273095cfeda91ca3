#include "ranks.hpp"

#include <unistd.h>

#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <thread>

#include "ersatz/core/error.hpp"
#ifdef ERSATZ_MPI
#include "ersatz/parallel/mpi_executor.hpp"
#endif

namespace ersatz::driver {
namespace {

struct Ending {
  int status = 0;
  bool failed = false;
  std::string message;
};

Ending end_of(const std::function<int()>& work) {
  try {
    return {work(), false, {}};
  } catch (const Error& e) {
    return {e.exit_status(), true, e.what()};
  } catch (const std::bad_alloc&) {
    return {1, true, "out of memory"};
  } catch (const std::exception& e) {
    return {1, true, text("unexpected failure: ", e.what())};
  }
}

#ifdef ERSATZ_MPI

// Launchers tell each rank so: Open MPI, PMIx and PMI (Slurm, MPICH, Cray, Intel).
bool launched() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

// A rank that is bound to cores has these; one that is not shares the machine's with its neighbours.
int cores_of_this_rank() {
  int neighbours = 1;
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &neighbours);
  int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (cores >= sysconf(_SC_NPROCESSORS_ONLN)) cores = std::max(1, cores / neighbours);
  MPI_Allreduce(MPI_IN_PLACE, &cores, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  MPI_Comm_free(&node);
  return cores;
}

// Whether all ranks have come to their end; waits as long as that takes, or `seconds`. No rank keeps its core
// busy meanwhile.
bool all_ended(int mine, int& lowest, double seconds) {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD, &request);
  const auto start = std::chrono::steady_clock::now();
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done) return true;
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > seconds)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

#else

int started_ranks() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (const char* value = std::getenv(name)) return std::atoi(value);
  return 1;
}

#endif

}  // namespace

#ifdef ERSATZ_MPI

Ranks::Ranks(int* argc, char*** argv) : started_(launched()) {
  if (!started_) return;
  int provided = 0;
  MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  if (rank_ != 0 && std::freopen("/dev/null", "w", stdout) == nullptr) std::fclose(stdout);
}

Ranks::~Ranks() {
  if (started_) MPI_Finalize();
}

std::unique_ptr<Executor> Ranks::executor(int threads) const {
  if (!started_) return make_executor(threads);
  return std::make_unique<MpiExecutor>(MPI_COMM_WORLD, threads > 0 ? threads : cores_of_this_rank());
}

int Ranks::conclude(const std::function<int()>& work) const {
  const Ending end = end_of(work);
  int first = end.failed ? rank_ : INT_MAX;
  if (size_ > 1) {
    const int mine = first;
    constexpr double patience = 3.0, for_ever = 1e300;
    if (!all_ended(mine, first, end.failed ? patience : for_ever)) {
      std::fprintf(stderr, "ersatz: rank %d: %s\n", rank_, end.message.c_str());
      std::fflush(stderr);
      MPI_Abort(MPI_COMM_WORLD, end.status);
    }
  }
  if (end.failed && rank_ == first) std::fprintf(stderr, "ersatz: %s\n", end.message.c_str());
  int status = end.status;
  if (size_ > 1) MPI_Bcast(&status, 1, MPI_INT, first == INT_MAX ? 0 : first, MPI_COMM_WORLD);
  return status;
}

#else

Ranks::Ranks(int*, char***) {
  if (started_ranks() > 1)
    throw UsageError(text("this ersatz was built without MPI (-DERSATZ_MPI=ON has it): each of the ",
                          started_ranks(), " ranks would do all of the work"));
}

Ranks::~Ranks() = default;

std::unique_ptr<Executor> Ranks::executor(int threads) const { return make_executor(threads); }

int Ranks::conclude(const std::function<int()>& work) const {
  const Ending end = end_of(work);
  if (end.failed) std::fprintf(stderr, "ersatz: %s\n", end.message.c_str());
  return end.status;
}

#endif

}  // namespace ersatz::driver
