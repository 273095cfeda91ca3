#include "regression/gp/vecchia_order.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/kernels.hpp"
#include "ersatz/core/workspace.hpp"
#include "regression/neighbour_tree.hpp"

namespace ersatz::gp {
namespace {

constexpr Index leaf_size = 64, cell_size = 1024;

/// A balanced kd-tree over squared distances to the nearest point chosen so far.
class FarthestPoints {
 public:
  FarthestPoints(const double* points, Index n, Index d) : d_(d), rows_(static_cast<std::size_t>(n)) {
    std::iota(rows_.begin(), rows_.end(), 0);
    build(points, 0, n);
    columns_.resize(static_cast<std::size_t>(n * d));
    for (Index i = 0; i < n; ++i)
      for (Index k = 0; k < d; ++k)
        columns_[static_cast<std::size_t>(k * n + i)] = points[rows_[static_cast<std::size_t>(i)] * d + k];
    squared_.assign(static_cast<std::size_t>(n), std::numeric_limits<double>::infinity());
    ones_.assign(static_cast<std::size_t>(d), 1.0);
  }

  struct Chosen {
    Index at = -1;  ///< place in the tree
    double squared = 0.0;
  };
  std::int32_t row(Index at) const { return rows_[static_cast<std::size_t>(at)]; }
  double work() const { return work_; }

  /// The farthest point below a node.
  Chosen farthest(Index node) const {
    const Node& top = nodes_[static_cast<std::size_t>(node)];
    return {top.best, top.largest};
  }
  /// Distances below a node, now that the point at `at` is chosen.
  void choose(Index at, Index node) {
    double x[64];
    std::vector<double> wide;
    double* z = x;
    if (d_ > 64) {
      wide.resize(static_cast<std::size_t>(d_));
      z = wide.data();
    }
    const Index n = static_cast<Index>(rows_.size());
    for (Index k = 0; k < d_; ++k) z[k] = columns_[static_cast<std::size_t>(k * n + at)];
    update(node, z);
    squared_[static_cast<std::size_t>(at)] = -1.0;  // chosen ones are never the farthest
    settle(node, at);
  }
  /// Nodes of at most `size` points that together hold all.
  std::vector<Index> cells(Index size) const {
    std::vector<Index> found;
    collect(0, size, found);
    return found;
  }

 private:
  struct Node {
    Index begin = 0, end = 0, left = -1, right = -1;
    double largest = std::numeric_limits<double>::infinity();
    Index best = -1;
  };
  double* lower(Index node) { return boxes_.data() + 2 * d_ * node; }

  Index build(const double* points, Index begin, Index end) {
    const auto node = static_cast<Index>(nodes_.size());
    nodes_.push_back({begin, end});
    boxes_.resize(boxes_.size() + static_cast<std::size_t>(2 * d_));
    double* low = lower(node);
    double* high = low + d_;
    std::fill(low, high, std::numeric_limits<double>::infinity());
    std::fill(high, high + d_, -std::numeric_limits<double>::infinity());
    for (Index i = begin; i < end; ++i)
      for (Index k = 0; k < d_; ++k) {
        const double v = points[rows_[static_cast<std::size_t>(i)] * d_ + k];
        low[k] = std::min(low[k], v);
        high[k] = std::max(high[k], v);
      }
    if (end - begin <= leaf_size) return node;
    Index widest = 0;
    for (Index k = 1; k < d_; ++k)
      if (high[k] - low[k] > high[widest] - low[widest]) widest = k;
    const Index middle = begin + (end - begin) / 2;
    std::nth_element(rows_.begin() + begin, rows_.begin() + middle, rows_.begin() + end,
                     [&](std::int32_t a, std::int32_t b) {
                       const double u = points[a * d_ + widest], v = points[b * d_ + widest];
                       return u != v ? u < v : a < b;
                     });
    const Index left = build(points, begin, middle), right = build(points, middle, end);
    nodes_[static_cast<std::size_t>(node)].left = left;
    nodes_[static_cast<std::size_t>(node)].right = right;
    return node;
  }

  bool better(double squared, Index at, double than, Index than_at) const {
    return squared > than || (squared == than && than_at >= 0 && row(at) < row(than_at));
  }
  void merge(Node& node) const {
    const Node& a = nodes_[static_cast<std::size_t>(node.left)];
    const Node& b = nodes_[static_cast<std::size_t>(node.right)];
    const Node& winner = a.best < 0 || (b.best >= 0 && better(b.largest, b.best, a.largest, a.best)) ? b : a;
    node.largest = winner.largest;
    node.best = winner.best;
  }
  void scan(Node& node) const {
    node.largest = -1.0;
    node.best = -1;
    for (Index i = node.begin; i < node.end; ++i)
      if (const double s = squared_[static_cast<std::size_t>(i)];
          s >= 0.0 && (node.best < 0 || better(s, i, node.largest, node.best))) {
        node.largest = s;
        node.best = i;
      }
  }
  void update(Index index, const double* z) {
    Node& node = nodes_[static_cast<std::size_t>(index)];
    const double* low = lower(index);
    double nearest = 0.0;
    for (Index k = 0; k < d_; ++k) {
      const double gap = std::max(std::max(low[k] - z[k], z[k] - low[d_ + k]), 0.0);
      nearest += gap * gap;
    }
    work_ += 1.0;
    if (nearest >= node.largest) return;
    if (node.left >= 0) {
      update(node.left, z);
      update(node.right, z);
      merge(node);
      return;
    }
    const Index count = node.end - node.begin, n = static_cast<Index>(rows_.size());
    double s[leaf_size];
    kernels::table().scaled_squared_distances(z, columns_.data() + node.begin, n, count, d_, ones_.data(), s);
    for (Index i = 0; i < count; ++i) {
      double& old = squared_[static_cast<std::size_t>(node.begin + i)];
      old = std::min(old, s[i]);
    }
    work_ += static_cast<double>(count);
    scan(node);
  }
  /// Largest distances on the way to a leaf, after one of its points was chosen.
  void settle(Index index, Index at) {
    Node& node = nodes_[static_cast<std::size_t>(index)];
    if (node.left < 0) {
      scan(node);
      return;
    }
    settle(at < nodes_[static_cast<std::size_t>(node.right)].begin ? node.left : node.right, at);
    merge(node);
  }
  void collect(Index index, Index size, std::vector<Index>& found) const {
    const Node& node = nodes_[static_cast<std::size_t>(index)];
    if (node.left < 0 || node.end - node.begin <= size) {
      found.push_back(index);
      return;
    }
    collect(node.left, size, found);
    collect(node.right, size, found);
  }

