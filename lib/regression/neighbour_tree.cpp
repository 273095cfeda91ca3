#include "regression/neighbour_tree.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <nanoflann.hpp>
#include <vector>

#include "regression/neighbour_list.hpp"

namespace ersatz {
namespace {

constexpr std::size_t leaf_points = 16;
constexpr Index least_sorted = 64;  // queries; fewer are answered as they come

template <int D>
struct Points {
  const double* data;
  std::size_t n, d;
  std::size_t kdtree_get_point_count() const { return n; }
  double kdtree_get_pt(std::size_t row, std::size_t k) const {
    return data[row * (D > 0 ? static_cast<std::size_t>(D) : d) + k];
  }
  template <class Box>
  bool kdtree_get_bbox(Box&) const {
    return false;
  }
};

template <NeighbourMetric metric, int D>
struct Distance {
  using ElementType = double;
  using DistanceType = double;
  const Points<D>& points;
  explicit Distance(const Points<D>& p) : points(p) {}
  double evalMetric(const double* a, std::uint32_t row, std::size_t d) const {
    const std::size_t size = D > 0 ? static_cast<std::size_t>(D) : d;
    return ExactDistance<metric>::between(a, points.data + row * size, size);
  }
  double accum_dist(double a, double b, std::size_t) const { return ExactDistance<metric>::term(a - b); }
};

/// A list as nanoflann wants it; rows in the tree's order become the caller's.
template <class List>
struct Results {
  List& list;
  const std::uint32_t* order;
  bool addPoint(double distance, std::uint32_t row) {
    list.add(distance, order[row]);
    return true;
  }
  double worstDist() const { return list.limit(); }
  bool full() const { return list.full(); }
  std::size_t size() const { return list.size(); }
};

/// D dimensions, of which the last may be padding with zeros; -1: as many as there are.
///
/// After the tree is built, the points are copied in its order, so that a leaf is one piece of memory, and
/// the tree's own permutation becomes the identity.
template <NeighbourMetric metric, int D>
class Tree final : public NeighbourTree {
 public:
  Tree(const double* points, std::size_t n, std::size_t d)
      : d_(d),
        wide_(D > 0 ? static_cast<std::size_t>(D) : d),
        data_(padded(points, n)),
        points_{data_.data(), n, wide_},
        tree_(static_cast<int>(wide_), points_, nanoflann::KDTreeSingleIndexAdaptorParams(leaf_points)),
        order_(tree_.vAcc) {
    std::vector<double> sorted(data_.size());
    for (std::size_t i = 0; i < n; ++i) {
      std::copy_n(data_.data() + order_[i] * wide_, wide_, sorted.data() + i * wide_);
      tree_.vAcc[i] = static_cast<std::uint32_t>(i);
    }
    data_.swap(sorted);
    points_.data = data_.data();
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  void nearest(const double* z, Index count, double* distances, double* rows) const override {
    NearestList list(count, distances, rows);
    search(z, list);
  }

  void nearest(const double* Z, Index q, Index count, double* distances, double* rows,
               Workspace& workspace) const override {
    const Index d = static_cast<Index>(d_);
    if (q < least_sorted) {
      for (Index i = 0; i < q; ++i) nearest(Z + i * d, count, distances + i * count, rows + i * count);
      return;
    }
    // Leaf after leaf: neighbours of neighbours are still in the cache.
    const Workspace::Frame frame(workspace);
    double* order = workspace.take(q);
    for (Index i = 0; i < q; ++i)
      order[i] = static_cast<double>(static_cast<Index>(leaf_of(Z + i * d)) * q + i);
    std::sort(order, order + q);
    for (Index at = 0; at < q; ++at) {
      const Index i = static_cast<Index>(order[at]) % q;
      nearest(Z + i * d, count, distances + i * count, rows + i * count);
    }
  }

  Index within(const double* z, double reach, double* distances, double* rows) const override {
    WithinList list(reach, distances, rows);
    search(z, list);
    const Index count = static_cast<Index>(list.size());
    sort_neighbours(distances, rows, count);
    return count;
  }

  /// How many points a search looks at that knows the distance of the last neighbour from the start.
  std::size_t looked_at(const double* z, double reach) const {
    Query query;
    const double* vec = fill(z, query);
    std::vector<double> cut(wide_, 0.0);
    double start = 0.0;
    for (std::size_t k = 0; k < wide_; ++k) {
      const double low = tree_.root_bbox[k].low, high = tree_.root_bbox[k].high;
      if (vec[k] < low) start += cut[k] = ExactDistance<metric>::term(low - vec[k]);
      if (vec[k] > high) start += cut[k] = ExactDistance<metric>::term(vec[k] - high);
    }
    return looked_at(tree_.root_node, vec, start, cut, reach);
  }

 private:
  using Index_ = nanoflann::KDTreeSingleIndexAdaptor<Distance<metric, D>, Points<D>, D, std::uint32_t>;
  using Node = typename Index_::Node;
  using Query = std::array<double, D >= 1 ? static_cast<std::size_t>(D) : 1>;

  std::vector<double> padded(const double* points, std::size_t n) const {
    std::vector<double> data(n * wide_, 0.0);
    for (std::size_t i = 0; i < n; ++i) std::copy_n(points + i * d_, d_, data.data() + i * wide_);
    return data;
  }

  const double* fill(const double* z, Query& query) const {
    if (D < 1 || d_ == wide_) return z;
    std::copy_n(z, d_, query.data());
    std::fill(query.begin() + static_cast<std::ptrdiff_t>(d_), query.end(), 0.0);
    return query.data();
  }

  template <class List>
  void search(const double* z, List& list) const {
    Query query;
    Results<List> results{list, order_.data()};
    tree_.findNeighbors(results, fill(z, query), nanoflann::SearchParams());
  }

  std::size_t leaf_of(const double* z) const {
    const Node* node = tree_.root_node;
    while (node->child1) {
      const auto& split = node->node_type.sub;
      const auto k = static_cast<std::size_t>(split.divfeat);
      const double value = k < d_ ? z[k] : 0.0;
      node = (value - split.divlow) + (value - split.divhigh) < 0.0 ? node->child1 : node->child2;
    }
    return node->node_type.lr.left;
  }

  std::size_t looked_at(const Node* node, const double* z, double nearest, std::vector<double>& cut,
                        double reach) const {
    if (!node->child1) return node->node_type.lr.right - node->node_type.lr.left;
    const auto& split = node->node_type.sub;
    const auto k = static_cast<std::size_t>(split.divfeat);
    const bool low = (z[k] - split.divlow) + (z[k] - split.divhigh) < 0.0;
    std::size_t count = looked_at(low ? node->child1 : node->child2, z, nearest, cut, reach);
    const double before = cut[k];
    cut[k] = ExactDistance<metric>::term(z[k] - (low ? split.divhigh : split.divlow));
    nearest += cut[k] - before;
    if (nearest <= reach) count += looked_at(low ? node->child2 : node->child1, z, nearest, cut, reach);
    cut[k] = before;
    return count;
  }

  std::size_t d_, wide_;
  std::vector<double> data_;
  Points<D> points_;
  Index_ tree_;
  std::vector<std::uint32_t> order_;
};

// Looking at a point costs the tree about so many times what it costs the scan (measured, see
// docs/regressor-knn.md); the share of points at which 32 searches for eight neighbours look decides.
constexpr double tree_over_scan = 8.0;
constexpr Index samples = 32, sample_neighbours = 8;

template <NeighbourMetric metric, int D>
std::unique_ptr<const NeighbourTree> make(const double* points, Index n, Index d, NeighbourSearch search) {
  auto tree =
      std::make_unique<Tree<metric, D>>(points, static_cast<std::size_t>(n), static_cast<std::size_t>(d));
  if (search == NeighbourSearch::tree || d <= 3 || n < 4 * samples) return tree;
  std::array<double, sample_neighbours + 1> distances, rows;
  std::size_t seen = 0;
  for (Index s = 0; s < samples; ++s) {
    const double* z = points + s * (n - 1) / (samples - 1) * d;
    tree->nearest(z, sample_neighbours + 1, distances.data(), rows.data());
    seen += tree->looked_at(z, distances.back());
  }
  if (tree_over_scan * static_cast<double>(seen) < static_cast<double>(samples) * static_cast<double>(n))
    return tree;
  return make_neighbour_scan(points, n, d, metric);
}

template <NeighbourMetric metric>
std::unique_ptr<const NeighbourTree> make(const double* points, Index n, Index d, NeighbourSearch search) {
  if (d <= 1) return make<metric, 1>(points, n, d, search);
  if (d <= 2) return make<metric, 2>(points, n, d, search);
  if (d <= 3) return make<metric, 3>(points, n, d, search);
  if (d <= 4) return make<metric, 4>(points, n, d, search);
  if (d <= 5) return make<metric, 5>(points, n, d, search);
  if (d <= 6) return make<metric, 6>(points, n, d, search);
  if (d <= 8) return make<metric, 8>(points, n, d, search);
  if (d <= 10) return make<metric, 10>(points, n, d, search);
  if (d <= 12) return make<metric, 12>(points, n, d, search);
  if (d <= 16) return make<metric, 16>(points, n, d, search);
  if (d <= 32) return make<metric, 32>(points, n, d, search);
  return make<metric, -1>(points, n, d, search);
}

}  // namespace

std::unique_ptr<const NeighbourTree> make_neighbour_tree(const double* points, Index n, Index d,
                                                         NeighbourMetric metric, NeighbourSearch search) {
  if (search == NeighbourSearch::scan) return make_neighbour_scan(points, n, d, metric);
  return metric == NeighbourMetric::euclidean ? make<NeighbourMetric::euclidean>(points, n, d, search)
                                              : make<NeighbourMetric::manhattan>(points, n, d, search);
}

}  // namespace ersatz
