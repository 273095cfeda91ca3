#pragma once
// Empirical interpolation: a row rebuilt from its values at as many bins as the basis has elements.

#include <functional>
#include <string>
#include <vector>

#include "ersatz/basis/basis.hpp"

namespace ersatz {

/// f ≈ Σ_i f(node i) matrix_i, exact on the span of the elements that it was made from.
struct EmpiricalInterpolation {
  bool complex = false;
  std::vector<Index> nodes;  ///< r bins, in the order in which they were chosen
  Matrix matrix;             ///< r × width (complex interleaved); 1 at its own node, 0 at the others
  /// Lebesgue constants: the interpolant's error is at most 1 + lebesgue_max times that of the best
  /// approximation in the span in the maximum norm, and lebesgue_2 times that in the unweighted 2-norm.
  double lebesgue_max = 0.0;  ///< max over bins of Σ_i |matrix_i|
  double lebesgue_2 = 0.0;    ///< largest singular value of the matrix
};

/// How nodes are chosen. `eim` (Barrault et al. 2004; Maday et al. 2009): element by element, where it
/// differs most from its interpolant by the ones before; the first where it is largest. `deim` (Chaturantabut
/// & Sorensen 2010) is the same rule, on a POD basis. `q_deim` (Drmač & Gugercin 2016): by pivoted QR of the
/// elements' columns; does not depend on their order and has the smaller bound.
enum class NodeRule { eim, deim, q_deim };
/// "eim", "deim", "q-deim"; throws UsageError naming them.
NodeRule node_rule(const std::string& name);

/// Nodes and interpolation matrix of r linearly independent elements (r × width, complex interleaved). Cost:
/// r² m products. Throws UsageError where there are more elements than bins, NumericalError naming the
/// element that depends on the others.
EmpiricalInterpolation empirical_interpolation(const Matrix& elements, bool complex, NodeRule rule);

/// With nodes that are given, one for each element. Throws NumericalError where they do not tell the elements
/// apart.
EmpiricalInterpolation empirical_interpolation(const Matrix& elements, bool complex,
                                               const std::vector<Index>& nodes);

/// The interpolant of one row (width values), from its values at the nodes.
Vector interpolate(const EmpiricalInterpolation& interpolation, const Vector& row);

/// The span (and offset) of a linear basis with the values at its nodes for coefficients: what a regressor
/// then learns, as in the NRSur surrogates. `snapshots` (n × width) are those that the basis was made from.
/// With `fit`, which makes such a basis from some of them, errors and residual of new rows are by five-fold
/// cross-validation; without, the residual is that of the training. Throws UsageError for a basis that is not
/// linear.
BasisPtr interpolation_basis(const Basis& basis, NodeRule rule, ConstMatrixRef snapshots,
                             const std::function<BasisPtr(ConstMatrixRef)>& fit = {});

}  // namespace ersatz
