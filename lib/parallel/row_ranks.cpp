#include "parallel/row_ranks.hpp"

#include <exception>
#include <utility>

#include "parallel/check.hpp"
#include "parallel/pieces.hpp"

namespace ersatz::parallel {
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
