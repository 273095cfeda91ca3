#pragma once
// Is a point where the emulator has seen simulations?

#include <memory>

#include "ersatz/core/matrix.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

/// Keeps the training points (as the input map gives them, so that all inputs weigh alike) and the largest
/// distance that one of them has to its nearest neighbour.
class DomainGuard {
 public:
  DomainGuard() = default;
  /// points: n × d'. reach <= 0 (a single point): only the point itself is inside.
  DomainGuard(Matrix points, double reach);

  /// Distance of u (d' values) to the nearest training point, over the reach; infinite without points.
  double score(const double* u) const;
  double reach() const { return reach_; }
  Index size() const;
  Index inputs() const;   ///< d'
  Matrix points() const;  ///< n × d', a copy

  void save(const h5::Group& group) const;
  static DomainGuard load(const h5::Group& group);

 private:
  struct Points;  // with their neighbour search
  std::shared_ptr<const Points> points_;
  double reach_ = 0.0;
};

/// The guard of these points: its reach is the largest nearest-neighbour distance among distinct points.
/// Cost: n searches for neighbours, log n each in few dimensions.
DomainGuard fit_domain_guard(const Matrix& points);

}  // namespace ersatz
