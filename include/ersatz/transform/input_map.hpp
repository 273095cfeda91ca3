#pragma once
// From parameters in their own units to what regressors see.

#include <string>
#include <vector>

#include "ersatz/core/parameter_space.hpp"
#include "ersatz/core/settings.hpp"
#include "ersatz/transform/transform.hpp"

namespace ersatz {

/// One of the named maps below, with its settings.
struct InputStep {
  std::string name;
  Settings settings;
};

/// Where a map's outputs lie.
struct MappedBounds {
  Vector lower, upper;
};

struct InputMap {
  TransformPtr transform;
  std::vector<std::string> names;  ///< of the outputs: "q", "cos phi", "sin phi"
  /// One unit of each output in the input's own: the width between its bounds (of the logarithm, for log
  /// parameters); 1 for cosines and sines.
  Vector units;
  MappedBounds bounds;  ///< 0 to 1, cosines and sines -1 to 1, an input of no width 0 to 0
};

/// The steps in the order given, each on columns that it finds by their names among the parameters and what
/// earlier steps gave; then all columns to the unit cube: linear ones by their bounds to [0, 1], log ones
/// likewise after the logarithm, periodic ones become cosine and sine of one turn between their bounds. A
/// step passes on what it does not replace and appends what it gives. Bounds are propagated: those of the
/// space are mapped to an interval that holds the output, ball constraints included.
///
/// Names, settings (defaults), and what they replace by what; m1 = q / (1 + q), m2 = 1 / (1 + q):
///
/// - "log": `parameters` (must be given), each by its logarithm, "log NAME".
/// - "effective-spins": `spins` (chi1z, chi2z), with `mass_ratio` (q), by "chi_hat" and "chi_a".
///   chi_hat = (chi_eff - 38 eta / 113 (chi1z + chi2z)) / (1 - 76 eta / 113) (Khan et al. 2016,
///   arXiv:1508.07253, Eq. 3 and 4; Varma et al. 2019, arXiv:1812.07865), chi_eff = m1 chi1z +
///   m2 chi2z, eta = m1 m2; chi_a = (chi1z - chi2z) / 2.
/// - "polar": `parameters` (x and y, must be given) by "length x y", "cos x y", "sin x y". Not smooth where
///   the length vanishes.
/// - "rotational-symmetry": `spins` (chi1x, chi1y, chi2x, chi2y), with `mass_ratio` (q where there is one),
///   `weights`, `mass_power`, see InPlaneAngle: by their components "chi1x along", "chi2x along" and
///   "chi2y across" in the frame turned by the in-plane angle (first names of `spins`; "chi1y across" where
///   spin 1 has weight 0). One input fewer; only for outputs that turn with the spins, or are learnt through
///   a decoder that turns them by the same angle. Jumps where the weighted sum of the in-plane spins
///   vanishes.
/// - "exchange-symmetry": `first` and `second`, 1 to 4 parameters each, by the means "mean A B" and the
///   products of half differences "A-B × C-D" (squares included). For outputs that stay the same when all
///   of `first` are exchanged with all of `second`, as for equal masses. Complete and smooth.
/// - "aligned-spins": "effective-spins", then "log" of the mass ratio. Settings of the former.
/// - "precessing-spins": "rotational-symmetry" if `symmetry` (true), then "aligned-spins". Their settings;
///   `aligned` (chi1z, chi2z) names the aligned spins.
///
/// Throws UsageError on unknown names and settings, a column that is not there (naming those that are), and
/// bounds that a step cannot take.
InputMap fit_input_map(const ParameterSpace& space, const std::vector<InputStep>& steps = {});
std::vector<std::string> input_step_names();

}  // namespace ersatz
