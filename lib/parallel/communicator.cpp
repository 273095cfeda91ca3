#include "ersatz/parallel/communicator.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <numeric>

#include "ersatz/core/error.hpp"
#include "parallel/check.hpp"
#include "parallel/failure.hpp"
#include "parallel/pieces.hpp"

namespace ersatz {
namespace {

using parallel::check;

using parallel::by_pieces;

void broadcast_bytes(const Communicator& comm, Bytes& bytes, int root) {
  auto size = static_cast<std::uint64_t>(bytes.size());
  check(MPI_Bcast(&size, 1, MPI_UINT64_T, root, comm.handle()), "MPI_Bcast");
  bytes.resize(size);
  by_pieces(static_cast<Index>(size), [&](Index at, int count) {
    check(MPI_Bcast(bytes.data() + at, count, MPI_BYTE, root, comm.handle()), "MPI_Bcast");
  });
}

}  // namespace

Communicator::Communicator(MPI_Comm borrowed) {
  int initialised = 0, finalised = 0, provided = 0;
  MPI_Initialized(&initialised);
  MPI_Finalized(&finalised);
  if (!initialised || finalised)
    throw UsageError(
        "a communicator is used before MPI_Init or after MPI_Finalize, which are the program's to call");
  if (borrowed == MPI_COMM_NULL) throw UsageError("MPI_COMM_NULL is no communicator to work with");
  check(MPI_Comm_dup(borrowed, &handle_), "MPI_Comm_dup");
  MPI_Comm_set_errhandler(handle_, MPI_ERRORS_RETURN);
  MPI_Comm_rank(handle_, &rank_);
  MPI_Comm_size(handle_, &size_);
  MPI_Query_thread(&provided);
  threads_may_call_ = provided >= MPI_THREAD_SERIALIZED;
}

Communicator::~Communicator() {
  int finalised = 0;
  MPI_Finalized(&finalised);
  if (!finalised) MPI_Comm_free(&handle_);
}

void Communicator::together(const std::function<void()>& work) const {
  Bytes failure;
  try {
    work();
  } catch (...) {
    failure = parallel::encode_failure(std::current_exception());
  }
  int failed = failure.empty() ? 0 : 1;
  check(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_SUM, handle_), "MPI_Allreduce");
  if (failed == 0) return;
  int first = failure.empty() ? size_ : rank_;
  check(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, handle_), "MPI_Allreduce");
  broadcast_bytes(*this, failure, first);
  parallel::throw_failure(failure, failed == size_ ? std::string() : text("rank ", first, ": "));
}

Bytes Communicator::share(const std::function<Bytes()>& work, int root) const {
  Bytes result;
  if (rank_ == root) {
    try {
      result = work();
      result.push_back('\1');
    } catch (...) {
      result = parallel::encode_failure(std::current_exception());
      result.push_back('\0');
    }
  }
  broadcast_bytes(*this, result, root);
  const bool good = result.back() == '\1';
  result.pop_back();
  if (!good) parallel::throw_failure(result);
  return result;
}

std::vector<Bytes> Communicator::all_gather(const Bytes& mine) const {
  const auto size = static_cast<std::uint64_t>(mine.size());
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(size_));
  check(MPI_Allgather(&size, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, handle_), "MPI_Allgather");
  std::vector<Bytes> all(sizes.size());
  const std::uint64_t total = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  if (total <= static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
    std::vector<int> counts, offsets;
    int at = 0;
    for (const auto s : sizes) {
      counts.push_back(static_cast<int>(s));
      offsets.push_back(at);
      at += static_cast<int>(s);
    }
    Bytes joined(total, '\0');
    check(MPI_Allgatherv(mine.data(), static_cast<int>(mine.size()), MPI_BYTE, joined.data(), counts.data(),
                         offsets.data(), MPI_BYTE, handle_),
          "MPI_Allgatherv");
    for (std::size_t r = 0; r < all.size(); ++r)
      all[r] = joined.substr(static_cast<std::size_t>(offsets[r]), sizes[r]);
    return all;
  }
  for (int r = 0; r < size_; ++r) {
    auto& bytes = all[static_cast<std::size_t>(r)];
    if (r == rank_) bytes = mine;
    broadcast_bytes(*this, bytes, r);
  }
  return all;
}

std::vector<Bytes> Communicator::gather(const Bytes& mine, int root) const {
  std::vector<Bytes> all;
  if (rank_ != root) {
    parallel::send(*this, mine, root);
    return all;
  }
  for (int r = 0; r < size_; ++r) all.push_back(r == root ? mine : parallel::receive(*this, r));
  return all;
}

void Communicator::barrier() const { check(MPI_Barrier(handle_), "MPI_Barrier"); }

void Communicator::broadcast(double* values, Index count, int root) const {
  by_pieces(count, [&](Index at, int n) {
    check(MPI_Bcast(values + at, n, MPI_DOUBLE, root, handle_), "MPI_Bcast");
  });
}

void Communicator::sum(double* values, Index count) const {
  // Reduced on one rank and sent out: an all-reduce may add up in another order on each.
  by_pieces(count, [&](Index at, int n) {
    check(
        MPI_Reduce(rank_ == 0 ? MPI_IN_PLACE : values + at, values + at, n, MPI_DOUBLE, MPI_SUM, 0, handle_),
        "MPI_Reduce");
  });
  broadcast(values, count);
}

double Communicator::sum(double value) const {
  sum(&value, 1);
  return value;
}

void Communicator::agree(std::uint64_t fingerprint, std::string_view what) const {
  std::vector<std::uint64_t> all(static_cast<std::size_t>(size_));
  check(MPI_Allgather(&fingerprint, 1, MPI_UINT64_T, all.data(), 1, MPI_UINT64_T, handle_), "MPI_Allgather");
  std::string others;
  Index count = 0;
  for (std::size_t r = 1; r < all.size(); ++r) {
    if (all[r] == all[0]) continue;
    if (++count <= 8) others += text(count > 1 ? ", " : "", r);
  }
  if (count > 8) others += text(" and ", count - 8, " more");
  if (count > 0)
    throw DataError(text("the ranks disagree about ", what, ": rank", count > 1 ? "s " : " ", others,
                         count > 1 ? " differ" : " differs",
                         " from rank 0 (is the file the same on all nodes?)"));
}

Part part_of(Index count, int rank, int size) {
  const Index base = count / size, extra = count % size;
  const Index begin = rank * base + std::min<Index>(rank, extra);
  return {begin, begin + base + (rank < extra ? 1 : 0)};
}

}  // namespace ersatz
