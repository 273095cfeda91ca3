#include "ersatz/basis/pod.hpp"

#include <algorithm>
#include <cmath>

#include "basis/linear_basis.hpp"
#include "basis/pod_rotation.hpp"
#include "basis/pod_space.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

using pod::Scaling;
using pod::Snapshots;
using pod::Space;
using pod::Target;

void check_options(const PodOptions& o, Index width, bool complex) {
  if (!(o.tolerance >= 0.0 && o.tolerance < 1.0))
    throw UsageError(text("basis pod: 'tolerance' must be from 0 to below 1, got ", o.tolerance));
  if (o.max_rank < 0) throw UsageError(text("basis pod: 'max_rank' must not be negative, got ", o.max_rank));
  if (o.folds < 0 || o.folds == 1)
    throw UsageError(text("basis pod: 'folds' must be 0 or at least 2, got ", o.folds));
  if (o.block_rows < 0)
    throw UsageError(text("basis pod: 'block_rows' must not be negative, got ", o.block_rows));
  check_weights("basis pod", o.weights, complex ? width / 2 : width);
}

Vector root_weights(const Vector& weights, bool complex) {
  if (!complex) return weights.cwiseSqrt();
  Vector both(2 * weights.size());
  for (Index j = 0; j < weights.size(); ++j) both[2 * j] = both[2 * j + 1] = std::sqrt(weights[j]);
  return both;
}

/// Relative error of the whole set, or of the worst row, at every rank from 0 to l.
template <class T>
Vector errors_by_rank(const Space<T>& space, bool worst) {
  const Index l = space.e.rows(), n = space.c.rows();
  Vector errors(l + 1);
  if (!(space.energy > 0.0)) return Vector::Zero(l + 1);
  if (!worst) {
    double rest = space.lost;
    for (Index r = l; r >= 0; --r) {
      errors[r] = std::sqrt(rest / space.energy);
      if (r > 0) rest += space.values[r - 1] * space.values[r - 1];
    }
    return errors;
  }
  Vector rest = space.row_residuals;
  for (Index r = l; r >= 0; --r) {
    errors[r] = std::sqrt(rest.maxCoeff() * static_cast<double>(n) / space.energy);
    if (r > 0) rest += space.c.col(r - 1).cwiseAbs2();
  }
  return errors;
}

template <class T>
Space<T> decompose(const Snapshots& s, Scaling& scaling, const PodOptions& o, const Target& target,
                   PodSummary& summary) {
  const Index bins = s.complex ? s.width / 2 : s.width, smaller = std::min(s.rows, bins);
  const double work = (s.complex ? 4.0 : 1.0) * static_cast<double>(s.rows) * static_cast<double>(bins) *
                      static_cast<double>(smaller);
  summary.method = o.method;
  summary.reason = "as asked";
  if (o.method == PodMethod::automatic) {
    if (!s.in_memory() && s.bytes() > o.memory_limit) {
      summary.method = PodMethod::streaming;
      summary.reason = text("the snapshots are ", brief(s.bytes() / 1e9, 2), " GB");
    } else if (smaller <= 128 || work <= 3e8) {
      summary.method = PodMethod::exact;
      summary.reason = "few snapshots";
    } else {
      summary.method = PodMethod::randomised;
      summary.reason = "many snapshots";
    }
  }
  Index mean_passes = 0;
  if (o.centred && summary.method != PodMethod::streaming) {
    scaling.offset = pod::mean_row(s, o.executor);
    mean_passes = 1;
  }
  Space<T> space;
  if (summary.method == PodMethod::streaming) {
    space = pod::streaming_space<T>(s, scaling, o.centred, o.block_rows, target);
    if (o.folds > 0 || o.tolerance_of == PodTolerance::worst) {
      pod::measure(s, scaling, o.executor, space);
      const double bound = space.lost;
      pod::sort_space(space);
      space.lost = std::min(bound, space.row_residuals.sum());
    }
  } else if (summary.method == PodMethod::randomised) {
    auto found = pod::randomised_space<T>(s, scaling, target);
    if (found) {
      space = std::move(*found);
    } else {
      summary.method = PodMethod::exact;
      summary.reason = "the rank is more than half of the smaller side, too large for the randomised method";
    }
  }
  if (summary.method == PodMethod::exact) {
    space = pod::exact_space<T>(s, scaling, target);
    space.lost = space.row_residuals.sum();
  }
  space.passes += mean_passes;
  return space;
}

/// All zero, or all equal to their mean: one direction, any.
template <class T>
void fill_empty(Space<T>& space, Index rows, Index columns) {
  space.e = pod::Rows<T>::Zero(1, columns);
  space.e(0, 0) = 1.0;
  space.values = Vector::Zero(1);
  space.c = pod::Rows<T>::Zero(rows, 1);
  space.row_residuals = Vector::Zero(rows);
}

void describe(const PodOptions& o, double error, Pod& p) {
  PodSummary& s = p.summary;
  s.tolerance_met = error <= o.tolerance || (o.tolerance == 0.0 && error <= s.rounding_level);
  s.message = text(to_string(s.method), " (", s.reason, "), ", s.passes, s.passes == 1 ? " pass" : " passes");
  if (s.tolerance_met) return;
  if (error <= s.rounding_level)
    s.message += text("; the tolerance ", brief(o.tolerance), " is below ", brief(s.rounding_level, 2),
                      ", where rounding decides in double precision: the error left is ", brief(error, 2));
  else if (o.max_rank > 0 && p.rank() >= o.max_rank)
    s.message += text("; max_rank ", o.max_rank, " leaves an error of ", brief(error, 2),
                      ", the tolerance is ", brief(o.tolerance));
  else
    s.message += text("; the error left is ", brief(error, 2), ", the tolerance is ", brief(o.tolerance));
}

