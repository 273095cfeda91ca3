#include "ersatz/basis/greedy.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "basis/greedy_rows.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr Index batch = 256;  ///< rows brought up to date before the next look at who is worst
constexpr Index renewed_at_once = 64;
/// A running difference that has fallen to this part of what it started from is computed anew.
constexpr double renewal = 1e-6;
/// What rounding may add to it until then, of the same.
constexpr double cancellation = 1e-13;
/// Errors that differ by less are equal as far as anyone can tell.
constexpr double equal = 1e-9;
constexpr int most_passes = 5;  ///< of Gram-Schmidt

/// What rounding leaves of a row of norm 1 that r elements span: squared norm.
double rounding_level(Index r) {
  const double epsilon = 8.0 * std::numeric_limits<double>::epsilon();
  return epsilon * epsilon * static_cast<double>(r + 1);
}

template <class Scalar>
class Search {
 public:
  Search(GreedyBasis start, ConstMatrixRef snapshots, const GreedyOptions& options, Executor& executor,
         Index set)
      : basis_(std::move(start)),
        options_(options),
        set_(set),
        rows_(snapshots, basis_.weights, executor),
        bins_(rows_.bins()),
        rank_(basis_.rank()) {
    const SingleThreadedBlas single;
    measure();
    reserve(rank_ + 64);
    for (Index k = 0; k < rank_; ++k) {
      std::copy_n(reinterpret_cast<const Scalar*>(basis_.elements.row(k).data()), bins_, element(k));
      rows_.weigh(element(k), dual(k));
      const auto* t = reinterpret_cast<const Scalar*>(basis_.triangle.row(k).data());
      triangle_.emplace_back(t, t + k + 1);
    }
    errors_.assign(basis_.errors.begin(), basis_.errors.end());
    basis_.elements.resize(0, 0);
  }

  GreedyBasis run() {
    const SingleThreadedBlas single;  // threads work on pieces
    GreedySummary& summary = basis_.summary;
    Index worst = rank_ == 0 ? first() : worst_row();
    summary.termination = GreedyTermination::complete;
    for (;;) {
      if (worst < 0) {  // nothing but rounding is left
        summary.termination = GreedyTermination::rounding;
        break;
      }
      if (rank_ > 0 && error_[at(worst)] <= options_.tolerance) {
        summary.termination = GreedyTermination::tolerance;
        break;
      }
      if (options_.max_rank > 0 && rank_ >= options_.max_rank) {
        summary.termination = GreedyTermination::max_rank;
        break;
      }
      if (rank_ == bins_) break;
      if (!add(worst)) spent(worst);
      worst = worst_row();
    }
    finish(worst);
    return std::move(basis_);
  }

 private:
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
  Scalar* element(Index k) { return reinterpret_cast<Scalar*>(elements_.row(k).data()); }
  Scalar* dual(Index k) {
    return reinterpret_cast<Scalar*>((rows_.weighted() ? duals_ : elements_).row(k).data());
  }

  /// Norms, scales and errors of an empty basis.
  void measure() {
    norms_ = rows_.norms();
    const Index n = rows_.count();
    const double largest = norms_.maxCoeff();
    if (!(largest > 0.0)) throw DataError(text("greedy basis: all ", n, " snapshots are zero"));
    if (rank_ == 0) basis_.reference = largest;
    error_.resize(at(n));
    level_.assign(at(n), 0);
    scale_.resize(at(n));
    for (Index i = 0; i < n; ++i) {
      const double unit = basis_.normalise ? norms_[i] : basis_.reference;
      scale_[at(i)] = norms_[i] > 0.0 ? 1.0 / unit : 0.0;
      const double relative = norms_[i] * scale_[at(i)];
      error_[at(i)] = relative * relative;
      if (basis_.normalise && norms_[i] > 0.0) error_[at(i)] = 1.0;
      if (!(norms_[i] > 0.0)) {
        level_[at(i)] = never;
        ++zeros_;
      }
    }
    whole_ = error_;
    fresh_ = error_;
  }

