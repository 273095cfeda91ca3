#pragma once
// Hamiltonian trajectories in unconstrained space. Not installed.

#include "ersatz/core/random.hpp"
#include "ersatz/inference/sampling.hpp"
#include "ersatz/inference/unconstrained.hpp"

namespace ersatz {

struct PhasePoint {
  Vector u, momentum, gradient;
  UnconstrainedValue value;
};

/// Energy -log density + pᵀ Σ p / 2 with the inverse mass matrix Σ, at best the covariance of u.
class Hamiltonian {
 public:
  Hamiltonian(const UnconstrainedDensity& density, Matrix inverse_mass, Workspace& workspace);

  /// Value and gradient at point.u; false where the density is zero.
  bool update(PhasePoint& point) const;
  void draw_momentum(PhasePoint& point, RandomStream& random) const;
  Vector velocity(const PhasePoint& point) const { return inverse_mass_ * point.momentum; }
  /// Infinite where the density is zero.
  double energy(const PhasePoint& point) const;
  /// One step of the leapfrog integrator; false where it ends at density zero.
  bool leapfrog(PhasePoint& point, double step) const;

 private:
  const UnconstrainedDensity& density_;
  Matrix inverse_mass_;
  Matrix factor_;  ///< its lower Cholesky factor
  Workspace& workspace_;
};

struct TrajectoryResult {
  double acceptance = 0.0;  ///< mean over its points of min(1, exp(-change of energy))
  Index evaluations = 0;
  TrajectoryEnd end = TrajectoryEnd::turned;
};

/// Moves `point` along a trajectory that is doubled, forwards or backwards, until it turns; the new point is
/// drawn from all of its points by their weights.
TrajectoryResult draw_trajectory(const Hamiltonian& hamiltonian, PhasePoint& point, double step, Index depth,
                                 RandomStream& random);

/// A step size whose first leapfrog step has an acceptance probability about `acceptance`: doubled or halved
/// from `step` on.
double reasonable_step(const Hamiltonian& hamiltonian, const PhasePoint& point, double step,
                       double acceptance, RandomStream& random);

}  // namespace ersatz
