#include "inference/trajectory.hpp"

#include <cmath>
#include <limits>

#include "core/factorisations.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double largest_error = 1000.0;  ///< of the energy

double log_sum(double a, double b) {
  const double top = std::max(a, b);
  return top == -infinity ? top : top + std::log1p(std::exp(std::min(a, b) - top));
}

/// What the ends of a piece of trajectory say about turning: momenta, velocities, and the sum of all momenta.
struct End {
  Vector momentum, velocity;
};
struct Piece {
  End begin, end;
  Vector momenta;
  double log_weight = -infinity;
  PhasePoint proposal;
};

bool goes_on(const Vector& velocity, const Vector& other, const Vector& momenta) {
  return velocity.dot(momenta) > 0.0 && other.dot(momenta) > 0.0;
}

/// The criterion of Betancourt (2017, appendix A.4.2) for two pieces joined, and for each with the first
/// point of the other, which sees turns that the whole hides.
bool goes_on(const Piece& first, const Piece& second) {
  return goes_on(first.begin.velocity, second.end.velocity, first.momenta + second.momenta) &&
         goes_on(first.begin.velocity, second.begin.velocity, first.momenta + second.begin.momentum) &&
         goes_on(first.end.velocity, second.end.velocity, second.momenta + first.end.momentum);
}

class Trajectory {
 public:
  Trajectory(const Hamiltonian& hamiltonian, double energy, RandomStream& random)
      : hamiltonian_(hamiltonian), energy_(energy), random_(random) {}

  /// 2^depth steps on from `point`; false where they turn or fail on the way.
  bool build(Index depth, double step, PhasePoint& point, Piece& piece) {
    if (depth == 0) return leaf(step, point, piece);
    Piece second;
    if (!build(depth - 1, step, point, piece)) return false;
    if (!build(depth - 1, step, point, second)) return false;
    const bool on = goes_on(piece, second);
    piece.log_weight = log_sum(piece.log_weight, second.log_weight);
    if (std::log(random_.uniform()) < second.log_weight - piece.log_weight)
      piece.proposal = std::move(second.proposal);
    piece.momenta += second.momenta;
    piece.end = std::move(second.end);
    if (!on) result.end = TrajectoryEnd::turned;
    return on;
  }

  TrajectoryResult result;
  double acceptances = 0.0;

 private:
  bool leaf(double step, PhasePoint& point, Piece& piece) {
    ++result.evaluations;
    if (!hamiltonian_.leapfrog(point, step)) {
      result.end = TrajectoryEnd::stopped;
      return false;
    }
    const double gain = energy_ - hamiltonian_.energy(point);
    acceptances += gain > 0.0 ? 1.0 : std::exp(gain);
    if (!(gain > -largest_error)) {
      result.end = TrajectoryEnd::diverged;
      return false;
    }
    piece.begin = piece.end = {point.momentum, hamiltonian_.velocity(point)};
    piece.momenta = point.momentum;
    piece.log_weight = gain;
    piece.proposal = point;
    return true;
  }

  const Hamiltonian& hamiltonian_;
  double energy_;
  RandomStream& random_;
};

}  // namespace

Hamiltonian::Hamiltonian(const UnconstrainedDensity& density, Matrix inverse_mass, Workspace& workspace)
    : density_(density),
      inverse_mass_(std::move(inverse_mass)),
      factor_(inverse_mass_),
      workspace_(workspace) {
  if (!cholesky(factor_))
    throw NumericalError(
        "the covariance that the warm-up found is not positive definite: some direction did not move; "
        "give more steps of warm-up, or sample with an ensemble");
}

bool Hamiltonian::update(PhasePoint& point) const {
  point.gradient.resize(point.u.size());
  point.value = density_.evaluate(point.u.data(), point.gradient.data(), workspace_);
  return std::isfinite(point.value.log_density);
}

void Hamiltonian::draw_momentum(PhasePoint& point, RandomStream& random) const {
  point.momentum.resize(point.u.size());
  for (double& p : point.momentum) p = random.normal();
  solve_lower_transposed(factor_, point.momentum);
}

double Hamiltonian::energy(const PhasePoint& point) const {
  return 0.5 * point.momentum.dot(velocity(point)) - point.value.log_density;
}

bool Hamiltonian::leapfrog(PhasePoint& point, double step) const {
  point.momentum += 0.5 * step * point.gradient;
  point.u += step * velocity(point);
  if (!update(point)) return false;
  point.momentum += 0.5 * step * point.gradient;
  return true;
}

TrajectoryResult draw_trajectory(const Hamiltonian& hamiltonian, PhasePoint& point, double step, Index depth,
                                 RandomStream& random) {
  hamiltonian.draw_momentum(point, random);
  Trajectory trajectory(hamiltonian, hamiltonian.energy(point), random);
  Piece whole;
  whole.begin = whole.end = {point.momentum, hamiltonian.velocity(point)};
  whole.momenta = point.momentum;
  whole.log_weight = 0.0;
  PhasePoint forward = point, backward = point;
  trajectory.result.end = TrajectoryEnd::exhausted;
  for (Index level = 0; level < depth; ++level) {
    const bool ahead = random.uniform() < 0.5;
    Piece piece;
    if (!trajectory.build(level, ahead ? step : -step, ahead ? forward : backward, piece)) break;
    // Drawn towards the new piece, which still leaves the distribution invariant and goes further.
    if (std::log(random.uniform()) < piece.log_weight - whole.log_weight) point = piece.proposal;
    whole.log_weight = log_sum(whole.log_weight, piece.log_weight);
    if (!ahead) std::swap(piece.begin, piece.end);
    const bool on = ahead ? goes_on(whole, piece) : goes_on(piece, whole);
    whole.momenta += piece.momenta;
    if (ahead)
      whole.end = std::move(piece.end);
    else
      whole.begin = std::move(piece.begin);
    if (!on) {
      trajectory.result.end = TrajectoryEnd::turned;
      break;
    }
  }
  trajectory.result.acceptance =
      trajectory.acceptances / static_cast<double>(std::max<Index>(trajectory.result.evaluations, 1));
  return trajectory.result;
}

double reasonable_step(const Hamiltonian& hamiltonian, const PhasePoint& point, double step,
                       double acceptance, RandomStream& random) {
  int direction = 0;
  for (int tries = 0; tries < 100; ++tries) {
    PhasePoint trial = point;
    hamiltonian.draw_momentum(trial, random);
    const double energy = hamiltonian.energy(trial);
    const bool there = hamiltonian.leapfrog(trial, step);
    const double gain = there ? energy - hamiltonian.energy(trial) : -infinity;
    const int wanted = gain > std::log(acceptance) ? 1 : -1;
    if (direction != 0 && wanted != direction) break;
    direction = wanted;
    step *= direction > 0 ? 2.0 : 0.5;
  }
  return step;
}

}  // namespace ersatz
