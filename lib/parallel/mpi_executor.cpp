#include "ersatz/parallel/mpi_executor.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <mutex>
#include <utility>

#include "ersatz/core/error.hpp"
#include "parallel/check.hpp"
#include "parallel/failure.hpp"
#include "parallel/mpi_queue.hpp"

namespace ersatz {
namespace {

using parallel::check;

// Set while a thread runs a task: maps within it stay in it.
thread_local bool within_task = false;

class WithinTask {
 public:
  WithinTask() { within_task = true; }
  ~WithinTask() { within_task = false; }
};

// What a rank's tasks gave: index, whether it failed, size, and the bytes of each.
struct Head {
  std::int64_t index, failed, size;
};

void append(Bytes& all, Index index, bool failed, const Bytes& result) {
  const Head head{index, failed, static_cast<std::int64_t>(result.size())};
  all.append(reinterpret_cast<const char*>(&head), sizeof head);
  all.append(result);
}

template <class Take>
void for_each_result(const Bytes& all, const Take& take) {
  for (std::size_t at = 0; at < all.size();) {
    Head head;
    std::memcpy(&head, all.data() + at, sizeof head);
    at += sizeof head;
    take(static_cast<std::size_t>(head.index), head.failed != 0,
         all.substr(at, static_cast<std::size_t>(head.size)));
    at += static_cast<std::size_t>(head.size);
  }
}

}  // namespace

/// Hands out 0, 1, 2, … to all ranks, each number once. Two counters take turns: one is set back while the
/// other is in use.
class MpiExecutor::Counter {
 public:
  explicit Counter(const Communicator& comm) : comm_(comm) {
    const MPI_Aint bytes = comm.rank() == 0 ? 2 * sizeof(std::int64_t) : 0;
    std::int64_t* memory = nullptr;
    check(MPI_Win_allocate(bytes, sizeof(std::int64_t), MPI_INFO_NULL, comm.handle(), &memory, &window_),
          "MPI_Win_allocate");
    check(MPI_Win_lock_all(MPI_MODE_NOCHECK, window_), "MPI_Win_lock_all");
    if (comm.rank() == 0) {
      set(0, 0);
      set(1, 0);
    }
    comm.barrier();
  }
  ~Counter() {
    int finalised = 0;
    MPI_Finalized(&finalised);
    if (finalised) return;
    MPI_Win_unlock_all(window_);
    MPI_Win_free(&window_);
  }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  Index next() {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::int64_t one = 1;
    std::int64_t value = 0;
    check(MPI_Fetch_and_op(&one, &value, MPI_INT64_T, 0, use_, MPI_SUM, window_), "MPI_Fetch_and_op");
    check(MPI_Win_flush(0, window_), "MPI_Win_flush");
    return static_cast<Index>(value);
  }
  /// Nobody gets a number below `end` any more.
  void stop(Index end) {
    const std::lock_guard<std::mutex> lock(mutex_);
    set(use_, end);
  }
  /// Between two rounds, before a message that each rank has from all others.
  void turn() {
    use_ = 1 - use_;
    if (comm_.rank() == 0) set(use_, 0);
  }

 private:
  void set(MPI_Aint which, std::int64_t value) {
    check(MPI_Accumulate(&value, 1, MPI_INT64_T, 0, which, 1, MPI_INT64_T, MPI_REPLACE, window_),
          "MPI_Accumulate");
    check(MPI_Win_flush(0, window_), "MPI_Win_flush");
  }

  const Communicator& comm_;
  MPI_Win window_ = MPI_WIN_NULL;
  std::mutex mutex_;
  MPI_Aint use_ = 0;
};

MpiExecutor::MpiExecutor(MPI_Comm borrowed, Index threads)
    : communicator_(borrowed), threads_(communicator_.threads_may_call() ? threads : 1) {
  communicator_.together([&] {
    if (threads < 1)
      throw UsageError(text("an executor needs at least one thread on each rank, got ", threads));
    local_ = make_executor(threads);
  });
  communicator_.agree(static_cast<std::uint64_t>(threads_), "the number of threads");
  counter_ = std::make_unique<Counter>(communicator_);
}

MpiExecutor::~MpiExecutor() = default;

std::vector<Bytes> MpiExecutor::map(Index n, const IndexedTask& task) {
  if (within_task) return SerialExecutor().map(n, task);
  if (n <= 0) return {};
  Bytes mine;
  std::mutex mutex;
  // Each thread of this rank takes numbers until there are none.
  local_->map(threads_, [&](Index) {
    const WithinTask within;
    for (bool failed = false; !failed;) {
      const Index i = counter_->next();
      if (i >= n) break;
      Bytes result;
      try {
        result = task(i);
      } catch (...) {
        // An index once handed out is run: of several failures, the lowest is always among those seen.
        counter_->stop(n);
        failed = true;
        result = parallel::encode_failure(std::current_exception());
      }
      const std::lock_guard<std::mutex> lock(mutex);
      append(mine, i, failed, result);
    }
    return Bytes();
  });
  counter_->turn();
  std::vector<Bytes> results(static_cast<std::size_t>(n));
  std::size_t lowest = results.size();
  for (const Bytes& rank : communicator_.all_gather(mine))
    for_each_result(rank, [&](std::size_t i, bool failed, Bytes bytes) {
      if (failed) lowest = std::min(lowest, i);
      results[i] = std::move(bytes);
    });
  if (lowest < results.size()) parallel::throw_failure(results[lowest]);
  return results;
}

std::unique_ptr<TaskQueue> MpiExecutor::open(Task task) {
  const auto marked = [task = std::move(task)](const Bytes& argument) {
    const WithinTask within;
    return task(argument);
  };
  if (communicator_.rank() == 0) return parallel::lead(communicator_, marked, threads_);
  return parallel::serve(communicator_, marked, threads_);
}

}  // namespace ersatz
