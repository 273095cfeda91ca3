#include "parallel/mpi_queue.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <exception>
#include <list>
#include <set>
#include <thread>
#include <utility>

#include "ersatz/core/error.hpp"
#include "parallel/check.hpp"
#include "parallel/failure.hpp"

namespace ersatz::parallel {
namespace {

constexpr int tag_task = 11, tag_result = 12, tag_end = 13;

// What comes in is looked for, not waited for: a blocking receive would keep a core busy that a simulation
// could use. From 20 µs to 1 ms between two looks.
class Patience {
 public:
  void wait() {
    if (looks_++ < 20)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(std::chrono::microseconds(std::min<Index>(20 + looks_, 1000)));
  }
  void reset() { looks_ = 0; }

 private:
  Index looks_ = 0;
};

Bytes message(Index id, bool good, const Bytes& content) {
  const std::int64_t head[2] = {id, good ? 1 : 0};
  Bytes bytes(reinterpret_cast<const char*>(head), sizeof head);
  return bytes += content;
}

struct Message {
  Index id = 0;
  bool good = true;
  Bytes content;
};

Message parse(const Bytes& bytes) {
  std::int64_t head[2];
  std::memcpy(head, bytes.data(), sizeof head);
  return {static_cast<Index>(head[0]), head[1] != 0, bytes.substr(sizeof head)};
}

// Messages on their way out, whose memory must stay.
class Outbox {
 public:
  explicit Outbox(const Communicator& comm) : comm_(comm) {}
  void send(int rank, int tag, Bytes bytes) {
    if (bytes.size() > static_cast<std::size_t>(1) << 30)
      throw UsageError("a task's argument or result is larger than 1 GiB, too much for one message");
    tidy();
    pending_.emplace_back(std::move(bytes), MPI_REQUEST_NULL);
    auto& [content, request] = pending_.back();
    check(MPI_Isend(content.data(), static_cast<int>(content.size()), MPI_BYTE, rank, tag, comm_.handle(),
                    &request),
          "MPI_Isend");
  }
  void tidy() {
    pending_.remove_if([](auto& entry) {
      int done = 0;
      check(MPI_Test(&entry.second, &done, MPI_STATUS_IGNORE), "MPI_Test");
      return done != 0;
    });
  }
  void flush() {
    Patience patience;
    for (tidy(); !pending_.empty(); tidy()) patience.wait();
  }

