// The exact and the randomised method.

#include "basis/pod_space.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ersatz/core/random.hpp"

namespace ersatz::pod {

double rounding_level(Index directions) {
  return 4.0 * std::numeric_limits<double>::epsilon() * std::sqrt(static_cast<double>(directions));
}

template <class T>
void sort_space(const Ranks& ranks, Space<T>& space) {
  const auto svd = pod::svd<T>(ranks, space.c);
  const Index l = svd.rows.rows();  // fewer than before where there are fewer rows
  Rows<T> e = Rows<T>::Zero(l, space.e.cols()), c(space.c.rows(), l);
  dense::add_product<T>(1.0, svd.rows, space.e, e);
  dense::coefficients<T>(space.c, svd.rows, c);
  space.e = std::move(e);
  space.c = std::move(c);
  space.values = svd.values;
}

template <class T>
void measure(const Snapshots& snapshots, const Scaling& scaling, Executor* executor, Space<T>& space) {
  space.c.resize(snapshots.rows, space.e.rows());
  space.row_residuals.resize(snapshots.rows);
  for_each_part<T>(snapshots, scaling, executor, nullptr, [&](const Part& part, RowsView<T> a) {
    auto c = space.c.middleRows(part.first, part.count);
    dense::coefficients<T>(a, space.e, c);
    Rows<T> rest = a;
    dense::add_product<T>(-1.0, c, space.e, rest);
    space.row_residuals.segment(part.first, part.count) = rest.rowwise().squaredNorm();
  });
  space.measured = true;
  ++space.passes;
}

template <class T>
Space<T> exact_space(const Snapshots& snapshots, const Scaling& scaling, const Target& target) {
  Space<T> space;
  Vector norms(snapshots.rows);
  Matrix copy;
  const double* data = snapshots.data;
  Index stride = snapshots.stride;
  if (!snapshots.in_memory() || !scaling.none()) {
    snapshots.ranks->together([&] {
      copy.resize(snapshots.rows, snapshots.width);
      read_block(snapshots, scaling, 0, copy, norms.data());
    });
    data = copy.data();
    stride = snapshots.width;
  } else {
    for_each_part<T>(snapshots, scaling, target.executor, norms.data(), [](const Part&, RowsView<T>) {});
  }
  space.energy = snapshots.ranks->sum(norms.sum());
  auto svd = pod::svd<T>(*snapshots.ranks, dense::view<T>(data, snapshots.rows, snapshots.width, stride));
  // LAPACK's copy, the other singular vectors, and both as doubles.
  space.bytes = 2.0 * snapshots.bytes() + 16.0 * static_cast<double>(svd.rows.size()) * sizeof(T) / 8.0;
  space.values = std::move(svd.values);
  // Directions that carry nothing but rounding cost time in all that follows.
  const double limit = std::pow(0.1 * rounding_level(space.values.size()), 2) * space.values.squaredNorm();
  Index l = space.values.size();
  for (double rest = 0.0; l > 1; --l) {
    rest += space.values[l - 1] * space.values[l - 1];
    if (rest > limit) break;
  }
  if (target.cap > 0) l = std::min(l, target.cap);
  space.e = svd.rows.topRows(l);
  space.passes = 1;
  measure(snapshots, scaling, target.executor, space);
  return space;
}

namespace {

template <class T>
Rows<T> gaussian(RandomStream& random, Index rows, Index cols) {
  Rows<T> g(rows, cols);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      if constexpr (dense::is_complex<T>) {
        const double re = random.normal(), im = random.normal();
        g(i, j) = Complex(re, im) * std::sqrt(0.5);
      } else {
        g(i, j) = random.normal();
      }
    }
  return g;
}

/// Smallest rank whose tail is at most `limit` (an energy).
Index rank_within(const Vector& values, double limit) {
  double rest = 0.0;
  Index rank = values.size();
  for (; rank > 0; --rank) {
    rest += values[rank - 1] * values[rank - 1];
    if (rest > limit) break;
  }
  return rank;
}

/// The leading directions of some random rows, as many as `accuracy` takes there (and a few more), or all of
/// so many rows that no few do.
template <class T>
Rows<T> sampled_directions(const Snapshots& snapshots, const Scaling& scaling, const Target& target,
                           RandomStream random) {
  const std::vector<Index> order = random.permutation(snapshots.total);
  const Index columns = snapshots.width / (dense::is_complex<T> ? 2 : 1);
  const Index most = std::max<Index>(std::min(snapshots.total, columns) / 2, 1);
  for (Index count = std::min<Index>(128, most);; count = std::min(2 * count, most)) {
    Matrix sample = Matrix::Zero(count, snapshots.width);
    Vector norms = Vector::Zero(count);
    snapshots.ranks->together([&] {
      for (Index i = 0; i < count; ++i) {
        const Index row = order[static_cast<std::size_t>(i)] - snapshots.first;
        if (row >= 0 && row < snapshots.rows)
          read_block(snapshots, scaling, row, sample.middleRows(i, 1), &norms[i]);
      }
    });
    snapshots.ranks->sum(sample.data(), sample.size());
    snapshots.ranks->sum(norms.data(), norms.size());
    const auto svd = dense::svd<T>(dense::view<T>(sample.data(), count, snapshots.width, snapshots.width));
    const Index wanted = rank_within(svd.values, std::pow(0.3 * target.accuracy, 2) * norms.sum()) + 12;
    const bool enough = wanted <= 3 * count / 4 || (target.cap > 0 && target.cap <= count / 2);
    if (enough || count == most) {
      Index l = std::min(wanted, svd.rows.rows());
      if (target.cap > 0) l = std::min(l, target.cap);
      return svd.rows.topRows(std::max<Index>(l, 1));
    }
  }
}

/// One pass: coefficients c (n × k) of every row for the rows of g; y = (columns from `from` of c)ᴴ a.
template <class T>
void pass(const Snapshots& snapshots, const Scaling& scaling, Executor* executor, const Rows<T>& g,
          Index from, double* norms, Rows<T>& c, Rows<T>& y) {
  const Index l = g.rows() - from;
  c.resize(snapshots.rows, g.rows());
  std::vector<Rows<T>> parts(static_cast<std::size_t>(part_count(snapshots)));
  for_each_part<T>(snapshots, scaling, executor, norms, [&](const Part& part, RowsView<T> a) {
    auto here = c.middleRows(part.first, part.count);
    dense::coefficients<T>(a, g, here);
    Rows<T>& sum = parts[static_cast<std::size_t>(part.number)];
    if (sum.size() == 0) sum = Rows<T>::Zero(l, g.cols());
    dense::combine<T>(here.rightCols(l), a, sum);
  });
  y = Rows<T>::Zero(l, g.cols());
  for (const auto& part : parts) y += part;
  snapshots.ranks->sum(reinterpret_cast<double*>(y.data()), y.size() * (dense::is_complex<T> ? 2 : 1));
}

template <class T>
Rows<T> stacked(const Rows<T>& a, const Rows<T>& b) {
  Rows<T> s(a.rows() + b.rows(), b.cols());
  if (a.rows() > 0) s.topRows(a.rows()) = a;
  s.bottomRows(b.rows()) = b;
  return s;
}

/// g without what lies along the orthonormal rows of e.
template <class T>
void project_out(const Rows<T>& e, Rows<T>& g) {
  for (int twice = 0; twice < 2 && e.rows() > 0; ++twice) {
    Rows<T> c(g.rows(), e.rows());
    dense::coefficients<T>(g, e, c);
    dense::add_product<T>(-1.0, c, e, g);
  }
}

/// Subspace iterations at fixed size, until what is cut off beyond `cut` hardly changes.
template <class T>
void iterate(const Snapshots& snapshots, const Scaling& scaling, const Target& target, Space<T>& space) {
  const Index cut = std::min(target.cut > 0 ? target.cut : space.e.rows(), space.e.rows());
  double before = std::numeric_limits<double>::infinity();
  Rows<T> y;
  for (int iteration = 1;; ++iteration) {
    pass<T>(snapshots, scaling, target.executor, space.e, 0, nullptr, space.c, y);
    ++space.passes;
    const auto svd = pod::svd<T>(*snapshots.ranks, space.c);
    const double tail = space.energy - svd.values.head(cut).squaredNorm();
    if (tail > 0.998 * before || tail <= 1e-14 * space.energy || iteration == 12) break;
    before = tail;
    Rows<T> turned = Rows<T>::Zero(svd.rows.rows(), y.cols());  // so that the rows of y fall in size
    dense::add_product<T>(1.0, svd.rows, y, turned);
    space.e = dense::orthonormal_beside<T>(Rows<T>(0, y.cols()), turned);
  }
}

}  // namespace

