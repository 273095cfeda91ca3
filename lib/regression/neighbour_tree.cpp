#include "regression/neighbour_tree.hpp"

#include <cstdint>
#include <limits>
#include <nanoflann.hpp>

namespace ersatz {
namespace {

struct Points {
  const double* data;
  std::size_t n, d;
  std::size_t kdtree_get_point_count() const { return n; }
  double kdtree_get_pt(std::size_t row, std::size_t k) const { return data[row * d + k]; }
  template <class Box>
  bool kdtree_get_bbox(Box&) const {
    return false;
  }
};

// Keeps the smallest (distance, row) pairs. The tree skips what is not below worstDist(): a little more than
// the worst lets ties through, and bounds that rounding made a little too large.
class Nearest {
 public:
  Nearest(std::size_t capacity, double* distances, double* rows)
      : capacity_(capacity), distances_(distances), rows_(rows) {}
  bool addPoint(double distance, std::uint32_t row) {
    const double number = row;
    if (count_ == capacity_ && !before(distance, number, count_ - 1)) return true;
    std::size_t at = count_ < capacity_ ? count_++ : capacity_ - 1;
    for (; at > 0 && before(distance, number, at - 1); --at) {
      distances_[at] = distances_[at - 1];
      rows_[at] = rows_[at - 1];
    }
    distances_[at] = distance;
    rows_[at] = number;
    return true;
  }
  double worstDist() const {
    return count_ < capacity_
               ? std::numeric_limits<double>::infinity()
               : distances_[capacity_ - 1] * (1.0 + 1e-12) + std::numeric_limits<double>::min();
  }
  bool full() const { return count_ == capacity_; }
  std::size_t size() const { return count_; }

 private:
  bool before(double distance, double row, std::size_t at) const {
    return distance < distances_[at] || (distance == distances_[at] && row < rows_[at]);
  }
  std::size_t capacity_, count_ = 0;
  double* distances_;
  double* rows_;
};

template <int dimension>
class Tree final : public NeighbourTree {
 public:
  explicit Tree(const Points& points)
      : points_(points),
        tree_(static_cast<int>(points.d), points_, nanoflann::KDTreeSingleIndexAdaptorParams(10)) {}
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  void nearest(const double* z, Index count, double* squared_distances, double* rows) const override {
    Nearest found(static_cast<std::size_t>(count), squared_distances, rows);
    tree_.findNeighbors(found, z, nanoflann::SearchParams());
  }

 private:
  using Metric = nanoflann::L2_Simple_Adaptor<double, Points, double, std::uint32_t>;
  Points points_;
  nanoflann::KDTreeSingleIndexAdaptor<Metric, Points, dimension, std::uint32_t> tree_;
};

template <int dimension>
std::unique_ptr<const NeighbourTree> make(const Points& points) {
  if constexpr (dimension > 0)
    if (points.d != static_cast<std::size_t>(dimension)) return make<dimension - 1>(points);
  return std::make_unique<Tree<dimension == 0 ? -1 : dimension>>(points);
}

}  // namespace

std::unique_ptr<const NeighbourTree> make_neighbour_tree(const double* points, Index n, Index d) {
  return make<10>({points, static_cast<std::size_t>(n), static_cast<std::size_t>(d)});
}

}  // namespace ersatz
