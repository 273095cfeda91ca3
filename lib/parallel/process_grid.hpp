#pragma once
// The grid of ranks that matrices are dealt out to, and which element is where.

#include <memory>

#include "ersatz/parallel/communicator.hpp"

namespace ersatz::parallel {

/// Rows and columns of a grid for `ranks` ranks: as many as possible in use with no side more than four times
/// the other (2 × 2 of 5 ranks, 2 × 3 of 7, 32 × 32 of 1024), rows <= columns.
struct GridShape {
  int rows = 1, columns = 1;
};
GridShape grid_shape(int ranks);

/// A BLACS grid over a communicator of its own. Ranks beyond rows × columns hold nothing, but take part in
/// what is collective.
class ProcessGrid {
 public:
  /// Collective. A shape of 0 × 0: grid_shape's. Throws UsageError where it needs more ranks than there are.
  ProcessGrid(const Communicator& borrowed, GridShape shape = {0, 0});
  ~ProcessGrid();
  ProcessGrid(const ProcessGrid&) = delete;
  ProcessGrid& operator=(const ProcessGrid&) = delete;

  const Communicator& comm() const { return comm_; }
  /// The ranks of this grid row; of ranks outside of the grid, those.
  const Communicator& row_comm() const { return *row_comm_; }
  int context() const { return context_; }
  int rows() const { return shape_.rows; }
  int columns() const { return shape_.columns; }
  bool member() const { return comm_.rank() < rows() * columns(); }
  int row() const { return row_of(comm_.rank()); }
  int column() const { return column_of(comm_.rank()); }
  int row_of(int rank) const { return rank / columns(); }
  int column_of(int rank) const { return rank % columns(); }

 private:
  Communicator comm_;
  GridShape shape_;
  int handle_ = -1, context_ = -1;
  std::unique_ptr<Communicator> row_comm_;
};

/// One dimension of a block-cyclic matrix: n indices in blocks dealt out in turn, as one process sees it.
struct Cyclic {
  Index n = 0, block = 1;
  int process = 0, processes = 1;

  Index size() const;                    ///< indices here
  Index global(Index local) const;       ///< of the local'th here
  Index first_from(Index global) const;  ///< the first local one whose index is at least `global`
  bool owns(Index global) const { return (global / block) % processes == process; }
};

}  // namespace ersatz::parallel