 private:
  const Communicator& comm_;
  std::list<std::pair<Bytes, MPI_Request>> pending_;
};

// A message that is there, from `rank` (or any); false when none is.
bool receive(const Communicator& comm, int& rank, int& tag, Bytes& bytes) {
  int there = 0, count = 0;
  MPI_Status status;
  check(MPI_Iprobe(rank, MPI_ANY_TAG, comm.handle(), &there, &status), "MPI_Iprobe");
  if (!there) return false;
  check(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count");
  bytes.resize(static_cast<std::size_t>(count));
  check(MPI_Recv(bytes.data(), count, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, comm.handle(),
                 MPI_STATUS_IGNORE),
        "MPI_Recv");
  rank = status.MPI_SOURCE;
  tag = status.MPI_TAG;
  return true;
}

// Errors as results: what a task threw comes out of next(), wherever the task ran.
Executor::Task guarded(Executor::Task task) {
  return [task = std::move(task)](const Bytes& argument) {
    const Index id = parse(argument).id;
    try {
      return message(id, true, task(argument.substr(2 * sizeof(std::int64_t))));
    } catch (...) {
      return message(id, false, encode_failure(std::current_exception()));
    }
  };
}

class Leader final : public TaskQueue {
 public:
  Leader(const Communicator& comm, Executor::Task task, Index threads)
      : comm_(comm),
        outbox_(comm),
        threads_(threads),
        workers_(ThreadExecutor(threads).open(guarded(std::move(task)))),
        load_(static_cast<std::size_t>(comm.size()), 0),
        ranks_at_(static_cast<std::size_t>(threads) + 2) {
    for (int r = 0; r < comm.size(); ++r) ranks_at_[0].insert(r);
  }
  ~Leader() override {
    try {
      waiting_.clear();
      // The ranks finish what they have; their results are not wanted any more.
      for (int r = 1; r < comm_.size(); ++r) outbox_.send(r, tag_end, message(0, true, {}));
      Patience patience;
      for (int ended = 1; ended < comm_.size();) {
        int rank = MPI_ANY_SOURCE, tag = 0;
        Bytes bytes;
        if (receive(comm_, rank, tag, bytes)) {
          ended += tag == tag_end;
          patience.reset();
        } else {
          patience.wait();
        }
      }
      outbox_.flush();
    } catch (...) {  // MPI itself is broken: whoever works next with it will say so
    }
  }
  void submit(Index id, Bytes argument) override {
    waiting_.emplace_back(message(id, true, argument));
    ++open_;
    hand_out();
  }
  bool ready() override {
    collect();
    return open_ == 0 || !finished_.empty();
  }
  std::optional<std::pair<Index, Bytes>> next() override {
    if (open_ == 0) return std::nullopt;
    for (Patience patience; finished_.empty(); patience.wait()) collect();
    Message result = std::move(finished_.front());
    finished_.pop_front();
    --open_;
    if (!result.good) throw_failure(result.content);
    return std::make_pair(result.id, std::move(result.content));
  }

 private:
  // First a task for each worker, then one more for each rank, to go on with at once.
  void hand_out() {
    for (const Index full : {threads_, threads_ + 1})
      while (!waiting_.empty()) {
        const auto least = std::find_if(ranks_at_.begin(), ranks_at_.begin() + full,
                                        [](const std::set<int>& ranks) { return !ranks.empty(); });
        if (least == ranks_at_.begin() + full) break;
        const int rank = *least->begin();
        change_load(rank, 1);
        if (rank == 0)
          workers_->submit(0, std::move(waiting_.front()));
        else
          outbox_.send(rank, tag_task, std::move(waiting_.front()));
        waiting_.pop_front();
      }
  }
  void collect() {
    for (bool more = true; more;) {
      more = false;
      int rank = MPI_ANY_SOURCE, tag = 0;
      Bytes bytes;
      if (receive(comm_, rank, tag, bytes)) {
        take(rank, bytes);
        more = true;
      }
      if (load_[0] > 0 && workers_->ready()) {
        take(0, workers_->next()->second);
        more = true;
      }
      if (more) hand_out();
    }
  }
  void change_load(int rank, Index by) {
    auto& load = load_[static_cast<std::size_t>(rank)];
    ranks_at_[static_cast<std::size_t>(load)].erase(rank);
    load += by;
    ranks_at_[static_cast<std::size_t>(load)].insert(rank);
  }
  void take(int rank, const Bytes& bytes) {
    change_load(rank, -1);
    finished_.push_back(parse(bytes));
  }

  const Communicator& comm_;
  Outbox outbox_;
  Index threads_;
  std::unique_ptr<TaskQueue> workers_;
  std::vector<Index> load_;              ///< tasks that a rank has, by rank
  std::vector<std::set<int>> ranks_at_;  ///< ranks by load: finding a free one must not take longer with many
  std::deque<Bytes> waiting_;
  std::deque<Message> finished_;
  Index open_ = 0;
};

class Server final : public TaskQueue {
 public:
  Server(const Communicator& comm, Executor::Task task, Index threads)
      : comm_(comm), workers_(ThreadExecutor(threads).open(guarded(std::move(task)))) {}
  ~Server() override {
    try {
      next();
    } catch (...) {
    }
  }
  void submit(Index, Bytes) override {}
  bool ready() override { return ended_; }
  std::optional<std::pair<Index, Bytes>> next() override {
    if (ended_) return std::nullopt;
    Outbox outbox(comm_);
    Patience patience;
    Index busy = 0;
    for (bool end = false; !end || busy > 0;) {
      bool idle = true;
      int rank = 0, tag = 0;
      Bytes bytes;
      if (!end && receive(comm_, rank, tag, bytes)) {
        idle = false;
        end = tag == tag_end;
        if (!end) {
          workers_->submit(0, std::move(bytes));
          ++busy;
        }
      }
      if (busy > 0 && workers_->ready()) {
        idle = false;
        outbox.send(0, tag_result, std::move(workers_->next()->second));
        --busy;
      }
      if (idle)
        patience.wait();
      else
        patience.reset();
    }
    outbox.send(0, tag_end, message(0, true, {}));
    outbox.flush();
    ended_ = true;
    return std::nullopt;
  }

 private:
  const Communicator& comm_;
  std::unique_ptr<TaskQueue> workers_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<TaskQueue> lead(const Communicator& comm, Executor::Task task, Index threads) {
  return std::make_unique<Leader>(comm, std::move(task), threads);
}

std::unique_ptr<TaskQueue> serve(const Communicator& comm, Executor::Task task, Index threads) {
  return std::make_unique<Server>(comm, std::move(task), threads);
}

}  // namespace ersatz::parallel