template <class T>
std::optional<Space<T>> randomised_space(const Snapshots& snapshots, const Scaling& scaling,
                                         const Target& target) {
  constexpr Index first_probes = 12, most_probes = 128;
  const Index columns = snapshots.width / (dense::is_complex<T> ? 2 : 1);
  const Index smaller = std::min(snapshots.total, columns);
  const Ranks& ranks = *snapshots.ranks;
  const RandomStream random = RandomStream(target.seed).split("randomised pod");
  Space<T> space;
  space.e.resize(0, columns);
  space.c.resize(snapshots.rows, 0);
  Vector norms(snapshots.rows);
  Rows<T> fresh = sampled_directions<T>(snapshots, scaling, target, random.split("rows"));
  Index probes = first_probes;
  double residual = 0.0;
  bool converged = false;
  for (std::uint64_t round = 0;; ++round) {
    const Rows<T> known = stacked<T>(space.e, fresh);
    if (2 * (known.rows() + probes) > smaller) return std::nullopt;
    RandomStream stream = random.split("probes").split(round);
    Rows<T> omega = gaussian<T>(stream, probes, columns);
    project_out(known, omega);
    Rows<T> c, y;
    pass<T>(snapshots, scaling, target.executor, stacked<T>(fresh, omega), fresh.rows(),
            round == 0 ? norms.data() : nullptr, c, y);
    ++space.passes;
    if (round == 0) space.energy = ranks.sum(norms.sum());
    residual = ranks.sum(c.rightCols(probes).squaredNorm()) / static_cast<double>(probes);
    Rows<T> joined(snapshots.rows, known.rows());
    joined.leftCols(space.c.cols()) = space.c;
    joined.rightCols(fresh.rows()) = c.leftCols(fresh.rows());
    space.c = std::move(joined);
    space.e = known;
    space.bytes = sizeof(T) * (2.0 * static_cast<double>(space.c.size() + c.size()) +
                               static_cast<double>(part_count(snapshots)) * static_cast<double>(y.size()));
    converged = residual <= target.accuracy * target.accuracy * space.energy;
    if (converged || (target.cap > 0 && known.rows() >= target.cap)) break;
    fresh = dense::orthonormal_beside<T>(known, y);
    if (target.cap > 0 && known.rows() + fresh.rows() > target.cap)
      fresh = Rows<T>(fresh.topRows(target.cap - known.rows()));
    probes = std::clamp<Index>(known.rows() / 2, 2 * first_probes, most_probes);
  }
  if (!converged) iterate(snapshots, scaling, target, space);
  // Squares tell the residuals of single rows down to about 1e-7 of the rows; below, they are computed.
  if (target.tolerance >= 1e-6) {
    space.row_residuals = (norms - space.c.rowwise().squaredNorm()).cwiseMax(0.0);
    space.measured = true;
    const double sum = ranks.sum(space.row_residuals.sum());
    if (converged && sum > residual) space.row_residuals *= residual / sum;
  } else {
    measure(snapshots, scaling, target.executor, space);
  }
  sort_space(ranks, space);
  space.lost = ranks.sum(space.row_residuals.sum());
  return space;
}

#define ERSATZ_POD_SPACE(T)                                                          \
  template void sort_space<T>(const Ranks&, Space<T>&);                              \
  template void measure<T>(const Snapshots&, const Scaling&, Executor*, Space<T>&);  \
  template Space<T> exact_space<T>(const Snapshots&, const Scaling&, const Target&); \
  template std::optional<Space<T>> randomised_space<T>(const Snapshots&, const Scaling&, const Target&);
ERSATZ_POD_SPACE(double)
ERSATZ_POD_SPACE(Complex)

}  // namespace ersatz::pod
