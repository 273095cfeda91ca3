// Bases of several runs joined, taken from files, and held against snapshots of another set.

#include <algorithm>
#include <cmath>

#include "basis/linear_basis.hpp"
#include "basis/pod_space.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

void check_parts(const std::vector<Pod>& parts) {
  if (parts.empty()) throw UsageError("merge of bases: there are none");
  const Pod& first = parts[0];
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Pod& p = parts[i];
    const char* what = nullptr;
    if (p.elements.cols() != first.elements.cols())
      what = "the width of its rows";
    else if (p.complex != first.complex)
      what = "being complex";
    else if (p.offset.size() != first.offset.size())
      what = "being centred";
    else if (p.weights.size() != first.weights.size() || p.weights != first.weights)
      what = "the weights of its inner product";
    if (what) throw UsageError(text("merge of bases: number ", i, " differs from number 0 in ", what));
    if (p.rotation != PodRotation::none)
      throw UsageError(
          text("merge of bases: number ", i, " is rotated by ", to_string(p.rotation),
               ", after which its singular values are not those of its elements; make it without"));
    if (p.snapshots < 1 || p.singular_values.size() < p.rank())
      throw UsageError(
          text("merge of bases: number ", i, " lacks its singular values or the number of its snapshots"));
  }
}

pod::Scaling scaling_of(const Pod& p) {
  pod::Scaling scaling;
  const Index unit = p.complex ? 2 : 1;
  scaling.root_weights.resize(unit * p.weights.size());
  for (Index j = 0; j < scaling.root_weights.size(); ++j)
    scaling.root_weights[j] = std::sqrt(p.weights[j / unit]);
  return scaling;
}

template <class T>
Pod merge(const std::vector<Pod>& parts, const PodOptions& o) {
  const Pod& first = parts[0];
  const Index width = first.elements.cols(), columns = width / (dense::is_complex<T> ? 2 : 1);
  const bool centred = first.offset.size() > 0;
  Pod result;
  double largest = 0.0;
  for (const Pod& p : parts) {
    result.snapshots += p.snapshots;
    largest = std::max(largest, p.singular_values.size() > 0 ? p.singular_values[0] : 0.0);
  }
  const double level = pod::rounding_level(std::min(result.snapshots, columns));
  const double tolerance = std::max(o.tolerance, level);
  pod::Scaling scaling = scaling_of(first);
  scaling.unit = largest > 0.0 ? std::ldexp(1.0, -std::clamp(std::ilogb(largest), -1000, 1000)) : 1.0;
  pod::Accumulator<T> sum(columns, std::max(0.1 * tolerance, 0.5 * level), 0, centred);
  for (const Pod& p : parts) {
    Matrix rows = p.elements;
    scaling.apply(rows);
    rows = p.singular_values.head(p.rank()).asDiagonal() * rows;
    Matrix mean = Matrix::Zero(1, width);
    if (centred) mean.row(0) = p.offset.transpose();
    scaling.apply(mean);
    const double kept = (p.singular_values.head(p.rank()) * scaling.unit).squaredNorm();
    const double energy = std::max(kept, p.energy * scaling.unit * scaling.unit);
    pod::Rows<T> block = dense::view<T>(rows.data(), rows.rows(), width, width);
    sum.add(block, dense::view<T>(mean.data(), 1, width, width), p.snapshots, energy, energy - kept);
  }
  pod::Space<T> space = sum.finish();
  if (space.e.rows() == 0) {  // nothing but zeros
    space.e = pod::Rows<T>::Zero(1, columns);
    space.e(0, 0) = 1.0;
    space.values = Vector::Zero(1);
  }
  const auto error = [&](Index rank) {
    const Index cut = space.values.size() - rank;
    return space.energy > 0.0 ? std::sqrt((space.lost + space.values.tail(cut).squaredNorm()) / space.energy)
                              : 0.0;
  };
  Index rank = 1;
  // What the parts have lost already is not for this truncation to make up.
  const double given = error(space.values.size());
  while (rank < space.values.size() && error(rank) > std::max(tolerance, 1.005 * given)) ++rank;
  if (o.max_rank > 0) rank = std::min(rank, o.max_rank);
  result.complex = first.complex;
  result.elements = scaling.unscale(dense::to_doubles<T>(pod::Rows<T>(space.e.topRows(rank))));
  result.singular_values = space.values / scaling.unit;
  if (centred)
    result.offset = scaling.unscale(dense::to_doubles<T>(sum.mean())).row(0).transpose() / scaling.unit;
  result.weights = first.weights;
  result.energy = space.energy / scaling.unit / scaling.unit;
  result.lost = space.lost / scaling.unit / scaling.unit;
  result.errors.training_mean = error(rank);
  result.summary.method = PodMethod::streaming;
  result.summary.reason = text("merged from ", parts.size(), " bases");
  result.summary.error_estimate = error(rank);
  result.summary.rounding_level = level;
  result.summary.tolerance_met = error(rank) <= tolerance;
  result.summary.message = result.summary.reason;
  if (!result.summary.tolerance_met)
    result.summary.message += text("; the error left is ", brief(error(rank), 2), ", the tolerance is ",
                                   brief(o.tolerance), "; the parts alone leave ", brief(given, 2));
  return result;
}

}  // namespace

