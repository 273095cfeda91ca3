#include "design/maximin.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ersatz::detail {
namespace {

// phi_p to the power p, with p = 20: the sum over all pairs of (squared distance)^-10, in units in which the
// mean squared distance is one. Levels are whole numbers, so squared distances are exact.
class Criterion {
 public:
  /// Of n rows, of which the first `movable` are to be spread.
  Criterion(Index n, Index movable, std::vector<Index> columns, const std::vector<bool>& periodic)
      : n_(n), movable_(movable), columns_(std::move(columns)) {
    for (const Index k : columns_) wraps_.push_back(periodic[static_cast<std::size_t>(k)]);
    scale_ = 6.0 / (static_cast<double>(columns_.size()) * static_cast<double>(n) * static_cast<double>(n));
  }

  double difference2(double a, double b, bool wraps) const {
    double difference = std::abs(a - b);
    if (wraps) difference = std::min(difference, static_cast<double>(n_) - difference);
    return difference * difference;
  }
  double distance2(const Levels& levels, Index i, Index j) const {
    double sum = 0.0;
    for (std::size_t c = 0; c < columns_.size(); ++c)
      sum += difference2(levels(i, columns_[c]), levels(j, columns_[c]), wraps_[c]);
    return sum;
  }
  double term(double distance2) const {
    // Points that stay may lie as near as they like; no sum is to overflow.
    const double x = 1.0 / (std::max(distance2, 1e-6) * scale_), x2 = x * x, x4 = x2 * x2;
    return x4 * x4 * x2;
  }
  double total(const Levels& levels, double& smallest2) const {
    double sum = 0.0;
    smallest2 = std::numeric_limits<double>::infinity();
    for (Index i = 0; i < n_; ++i)
      for (Index j = 0; j < std::min(i, movable_); ++j) {
        const double d2 = distance2(levels, i, j);
        smallest2 = std::min(smallest2, d2);
        sum += term(d2);
      }
    return sum;
  }
  /// Change of the total when rows a and b swap their entries in column number c.
  double change(const Levels& levels, Index a, Index b, std::size_t c) const {
    const Index k = columns_[c];
    const bool wraps = wraps_[c];
    const double at_a = levels(a, k), at_b = levels(b, k);
    double sum = 0.0;
    for (Index j = 0; j < n_; ++j) {
      if (j == a || j == b) continue;
      const double at_j = levels(j, k), to_a = difference2(at_j, at_a, wraps),
                   to_b = difference2(at_j, at_b, wraps);
      const double from_a = distance2(levels, a, j), from_b = distance2(levels, b, j);
      sum += (term(from_a - to_a + to_b) - term(from_a)) + (term(from_b - to_b + to_a) - term(from_b));
    }
    return sum;
  }
  std::size_t column_count() const { return columns_.size(); }
  Index column(std::size_t c) const { return columns_[c]; }

 private:
  Index n_, movable_;
  std::vector<Index> columns_;
  std::vector<bool> wraps_;
  double scale_;
};

constexpr double work = 4e8;        // additions, about a second
constexpr double first_heat = 0.1;  // of log phi, at which swaps are taken that make it worse
constexpr double last_heat = 1e-4;

}  // namespace

Levels random_levels(Index n, Index d, const RandomStream& random) {
  Levels levels(n, d);
  for (Index k = 0; k < d; ++k) {
    auto column = random.split(static_cast<std::uint64_t>(k));
    const auto permutation = column.permutation(n);
    for (Index i = 0; i < n; ++i)
      levels(i, k) = static_cast<double>(permutation[static_cast<std::size_t>(i)]);
  }
  return levels;
}

void spread(Levels& levels, Index movable, const std::vector<bool>& counts, const std::vector<bool>& periodic,
            RandomStream random) {
  const Index n = levels.rows();
  std::vector<Index> columns;
  for (Index k = 0; k < levels.cols(); ++k)
    if (counts[static_cast<std::size_t>(k)]) columns.push_back(k);
  // In one dimension all Latin hypercubes are the same set of points.
  if (n < 3 || movable < 2 || columns.size() < 2) return;
  const Criterion criterion(n, movable, columns, periodic);
  const double nd = static_cast<double>(n) * static_cast<double>(columns.size());
  const auto steps = static_cast<Index>(std::min(200.0 * nd + 1000.0, work / (2.0 * nd)));

  double smallest2 = 0.0;
  double total = criterion.total(levels, smallest2);
  Levels best = levels;
  double best_total = total;
  const Index stages = std::min<Index>(100, steps);
  Index since_exact = 0;
  for (Index stage = 0; stage < stages; ++stage) {
    // The last tenth takes improvements only.
    const double progress = static_cast<double>(stage) / (0.9 * static_cast<double>(stages));
    const double heat = progress >= 1.0 ? 0.0 : first_heat * std::pow(last_heat / first_heat, progress);
    for (Index step = stage * steps / stages; step < (stage + 1) * steps / stages; ++step) {
      const auto a = static_cast<Index>(random.below(static_cast<std::uint64_t>(movable)));
      auto b = static_cast<Index>(random.below(static_cast<std::uint64_t>(movable - 1)));
      if (b >= a) ++b;
      const auto c = static_cast<std::size_t>(random.below(criterion.column_count()));
      const double dice = random.uniform();
      const double change = criterion.change(levels, a, b, c);
      const double log_phi = std::log1p(std::max(change / total, -1.0 + 1e-12)) / 20.0;
      if (!(change < 0.0 || (heat > 0.0 && dice < std::exp(-log_phi / heat)))) continue;
      std::swap(levels(a, criterion.column(c)), levels(b, criterion.column(c)));
      total += change;
      // Differences add up rounding errors: count anew now and then.
      if (++since_exact >= n || !(total > 0.0)) {
        total = criterion.total(levels, smallest2);
        since_exact = 0;
      }
      if (total < best_total * (1.0 - 1e-3) && heat < 0.01) {
        best = levels;
        best_total = total;
      }
    }
  }
  if (criterion.total(levels, smallest2) > criterion.total(best, smallest2)) levels = best;
}

}  // namespace ersatz::detail
