#pragma once
// Is a point where the emulator has seen simulations?

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/random.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

struct IsolationForest;

/// Keeps the training points (as the input map gives them, so that all inputs weigh alike), how far from them
/// predictions can be relied on, and a forest that tells how easily a point is cut off from them.
class DomainGuard {
 public:
  DomainGuard() = default;
  /// points: n × d'. reach <= 0 (a single point): only the point itself is inside.
  DomainGuard(Matrix points, double reach);

  /// Up to 1 inside. distance() over reach(); where that is at most 1 but isolation() is above its limit,
  /// isolation() over the limit. Infinite without points. Cost: a search for the nearest of n, and 100 trees
  /// of depth 6.
  double score(const double* u) const;
  /// From u (d' values) to the nearest training point; infinite without points.
  double distance(const double* u) const;
  /// Score of an isolation forest (Liu, Ting & Zhou 2008, eq. 2): about 0.5 among the training points,
  /// towards 1 away from them; the same everywhere beyond their range. NaN where there are fewer than 16
  /// points.
  double isolation(const double* u) const;

  double reach() const { return reach_; }
  double spacing() const { return spacing_; }  ///< largest distance of a training point to its nearest other
  /// The largest isolation that a training point has, by all trees or by those that do not know it; infinite
  /// without a forest.
  double isolation_limit() const { return isolation_limit_; }
  const std::string& reason() const { return reason_; }  ///< for the reach, in words; may be empty
  Index size() const;
  Index inputs() const;                                            ///< d'
  Matrix points() const;                                           ///< n × d', a copy
  const IsolationForest* forest() const { return forest_.get(); }  ///< null: none

  /// The same guard with another reach.
  DomainGuard with_reach(double reach, std::string reason) const;

  void save(const h5::Group& group) const;
  static DomainGuard load(const h5::Group& group);

 private:
  friend DomainGuard fit_domain_guard(const Matrix& points, const RandomStream& random);
  struct Points;  // with their neighbour search
  std::shared_ptr<const Points> points_;
  std::shared_ptr<const IsolationForest> forest_;
  double reach_ = 0.0, spacing_ = 0.0;
  double isolation_limit_ = std::numeric_limits<double>::infinity();
  std::string reason_;
};

/// The guard of these points: its reach is their spacing, the largest nearest-neighbour distance among
/// distinct points. The forest is a function of points and stream. Cost: n searches for neighbours, log n
/// each in few dimensions, and a forest.
DomainGuard fit_domain_guard(const Matrix& points, const RandomStream& random = RandomStream(0));

/// The guard with the reach that runs left out speak for. distance: of each to the nearest run that was
/// learnt from; error: the square of how wrong its prediction was, in any one unit. The mean error of bins of
/// equally many runs is made a rising function of distance (isotonic regression); the reach ends before the
/// first bin that errs by more than three times the root mean square of all. It stays the spacing with fewer
/// than 30 runs, where error does not rise with distance (Spearman's rank correlation, one-sided at 0.001),
/// and where it stays below that: reason() says which.
DomainGuard cross_validated(const DomainGuard& guard, const Vector& distance, const Vector& error);

/// "1 is a distance of 0.21, cross-validation: …": what a score of 1 means, and why; empty without a reason.
std::string in_words(const DomainGuard& guard);

/// Distance of each point to the nearest of another group, with group numbers from 0 on, or (no groups) to
/// the nearest at another place. NaN: there is no other; in the second case also for points that others
/// repeat.
Vector left_out_distances(const Matrix& points, const std::vector<Index>& groups);

}  // namespace ersatz
