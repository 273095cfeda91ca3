#pragma once
// Exact nearest neighbours among points held in memory.

#include <memory>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// A kd-tree over n points; const calls are safe from many threads. Up to ten dimensions nothing is
/// allocated in a query.
class NeighbourTree {
 public:
  virtual ~NeighbourTree() = default;
  /// The `count` <= n points nearest to z (d values): squared distances, nearest first, equal ones by row
  /// number; and their row numbers, as doubles. Does not depend on how the tree was built.
  virtual void nearest(const double* z, Index count, double* squared_distances, double* rows) const = 0;
};

/// points: n × d, n >= 1, d >= 1, rows adjacent; they must outlive the tree. n log n.
std::unique_ptr<const NeighbourTree> make_neighbour_tree(const double* points, Index n, Index d);

}  // namespace ersatz
