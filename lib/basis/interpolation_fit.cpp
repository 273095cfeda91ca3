// Interpolating bases from linear ones.

#include <algorithm>
#include <cmath>

#include "basis/held_out.hpp"
#include "basis/interpolation_basis.hpp"
#include "ersatz/basis/interpolation.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

const LinearBasisParts& linear_parts(const Basis& basis) {
  const auto* linear = dynamic_cast<const LinearBasis*>(&basis);
  if (linear == nullptr)
    throw UsageError(
        text("interpolation basis: one of kind '", basis.kind(), "' has no elements to interpolate"));
  return linear->parts();
}

/// The interpolant of that span, without what it knows of errors.
LinearBasisParts expansion_of(const LinearBasisParts& linear, EmpiricalInterpolation found) {
  LinearBasisParts parts;
  parts.name = linear.name;
  parts.complex = linear.complex;
  parts.snapshots = linear.snapshots;
  parts.note = linear.note;
  parts.singular_values = linear.singular_values;
  if (linear.offset.size() > 0) {  // what the interpolant of the whole row needs besides the node values
    parts.offset = linear.offset - interpolate(found, linear.offset);
    const Index unit = linear.complex ? 2 : 1;
    for (const Index node : found.nodes) parts.offset.segment(unit * node, unit).setZero();
  }
  parts.elements = std::move(found.matrix);
  return parts;
}

}  // namespace

BasisPtr interpolation_basis(const Basis& basis, NodeRule rule, ConstMatrixRef snapshots,
                             const std::function<BasisPtr(ConstMatrixRef)>& fit) {
  const LinearBasisParts& linear = linear_parts(basis);
  if (snapshots.cols() != linear.elements.cols())
    throw UsageError(text("interpolation basis: elements of ", linear.elements.cols(),
                          " values and snapshots of ", snapshots.cols()));
  const EmpiricalInterpolation found = empirical_interpolation(linear.elements, linear.complex, rule);
  const std::vector<Index> nodes = found.nodes;
  LinearBasisParts parts = expansion_of(linear, found);
  const InterpolationBasis whole(parts, nodes);

  const Matrix centred =
      linear.offset.size() > 0 ? Matrix(snapshots.rowwise() - linear.offset.transpose()) : Matrix(snapshots);
  const double square = squared_norms(centred, linear.weights).mean();
  Matrix rest = left_over(whole, snapshots);
  set_errors(rest, linear.weights, square, parts.errors.training_mean, parts.errors.training_worst);
  if (fit && enough_to_hold_out(snapshots.rows(), cross_validation_folds)) {
    // Elements of each fold's own, at our nodes: how much these amplify is what new rows will see.
    rest = held_out_residuals(whole, snapshots, cross_validation_folds, [&](ConstMatrixRef kept) {
      const BasisPtr part = fit(kept);
      const LinearBasisParts& some = linear_parts(*part);
      const bool as_many = some.elements.rows() == linear.elements.rows();
      const auto at = as_many ? empirical_interpolation(some.elements, some.complex, nodes)
                              : empirical_interpolation(some.elements, some.complex, rule);
      return std::make_shared<InterpolationBasis>(expansion_of(some, at), at.nodes);
    });
    set_errors(rest, linear.weights, square, parts.errors.validation_mean, parts.errors.validation_worst);
  }
  // At the nodes nothing is lost (a fold of lower rank had nodes of its own).
  const Index unit = linear.complex ? 2 : 1;
  for (const Index node : nodes) rest.middleCols(unit * node, unit).setZero();
  set_residual(rest, parts);
  return std::make_shared<InterpolationBasis>(std::move(parts), nodes);
}

}  // namespace ersatz
