#pragma once
// Snapshots as the greedy search sees them: rows of real or complex numbers, an inner product, and pieces of
// rows that threads work on.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "basis/linear_basis.hpp"
#include "basis/products.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/executor.hpp"

namespace ersatz {

/// Places begin … end - 1 of a list of rows.
struct RowPiece {
  Index begin, end;
};

/// Pieces of up to 32 neighbours in the list that go `together` with the first of their piece. They do not
/// depend on the threads, and so neither do the products' bits.
template <class Together>
std::vector<RowPiece> cut(const std::vector<Index>& rows, const Together& together) {
  constexpr Index most = 32;
  std::vector<RowPiece> pieces;
  const auto size = static_cast<Index>(rows.size());
  for (Index i = 0; i < size; ++i)
    if (pieces.empty() || i - pieces.back().begin == most ||
        !together(rows[static_cast<std::size_t>(pieces.back().begin)], rows[static_cast<std::size_t>(i)]))
      pieces.push_back({i, i + 1});
    else
      pieces.back().end = i + 1;
  return pieces;
}

/// Memory that is not set to zero first.
template <class Scalar>
class Scratch {
 public:
  explicit Scratch(Index size) : values_(size * static_cast<Index>(sizeof(Scalar) / sizeof(double))) {}
  Scalar* data() { return reinterpret_cast<Scalar*>(values_.data()); }

 private:
  Vector values_;
};

template <class Scalar>
class SnapshotRows {
 public:
  /// Throws UsageError where the weights do not fit or are not positive.
  SnapshotRows(ConstMatrixRef snapshots, const Vector& weights, Executor& executor)
      : snapshots_(snapshots),
        weights_(weights),
        executor_(executor.local()),
        bins_(snapshots.cols() * static_cast<Index>(sizeof(double)) / static_cast<Index>(sizeof(Scalar))) {
    check_weights("greedy basis", weights_, bins_);
  }
  SnapshotRows(const SnapshotRows&) = delete;
  SnapshotRows& operator=(const SnapshotRows&) = delete;

  Index count() const { return snapshots_.rows(); }
  Index width() const { return snapshots_.cols(); }
  Index bins() const { return bins_; }
  bool weighted() const { return weights_.size() > 0; }

  /// work(piece) for each, on the executor's threads.
  void work(const std::vector<RowPiece>& pieces, const std::function<void(const RowPiece&)>& work) const {
    executor_.map(static_cast<Index>(pieces.size()), [&](Index i) {
      work(pieces[static_cast<std::size_t>(i)]);
      return Bytes();
    });
  }
  /// All rows, in pieces.
  std::vector<RowPiece> all(Index most) const {
    std::vector<RowPiece> pieces;
    for (Index i = 0; i < count(); i += most) pieces.push_back({i, std::min(i + most, count())});
    return pieces;
  }

  const Scalar* row(Index i) const { return reinterpret_cast<const Scalar*>(snapshots_.row(i).data()); }
  /// Scalar products of rows of a list with `count` elements, rows of memory one after the other: out[i count
  /// + k] for row i of the piece, up to conjugation.
  void products(const std::vector<Index>& list, const RowPiece& piece, Index count, const Scalar* elements,
                Scalar* out) const {
    constexpr Index few = 2, adjacent = 4;
    const Index p = piece.end - piece.begin;
    const int m = static_cast<int>(bins_), q = static_cast<int>(count);
    const Index* rows = list.data() + piece.begin;
    if (count > few) {
      Scratch<Scalar> copy(p * bins_);
      for (Index i = 0; i < p; ++i) std::copy_n(row(rows[i]), bins_, copy.data() + i * bins_);
      inner_products(m, q, static_cast<int>(p), elements, copy.data(), out);
      return;
    }
    // Not worth a copy side by side: neighbours in memory together, others one by one.
    const int stride = static_cast<int>(snapshots_.outerStride() * bins_ / width());
    for (Index i = 0; i < p;) {
      Index next = i + 1;
      while (next < p && rows[next] == rows[next - 1] + 1) ++next;
      if (next - i < adjacent) next = i + 1;
      const int n = static_cast<int>(next - i);
      if (n == 1)
        inner_products_of_one(m, q, m, elements, row(rows[i]), out + i * count, 1);
      else
        for (int k = 0; k < q; ++k)
          inner_products_of_one(m, n, stride, row(rows[i]), elements + k * bins_, out + i * count + k, q);
      i = next;
    }
  }
  /// out = factor × row; a factor that is a norm's reciprocal keeps squares in range.
  void scaled(Index row, double factor, Scalar* out) const {
    const Scalar* in = this->row(row);
    for (Index j = 0; j < bins_; ++j) out[j] = factor * in[j];
  }
  void weigh(const Scalar* in, Scalar* out) const {
    if (weighted())
      for (Index j = 0; j < bins_; ++j) out[j] = weights_[j] * in[j];
  }
  double squared_norm(const Scalar* a) const {
    const Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>> row(a, bins_);
    return weighted() ? (row.abs2() * weights_.array()).sum() : row.abs2().sum();
  }

  /// Norms of all rows. Throws DataError naming a row that is not finite.
  Vector norms() const {
    Vector result(count());
    work(all(128), [&](const RowPiece& piece) {
      std::vector<Scalar> copy(static_cast<std::size_t>(bins_));
      for (Index i = piece.begin; i < piece.end; ++i) {
        const auto row = snapshots_.row(i);
        // The largest value first: squares of very large or small ones leave the range.
        double largest = 0.0, poison = 0.0;
        for (Index j = 0; j < width(); ++j) {
          largest = std::max(largest, std::abs(row[j]));
          poison += 0.0 * row[j];
        }
        if (!(poison == 0.0))
          throw DataError(text("greedy basis: snapshot ", i, " contains values that are not finite"));
        result[i] = 0.0;
        if (!(largest > std::numeric_limits<double>::min())) continue;
        scaled(i, 1.0 / largest, copy.data());
        result[i] = largest * std::sqrt(squared_norm(copy.data()));
        if (!(1.0 / result[i] > 0.0))
          throw DataError(text("greedy basis: the norm of snapshot ", i, " is too large for a double"));
      }
    });
    return result;
  }

 private:
  ConstMatrixRef snapshots_;
  const Vector weights_;
  Executor& executor_;
  Index bins_;
};

/// Squared norms of what `rank` elements leave of the rows in this piece of the list. One projection: its
/// own rounding, about r eps², is part of the result.
template <class Scalar>
std::vector<double> residuals(const SnapshotRows<Scalar>& rows, const std::vector<Index>& list,
                              const RowPiece& piece, const std::vector<double>& scale, Index rank,
                              const Scalar* duals, const Scalar* elements) {
  const Index p = piece.end - piece.begin, m = rows.bins();
  Scratch<Scalar> copy(p * m), products(p * rank);
  for (Index i = 0; i < p; ++i) {
    const Index row = list[static_cast<std::size_t>(piece.begin + i)];
    rows.scaled(row, scale[static_cast<std::size_t>(row)], copy.data() + i * m);
  }
  const int mi = static_cast<int>(m), ri = static_cast<int>(rank), pi = static_cast<int>(p);
  inner_products(mi, ri, pi, duals, copy.data(), products.data());
  subtract_combinations(mi, ri, pi, elements, products.data(), copy.data());
  std::vector<double> found(static_cast<std::size_t>(p));
  for (Index i = 0; i < p; ++i) found[static_cast<std::size_t>(i)] = rows.squared_norm(copy.data() + i * m);
  return found;
}

}  // namespace ersatz
