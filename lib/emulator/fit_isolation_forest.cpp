#include <algorithm>
#include <cmath>

#include "emulator/isolation_forest.hpp"

namespace ersatz {
namespace {

constexpr Index tree_count = 100, most_in_sample = 64;

/// The mean path to one of n points in a binary search tree of them (eq. 1 there): 2 H(n-1) - 2 (n-1) / n.
double mean_path(Index n) {
  double harmonic = 0.0;
  for (Index i = 1; i < n; ++i) harmonic += 1.0 / static_cast<double>(i);
  return n > 1 ? 2.0 * harmonic - 2.0 * static_cast<double>(n - 1) / static_cast<double>(n) : 0.0;
}

struct Range {
  Index input;
  double low, high;
};

class Grower {
 public:
  Grower(const Matrix& points, Index deepest, Trees& trees)
      : points_(points), deepest_(deepest), trees_(trees) {}

  void grow(std::vector<Index> rows, Index depth, RandomStream& random) {
    const auto n = static_cast<Index>(rows.size());
    const std::size_t at = trees_.nodes.size();
    const std::vector<Range> varying = depth < deepest_ && n > 1 ? ranges(rows) : std::vector<Range>{};
    if (varying.empty()) {
      trees_.nodes.push_back({static_cast<double>(depth) + mean_path(n), -1, 0});
      return;
    }
    const Range& range = varying[random.below(varying.size())];
    double cut = range.high - random.uniform() * (range.high - range.low);
    if (!(cut > range.low)) cut = range.high;
    trees_.nodes.push_back({cut, static_cast<std::int32_t>(range.input), 0});
    const auto middle = std::stable_partition(rows.begin(), rows.end(),
                                              [&](Index row) { return points_(row, range.input) < cut; });
    grow({rows.begin(), middle}, depth + 1, random);
    trees_.nodes[at].right = static_cast<std::int32_t>(trees_.nodes.size());
    grow({middle, rows.end()}, depth + 1, random);
  }

 private:
  std::vector<Range> ranges(const std::vector<Index>& rows) const {
    std::vector<Range> varying;
    for (Index k = 0; k < points_.cols(); ++k) {
      Range range{k, points_(rows[0], k), points_(rows[0], k)};
      for (const Index row : rows) {
        range.low = std::min(range.low, points_(row, k));
        range.high = std::max(range.high, points_(row, k));
      }
      if (range.high > range.low) varying.push_back(range);
    }
    return varying;
  }

  const Matrix& points_;
  Index deepest_;
  Trees& trees_;
};

}  // namespace

FittedIsolation fit_isolation_forest(const Matrix& points, const RandomStream& random) {
  const Index n = points.rows(), sample = std::min(most_in_sample, n / 2);
  FittedIsolation fitted;
  Trees& trees = fitted.forest.trees;
  fitted.forest.typical_path = std::max(mean_path(sample), 1.0);
  const auto deepest = static_cast<Index>(std::ceil(std::log2(static_cast<double>(sample))));
  Grower grower(points, deepest, trees);
  Vector path = Vector::Zero(n), path_without = Vector::Zero(n), trees_without = Vector::Zero(n);
  for (Index t = 0; t < tree_count; ++t) {
    RandomStream own = random.split(static_cast<std::uint64_t>(t));
    std::vector<Index> rows = own.permutation(n);
    rows.resize(static_cast<std::size_t>(sample));
    trees.roots.push_back(static_cast<std::int32_t>(trees.nodes.size()));
    grower.grow(rows, 0, own);
    std::vector<bool> known(static_cast<std::size_t>(n), false);
    for (const Index row : rows) known[static_cast<std::size_t>(row)] = true;
    for (Index i = 0; i < n; ++i) {
      const double length = trees.leaf(t, points.row(i).data()).value;
      path[i] += length;
      if (known[static_cast<std::size_t>(i)]) continue;
      path_without[i] += length;
      trees_without[i] += 1.0;
    }
  }
  for (Index i = 0; i < n; ++i) {
    double shortest = path[i] / static_cast<double>(tree_count);
    if (trees_without[i] > 0.0) shortest = std::min(shortest, path_without[i] / trees_without[i]);
    fitted.largest = std::max(fitted.largest, std::exp2(-shortest / fitted.forest.typical_path));
  }
  return fitted;
}

}  // namespace ersatz
