#pragma once
// A queue of tasks over ranks: rank 0 hands out and collects, all work.

#include <memory>

#include "ersatz/core/executor.hpp"
#include "ersatz/parallel/communicator.hpp"

namespace ersatz::parallel {

/// The queue of rank 0, and of the others. Each has `threads` workers; the calling thread alone speaks MPI.
std::unique_ptr<TaskQueue> lead(const Communicator& comm, Executor::Task task, Index threads);
std::unique_ptr<TaskQueue> serve(const Communicator& comm, Executor::Task task, Index threads);

}  // namespace ersatz::parallel
