#pragma once
// The inputs of a simulator: names, units, bounds, scales, and constraints beyond the box.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/random.hpp"

namespace ersatz {

enum class Scale { linear, log, periodic };
std::string_view to_string(Scale scale);
Scale scale_from_string(std::string_view name);  ///< throws UsageError

struct Parameter {
  std::string name;
  std::string unit;  ///< empty: dimensionless
  double lower = 0.0;
  double upper = 1.0;
  Scale scale = Scale::linear;
};

/// Three parameters form a vector of length at most `radius`, uniform in length and isotropic in direction.
struct BallConstraint {
  std::array<Index, 3> members;
  double radius;
};

/// coefficients · x <= upper, in the parameters' own units.
struct LinearConstraint {
  Vector coefficients;  ///< d
  double upper;
};

/// A set of named parameters in a box, with constraints. An immutable value once built. All calls are const
/// and safe from many threads.
class ParameterSpace {
 public:
  ParameterSpace() = default;
  /// Throws UsageError on duplicate or empty names, bounds that are inverted or not finite, a log scale that
  /// touches zero, a ball over parameters that are not linear or belong to another ball.
  explicit ParameterSpace(std::vector<Parameter> parameters, std::vector<BallConstraint> balls = {},
                          std::vector<LinearConstraint> linear = {});

  Index size() const { return static_cast<Index>(parameters_.size()); }
  const Parameter& operator[](Index i) const { return parameters_[static_cast<std::size_t>(i)]; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<BallConstraint>& balls() const { return balls_; }
  const std::vector<LinearConstraint>& linear_constraints() const { return linear_; }
  std::vector<std::string> names() const;
  Index index_of(std::string_view name) const;  ///< throws UsageError naming the known ones

  /// Inside of the box (up to 1e-12 of its width) and of every constraint.
  bool contains(const double* x) const;
  /// Empty when inside; otherwise which parameter, its value and its bounds.
  std::string why_outside(const double* x) const;

  /// Maps between the unit cube and the space, d values each. Log parameters are uniform in the logarithm; a
  /// ball takes its three coordinates as length, cosine of the polar angle, and azimuth. Linear constraints
  /// are not mapped, nor are bounds that cut a ball: unless `fills_cube`, points from the cube have to be
  /// checked with `contains`.
  void from_unit(const double* u, double* x) const;
  void to_unit(const double* x, double* u) const;
  /// Every point of the unit cube maps to one inside: no linear constraint, and no ball that its members'
  /// bounds cut.
  bool fills_cube() const;

  /// n points, uniform in the unit cube; those that end up outside of the space are drawn again.
  Matrix sample(Index n, RandomStream& random) const;

 private:
  std::vector<Parameter> parameters_;
  std::vector<BallConstraint> balls_;
  std::vector<LinearConstraint> linear_;
};

/// The box that the rows of X span (dimensionless, linear), for data that come without a description.
ParameterSpace space_of_data(ConstMatrixRef X, const std::vector<std::string>& names);

}  // namespace ersatz
