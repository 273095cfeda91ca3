// Neighbours by distances to all points, where a tree would look at most of them anyway.
//
// The kernels find distances of several queries to a block of points, with fused multiply-adds and so in
// slightly other bits than a tree; those that may be among the nearest are computed again, exactly as a tree
// does it. Differences come first: unlike |x|² + |y|² - 2 x·y, the error is relative to the distance itself.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernels.hpp"
#include "regression/neighbour_list.hpp"
#include "regression/neighbour_tree.hpp"

namespace ersatz {
namespace {

constexpr Index together = 8;  // queries that share a pass over the points
constexpr Index block = 512;   // points; their distances to all queries of a pass stay in the cache
constexpr Index group = kernels::distance_points;

template <NeighbourMetric metric>
class Scan final : public NeighbourTree {
 public:
  Scan(const double* points, Index n, Index d)
      : points_(points),
        n_(n),
        d_(d),
        stride_((n + group - 1) / group * group),
        columns_(static_cast<std::size_t>(stride_ * d), 0.0),
        guard_(1.0 - 1e-15 * static_cast<double>(d + 2)) {
    for (Index i = 0; i < n; ++i)
      for (Index k = 0; k < d; ++k) columns_[static_cast<std::size_t>(k * stride_ + i)] = points[i * d + k];
  }

  void nearest(const double* Z, Index q, Index count, double* distances, double* rows,
               Workspace& workspace) const override {
    const Workspace::Frame frame(workspace);
    double* out = workspace.take(together * block);
    for (Index i = 0; i < q; i += together)
      pass(Z + i * d_, std::min(together, q - i), out,
           [&](Index v) { return NearestList(count, distances + (i + v) * count, rows + (i + v) * count); });
  }

  void nearest(const double* z, Index count, double* distances, double* rows) const override {
    double out[block];
    pass(z, 1, out, [&](Index) { return NearestList(count, distances, rows); });
  }

  Index within(const double* z, double reach, double* distances, double* rows) const override {
    double out[block];
    const Index count = pass(z, 1, out, [&](Index) { return WithinList(reach, distances, rows); });
    sort_neighbours(distances, rows, count);
    return count;
  }

 private:
  /// Fills the list of each of q <= together queries; returns the size of the first.
  template <class MakeList>
  Index pass(const double* Z, Index q, double* out, const MakeList& make) const {
    using List = decltype(make(0));
    List lists[together];
    for (Index v = 0; v < q; ++v) lists[v] = make(v);
    const auto kernel = metric == NeighbourMetric::euclidean ? kernels::table().squared_distance_rows
                                                             : kernels::table().absolute_distance_rows;
    for (Index begin = 0; begin < stride_; begin += block) {
      const Index size = std::min(block, stride_ - begin);
      kernel(Z, q, columns_.data() + begin, stride_, size, d_, out);
      for (Index v = 0; v < q; ++v) collect(Z + v * d_, out + v * size, begin, size, lists[v]);
    }
    return static_cast<Index>(lists[0].size());
  }

  template <class List>
  void collect(const double* z, const double* estimates, Index begin, Index size, List& list) const {
    for (Index at = 0; at < size; at += group) {
      const double* e = estimates + at;
      double lowest[4] = {e[0], e[1], e[2], e[3]};
      for (Index l = 4; l < group; l += 4)
        for (Index m = 0; m < 4; ++m) lowest[m] = e[l + m] < lowest[m] ? e[l + m] : lowest[m];
      const double least = std::min(std::min(lowest[0], lowest[1]), std::min(lowest[2], lowest[3]));
      if (least * guard_ >= list.limit()) continue;
      const Index end = std::min(group, n_ - begin - at);
      for (Index l = 0; l < end; ++l) {
        if (e[l] * guard_ >= list.limit()) continue;
        const Index row = begin + at + l;
        list.add(ExactDistance<metric>::between(z, points_ + row * d_, static_cast<std::size_t>(d_)),
                 static_cast<double>(row));
      }
    }
  }

  const double* points_;
  Index n_, d_, stride_;
  std::vector<double> columns_;
  double guard_;
};

}  // namespace

std::unique_ptr<const NeighbourTree> make_neighbour_scan(const double* points, Index n, Index d,
                                                         NeighbourMetric metric) {
  if (metric == NeighbourMetric::euclidean)
    return std::make_unique<Scan<NeighbourMetric::euclidean>>(points, n, d);
  return std::make_unique<Scan<NeighbourMetric::manhattan>>(points, n, d);
}

}  // namespace ersatz
