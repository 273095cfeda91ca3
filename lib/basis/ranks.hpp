#pragma once
// Processes that hold the rows of one matrix of snapshots between them. The algorithms of bases are written
// for any number; alone, they need nothing of this. parallel/ has the one for MPI.

#include <functional>

#include "ersatz/core/executor.hpp"

namespace ersatz {

/// Alone. All calls are collective: every rank makes the same ones in the same order, and gets the same bits.
class Ranks {
 public:
  Ranks() = default;
  virtual ~Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  bool alone() const { return size() == 1; }
  /// Calls `work` on every rank; where it throws on any, all throw.
  virtual void together(const std::function<void()>& work) const { work(); }
  /// Over the ranks, in place.
  virtual void sum(double* /*values*/, Index /*count*/) const {}
  virtual void maximum(double* /*values*/, Index /*count*/) const {}
  /// `all`: what is `mine` on each rank, `count` doubles each, by rank.
  virtual void gather(const double* mine, Index count, double* all) const;
  virtual void broadcast(double* /*values*/, Index /*count*/, int /*root*/) const {}
  /// join(… join(join(first, second), join(third, fourth)) …) over the ranks, in a binary tree; on every
  /// rank.
  virtual Bytes combine(Bytes mine, const std::function<Bytes(Bytes lower, Bytes upper)>& /*join*/) const {
    return mine;
  }

  double sum(double value) const {
    sum(&value, 1);
    return value;
  }
  double maximum(double value) const {
    maximum(&value, 1);
    return value;
  }
};

/// This process for itself.
const Ranks& no_others();

/// Which rows of the whole matrix are here: `first` and those after it, of `total`.
struct RowShare {
  explicit RowShare(Index count, const Ranks& ranks = no_others());

  const Ranks& ranks;
  Index first = 0, total = 0;
};

}  // namespace ersatz
