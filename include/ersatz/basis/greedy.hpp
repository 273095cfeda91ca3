#pragma once
// Reduced bases made of snapshots, chosen one by one where the basis so far is worst.

#include <optional>
#include <string>
#include <vector>

#include "ersatz/basis/basis.hpp"
#include "ersatz/core/executor.hpp"

namespace ersatz {

struct GreedyOptions {
  /// Stop when no snapshot has a larger squared projection error. Errors are relative to the squared norm of
  /// the snapshot itself, or, not normalised, to the largest squared norm of the snapshots.
  double tolerance = 1e-12;
  Index max_rank = 0;  ///< never more elements; 0: no limit
  bool normalise = true;
  /// The first snapshot taken. Empty: the one with the largest norm (the first one where normalised).
  std::optional<Index> seed;
  /// One per bin, positive, of the inner product ⟨a, b⟩ = Σ w conj(a) b; empty: all 1.
  Vector weights;
};

/// Which snapshot an element was made of: `row` of the snapshots of set number `set`.
struct GreedyPoint {
  Index set = 0;
  Index row = 0;
};
inline bool operator==(const GreedyPoint& a, const GreedyPoint& b) {
  return a.set == b.set && a.row == b.row;
}

enum class GreedyTermination {
  tolerance,  ///< every snapshot is within it
  max_rank,   ///< met the limit first
  complete,   ///< as many elements as there are snapshots (not zero) or bins
  rounding    ///< what is left of the snapshots above the tolerance is rounding
};

struct GreedySummary {
  GreedyTermination termination = GreedyTermination::tolerance;
  std::string message;       ///< the same for people, with numbers
  double worst_error = 0.0;  ///< largest squared error left, relative as `tolerance`
  Index worst_row = -1;      ///< and whose it is
  double rounding = 0.0;     ///< squared error at which rounding stopped snapshots; 0: it did not
  Index zero_snapshots = 0;  ///< left out
  double passes = 0.0;       ///< rows read, over the number of snapshots
};

/// What the greedy search found; all that is needed to go on from.
struct GreedyBasis {
  bool complex = false;
  bool normalise = true;
  double reference = 1.0;  ///< norm that errors are relative to, where not normalised
  Vector weights;          ///< as in the options
  Matrix elements;         ///< r × width, orthonormal in the inner product, complex interleaved
  std::vector<GreedyPoint> points;
  Vector errors;    ///< r: squared error of each point when it was chosen, relative
  Matrix triangle;  ///< r × r (complex: r × 2 r), lower: snapshot points[k] = Σ_j triangle(k, j) element j
  GreedySummary summary;

  Index rank() const { return elements.rows(); }
};

/// Reduced basis by the pivoted Gram-Schmidt process (Field et al. 2011, PRL 106, 221102; Antil et al. 2018,
/// arXiv:1805.06124): the next snapshot is the one with the largest projection error (of those
/// that are equal to 1e-9, or to 4e-13 / √σ of small ones, the first), made orthogonal to the elements by
/// Gram-Schmidt, at least twice and until its norm stays.
///
/// Squared errors σ are kept as running differences, σ - Σ |⟨e, a⟩|², and computed anew from the residual
/// where they have fallen by 1e-6, so that they are good to about 1e-9 + 4e-13 / √σ. They never grow: a
/// snapshot whose old error is below the largest up-to-date one is not looked at, and catches up with all
/// elements since at once when its turn comes. The order is that of the plain algorithm; the snapshots (n ×
/// width) are read tens of times (15 for 265 elements of 10 000 × 4000 complex) instead of once per element,
/// in n m r products. Memory beside them: the elements, r width (2 with weights), and twice that while they
/// grow. The snapshots are not changed. Same bits on any number of threads.
///
/// Throws UsageError on options that make no sense, DataError naming the snapshot with a value that is not
/// finite, or where all are zero.
GreedyBasis greedy_basis(ConstMatrixRef snapshots, bool complex, const GreedyOptions& options,
                         Executor& executor);

/// Goes on from a basis. On its own snapshots: as if it had never stopped. On others (give them another set
/// number): enrichment with the worst of them, until all are within the tolerance; those of the sets before
/// stay within theirs, since errors never grow. Normalisation and weights are those of the basis; of the
/// options, only tolerance and max_rank are used.
GreedyBasis continue_greedy(const GreedyBasis& basis, ConstMatrixRef snapshots, const GreedyOptions& options,
                            Executor& executor, Index set = 0);

/// Squared projection error of each snapshot, n, relative as in the basis; from the residual itself, so good
/// down to the square of rounding. Of zero snapshots 0.
Vector squared_errors(const GreedyBasis& basis, ConstMatrixRef snapshots, Executor& executor);

/// ⟨element, snapshot⟩, n × r (complex interleaved): snapshots ≈ coefficients · elements.
Matrix greedy_coefficients(const GreedyBasis& basis, ConstMatrixRef snapshots, Executor& executor);

/// For people: how it ended, and the points with their errors.
std::string full_report(const GreedyBasis& basis);

void save_greedy(const h5::Group& group, const GreedyBasis& basis);
GreedyBasis load_greedy(const h5::Group& group);

}  // namespace ersatz
