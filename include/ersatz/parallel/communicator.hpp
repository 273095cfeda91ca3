#pragma once
// A group of MPI ranks that works on one thing. All of parallel/ takes one; MPI itself is started and ended
// by the program, never here.

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// A private copy of a communicator: messages of Ersatz never meet those of the program. Calls are collective
/// (every rank, in the same order) where not said otherwise. An MPI function that fails throws Error with
/// MPI's own message.
class Communicator {
 public:
  /// Duplicates `borrowed`, which stays the caller's. MPI must be initialised; throws UsageError otherwise.
  explicit Communicator(MPI_Comm borrowed);
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// For what is not offered here.
  MPI_Comm handle() const { return handle_; }
  /// Whether several threads may take turns in calling MPI (MPI_THREAD_SERIALIZED or more).
  bool threads_may_call() const { return threads_may_call_; }

  /// Calls `work` on every rank. Where it throws on any, all ranks throw the error of the lowest such rank,
  /// with its type, and with its number where the others had none: nobody is left waiting.
  void together(const std::function<void()>& work) const;
  /// Calls `work` on rank `root` alone; all ranks get its result, or throw its error.
  Bytes share(const std::function<Bytes()>& work, int root = 0) const;
  /// The bytes of all ranks, by rank, on every rank.
  std::vector<Bytes> all_gather(const Bytes& mine) const;
  /// On rank `root`: the bytes of all, by rank; empty on the others.
  std::vector<Bytes> gather(const Bytes& mine, int root = 0) const;
  void barrier() const;
  /// In place; every rank gets what rank `root` has.
  void broadcast(double* values, Index count, int root = 0) const;
  /// Sums over the ranks, in place, the same bits on each of them (not the same as in another number of
  /// ranks).
  void sum(double* values, Index count) const;
  double sum(double value) const;
  /// Throws DataError on all ranks, naming those that differ from rank 0, unless `fingerprint` is the same
  /// everywhere. `what` completes "the ranks disagree about …".
  void agree(std::uint64_t fingerprint, std::string_view what) const;

 private:
  MPI_Comm handle_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  bool threads_may_call_ = false;
};

/// The share of `rank` when `count` items are cut into `size` adjoining parts that differ by one at most.
struct Part {
  Index begin = 0, end = 0;
  Index size() const { return end - begin; }
};
Part part_of(Index count, int rank, int size);

}  // namespace ersatz
