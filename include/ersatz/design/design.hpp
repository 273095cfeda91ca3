#pragma once
// Where to simulate first: points that fill a parameter space.

#include <string_view>

#include "ersatz/core/parameter_space.hpp"

namespace ersatz {

enum class DesignMethod {
  /// The Sobol' sequence with the direction numbers of Joe & Kuo, SIAM J. Sci. Comput. 30, 2635 (2008),
  /// without
  /// its first point (the origin). It can be continued (`skip`). Best balanced when n + 1 is a power of two.
  sobol,
  /// Latin hypercube (McKay, Beckman & Conover, Technometrics 21, 239, 1979): each of n equal slices of each
  /// parameter holds one point, placed at random within it.
  lhs,
  /// A Latin hypercube with points in the middle of their slices, whose smallest distance is made large by
  /// simulated annealing of the criterion phi_p with p = 20 (Morris & Mitchell, J. Stat. Plan. Inference 43,
  /// 381,
  /// 1995). Distances are those in the unit cube; a periodic parameter wraps. Takes up to a second or two;
  /// above a
  /// few thousand points that is too short to gain much over `lhs`.
  maximin,
  /// All combinations of equally spaced values, bounds included (a periodic parameter leaves out its upper
  /// bound;
  /// the coordinates of a ball take the middles of their intervals, where no two points coincide). Every
  /// parameter has as many levels as give at most n points; what is left goes to the first parameters. So it
  /// may
  /// return fewer than n.
  grid,
};
std::string_view to_string(DesignMethod method);
DesignMethod design_method_from_string(std::string_view name);  ///< throws UsageError naming the known ones

struct DesignOptions {
  /// Sobol': shifts each coordinate by random bits (exclusive or), and then keeps the origin: another seed,
  /// another point set of the same evenness. Without it the seed does not matter.
  bool digital_shift = false;
  /// Sobol': Owen's nested scrambling in the place of the shift (Monte Carlo and Quasi-Monte Carlo Methods
  /// 1995, 299; origin kept): as even, and means over the points converge faster where the function is
  /// smooth. Costs some 0.2 microseconds per value.
  bool owen_scrambling = false;
  Index skip = 0;  ///< Sobol': points left out before the first, to continue a design
  /// Latin hypercube: made of so many, of n / slices points each, one after the other (Qian, J. Am. Stat.
  /// Assoc. 107, 393, 2012): batches of which each, and all together, fill the space. Spaces without
  /// constraints only.
  Index slices = 1;
  /// Rows in the space's units that are there already; the n new points go between them. Sobol': they have to
  /// be the beginning of the sequence, which is continued. Latin hypercube: of n + existing slices of each
  /// parameter, those that hold an existing point get no new one. Maximin: moreover, distances to them count.
  Matrix existing{};
};

/// n points (rows), uniform in the unit cube of the space (`ParameterSpace::from_unit`). The same seed gives
/// the same points. Points that violate a linear constraint are replaced: Sobol' takes the next ones of the
/// sequence; Latin hypercubes are drawn larger and cut to n (each slice then no longer holds exactly one
/// point); the grid is made finer. Throws UsageError when n < 1, there are no parameters or the options do
/// not fit the method, DataError for an existing point outside of the space, NumericalError when fewer than
/// one point in a thousand meets the constraints.
Matrix make_design(DesignMethod method, const ParameterSpace& space, Index n, const RandomStream& random,
                   const DesignOptions& options = {});
/// The first n points of a Sobol' sequence that `random` shifts.
Matrix shifted_sobol(const ParameterSpace& space, Index n, const RandomStream& random);

/// The smallest distance between two rows of points in the unit cube.
double smallest_distance(ConstMatrixRef unit_points);

}  // namespace ersatz
