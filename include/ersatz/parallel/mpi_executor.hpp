#pragma once
// Tasks on MPI ranks, and on threads within each.

#include <memory>

#include "ersatz/core/executor.hpp"
#include "ersatz/parallel/communicator.hpp"

namespace ersatz {

/// Every rank runs the same program and calls map(), open(), share() and together() in the same order; what a
/// task gives depends on its index alone. Then all ranks get the same results, with the same bits as on one
/// rank.
///
/// map() hands out indices from a counter that all ranks reach by one-sided communication, so no rank is a
/// master and none waits while another has work; results are gathered on all ranks. A
/// map() called from within a task runs in that task's thread. Memory: all results on every rank.
///
/// Networks without hardware support for MPI_Fetch_and_op (plain TCP) answer only while rank 0 is within an
/// MPI call: there, tasks may be handed out late, never wrongly.
class MpiExecutor final : public Executor {
 public:
  /// Collective. `threads` for each rank, 1 where MPI does not let threads take turns
  /// (MPI_THREAD_SERIALIZED).
  explicit MpiExecutor(MPI_Comm borrowed, Index threads = 1);
  ~MpiExecutor() override;  ///< collective
  MpiExecutor(const MpiExecutor&) = delete;
  MpiExecutor& operator=(const MpiExecutor&) = delete;

  const Communicator& communicator() const { return communicator_; }
  Index workers() const override { return threads_ * communicator_.size(); }
  Executor& local() override { return *local_; }
  Index process() const override { return communicator_.rank(); }
  Index processes() const override { return communicator_.size(); }
  Bytes share(const std::function<Bytes()>& work) override { return communicator_.share(work); }
  void together(const std::function<void()>& work) override { communicator_.together(work); }
  std::vector<Bytes> gather(const Bytes& mine) override { return communicator_.gather(mine); }
  std::vector<Bytes> map(Index n, const IndexedTask& task) override;
  /// Rank 0's own tasks run on threads beside the one that calls next(), which hands out and collects: it
  /// needs no core to itself. A worker gets its next task while it is still busy with one, where enough are
  /// submitted. next() throws what a task threw.
  std::unique_ptr<TaskQueue> open(Task task) override;

 private:
  class Counter;
  Communicator communicator_;
  Index threads_;
  std::unique_ptr<Executor> local_;
  std::unique_ptr<Counter> counter_;
};

}  // namespace ersatz
