// Interpolating bases from linear ones.

#include <algorithm>
#include <cmath>

#include "basis/interpolation_basis.hpp"
#include "ersatz/basis/interpolation.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {

BasisPtr interpolation_basis(const Basis& basis, NodeRule rule, ConstMatrixRef snapshots) {
  const auto* linear = dynamic_cast<const LinearBasis*>(&basis);
  if (linear == nullptr)
    throw UsageError(
        text("interpolation basis: one of kind '", basis.kind(), "' has no elements to interpolate"));
  LinearBasisParts parts = linear->parts();
  const Index width = parts.elements.cols(), unit = parts.complex ? 2 : 1;
  if (snapshots.cols() != width)
    throw UsageError(
        text("interpolation basis: elements of ", width, " values and snapshots of ", snapshots.cols()));
  const EmpiricalInterpolation found = empirical_interpolation(parts.elements, parts.complex, rule);

  // The interpolant is exact on the span, so what it loses of a row is the row's residual less the
  // interpolant of that: mode by mode, and for the independent part entry by entry (what errs at a node errs
  // along its whole row of the matrix; kept as variance).
  for (Index k = 0; k < parts.residual_modes.rows(); ++k) {
    const Vector mode = parts.residual_modes.row(k).transpose();
    parts.residual_modes.row(k) = (mode - interpolate(found, mode)).transpose();
  }
  const double before = parts.residual_variance.sum() + linear->residual_modes().squaredNorm();
  Vector variance = parts.residual_variance;
  const Matrix real_view = [&] {
    LinearBasisParts p;
    p.complex = parts.complex;
    p.elements = found.matrix;
    return LinearBasis(std::move(p)).elements();
  }();
  for (const Index node : found.nodes) variance.segment(unit * node, unit).setZero();
  for (std::size_t i = 0; i < found.nodes.size(); ++i)
    for (Index u = 0; u < unit; ++u) {
      const Index node = unit * found.nodes[i] + u;
      const Index row = unit * static_cast<Index>(i) + u;
      Vector spread = parts.residual_variance[node] * real_view.row(row).cwiseAbs2().transpose();
      spread.segment(unit * found.nodes[i], unit).setZero();
      variance += spread;
    }
  parts.residual_variance = variance;
  const double after = parts.residual_variance.sum() + parts.residual_modes.squaredNorm();

  Vector weights = Vector::Ones(width);
  if (parts.weights.size() > 0)
    for (Index j = 0; j < width; ++j) weights[j] = parts.weights[j / unit];
  double whole = 0.0, lost = 0.0, worst = 0.0;
  const Vector offset = parts.offset.size() > 0 ? parts.offset : Vector(Vector::Zero(width));
  for (Index i = 0; i < snapshots.rows(); ++i) {
    const Vector row = snapshots.row(i).transpose() - offset;
    const double rest = weights.dot((row - interpolate(found, row)).cwiseAbs2());
    whole += weights.dot(row.cwiseAbs2());
    lost += rest;
    worst = std::max(worst, rest);
  }
  const BasisErrors projected = parts.errors;
  parts.errors = {};
  if (whole > 0.0) {
    parts.errors.training_mean = std::sqrt(lost / whole);
    parts.errors.training_worst = std::sqrt(worst / whole * static_cast<double>(snapshots.rows()));
  }
  // Of held-out rows only the covariance is known by now.
  if (before > 0.0) parts.errors.validation_mean = projected.validation_mean * std::sqrt(after / before);

  if (parts.offset.size() > 0) {
    parts.offset -= interpolate(found, parts.offset);
    for (const Index node : found.nodes) parts.offset.segment(unit * node, unit).setZero();
  }
  parts.elements = found.matrix;
  parts.weights.resize(0);
  return std::make_shared<InterpolationBasis>(std::move(parts), found.nodes);
}

}  // namespace ersatz
