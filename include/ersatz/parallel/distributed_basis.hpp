#pragma once
// Reduced bases of more snapshots than one node has memory for: each rank holds, or reads, some of the rows.

#include <string>

#include "ersatz/basis/greedy.hpp"
#include "ersatz/basis/pod.hpp"
#include "ersatz/parallel/communicator.hpp"

namespace ersatz {

// All functions here are collective. Snapshots are numbered over all ranks: first the rows of rank 0, then
// those of rank 1, …; errors name these numbers. A rank may have no rows. The result is on every rank, with
// the same bits. An error on one rank is thrown on all. Options (but for executors) must be the same on
// every rank; DataError names those that differ. How the time grows with ranks: docs/distributed-bases.md.

/// The completed runs of an output in an archive that every rank can open; the functions below read
/// part_of(rows, rank, size) on each. Throws DataError where ranks do not see the same rows.
SnapshotSourcePtr shared_snapshots(const Communicator& comm, const std::string& path,
                                   const std::string& output);

/// greedy_basis of the rows of all ranks, this one's being `rows` (n_r × width, complex interleaved): the
/// same points, and elements with the same bits on any number of ranks while the points are the same. Per
/// element: one exchange of four numbers per rank that finds the worst snapshot, and one broadcast of the
/// element; from 50 000 numbers in the basis on, ranks share the orthogonalisation, with three more
/// exchanges. Errors and the number of passes agree with the serial ones to 1e-9 and roughly. Memory beside
/// the rows: the elements.
GreedyBasis distributed_greedy(const Communicator& comm, ConstMatrixRef rows, bool complex,
                               const GreedyOptions& options, Executor& executor);
/// Reads this rank's part of the source into memory first.
GreedyBasis distributed_greedy(const Communicator& comm, const SnapshotSource& snapshots,
                               const GreedyOptions& options, Executor& executor);
/// continue_greedy; `basis` must be the same on every rank.
GreedyBasis continue_distributed_greedy(const Communicator& comm, const GreedyBasis& basis,
                                        ConstMatrixRef rows, const GreedyOptions& options, Executor& executor,
                                        Index set = 0);

/// fit_pod of the rows of all ranks. The methods are those of fit_pod:
///   exact       TSQR (Demmel, Grigori, Hoemmen & Langou 2012): triangles of QR decompositions, joined two by
///               two. Every rank gets at most min(n, m) × m numbers. To rounding the serial result.
///   randomised  the same random rows and probes; sums and small decompositions (TSQR again) over the ranks.
///               To rounding the serial result.
///   streaming   a stream on each rank, joined as merge_pods does. Differs from the serial stream by what
///   either
///               may drop, which is within the error estimate.
/// "automatic" decides as for the whole set, but streams only where a rank's own rows are beyond
/// memory_limit. Folds are those of the serial cross-validation.
Pod distributed_pod(const Communicator& comm, ConstMatrixRef rows, bool complex,
                    const PodOptions& options = {});
/// Reads this rank's part, block by block; once for each of the method's passes.
Pod distributed_pod(const Communicator& comm, const SnapshotSource& snapshots,
                    const PodOptions& options = {});

}  // namespace ersatz
