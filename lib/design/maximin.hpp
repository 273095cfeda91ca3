#pragma once
// Latin hypercubes as tables of levels. Not installed.

#include <vector>

#include "ersatz/core/random.hpp"

namespace ersatz::detail {

/// n × d, each column a permutation of 0 … n-1.
using Levels = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Levels random_levels(Index n, Index d, const RandomStream& random);

/// Improves the smallest distance by swapping two entries of a column at a time. Columns of weight zero do
/// not count; `periodic` ones wrap. The rows from `movable` on stay as they are; the others keep away from
/// them too.
void spread(Levels& levels, Index movable, const std::vector<bool>& counts, const std::vector<bool>& periodic,
            RandomStream random);

}  // namespace ersatz::detail