  Index d_;
  std::vector<std::int32_t> rows_;
  std::vector<Node> nodes_;
  std::vector<double> boxes_, columns_, squared_, ones_;
  double work_ = 0.0;
};

/// The place in the tree of the point nearest to the centre of all.
Index central(const FarthestPoints& tree, const double* points, Index n, Index d) {
  Vector centre = Vector::Zero(d);
  for (Index i = 0; i < n; ++i) centre += Eigen::Map<const Vector>(points + i * d, d);
  centre /= static_cast<double>(n);
  Index best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (Index at = 0; at < n; ++at) {
    const double s = (Eigen::Map<const Vector>(points + tree.row(at) * d, d) - centre).squaredNorm();
    if (s < least || (s == least && tree.row(at) < tree.row(best))) {
      least = s;
      best = at;
    }
  }
  return best;
}

}  // namespace

MaximinOrder maximin_order(const double* points, Index n, Index d, double work) {
  MaximinOrder result;
  if (n == 0) return result;
  FarthestPoints tree(points, n, d);
  std::vector<FarthestPoints::Chosen> chosen;
  chosen.reserve(static_cast<std::size_t>(n));
  FarthestPoints::Chosen next{central(tree, points, n, d), std::numeric_limits<double>::infinity()};
  while (next.at >= 0 && (chosen.empty() || tree.work() < work)) {
    chosen.push_back(next);
    tree.choose(next.at, 0);
    next = tree.farthest(0);
  }
  result.exact = static_cast<Index>(chosen.size());
  if (next.at >= 0) {
    for (const Index cell : tree.cells(cell_size))
      for (next = tree.farthest(cell); next.at >= 0; next = tree.farthest(cell)) {
        chosen.push_back(next);
        tree.choose(next.at, cell);
      }
    std::sort(chosen.begin() + result.exact, chosen.end(), [&](const auto& a, const auto& b) {
      return a.squared != b.squared ? a.squared > b.squared : tree.row(a.at) < tree.row(b.at);
    });
  }
  result.order.reserve(chosen.size());
  result.distances.reserve(chosen.size());
  for (const auto& c : chosen) {
    result.order.push_back(tree.row(c.at));
    result.distances.push_back(std::sqrt(c.squared));
  }
  return result;
}

std::vector<std::int32_t> preceding_neighbours(const double* points, Index n, Index d, Index m,
                                               Executor& executor) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(n * m), -1);
  constexpr Index chunk = 2048;
  // Within [begin, end) at least two thirds of the prefix precede every point: a few more neighbours than m
  // out of the prefix hold m that do. Where they do not, twice as many are asked for.
  for (Index begin = 0; begin < n;) {
    const Index end = std::min(n, begin < 64 ? Index{64} : begin + begin / 2);
    const auto tree = make_neighbour_tree(points, end, d);
    const auto tasks = (end - begin + chunk - 1) / chunk;
    const std::vector<Bytes> parts = executor.map(tasks, [&](Index task) {
      const Index first = begin + task * chunk, last = std::min(end, first + chunk);
      std::vector<std::int32_t> found(static_cast<std::size_t>((last - first) * m), -1);
      std::vector<double> squared, rows;
      for (Index i = first; i < last; ++i) {
        std::int32_t* out = found.data() + (i - first) * m;
        const Index wanted = std::min(m, i);
        Index ask = std::min(end, wanted * end / std::max<Index>(i, 1) + wanted / 4 + 4);
        for (Index have = 0; have < wanted; ask = std::min(end, 2 * ask)) {
          squared.resize(static_cast<std::size_t>(ask));
          rows.resize(static_cast<std::size_t>(ask));
          tree->nearest(points + i * d, ask, squared.data(), rows.data());
          have = 0;
          for (Index j = 0; j < ask && have < wanted; ++j)
            if (const auto row = static_cast<std::int32_t>(rows[static_cast<std::size_t>(j)]); row < i)
              out[have++] = row;
        }
      }
      return Bytes(reinterpret_cast<const char*>(found.data()), found.size() * sizeof(std::int32_t));
    });
    for (Index task = 0; task < tasks; ++task) {
      const Bytes& part = parts[static_cast<std::size_t>(task)];
      std::memcpy(all.data() + (begin + task * chunk) * m, part.data(), part.size());
    }
    begin = end;
  }
  return all;
}

}  // namespace ersatz::gp
