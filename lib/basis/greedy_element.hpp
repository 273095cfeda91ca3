#pragma once
// The making of an element: a row made orthogonal to the elements before, alone or by several ranks, each of
// which does it for some of the bins.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "basis/greedy_rows.hpp"
#include "basis/ranks.hpp"

namespace ersatz {

/// What rounding leaves of a row of norm 1 that r elements span: squared norm.
inline double rounding_level(Index r) {
  const double epsilon = 8.0 * std::numeric_limits<double>::epsilon();
  return epsilon * epsilon * static_cast<double>(r + 1);
}

/// Classical Gram-Schmidt, at least twice and until the norm stays (Giraud, Langou, Rozložník & van den Eshof
/// 2005). Scalar products are sums over pieces of bins, in their order: the bits are the same whoever does
/// which.
template <class Scalar>
class GramSchmidt {
 public:
  explicit GramSchmidt(Index bins) : bins_(bins), count_(std::clamp<Index>(bins / 256, 1, 64)) {
    width_ = (bins + count_ - 1) / count_;
    count_ = (bins + width_ - 1) / width_;
  }

  Index pieces() const { return count_; }

  /// Makes `e` (bins), the same on every rank of `team`, orthogonal to `k` elements, and its norm 1. Its
  /// coefficients, k + 1, are those of what it was. False if rounding is all that is left of it. Collective.
  bool orthogonalise(const Ranks& team, const SnapshotRows<Scalar>& rows, Index k, const Scalar* duals,
                     const Scalar* elements, Scalar* e, Scalar* coefficients) const {
    const Index share = (count_ + team.size() - 1) / team.size();
    const Index first = std::min(count_, team.rank() * share), last = std::min(count_, first + share);
    std::vector<Scalar> found(static_cast<std::size_t>(k + 1));
    std::fill_n(coefficients, k + 1, Scalar(0.0));
    double whole = 0.0, left = 0.0;
    for (int pass = 0; pass < most_passes; ++pass) {
      sums(team, share, rows, k, duals, elements, e, pass > 0, found);
      const double before = std::real(found[static_cast<std::size_t>(k)]);
      if (pass == 0) whole = before;
      left = before;
      for (Index j = 0; j < k; ++j) {
        coefficients[j] += found[static_cast<std::size_t>(j)];
        left -= std::norm(found[static_cast<std::size_t>(j)]);
      }
      if (before <= rounding_level(k) * whole) return false;
      if (k == 0 || (pass > 0 && left > 0.25 * before)) break;
    }
    if (left <= rounding_level(k) * whole) return false;
    const double norm = std::sqrt(left);
    coefficients[k] = norm;
    for (Index i = first; i < last; ++i) {
      subtract(i, k, elements, found.data(), e);
      for (Index j = begin(i); j < end(i); ++j) e[j] /= norm;
    }
    if (team.size() > 1) collect(team, share, e);
    return true;
  }

 private:
  static constexpr int most_passes = 5;

  Index begin(Index piece) const { return piece * width_; }
  Index end(Index piece) const { return std::min(bins_, (piece + 1) * width_); }

  void subtract(Index piece, Index k, const Scalar* elements, const Scalar* c, Scalar* e) const {
    if (k == 0) return;
    subtract_combination(static_cast<int>(end(piece) - begin(piece)), static_cast<int>(k),
                         static_cast<int>(bins_), elements + begin(piece), c, e + begin(piece));
  }

  /// Scalar products of e with the elements, and of e with itself. Before that, those found before are taken
  /// off, where they have not been yet: piece by piece, while it is in the cache.
  void sums(const Ranks& team, Index share, const SnapshotRows<Scalar>& rows, Index k, const Scalar* duals,
            const Scalar* elements, Scalar* e, bool pending, std::vector<Scalar>& found) const {
    constexpr Index unit = sizeof(Scalar) / sizeof(double);
    const Index first = team.rank() * share, next = k + 1;
    std::vector<Scalar> mine(static_cast<std::size_t>(share * next)), all;
    for (Index i = first; i < std::min(count_, first + share); ++i) {
      Scalar* out = mine.data() + (i - first) * next;
      const int m = static_cast<int>(end(i) - begin(i));
      if (pending) subtract(i, k, elements, found.data(), e);
      if (k > 0)
        inner_products_of_one(m, static_cast<int>(k), static_cast<int>(bins_), duals + begin(i), e + begin(i),
                              out, 1);
      out[k] = rows.squared_norm(e, begin(i), end(i));
    }
    if (team.size() > 1) {
      all.resize(mine.size() * static_cast<std::size_t>(team.size()));
      team.gather(reinterpret_cast<const double*>(mine.data()), share * next * unit,
                  reinterpret_cast<double*>(all.data()));
    } else {
      all.swap(mine);
    }
    std::fill(found.begin(), found.end(), Scalar(0.0));
    for (Index i = 0; i < count_; ++i)
      for (Index j = 0; j < next; ++j)
        found[static_cast<std::size_t>(j)] += all[static_cast<std::size_t>(i * next + j)];
  }

  /// Every rank gets the pieces of the others.
  void collect(const Ranks& team, Index share, Scalar* e) const {
    constexpr Index unit = sizeof(Scalar) / sizeof(double);
    const Index block = share * width_;  // the last ones may be short, or lack
    std::vector<Scalar> mine(static_cast<std::size_t>(block)),
        all(static_cast<std::size_t>(block * team.size()));
    const Index first = std::min(bins_, team.rank() * block);
    std::copy_n(e + first, std::min(block, bins_ - first), mine.data());
    team.gather(reinterpret_cast<const double*>(mine.data()), block * unit,
                reinterpret_cast<double*>(all.data()));
    std::copy_n(all.data(), bins_, e);
  }

  Index bins_, count_, width_ = 0;
};

}  // namespace ersatz
