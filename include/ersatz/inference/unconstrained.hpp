#pragma once
// A density with bounds, seen from a space without any: where optimisers and Hamiltonian trajectories move.

#include "ersatz/inference/log_density.hpp"

namespace ersatz {

/// Between two bounds theta = lower + (upper - lower) / (1 + exp(-u)); above one, lower + exp(u); below one,
/// upper - exp(-u); without any, theta = u. Rising in u, coordinate by coordinate. All pointers: size()
/// values.
class UnconstrainedMap {
 public:
  /// Throws UsageError unless lower < upper.
  explicit UnconstrainedMap(const std::vector<DensityParameter>& parameters);
  Index size() const { return static_cast<Index>(bounds_.size()); }

  void to_bounded(const double* u, double* theta) const;
  /// A theta on a bound, or next to it, is moved inside by 1e-9 of the width (where there is but one bound:
  /// of max(1, |bound|)).
  void to_unbounded(const double* theta, double* u) const;
  /// d theta_i / d u_i.
  void slopes(const double* u, double* slope) const;
  /// log |d theta / du|, and its gradient added to `gradient` (or null).
  double log_jacobian(const double* u, double* gradient) const;

 private:
  struct Bounds {
    double lower, upper;
    bool has_lower, has_upper;
  };
  std::vector<Bounds> bounds_;
};

/// A value of the density over u.
struct UnconstrainedValue {
  double log_density = 0.0;  ///< of u: sum() and the log Jacobian
  LogDensityValue parts;     ///< of theta
};

/// The density over u: that of theta times |d theta / du|. Keeps a reference.
class UnconstrainedDensity {
 public:
  /// Without the Jacobian its maximum is that of the density over theta.
  explicit UnconstrainedDensity(const LogDensity& density, bool with_jacobian = true);
  const LogDensity& density() const { return density_; }
  const UnconstrainedMap& map() const { return map_; }
  Index size() const { return map_.size(); }

  /// gradient: by u, or null; left alone where log_density is not finite. Where the density has no gradient
  /// of its own it is taken by central differences of 1e-5 max(1, |u|): 2 size() further evaluations.
  UnconstrainedValue evaluate(const double* u, double* gradient, Workspace& workspace) const;

 private:
  bool differences(const double* u, double* gradient, Workspace& workspace) const;
  const LogDensity& density_;
  UnconstrainedMap map_;
  bool with_jacobian_;
};

}  // namespace ersatz
