#include "parallel/process_grid.hpp"

#include <algorithm>

#include "ersatz/core/error.hpp"
#include "parallel/check.hpp"
#include "parallel/scalapack.hpp"

namespace ersatz::parallel {

GridShape grid_shape(int ranks) {
  GridShape best;
  for (int rows = 1; rows * rows <= ranks; ++rows) {
    const int columns = std::min(ranks / rows, 4 * rows);
    if (rows * columns >= best.rows * best.columns) best = {rows, columns};
  }
  return best;
}

ProcessGrid::ProcessGrid(const Communicator& borrowed, GridShape shape)
    : comm_(borrowed.handle()), shape_(shape.rows == 0 ? grid_shape(comm_.size()) : shape) {
  if (rows() < 1 || columns() < 1 || columns() > comm_.size() / rows())
    throw UsageError(
        text("a grid of ", rows(), " × ", columns(), " processes does not fit ", comm_.size(), " ranks"));
  MPI_Comm mine = MPI_COMM_NULL;
  check(MPI_Comm_split(comm_.handle(), row(), comm_.rank(), &mine), "MPI_Comm_split");
  row_comm_ = std::make_unique<Communicator>(mine);
  MPI_Comm_free(&mine);
  handle_ = Csys2blacs_handle(comm_.handle());
  context_ = handle_;
  Cblacs_gridinit(&context_, "Row", rows(), columns());
}

ProcessGrid::~ProcessGrid() {
  int finalised = 0;
  MPI_Finalized(&finalised);
  if (finalised) return;
  if (member()) Cblacs_gridexit(context_);
  Cfree_blacs_system_handle(handle_);
}

Index Cyclic::size() const {
  if (process < 0 || process >= processes) return 0;
  return first_from(n);
}

Index Cyclic::global(Index local) const {
  return (local / block * processes + process) * block + local % block;
}

Index Cyclic::first_from(Index global) const {
  const Index blocks = global / block, rest = global % block;
  const Index before = blocks / processes * block, turn = blocks % processes;
  return before + (turn > process ? block : turn == process ? rest : 0);
}

}  // namespace ersatz::parallel
