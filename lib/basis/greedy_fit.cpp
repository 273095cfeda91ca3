#include "basis/greedy_fit.hpp"

#include <cmath>

#include "basis/held_out.hpp"
#include "ersatz/basis/greedy.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

LinearBasisParts parts_of(const GreedyBasis& greedy, Index snapshots) {
  LinearBasisParts parts;
  parts.name = "greedy";
  parts.complex = greedy.complex;
  parts.elements = greedy.elements;
  parts.weights = greedy.weights;
  parts.snapshots = snapshots;
  parts.note = greedy.summary.message;
  return parts;
}

}  // namespace

BasisPtr fit_greedy_basis(const Settings& settings, ConstMatrixRef rows, bool complex, Index folds) {
  settings.check_known("basis greedy", {"tolerance", "max_rank", "normalise", "weights"});
  const double tolerance = settings.get("tolerance", 1e-7);
  GreedyOptions options;
  options.tolerance = tolerance * tolerance;
  options.max_rank = settings.get("max_rank", Index{50});
  options.normalise = settings.get("normalise", false);
  const auto weights = settings.get("weights", std::vector<double>{});
  options.weights = Eigen::Map<const Vector>(weights.data(), static_cast<Index>(weights.size()));
  if (!(tolerance >= 0.0 && tolerance < 1.0))
    throw UsageError(text("basis greedy: 'tolerance' must be from 0 to below 1, got ", tolerance));
  if (options.max_rank < 1)
    throw UsageError(text("basis greedy: 'max_rank' must be at least 1, got ", options.max_rank));
  SerialExecutor serial;
  const auto fit = [&](ConstMatrixRef some, const GreedyOptions& o) {
    if (!some.isZero(0.0)) return parts_of(greedy_basis(some, complex, o, serial), some.rows());
    LinearBasisParts parts;  // one element that nothing uses, as with pod
    parts.name = "greedy";
    parts.complex = complex;
    parts.elements = Matrix::Zero(1, some.cols());
    parts.elements(0, 0) = 1.0;
    parts.snapshots = some.rows();
    return parts;
  };
  LinearBasisParts parts = fit(rows, options);
  const LinearBasis basis(parts);
  const double whole = squared_norms(rows, options.weights).mean();
  set_errors(left_over(basis, rows), options.weights, whole, parts.errors.training_mean,
             parts.errors.training_worst);
  if (folds == 0) return std::make_shared<LinearBasis>(std::move(parts));
  GreedyOptions part = options;
  part.max_rank = parts.elements.rows();
  const Matrix rest = held_out_residuals(basis, rows, folds, [&](ConstMatrixRef kept) {
    return std::make_shared<LinearBasis>(fit(kept, part));
  });
  if (enough_to_hold_out(rows.rows(), folds))
    set_errors(rest, options.weights, whole, parts.errors.validation_mean, parts.errors.validation_worst);
  set_residual(rest, parts);
  return std::make_shared<LinearBasis>(std::move(parts));
}

}  // namespace ersatz