  Index first() const {
    if (options_.seed) {
      if (!(norms_[*options_.seed] > 0.0))
        throw DataError(text("greedy basis: the first snapshot asked for, ", *options_.seed, ", is zero"));
      return *options_.seed;
    }
    return std::max_element(error_.begin(), error_.end()) - error_.begin();
  }

  bool stale(Index i) const { return level_[at(i)] < rank_; }
  /// Up to date, but of a difference that has cancelled: a bound, no more.
  bool cancelled(Index i) const { return level_[at(i)] == rank_ && error_[at(i)] < renewal * fresh_[at(i)]; }
  double bound(Index i) const {
    return cancelled(i) ? error_[at(i)] + cancellation * fresh_[at(i)] : error_[at(i)];
  }

  /// The row with the largest error, all elements accounted for; -1 where all are spent. Old errors are upper
  /// bounds: only rows whose bound is not below the largest error known so far have to be looked at.
  Index worst_row() {
    double largest = -1.0;
    std::vector<Index> candidates;
    const auto first_by_bound = [this](Index a, Index b) {
      const double x = bound(a), y = bound(b);
      return x > y || (x == y && a < b);
    };
    const auto raise = [&](const std::vector<Index>& rows) {
      for (const Index i : rows)
        if (level_[at(i)] == rank_ && !cancelled(i)) largest = std::max(largest, error_[at(i)]);
    };
    for (;;) {
      candidates.clear();
      for (Index i = 0; i < rows_.count(); ++i)
        if ((stale(i) || cancelled(i)) && bound(i) >= (1.0 - equal) * largest) candidates.push_back(i);
      if (candidates.empty()) break;
      if (static_cast<Index>(candidates.size()) > batch) {
        std::nth_element(candidates.begin(), candidates.begin() + batch, candidates.end(), first_by_bound);
        candidates.resize(at(batch));
      }
      std::vector<Index> old;
      std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(old),
                   [this](Index i) { return stale(i); });
      bring_up_to_date(old);
      raise(old);
      // Those that might still be the worst, some at a time.
      std::sort(candidates.begin(), candidates.end(), first_by_bound);
      std::vector<Index> some;
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (cancelled(candidates[i]) && bound(candidates[i]) >= (1.0 - equal) * largest)
          some.push_back(candidates[i]);
        if (static_cast<Index>(some.size()) == renewed_at_once ||
            (i + 1 == candidates.size() && !some.empty())) {
          renew(some);
          raise(some);
          some.clear();
        }
      }
    }
    for (Index i = 0; i < rows_.count(); ++i)
      if (level_[at(i)] == rank_ && !cancelled(i) && error_[at(i)] >= (1.0 - equal) * largest) return i;
    return -1;
  }

  /// Accounts for the elements since each row's last turn.
  void bring_up_to_date(std::vector<Index>& rows) {
    std::sort(rows.begin(), rows.end(), [this](Index a, Index b) {
      return level_[at(a)] < level_[at(b)] || (level_[at(a)] == level_[at(b)] && a < b);
    });
    // Rows of a piece take their products together, from the first element that one of them lacks.
    const std::vector<RowPiece> pieces = cut(rows, [this](Index begin, Index i) {
      return rank_ - level_[at(begin)] <= 2 * (rank_ - level_[at(i)]) + 4;
    });
    rows_.work(pieces, [&](const RowPiece& piece) {
      const Index begin = level_[at(rows[at(piece.begin)])], count = rank_ - begin;
      const Index p = piece.end - piece.begin;
      Scratch<Scalar> products(p * count);  // up to conjugation
      rows_.products(rows, piece, count, dual(begin), products.data());
      for (Index i = 0; i < p; ++i) {
        const Index row = rows[at(piece.begin + i)];
        double gone = 0.0;
        for (Index k = level_[at(row)] - begin; k < count; ++k)
          gone += std::norm(scale_[at(row)] * products.data()[i * count + k]);
        error_[at(row)] = std::max(0.0, error_[at(row)] - gone);
        level_[at(row)] = rank_;
      }
    });
    read_ += static_cast<Index>(rows.size());
  }

  /// Errors from the residuals themselves, of rows that are up to date.
  void renew(std::vector<Index>& rows) {
    std::sort(rows.begin(), rows.end());
    rows_.work(cut(rows, [](Index, Index) { return true; }), [&](const RowPiece& piece) {
      const std::vector<double> found =
          residuals<Scalar>(rows_, rows, piece, scale_, rank_, dual(0), element(0));
      for (Index i = piece.begin; i < piece.end; ++i) {
        const std::size_t row = at(rows[at(i)]);
        error_[row] = std::min(found[at(i - piece.begin)], bound(rows[at(i)]));
        fresh_[row] = error_[row];
      }
    });
    read_ += static_cast<Index>(rows.size());
    for (const Index i : rows)
      if (error_[at(i)] <= rounding_level(rank_) * whole_[at(i)]) spent(i);
  }

  /// What is left of this row is rounding: it makes no element.
  void spent(Index row) {
    level_[at(row)] = never;
    if (error_[at(row)] >= rounding_) {
      rounding_ = error_[at(row)];
      rounding_row_ = row;
    }
  }

  /// The next element; false if rounding is all that is left of it.
  bool add(Index row) {
    reserve(rank_ + 1);
    Scalar* e = element(rank_);
    rows_.scaled(row, scale_[at(row)], e);
    const int m = static_cast<int>(bins_);
    std::vector<Scalar> coefficients(at(rank_ + 1));
    double norm = std::sqrt(rows_.squared_norm(e));
    const double whole = norm;
    for (int pass = 0; pass < most_passes && rank_ > 0; ++pass) {
      for (Index k = 0; k < rank_; ++k) {
        Scalar c;
        inner_products_of_one(m, 1, m, dual(k), e, &c, 1);
        subtract_multiple(m, c, element(k), e);
        coefficients[at(k)] += c;
      }
      const double before = norm;
      norm = std::sqrt(rows_.squared_norm(e));
      if (norm * norm <= rounding_level(rank_) * whole * whole) return false;
      if (pass > 0 && norm > 0.5 * before) break;
    }
    coefficients.back() = norm;
    for (Scalar& c : coefficients) c /= scale_[at(row)];
    for (Index j = 0; j < bins_; ++j) e[j] /= norm;
    rows_.weigh(e, dual(rank_));
    triangle_.push_back(std::move(coefficients));
    errors_.push_back(error_[at(row)]);
    basis_.points.push_back({set_, row});
    ++rank_;
    return true;
  }

  void reserve(Index rank) {
    if (elements_.rows() >= rank) return;
    elements_.conservativeResize(rank + 63, rows_.width());
    if (rows_.weighted()) duals_.conservativeResize(rank + 63, rows_.width());
  }

  void finish(Index worst) {
    basis_.complex = !std::is_same_v<Scalar, double>;
    elements_.conservativeResize(rank_, rows_.width());
    basis_.elements = std::move(elements_);
    basis_.triangle = Matrix::Zero(rank_, rank_ * (rows_.width() / bins_));
    for (Index k = 0; k < rank_; ++k)
      std::copy_n(triangle_[at(k)].data(), k + 1, reinterpret_cast<Scalar*>(basis_.triangle.row(k).data()));
    basis_.errors = Eigen::Map<const Vector>(errors_.data(), rank_);
    GreedySummary& s = basis_.summary;
    s.worst_row = worst;
    s.worst_error = worst < 0 ? 0.0 : error_[at(worst)];
    if (rounding_row_ >= 0 && rounding_ >= s.worst_error) {
      s.worst_row = rounding_row_;
      s.worst_error = rounding_;
    }
    s.rounding = rounding_;
    s.zero_snapshots = zeros_;
    s.passes = static_cast<double>(read_) / static_cast<double>(rows_.count());
    if (s.termination == GreedyTermination::rounding) {
      if (rounding_ <= options_.tolerance)
        s.termination = GreedyTermination::tolerance;
      else if (rank_ >= std::min(bins_, rows_.count() - zeros_))
        s.termination = GreedyTermination::complete;
    }
    s.message = message();
  }

  std::string message() const {
    const GreedySummary& s = basis_.summary;
    const std::string left = text(rank_, rank_ == 1 ? " element" : " elements", ", largest squared error ",
                                  brief(s.worst_error), " (snapshot ", s.worst_row, ")");
    switch (s.termination) {
      case GreedyTermination::tolerance:
        return text(left, ": within the tolerance of ", brief(options_.tolerance));
      case GreedyTermination::max_rank:
        return text(left, ": the rank limit came before the tolerance of ", brief(options_.tolerance));
      case GreedyTermination::complete:
        return text(left, ": as many elements as there are snapshots or bins");
      case GreedyTermination::rounding:
        break;
    }
    return text(left, ": rounding stops it at this level, the tolerance of ", brief(options_.tolerance),
                " cannot be reached in double precision; what is left is not made into elements");
  }

  static constexpr Index never = std::numeric_limits<Index>::max();

  GreedyBasis basis_;
  const GreedyOptions& options_;
  Index set_;
  SnapshotRows<Scalar> rows_;
  Index bins_, rank_;
  Vector norms_;
  std::vector<double> error_, fresh_, whole_, scale_, errors_;  ///< the first four: per row
  std::vector<Index> level_;                                    ///< elements accounted for, per row
  Matrix elements_, duals_;                                     ///< a row each; more rows than the rank
  std::vector<std::vector<Scalar>> triangle_;
  double rounding_ = 0.0;
  Index rounding_row_ = -1, zeros_ = 0, read_ = 0;
};

