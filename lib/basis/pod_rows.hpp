#pragma once
// Snapshots as the algorithms see them: times the square root of the weights, less the mean, in blocks.

#include <functional>

#include "basis/dense.hpp"
#include "basis/ranks.hpp"
#include "ersatz/basis/pod.hpp"

namespace ersatz::pod {

using dense::Rows;
using dense::RowsView;

/// Either rows in memory or a source of them. Of the whole matrix, `rows` from number `first` on are here: in
/// memory, or to be read from a source of all of them.
struct Snapshots {
  const double* data = nullptr;  ///< null: `source`
  Index stride = 0;
  const SnapshotSource* source = nullptr;
  Index rows = 0, width = 0;
  bool complex = false;
  const Ranks* ranks = &no_others();
  Index first = 0, total = 0;

  bool in_memory() const { return data != nullptr; }
  double bytes() const { return 8.0 * static_cast<double>(rows) * static_cast<double>(width); }
};

/// What is done to every row before it is decomposed. `unit` is a power of two that keeps squares in range.
struct Scaling {
  double unit = 1.0;
  Vector root_weights;  ///< width, times nothing where empty
  Vector offset;        ///< width, in units of the snapshots; empty: none

  bool none() const { return unit == 1.0 && root_weights.size() == 0 && offset.size() == 0; }
  void apply(MatrixRef block) const;
  /// Elements of scaled rows as elements of rows in the weighted inner product.
  Matrix unscale(Matrix elements) const;
};

/// Rows first … first + count - 1, of part `number`.
struct Part {
  Index number, first, count;
};

/// Collective. Calls `work` with scaled rows on the executor's workers. The rows are cut into parts, at most
/// 64, the same whatever the number of threads: sums over parts, in order, have the same bits. A part comes
/// in one or several blocks, one after the other. Where `norms` (rows, may be null) is asked for, it gets Σ
/// |entry|² of each row, and a row that is not finite is a DataError naming it.
template <class T>
void for_each_part(const Snapshots& snapshots, const Scaling& scaling, Executor* executor, double* norms,
                   const std::function<void(const Part&, RowsView<T>)>& work);
Index part_count(const Snapshots& snapshots);

/// One block of rows, scaled, into `block`; `norms` as above.
void read_block(const Snapshots& snapshots, const Scaling& scaling, Index first, MatrixRef block,
                double* norms);

/// The mean row of all ranks, in units of the snapshots.
Vector mean_row(const Snapshots& snapshots, Executor* executor);
/// A power of two that brings the entries of some rows to the order of one, where squares would leave the
/// range of doubles; else 1.
double unit_of(const Snapshots& snapshots);

/// The decomposition of the rows of all ranks, the same bits on each: the triangles of QR decompositions are
/// joined two by two (TSQR; Demmel, Grigori, Hoemmen & Langou 2012), and the last one is decomposed.
template <class T>
dense::Svd<T> svd(const Ranks& ranks, RowsView<T> here);

}  // namespace ersatz::pod
