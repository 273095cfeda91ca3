#include "parallel/row_ranks.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "parallel/check.hpp"

namespace ersatz::parallel {
namespace {

// MPI counts in int: longer messages go in pieces.
constexpr Index piece = Index{1} << 27;
constexpr int tag = 2;

/// move(first, count) for each piece of `count` items.
template <class Move>
void by_pieces(Index count, const Move& move) {
  for (Index at = 0; at < count; at += piece) move(at, static_cast<int>(std::min(piece, count - at)));
}

void send(const Communicator& comm, const Bytes& bytes, int to) {
  auto size = static_cast<std::uint64_t>(bytes.size());
  check(MPI_Send(&size, 1, MPI_UINT64_T, to, tag, comm.handle()), "MPI_Send");
  by_pieces(static_cast<Index>(size), [&](Index at, int count) {
    check(MPI_Send(bytes.data() + at, count, MPI_BYTE, to, tag, comm.handle()), "MPI_Send");
  });
}

Bytes receive(const Communicator& comm, int from) {
  std::uint64_t size = 0;
  check(MPI_Recv(&size, 1, MPI_UINT64_T, from, tag, comm.handle(), MPI_STATUS_IGNORE), "MPI_Recv");
  Bytes bytes(size, '\0');
  by_pieces(static_cast<Index>(size), [&](Index at, int count) {
    check(MPI_Recv(bytes.data() + at, count, MPI_BYTE, from, tag, comm.handle(), MPI_STATUS_IGNORE),
          "MPI_Recv");
  });
  return bytes;
}

}  // namespace

void RowRanks::maximum(double* values, Index count) const {
  by_pieces(count, [&](Index at, int n) {
    check(MPI_Allreduce(MPI_IN_PLACE, values + at, n, MPI_DOUBLE, MPI_MAX, comm_.handle()), "MPI_Allreduce");
  });
}

void RowRanks::gather(const double* mine, Index count, double* all) const {
  check(MPI_Allgather(mine, static_cast<int>(count), MPI_DOUBLE, all, static_cast<int>(count), MPI_DOUBLE,
                      comm_.handle()),
        "MPI_Allgather");
}

void RowRanks::broadcast(double* values, Index count, int root) const {
  by_pieces(count, [&](Index at, int n) {
    check(MPI_Bcast(values + at, n, MPI_DOUBLE, root, comm_.handle()), "MPI_Bcast");
  });
}

Bytes RowRanks::combine(Bytes mine, const std::function<Bytes(Bytes, Bytes)>& join) const {
  std::exception_ptr failure;
  for (int step = 1; step < size(); step *= 2) {
    if (rank() % (2 * step) != 0) {
      send(comm_, mine, rank() - step);
      mine.clear();
      break;
    }
    if (rank() + step >= size()) continue;
    Bytes other = receive(comm_, rank() + step);
    if (failure) continue;
    try {
      mine = join(std::move(mine), std::move(other));
    } catch (...) {  // the others are waiting for this rank's part, whatever it is
      failure = std::current_exception();
      mine.clear();
    }
  }
  comm_.together([&failure] {
    if (failure) std::rethrow_exception(failure);
  });
  return comm_.share([&mine] { return std::move(mine); });
}

}  // namespace ersatz::parallel
