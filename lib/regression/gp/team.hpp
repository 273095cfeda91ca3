#pragma once
// Threads that work on one matrix together.

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "ersatz/core/workspace.hpp"

namespace ersatz::gp {

/// Runs independent pieces of one task. What a piece computes must not depend on who computes it: then
/// results have the same bits whatever the number of threads. BLAS must be single-threaded while a team
/// works. With one thread, everything runs in the caller.
class Team {
 public:
  explicit Team(std::ptrdiff_t threads = 1);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// work(0) … work(pieces - 1), each with scratch memory of its thread; returns when all are done.
  /// Rethrows what a piece threw (one of them), when no other is under way any more.
  using Work = std::function<void(std::ptrdiff_t piece, Workspace& scratch)>;
  void run(std::ptrdiff_t pieces, const Work& work);

 private:
  void serve(Workspace& scratch);
  void take_pieces(Workspace& scratch);

  std::vector<std::thread> threads_;
  std::vector<Workspace> scratch_;  // the caller's first
  std::mutex mutex_;
  std::condition_variable begin_, end_;
  const Work* work_ = nullptr;
  std::ptrdiff_t pieces_ = 0;
  std::atomic<std::ptrdiff_t> next_{0};
  std::size_t round_ = 0, busy_ = 0;
  bool closed_ = false;
  std::exception_ptr failure_;
};

}  // namespace ersatz::gp
