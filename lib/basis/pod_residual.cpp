// What new rows lose behind a basis: cross-validation in the space of the snapshots.

#include <algorithm>
#include <cmath>

#include "basis/held_out.hpp"
#include "basis/pod_space.hpp"
#include "ersatz/core/blas.hpp"

namespace ersatz::pod {
namespace {

constexpr double too_little = 0.01;  ///< of the energy lost, for a mode

/// What the rows of one fold lose, in coordinates of the space, behind `rank` directions of the others. Rows
/// are of the fold by their number in the whole matrix.
template <class T>
void lose(const Snapshots& s, const Rows<T>& c, Index rank, Index folds, Index fold, bool centred,
          Rows<T>& loss) {
  const Index here = (fold + folds - s.first % folds) % folds;
  FoldSplit<Rows<T>> split(c, folds, here);
  Rows<T>&kept = split.kept, &held = split.held;
  if (centred) {
    Rows<T> mean = kept.colwise().sum();
    s.ranks->sum(reinterpret_cast<double*>(mean.data()), mean.size() * (dense::is_complex<T> ? 2 : 1));
    mean /= static_cast<double>(s.total - (s.total - fold + folds - 1) / folds);
    kept.rowwise() -= mean.row(0);
    held.rowwise() -= mean.row(0);
  }
  const auto svd = pod::svd<T>(*s.ranks, kept);
  const Rows<T> w = svd.rows.topRows(std::min(rank, svd.rows.rows()));
  Rows<T> along(held.rows(), w.rows());
  dense::coefficients<T>(held, w, along);
  dense::add_product<T>(-1.0, along, w, held);
  for (Index b = 0; b < held.rows(); ++b) loss.row(here + b * folds) = held.row(b);
}

}  // namespace

template <class T>
void cross_validate(const Snapshots& snapshots, const Scaling& scaling, const Space<T>& space, Index rank,
                    Index folds, Executor* executor, Pod& pod) {
  const SingleThreadedBlas single;
  const Ranks& ranks = *snapshots.ranks;
  const Index n = snapshots.total, l = space.e.rows();
  const double count = static_cast<double>(n);
  const bool validated = enough_to_hold_out(n, folds);
  Rows<T> loss = space.c;
  if (validated)
    for (Index f = 0; f < folds; ++f)
      lose(snapshots, space.c, rank, folds, f, scaling.offset.size() > 0, loss);
  else
    loss.leftCols(std::min(rank, l)).setZero();

  const Vector each = Vector(loss.rowwise().squaredNorm()) + space.row_residuals;
  const double total = ranks.sum(each.sum());
  const double largest = ranks.maximum(each.size() > 0 ? each.maxCoeff() : 0.0);
  if (validated && space.energy > 0.0) {
    pod.errors.validation_mean = std::sqrt(total / space.energy);
    pod.errors.validation_worst = std::sqrt(largest * count / space.energy);
  }

  // What is lost together, as real numbers: real and imaginary parts need not be alike.
  const Matrix real = dense::to_doubles<T>(loss);
  const auto svd = pod::svd<double>(ranks, real);
  Index k = 0;
  double held = 0.0;
  while (k < std::min(most_residual_modes, svd.values.size()) && total > 0.0 &&
         held < residual_in_modes * total) {
    const double next = svd.values[k] * svd.values[k];
    if (next < too_little * total) break;
    held += next;
    ++k;
  }
  Matrix directions = svd.rows.topRows(k);
  for (Index j = 0; j < k; ++j) directions.row(j) *= svd.values[j] / std::sqrt(count);
  Rows<T> modes = Rows<T>::Zero(k, space.e.cols());
  const Rows<T> as_rows = dense::view<T>(directions.data(), k, directions.cols(), directions.cols());
  dense::add_product<T>(1.0, as_rows, space.e, modes);
  pod.residual_modes = scaling.unscale(dense::to_doubles<T>(modes)) / scaling.unit;

  // The rest entry by entry, of the rows themselves: a - (c - loss) e is what a row loses.
  Matrix sums = Matrix::Zero(part_count(snapshots), snapshots.width);
  for_each_part<T>(snapshots, scaling, executor, nullptr, [&](const Part& part, RowsView<T> a) {
    Rows<T> lost = a;
    const Rows<T> found =
        space.c.middleRows(part.first, part.count) - loss.middleRows(part.first, part.count);
    dense::add_product<T>(-1.0, found, space.e, lost);
    sums.row(part.number) += dense::to_doubles<T>(lost).cwiseAbs2().colwise().sum();
  });
  Matrix square = sums.colwise().sum();
  ranks.sum(square.data(), square.size());
  square = (square / count).cwiseSqrt();  // of an entry, as its root: it has a unit
  square = scaling.unscale(square) / scaling.unit;
  pod.residual_variance = square.row(0).cwiseAbs2().transpose();
  if (k > 0)
    pod.residual_variance =
        (pod.residual_variance - pod.residual_modes.cwiseAbs2().colwise().sum().transpose()).cwiseMax(0.0);
  ++pod.summary.passes;
}

template void cross_validate<double>(const Snapshots&, const Scaling&, const Space<double>&, Index, Index,
                                     Executor*, Pod&);
template void cross_validate<Complex>(const Snapshots&, const Scaling&, const Space<Complex>&, Index, Index,
                                      Executor*, Pod&);

}  // namespace ersatz::pod