Pod merge_pods(const std::vector<Pod>& parts, const PodOptions& options) {
  check_parts(parts);
  if (!(options.tolerance >= 0.0 && options.tolerance < 1.0))
    throw UsageError(text("merge of bases: 'tolerance' must be from 0 to below 1, got ", options.tolerance));
  const SingleThreadedBlas single;
  return parts[0].complex ? merge<Complex>(parts, options) : merge<double>(parts, options);
}

Pod pod_of(const Basis& basis) {
  const auto* linear = dynamic_cast<const LinearBasis*>(&basis);
  if (!linear || linear->parts().name != "pod" || !linear->whole() || linear->parts().snapshots < 1)
    throw UsageError(text("a basis of kind '", basis.kind(),
                          "' that is not a POD, or rotated, or restricted to some bins, cannot be merged"));
  const LinearBasisParts& parts = linear->parts();
  Pod p;
  p.complex = parts.complex;
  p.elements = parts.elements;
  p.singular_values = parts.singular_values;
  p.offset = parts.offset;
  p.weights = parts.weights;
  p.snapshots = parts.snapshots;
  p.residual_modes = parts.residual_modes;
  p.residual_variance = parts.residual_variance;
  p.errors = parts.errors;
  p.summary.message = parts.note;
  // error² = 1 - kept / energy
  const double kept = p.singular_values.head(p.rank()).squaredNorm();
  const double error = std::isfinite(p.errors.training_mean) ? p.errors.training_mean : 0.0;
  p.energy = kept / (1.0 - std::min(error * error, 0.999));
  p.lost = std::max(0.0, p.energy - p.singular_values.squaredNorm());
  p.summary.error_estimate = error;
  return p;
}

void validate_pod(Pod& pod, ConstMatrixRef snapshots) {
  if (snapshots.rows() == 0) throw DataError("validation of a basis: there are no snapshots");
  if (snapshots.cols() != pod.elements.cols())
    throw UsageError(text("validation of a basis: snapshots of ", snapshots.cols(), " numbers for rows of ",
                          pod.elements.cols()));
  for (Index i = 0; i < snapshots.rows(); ++i)
    if (!snapshots.row(i).allFinite())
      throw DataError(text("validation of a basis: snapshot ", i, " contains values that are not finite"));
  const BasisPtr basis = pod.basis();
  const pod::Scaling scaling = scaling_of(pod);
  const double scale = std::sqrt(pod.energy / static_cast<double>(pod.snapshots));
  double sum = 0.0, worst = 0.0;
  Vector c(basis->coefficients());
  Matrix rest(1, basis->width());
  for (Index i = 0; i < snapshots.rows(); ++i) {
    basis->project(snapshots.row(i).data(), c.data());
    basis->reconstruct(c.data(), rest.data());
    rest = snapshots.row(i) - rest;
    scaling.apply(rest);
    const double error = scale > 0.0 ? rest.norm() / scale : 0.0;
    sum += error * error;
    worst = std::max(worst, error);
  }
  pod.errors.validation_mean = std::sqrt(sum / static_cast<double>(snapshots.rows()));
  pod.errors.validation_worst = worst;
}

}  // namespace ersatz
