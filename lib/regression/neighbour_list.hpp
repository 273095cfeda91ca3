#pragma once
// What the searches for neighbours share: the exact distance, and the list of the best so far.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "ersatz/core/matrix.hpp"
#include "ersatz/regression/knn.hpp"

namespace ersatz {

/// Σ (a_k - b_k)² or Σ |a_k - b_k|, terms added in order: the same bits in every search.
template <NeighbourMetric metric>
struct ExactDistance {
  static double term(double h) {
    if constexpr (metric == NeighbourMetric::euclidean)
      return h * h;
    else
      return std::abs(h);
  }
  static double between(const double* a, const double* b, std::size_t d) {
    double sum = 0.0;
    for (std::size_t k = 0; k < d; ++k) sum += term(a[k] - b[k]);
    return sum;
  }
};

/// Keeps the smallest (distance, row) pairs in order.
class NearestList {
 public:
  NearestList() = default;
  NearestList(Index capacity, double* distances, double* rows)
      : capacity_(static_cast<std::size_t>(capacity)), distances_(distances), rows_(rows) {}

  void add(double distance, double row) {
    if (count_ == capacity_ && !before(distance, row, count_ - 1)) return;
    std::size_t at = count_ < capacity_ ? count_++ : capacity_ - 1;
    for (; at > 0 && before(distance, row, at - 1); --at) {
      distances_[at] = distances_[at - 1];
      rows_[at] = rows_[at - 1];
    }
    distances_[at] = distance;
    rows_[at] = row;
    // A little more than the worst: lets ties through, and what rounding made a little too large.
    if (count_ == capacity_)
      limit_ = distances_[capacity_ - 1] * (1.0 + 1e-12) + std::numeric_limits<double>::min();
  }
  /// What is not below can not enter the list.
  double limit() const { return limit_; }
  bool full() const { return count_ == capacity_; }
  std::size_t size() const { return count_; }

 private:
  bool before(double distance, double row, std::size_t at) const {
    return distance < distances_[at] || (distance == distances_[at] && row < rows_[at]);
  }
  std::size_t capacity_ = 0, count_ = 0;
  double limit_ = std::numeric_limits<double>::infinity();
  double* distances_ = nullptr;
  double* rows_ = nullptr;
};

/// Keeps all pairs up to a distance, in no order.
class WithinList {
 public:
  WithinList() = default;
  WithinList(double reach, double* distances, double* rows)
      : reach_(reach),
        limit_(reach * (1.0 + 1e-12) + std::numeric_limits<double>::min()),
        distances_(distances),
        rows_(rows) {}

  void add(double distance, double row) {
    if (distance > reach_) return;
    distances_[count_] = distance;
    rows_[count_++] = row;
  }
  double limit() const { return limit_; }
  bool full() const { return true; }
  std::size_t size() const { return count_; }

 private:
  double reach_ = 0.0, limit_ = 0.0;
  std::size_t count_ = 0;
  double* distances_ = nullptr;
  double* rows_ = nullptr;
};

/// Brings pairs into order: nearest first, equal ones by row. No allocation.
inline void sort_neighbours(double* distances, double* rows, Index count) {
  // Heap sort over the two arrays at once.
  const auto less = [&](Index a, Index b) {
    return distances[a] < distances[b] || (distances[a] == distances[b] && rows[a] < rows[b]);
  };
  const auto swap = [&](Index a, Index b) {
    std::swap(distances[a], distances[b]);
    std::swap(rows[a], rows[b]);
  };
  const auto sink = [&](Index at, Index end) {
    for (Index child = 2 * at + 1; child < end; at = child, child = 2 * at + 1) {
      if (child + 1 < end && less(child, child + 1)) ++child;
      if (!less(at, child)) return;
      swap(at, child);
    }
  };
  for (Index i = count / 2 - 1; i >= 0; --i) sink(i, count);
  for (Index end = count - 1; end > 0; --end) {
    swap(0, end);
    sink(0, end);
  }
}

}  // namespace ersatz
