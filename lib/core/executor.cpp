#include "ersatz/core/executor.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <list>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

// As many of `count` threads as the system gives: fewer take longer, but give the same results. A thread
// object that is destroyed while its thread runs would end the program.
template <class Work>
void start_threads(std::vector<std::thread>& threads, Index count, const Work& work) {
  threads.reserve(static_cast<std::size_t>(count));
  try {
    for (Index t = 0; t < count; ++t) threads.emplace_back(work);
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
}

class SerialQueue final : public TaskQueue {
 public:
  explicit SerialQueue(Executor::Task task) : task_(std::move(task)) {}
  void submit(Index id, Bytes argument) override { waiting_.emplace_back(id, std::move(argument)); }
  bool ready() override { return waiting_.empty(); }
  std::optional<std::pair<Index, Bytes>> next() override {
    if (waiting_.empty()) return std::nullopt;
    auto [id, argument] = std::move(waiting_.front());
    waiting_.pop_front();
    const SingleThreadedBlas single;  // as on threads: the same bits
    return std::make_pair(id, task_(argument));
  }

 private:
  Executor::Task task_;
  std::deque<std::pair<Index, Bytes>> waiting_;
};

class ThreadQueue final : public TaskQueue {
 public:
  ThreadQueue(Executor::Task task, Index threads) : task_(std::move(task)) {
    start_threads(threads_, threads, [this] { work(); });
    if (threads_.empty()) throw Error("not one thread can be started: memory or processes are used up");
  }
  ~ThreadQueue() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
      waiting_.clear();
    }
    work_there_.notify_all();
    for (auto& t : threads_) t.join();
  }
  void submit(Index id, Bytes argument) override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      waiting_.push_back({id, std::move(argument), {}, nullptr});
      ++open_;
    }
    work_there_.notify_one();
  }
  bool ready() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return open_ == 0 || !finished_.empty();
  }
  std::optional<std::pair<Index, Bytes>> next() override {
    std::unique_lock<std::mutex> lock(mutex_);
    if (open_ == 0) return std::nullopt;
    result_there_.wait(lock, [this] { return !finished_.empty(); });
    Job job = std::move(finished_.front());
    finished_.pop_front();
    --open_;
    if (job.error) std::rethrow_exception(job.error);
    return std::make_pair(job.id, std::move(job.result));
  }

 private:
  struct Job {
    Index id;
    Bytes argument, result;
    std::exception_ptr error;
  };
  /// Jobs go from list to list by splicing: where memory is used up, a thread that allocated outside of its
  /// task would end the program.
  void work() {
    const SingleThreadedBlas single;
    std::list<Job> own;
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      work_there_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      own.splice(own.begin(), waiting_, waiting_.begin());
      lock.unlock();
      Job& job = own.front();
      try {
        job.result = task_(job.argument);
      } catch (...) {
        job.error = std::current_exception();
      }
      lock.lock();
      finished_.splice(finished_.end(), own);
      lock.unlock();
      result_there_.notify_one();
    }
  }

  Executor::Task task_;
  std::mutex mutex_;
  std::condition_variable work_there_, result_there_;
  std::list<Job> waiting_, finished_;
  Index open_ = 0;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::vector<Bytes> SerialExecutor::map(Index n, const IndexedTask& task) {
  const SingleThreadedBlas single;
  std::vector<Bytes> results(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) results[static_cast<std::size_t>(i)] = task(i);
  return results;
}

std::unique_ptr<TaskQueue> SerialExecutor::open(Task task) {
  return std::make_unique<SerialQueue>(std::move(task));
}

ThreadExecutor::ThreadExecutor(Index threads) : threads_(threads) {
  if (threads < 1) throw UsageError(text("a thread executor needs at least one thread, got ", threads));
}

std::vector<Bytes> ThreadExecutor::map(Index n, const IndexedTask& task) {
  std::vector<Bytes> results(static_cast<std::size_t>(n));
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(n));
  std::atomic<Index> next{0};
  std::atomic<bool> failed{false};
  const auto work = [&] {
    const SingleThreadedBlas single;
    // An index once taken is run: of several failures, the lowest is always among those seen.
    while (!failed) {
      const Index i = next++;
      if (i >= n) break;
      try {
        results[static_cast<std::size_t>(i)] = task(i);
      } catch (...) {
        errors[static_cast<std::size_t>(i)] = std::current_exception();
        failed = true;
      }
    }
  };
  std::vector<std::thread> threads;
  start_threads(threads, std::max<Index>(std::min(threads_, n) - 1, 0), work);
  work();
  for (auto& t : threads) t.join();
  for (const auto& e : errors)
    if (e) std::rethrow_exception(e);
  return results;
}

std::unique_ptr<TaskQueue> ThreadExecutor::open(Task task) {
  return std::make_unique<ThreadQueue>(std::move(task), threads_);
}

std::unique_ptr<Executor> make_executor(Index threads) {
  if (threads <= 0) threads = static_cast<Index>(std::max(1u, std::thread::hardware_concurrency()));
  if (threads == 1) return std::make_unique<SerialExecutor>();
  return std::make_unique<ThreadExecutor>(threads);
}

void require_same(Executor& executor, const Bytes& content, const std::string& message) {
  const Bytes first = executor.share([&] { return content; });
  executor.together([&] {
    if (content != first) throw DataError(message);
  });
}

Bytes to_bytes(const std::vector<double>& values) {
  Bytes bytes(values.size() * sizeof(double), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<double> doubles_from_bytes(const Bytes& bytes) {
  if (bytes.size() % sizeof(double) != 0) throw Error("task result is not a whole number of doubles");
  std::vector<double> values(bytes.size() / sizeof(double));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace ersatz
