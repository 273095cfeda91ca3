#pragma once
// What the methods hand to the truncation: directions in the scaled rows, and how the rows stand to them.

#include <optional>

#include "basis/pod_rows.hpp"

namespace ersatz::pod {

/// Of scaled rows a: a ≈ c e. `e` is sorted: |column k of c|² = values[k]².
template <class T>
struct Space {
  Rows<T> e;              ///< l × m
  Vector values;          ///< descending; l or more (those beyond have no direction in e)
  double energy = 0.0;    ///< Σ |a|², at most rounding below what values hold
  double lost = 0.0;      ///< of the energy, beyond `values`; an upper bound after streaming
  bool measured = false;  ///< whether these two are known (not after streaming in one pass)
  Rows<T> c;              ///< n × l, of the rows here
  Vector row_residuals;   ///< n: |a - c e|² of each row here
  Index passes = 0;
  double bytes = 0.0;
};

struct Target {
  double tolerance;  ///< relative error of the whole set at which to cut
  double accuracy;   ///< relative error of the whole set that the space itself should have at most
  Index cap;         ///< directions at most; 0: as many as it takes
  Index cut;         ///< the rank that will be used is at most this; 0: not known
  std::uint64_t seed;
  Executor* executor;
};

/// c and row_residuals for given directions, by one pass that computes the residuals themselves.
template <class T>
void measure(const Snapshots& snapshots, const Scaling& scaling, Executor* executor, Space<T>& space);

/// Turns e and c so that they are sorted, and sets values from c.
template <class T>
void sort_space(const Ranks& ranks, Space<T>& space);

template <class T>
Space<T> exact_space(const Snapshots& snapshots, const Scaling& scaling, const Target& target);

/// Empty where the rank grows beyond half of the smaller side.
template <class T>
std::optional<Space<T>> randomised_space(const Snapshots& snapshots, const Scaling& scaling,
                                         const Target& target);

/// Gram matrices of rows that come in blocks, about their mean or about zero, in few directions. See
/// fit_pod on the error.
template <class T>
class Accumulator {
 public:
  /// `accuracy`: what may be dropped on the way, relative to the energy so far; `cap` directions at most (0:
  /// no limit).
  Accumulator(Index columns, double accuracy, Index cap, bool centred);
  /// `rows` may be changed. Where centred they are about `mean` (scaled, m), the mean of `count` snapshots.
  /// `energy`: of these rows, with what they lack (`lost`) of the snapshots they stand for.
  void add(Rows<T>& rows, const Rows<T>& mean, Index count, double energy, double lost);
  /// e, values, energy and lost.
  Space<T> finish();
  /// What another one has gathered, of other rows.
  void add(const Accumulator& other);
  /// For the way from one process to another.
  Bytes pack() const;
  void unpack(const Bytes& bytes);
  const Rows<T>& mean() const { return mean_; }  ///< 1 × m
  Index count() const { return count_; }

 private:
  double allowance() const;       ///< what may still be dropped
  void update(const Rows<T>& c);  ///< rows of coefficients, of directions e_ or those and new ones
  void grow(Rows<T>& residual, Rows<T> c);

  Rows<T> e_;  ///< k × m, orthonormal
  Rows<T> g_;  ///< k columns; the Gram matrix is (g e)ᴴ (g e)
  Rows<T> mean_;
  Index count_ = 0;
  double accuracy_, energy_ = 0.0, dropped_ = 0.0, given_lost_ = 0.0;
  Index cap_;
  bool centred_;
};

template <class T>
Space<T> streaming_space(const Snapshots& snapshots, Scaling& scaling, bool centred, Index block_rows,
                         const Target& target);

/// What new rows lose behind the first `rank` directions, into pod.residual_*, and the validation errors.
template <class T>
void cross_validate(const Snapshots& snapshots, const Scaling& scaling, const Space<T>& space, Index rank,
                    Index folds, Executor* executor, Pod& pod);

/// fit_pod of the rows of all ranks, all but `executor` the same on each.
Pod fit(Snapshots snapshots, const PodOptions& options);
Pod fit_matrix(const Ranks& ranks, ConstMatrixRef rows, bool complex, const PodOptions& options);

/// Relative error below which rounding decides, for so many directions at most.
double rounding_level(Index directions);

}  // namespace ersatz::pod
