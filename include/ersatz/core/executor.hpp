#pragma once
// Where independent tasks run: in this thread, on several threads, or (from its own link target) on MPI
// ranks.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// Results travel as bytes, so that they can cross process boundaries.
using Bytes = std::string;

/// Tasks handed out as workers come free.
class TaskQueue {
 public:
  virtual ~TaskQueue() = default;
  virtual void submit(Index id, Bytes argument) = 0;
  /// The next finished task (any order); empty when nothing is under way. Rethrows what a task threw.
  virtual std::optional<std::pair<Index, Bytes>> next() = 0;
  /// Whether next() would return at once.
  virtual bool ready() = 0;
};

class Executor {
 public:
  using IndexedTask = std::function<Bytes(Index)>;
  using Task = std::function<Bytes(const Bytes&)>;

  virtual ~Executor() = default;
  /// How many tasks run at the same time, in all processes together.
  virtual Index workers() const = 0;
  /// The workers that share this process's memory: for tasks that write to it. On ranks, each does all of
  /// them.
  virtual Executor& local() = 0;

  /// This process's number, of how many. Process 0 keeps the books: it prints, and it writes files.
  virtual Index process() const { return 0; }
  virtual Index processes() const { return 1; }
  /// Calls `work` on process 0 alone; all processes get its result, or throw its error.
  virtual Bytes share(const std::function<Bytes()>& work) { return work(); }
  /// Calls `work` on every process; where it throws on one, all throw that error.
  virtual void together(const std::function<void()>& work) { work(); }
  /// On process 0, the bytes of all processes by their number; nothing on the others.
  virtual std::vector<Bytes> gather(const Bytes& mine) { return {mine}; }

  /// Runs task(0) … task(n-1), results in order of the index. The first exception (lowest index) is rethrown
  /// when all that were started have ended. Same results whatever the number of workers.
  virtual std::vector<Bytes> map(Index n, const IndexedTask& task) = 0;

  /// A queue that runs `task` on each argument submitted. Every rank of a parallel program opens the same
  /// queue with the same task: no closure travels. Process 0 submits; on the others submit() does nothing,
  /// and next() runs what they are sent until process 0 has destroyed its queue, then comes back empty.
  virtual std::unique_ptr<TaskQueue> open(Task task) = 0;
};

/// Runs in the calling thread.
class SerialExecutor final : public Executor {
 public:
  Index workers() const override { return 1; }
  Executor& local() override { return *this; }
  std::vector<Bytes> map(Index n, const IndexedTask& task) override;
  std::unique_ptr<TaskQueue> open(Task task) override;
};

/// Runs on `threads` threads, started anew for each map or queue. Within tasks, BLAS runs single-threaded.
class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(Index threads);
  Index workers() const override { return threads_; }
  Executor& local() override { return *this; }
  std::vector<Bytes> map(Index n, const IndexedTask& task) override;
  std::unique_ptr<TaskQueue> open(Task task) override;

 private:
  Index threads_;
};

/// threads <= 0: one per core that this process may use.
std::unique_ptr<Executor> make_executor(Index threads);

/// Throws DataError with `message` on all processes, unless all have the same `content`.
void require_same(Executor& executor, const Bytes& content, const std::string& message);

/// Plain doubles as bytes and back, for task results.
Bytes to_bytes(const std::vector<double>& values);
std::vector<double> doubles_from_bytes(const Bytes& bytes);

}  // namespace ersatz
