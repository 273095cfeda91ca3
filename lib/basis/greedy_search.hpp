#pragma once
// Greedy bases of snapshots whose rows are spread over ranks.

#include "basis/ranks.hpp"
#include "ersatz/basis/greedy.hpp"

namespace ersatz {

/// As greedy_basis and continue_greedy of the joined rows, which are numbered in order of rank: the same
/// points, and every rank has the same bits. Per element one exchange of a few numbers finds the worst row,
/// and one broadcast sends the element, which the rank that has the row makes.
GreedyBasis greedy_basis(const Ranks& ranks, ConstMatrixRef rows, bool complex, const GreedyOptions& options,
                         Executor& executor);
GreedyBasis continue_greedy(const Ranks& ranks, const GreedyBasis& basis, ConstMatrixRef rows,
                            const GreedyOptions& options, Executor& executor, Index set = 0);

/// The summary in words.
std::string how_it_ended(const GreedySummary& summary, Index rank, double tolerance);

}  // namespace ersatz