void check(const GreedyOptions& options, ConstMatrixRef snapshots, bool complex) {
  if (snapshots.rows() == 0) throw DataError("greedy basis: there are no snapshots");
  if (snapshots.cols() == 0) throw DataError("greedy basis: the snapshots are empty rows");
  if (complex && snapshots.cols() % 2 != 0)
    throw UsageError(text("greedy basis: complex snapshots of ", snapshots.cols(),
                          " numbers; expected pairs of real and imaginary parts"));
  if (!(options.tolerance >= 0.0 && std::isfinite(options.tolerance)))
    throw UsageError(
        text("greedy basis: the tolerance must be a number that is not negative, got ", options.tolerance));
  if (options.max_rank < 0)
    throw UsageError(text("greedy basis: max_rank must be 0 (no limit) or more, got ", options.max_rank));
  if (options.seed && (*options.seed < 0 || *options.seed >= snapshots.rows()))
    throw UsageError(text("greedy basis: the first snapshot asked for is ", *options.seed, ", and there are ",
                          snapshots.rows(), " (counted from 0)"));
}

}  // namespace

GreedyBasis greedy_basis(ConstMatrixRef snapshots, bool complex, const GreedyOptions& options,
                         Executor& executor) {
  check(options, snapshots, complex);
  GreedyBasis empty;
  empty.complex = complex;
  empty.normalise = options.normalise;
  empty.weights = options.weights;
  empty.elements.resize(0, snapshots.cols());
  if (complex) return Search<Complex>(std::move(empty), snapshots, options, executor, 0).run();
  return Search<double>(std::move(empty), snapshots, options, executor, 0).run();
}

GreedyBasis continue_greedy(const GreedyBasis& basis, ConstMatrixRef snapshots, const GreedyOptions& options,
                            Executor& executor, Index set) {
  check(options, snapshots, basis.complex);
  if (basis.rank() == 0) throw UsageError("greedy basis: there are no elements to go on from");
  if (snapshots.cols() != basis.elements.cols())
    throw UsageError(text("greedy basis: its elements have ", basis.elements.cols(),
                          " values and the snapshots ", snapshots.cols()));
  GreedyBasis start = basis;
  start.summary = {};
  if (basis.complex) return Search<Complex>(std::move(start), snapshots, options, executor, set).run();
  return Search<double>(std::move(start), snapshots, options, executor, set).run();
}

}  // namespace ersatz