template <class T>
Pod fit(const Snapshots& s, const PodOptions& o) {
  const Index bins = s.complex ? s.width / 2 : s.width, smaller = std::min(s.rows, bins);
  Pod p;
  Scaling scaling;
  scaling.unit = pod::unit_of(s);
  if (o.weights.size() > 0) scaling.root_weights = root_weights(o.weights, s.complex);
  const double level = pod::rounding_level(smaller);
  const bool worst = o.tolerance_of == PodTolerance::worst;
  Target target{std::max(o.tolerance, level), 0.0, 0, o.max_rank, o.seed, o.executor};
  // Cross-validation looks at what is cut off, which should be in the space as well.
  target.accuracy =
      target.tolerance * (worst ? 0.1 / std::sqrt(static_cast<double>(s.rows)) : (o.folds > 0 ? 0.03 : 0.05));
  target.accuracy = std::max(target.accuracy, 0.5 * level);
  if (o.max_rank > 0) target.cap = o.folds > 0 ? 2 * o.max_rank + 50 : o.max_rank + 16 + o.max_rank / 4;
  if (target.cap >= smaller) target.cap = 0;
  Space<T> space = decompose<T>(s, scaling, o, target, p.summary);
  if (space.e.rows() == 0 || !(space.energy > 0.0)) fill_empty(space, s.rows, bins);

  const Vector whole = errors_by_rank(space, false);
  const Vector by_rank = worst ? errors_by_rank(space, true) : whole;
  Index rank = 1;
  while (rank < space.e.rows() && by_rank[rank] > target.tolerance) ++rank;
  if (o.max_rank > 0) rank = std::min(rank, o.max_rank);

  p.complex = s.complex;
  if (o.folds > 0) pod::cross_validate(s, scaling, space, rank, o.folds, o.executor, p);
  p.rotation = o.rotation;
  int turns = 0;
  if (o.rotation == PodRotation::varimax) turns = rotate_space(space, rank);
  p.elements = scaling.unscale(dense::to_doubles<T>(pod::Rows<T>(space.e.topRows(rank))));
  p.singular_values = space.values / scaling.unit;
  p.offset = scaling.offset;
  p.weights = o.weights;
  p.snapshots = s.rows;
  p.energy = space.energy / scaling.unit / scaling.unit;
  p.lost = space.lost / scaling.unit / scaling.unit;
  p.errors.training_mean = whole[rank];
  if (space.row_residuals.size() == s.rows) p.errors.training_worst = errors_by_rank(space, true)[rank];
  p.summary.passes = space.passes;
  p.summary.bytes = space.bytes + 16.0 * static_cast<double>(space.c.size() + space.e.size());
  p.summary.error_estimate = whole[rank];
  p.summary.rounding_level = level;
  describe(o, by_rank[rank], p);
  if (o.rotation != PodRotation::none)
    p.summary.message += text("; rotated by ", to_string(o.rotation), ", ", turns, " iterations");
  return p;
}

Pod fit(const Snapshots& s, const PodOptions& o) {
  if (s.rows == 0) throw DataError("basis pod: there are no snapshots");
  if (s.width == 0) throw DataError("basis pod: the snapshots are empty rows");
  if (s.complex && s.width % 2 != 0)
    throw UsageError(text("basis pod: complex snapshots of ", s.width,
                          " numbers; expected pairs of real and imaginary parts"));
  check_options(o, s.width, s.complex);
  const SingleThreadedBlas single;  // threads are the executor's
  return s.complex ? fit<Complex>(s, o) : fit<double>(s, o);
}

}  // namespace

const char* to_string(PodMethod method) {
  switch (method) {
    case PodMethod::automatic:
      return "auto";
    case PodMethod::exact:
      return "exact";
    case PodMethod::randomised:
      return "randomised";
    case PodMethod::streaming:
      return "streaming";
  }
  return "";
}

PodMethod pod_method_from_string(const std::string& name) {
  for (const PodMethod m :
       {PodMethod::automatic, PodMethod::exact, PodMethod::randomised, PodMethod::streaming})
    if (name == to_string(m)) return m;
  throw UsageError(text("basis pod: unknown method '", name, "'; known: auto, exact, randomised, streaming"));
}

BasisPtr Pod::basis() const {
  LinearBasisParts parts;
  parts.name = rotation == PodRotation::none ? "pod" : text("pod rotated by ", to_string(rotation));
  parts.complex = complex;
  parts.elements = elements;
  parts.offset = offset;
  parts.weights = weights;
  parts.residual_modes = residual_modes;
  parts.residual_variance = residual_variance;
  parts.singular_values = singular_values;
  parts.errors = errors;
  parts.snapshots = snapshots;
  parts.note = summary.message;
  return std::make_shared<LinearBasis>(std::move(parts));
}

Pod fit_pod(ConstMatrixRef snapshots, bool complex, const PodOptions& options) {
  Snapshots s;
  s.data = snapshots.data();
  s.stride = snapshots.outerStride();
  s.rows = snapshots.rows();
  s.width = snapshots.cols();
  s.complex = complex;
  if (complex && s.stride % 2 != 0) return fit_pod(ConstMatrixRef(Matrix(snapshots)), complex, options);
  return fit(s, options);
}

Pod fit_pod(const SnapshotSource& snapshots, const PodOptions& options) {
  Snapshots s;
  s.source = &snapshots;
  s.rows = snapshots.rows();
  s.width = snapshots.width();
  s.complex = snapshots.complex();
  return fit(s, options);
}

}  // namespace ersatz
