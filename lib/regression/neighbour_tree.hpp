#pragma once
// Exact nearest neighbours among points held in memory: a kd-tree, or a scan of all points where that is
// faster.

#include <memory>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/workspace.hpp"
#include "ersatz/regression/knn.hpp"

namespace ersatz {

/// Const calls are safe from many threads. Distances are squared for the Euclidean metric, plain for
/// Manhattan. Results come nearest first, equal distances by row number; they do not depend on how the search
/// is done, nor on what else is asked in a batch. Row numbers are doubles, as they share the workspace.
class NeighbourTree {
 public:
  virtual ~NeighbourTree() = default;
  /// The `count` <= n points nearest to each of q points Z (q × d): distances and rows q × count. Many at a
  /// time are faster than one by one.
  virtual void nearest(const double* Z, Index q, Index count, double* distances, double* rows,
                       Workspace& workspace) const = 0;
  /// Of one point z (d values). Up to 32 dimensions nothing is allocated.
  virtual void nearest(const double* z, Index count, double* distances, double* rows) const = 0;
  /// All points not further than `reach` (squared for Euclidean), room for n of them; returns how many.
  virtual Index within(const double* z, double reach, double* distances, double* rows) const = 0;
};

/// How neighbours are found. Automatic: a tree, unless 32 queries of the points themselves show that it would
/// look at so many of them that a scan is faster. Data of many inputs that fill few directions keep the tree.
enum class NeighbourSearch { automatic, tree, scan };

/// points: n × d, n >= 1, d >= 1, rows adjacent; they must outlive the tree, which keeps a copy in its own
/// order. n log n.
std::unique_ptr<const NeighbourTree> make_neighbour_tree(const double* points, Index n, Index d,
                                                         NeighbourMetric metric = NeighbourMetric::euclidean,
                                                         NeighbourSearch search = NeighbourSearch::automatic);

/// The scan: n d for each query, several queries against a block of points at a time.
std::unique_ptr<const NeighbourTree> make_neighbour_scan(const double* points, Index n, Index d,
                                                         NeighbourMetric metric);

}  // namespace ersatz
