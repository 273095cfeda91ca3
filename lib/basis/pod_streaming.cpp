// The streaming method: Gram matrices in few directions, block by block. Merging is the same with parts for
// blocks.

#include <algorithm>
#include <cmath>

#include "basis/pod_pack.hpp"
#include "basis/pod_space.hpp"
#include "ersatz/core/blas.hpp"

namespace ersatz::pod {
namespace {

/// Smallest rank whose tail is at most `limit` (an energy); what it drops is added to `dropped`.
Index truncate(const Vector& values, double limit, Index cap, double& dropped) {
  Index rank = values.size();
  double rest = 0.0;
  for (; rank > 0; --rank) {
    const double next = rest + values[rank - 1] * values[rank - 1];
    if (next > limit && (cap == 0 || rank <= cap)) break;
    rest = next;
  }
  dropped += rest;
  return rank;
}

}  // namespace

template <class T>
Accumulator<T>::Accumulator(Index columns, double accuracy, Index cap, bool centred)
    : e_(0, columns),
      g_(0, 0),
      mean_(Rows<T>::Zero(1, columns)),
      accuracy_(accuracy),
      cap_(cap),
      centred_(centred) {}

template <class T>
void Accumulator<T>::add(Rows<T>& rows, const Rows<T>& mean, Index count, double energy, double lost) {
  if (centred_) {
    // Sums about two means are sums about the joint one but for the distance of the means.
    const double n = static_cast<double>(count_), b = static_cast<double>(count);
    if (count_ > 0) {
      Rows<T> more(rows.rows() + 1, rows.cols());
      more.topRows(rows.rows()) = rows;
      more.bottomRows(1) = std::sqrt(n * b / (n + b)) * (mean - mean_);
      energy += more.bottomRows(1).squaredNorm();
      rows = std::move(more);
    }
    mean_ += (b / (n + b)) * (mean - mean_);
  }
  count_ += count;
  energy_ += energy;
  given_lost_ += lost;
  Rows<T> c(rows.rows(), e_.rows());
  dense::coefficients<T>(rows, e_, c);
  dense::add_product<T>(-1.0, c, e_, rows);
  const double rest = rows.squaredNorm();
  if (rest <= allowance()) {
    dropped_ += rest;
    update(c);
  } else {
    grow(rows, std::move(c));
  }
}

template <class T>
double Accumulator<T>::allowance() const {
  return std::max(0.0, accuracy_ * accuracy_ * energy_ - dropped_);
}

template <class T>
void Accumulator<T>::update(const Rows<T>& c) {
  Rows<T> stack(g_.rows() + c.rows(), c.cols());
  if (g_.rows() > 0) {
    stack.topRows(g_.rows()).setZero();
    stack.topLeftCorner(g_.rows(), g_.cols()) = g_;
  }
  stack.bottomRows(c.rows()) = c;
  g_ = dense::triangle<T>(stack);
}

template <class T>
void Accumulator<T>::grow(Rows<T>& residual, Rows<T> c) {
  Rows<T> again(c.rows(), c.cols());  // projected twice: what is left is orthogonal to rounding
  dense::coefficients<T>(residual, e_, again);
  dense::add_product<T>(-1.0, again, e_, residual);
  c += again;
  if (e_.rows() == e_.cols()) return update(c);  // the whole space: nothing is left
  const auto beyond = dense::svd<T>(residual);
  const Index p = truncate(beyond.values, 0.5 * allowance(), e_.cols() - e_.rows(), dropped_);
  if (p == 0) return update(c);
  const Rows<T> q = dense::orthonormal_beside<T>(e_, Rows<T>(beyond.rows.topRows(p)));
  Rows<T> joined(c.rows(), c.cols() + p);
  joined.leftCols(c.cols()) = c;
  dense::coefficients<T>(residual, q, joined.rightCols(p));
  update(joined);
  Rows<T> e(e_.rows() + p, e_.cols());
  e << e_, q;
  const auto svd = dense::svd<T>(g_);
  const Index k = truncate(svd.values, 0.5 * allowance(), cap_, dropped_);
  e_ = Rows<T>::Zero(k, e.cols());
  dense::add_product<T>(1.0, svd.rows.topRows(k), e, e_);
  g_ = svd.values.head(k).template cast<T>().asDiagonal();
}

template <class T>
Space<T> Accumulator<T>::finish() {
  Rows<T> rows = Rows<T>::Zero(g_.rows(), e_.cols());
  dense::add_product<T>(1.0, g_, e_, rows);
  auto svd = dense::svd<T>(rows);
  Space<T> space;
  space.e = std::move(svd.rows);
  space.values = std::move(svd.values);
  space.energy = energy_;
  space.lost = given_lost_ + dropped_;
  return space;
}

template <class T>
void Accumulator<T>::add(const Accumulator& other) {
  if (other.count_ == 0) return;
  Rows<T> rows = Rows<T>::Zero(other.g_.rows(), e_.cols());
  dense::add_product<T>(1.0, other.g_, other.e_, rows);
  add(rows, other.mean_, other.count_, other.energy_, other.given_lost_ + other.dropped_);
}

template <class T>
Bytes Accumulator<T>::pack() const {
  std::vector<double> all = {static_cast<double>(count_), energy_, dropped_, given_lost_};
  for (const Rows<T>* m : {&e_, &g_, &mean_}) pack_rows<T>(*m, all);
  return to_bytes(all);
}

template <class T>
void Accumulator<T>::unpack(const Bytes& bytes) {
  const std::vector<double> all = doubles_from_bytes(bytes);
  const double* next = all.data();
  count_ = static_cast<Index>(*next++);
  energy_ = *next++;
  dropped_ = *next++;
  given_lost_ = *next++;
  for (Rows<T>* m : {&e_, &g_, &mean_}) *m = unpack_rows<T>(next);
}

template <class T>
Space<T> streaming_space(const Snapshots& snapshots, Scaling& scaling, bool centred, Index block_rows,
                         const Target& target) {
  const SingleThreadedBlas single;
  if (block_rows == 0)
    block_rows = std::clamp<Index>(static_cast<Index>(5e5) / std::max<Index>(snapshots.width, 1), 16, 4096);
  const Index columns = snapshots.width / (dense::is_complex<T> ? 2 : 1);
  const Ranks& ranks = *snapshots.ranks;
  // A rank drops what it may of its own rows; then one after another do the joints that they go through.
  int levels = 1;
  for (int n = 1; n < ranks.size(); n *= 2) ++levels;
  const double accuracy = target.accuracy / std::sqrt(static_cast<double>(levels));
  Accumulator<T> sum(columns, accuracy, target.cap, centred);
  double most = 0.0;
  ranks.together([&] {
    Matrix block;
    Vector norms;
    for (Index first = 0; first < snapshots.rows; first += block_rows) {
      const Index count = std::min(block_rows, snapshots.rows - first);
      block.resize(count, snapshots.width);
      norms.resize(count);
      read_block(snapshots, scaling, first, block, norms.data());
      Rows<T> rows = dense::view<T>(block.data(), count, snapshots.width, snapshots.width);
      Rows<T> mean = Rows<T>::Zero(1, columns);
      double energy = norms.sum();
      if (centred) {
        mean = rows.colwise().mean();
        rows.rowwise() -= mean.row(0);
        energy = rows.squaredNorm();
      }
      sum.add(rows, mean, count, energy, 0.0);
      most = std::max(most, static_cast<double>(block.size()));
    }
  });
  if (!ranks.alone()) {
    const Accumulator<T> empty(columns, accuracy, target.cap, centred);
    sum.unpack(ranks.combine(sum.pack(), [&empty](const Bytes& lower, const Bytes& upper) {
      Accumulator<T> a = empty, b = empty;
      a.unpack(lower);
      b.unpack(upper);
      a.add(b);
      return a.pack();
    }));
  }
  Space<T> space = sum.finish();
  if (centred) {
    Matrix mean = scaling.unscale(dense::to_doubles<T>(sum.mean()));
    scaling.offset = mean.row(0).transpose() / scaling.unit;
  }
  space.passes = 1;
  // The block, its copy, and what LAPACK takes for the singular vectors of its residual.
  space.bytes = 8.0 * 5.0 * most + 3.0 * static_cast<double>(space.e.size()) * sizeof(T);
  return space;
}

#define ERSATZ_POD_STREAMING(T)  \
  template class Accumulator<T>; \
  template Space<T> streaming_space<T>(const Snapshots&, Scaling&, bool, Index, const Target&);
ERSATZ_POD_STREAMING(double)
ERSATZ_POD_STREAMING(Complex)

}  // namespace ersatz::pod
