#pragma once
// One length per input, learnt by leave-one-out.

#include <vector>

#include "ersatz/core/executor.hpp"
#include "regression/neighbour_weights.hpp"

namespace ersatz {

/// Scales (one over the lengths, v values, the largest 1) with which leave-one-out of a smooth rule has a
/// small error, starting from all equal. points: n × v standardised; values: n × p; first: of each point the
/// first one at the same place; rows: those to learn from, both as neighbours and, at most 1000 of them, as
/// points that are predicted. About 40 passes.
Vector learn_scales(const Matrix& points, NeighbourMetric metric, const Matrix& values,
                    const std::vector<Index>& first, const std::vector<Index>& rows,
                    const NeighbourRule& rule, Executor& executor);

}  // namespace ersatz
