#pragma once
// The program on MPI ranks: started where mpirun, srun or the like has started it, and never otherwise.

#include <functional>
#include <memory>

#include "ersatz/core/executor.hpp"

namespace ersatz::driver {

/// MPI for as long as this lives. Of all ranks only the first prints results.
class Ranks {
 public:
  /// Throws UsageError where several ranks were started and the program was built without MPI.
  Ranks(int* argc, char*** argv);
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// On all ranks with `threads` for each (0: this rank's share of the cores); without MPI, threads alone.
  std::unique_ptr<Executor> executor(int threads) const;
  /// Calls `work` and makes one exit status of those of all ranks. What work throws is printed once: an error
  /// that all ranks have, or that some have while the others end too, ends them in peace; an error of one
  /// rank while others wait for it ends them all after a few seconds (MPI_Abort).
  int conclude(const std::function<int()>& work) const;

 private:
  bool started_ = false;
  int rank_ = 0, size_ = 1;
};

}  // namespace ersatz::driver
