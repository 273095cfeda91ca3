#pragma once
// Orderings and neighbours of the Vecchia approximation.

#include <cstdint>
#include <vector>

#include "ersatz/core/executor.hpp"

namespace ersatz::gp {

/// Points from coarse to fine.
struct MaximinOrder {
  std::vector<std::int32_t> order;  ///< row numbers
  /// Distance of each (in this order) to the nearest before it; infinite for the first. Never increases
  /// while below `exact`; past it, an upper bound of the distance.
  std::vector<double> distances;
  Index exact = 0;  ///< how many of the first are exactly maximin
};

/// Maximin ordering (Guinness 2018): the first is the point nearest to the centre of all, each further one is
/// the point farthest from all before it, ties by row number. By farthest-point sampling on a kd-tree whose
/// nodes know the largest distance within them, so that a new point visits only what it may change: about n
/// log n distances in few dimensions, up to n²/2 in many. After `work` distances the rest is ordered within
/// cells of the tree of at most 1024 points, by farthest-point sampling that does not see across their
/// borders, and the cells are merged by distance.
MaximinOrder maximin_order(const double* points, Index n, Index d, double work = 2e9);

/// Of each point i (n × d, in their order) the min(m, i) nearest of 0 … i - 1: nearest first, ties by number,
/// exact. n × m, -1 past the end. One task for every few thousand points.
std::vector<std::int32_t> preceding_neighbours(const double* points, Index n, Index d, Index m,
                                               Executor& executor);

}  // namespace ersatz::gp
