#include "ersatz/basis/greedy.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <iterator>
#include <limits>
#include <numeric>

#include "basis/greedy_element.hpp"
#include "basis/greedy_rows.hpp"
#include "basis/greedy_search.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr Index batch = 256;  ///< rows brought up to date before the next look at who is worst, on all ranks
constexpr Index renewed_at_once = 64;  ///< the same
constexpr Index least_rows = 32;       ///< of both, on one rank: matrix products want some
/// A running difference that has fallen to this part of what it started from is computed anew.
constexpr double renewal = 1e-6;
/// What rounding may add to it until then, of the same.
constexpr double cancellation = 1e-13, cancellation_of_root = 1e-15;
/// Squared errors that differ by less, relative, are equal as far as anyone can tell; and of small ones those
/// that differ by what rounding of a scalar product may add to a running difference, which has begun at 1e6
/// times as much at most.
constexpr double equal = 1e-9, rounding_of_root = 4e-13, most_equal = 1e-6;

/// The least error that counts as equal to the largest one.
double equal_to(double largest) {
  if (!(largest > 0.0)) return largest;
  return (1.0 - std::min(equal + rounding_of_root / std::sqrt(largest), most_equal)) * largest;
}
/// Ranks make an element together where that is so many products of an element's and the row's bins, so that
/// messages cost less than they spare.
constexpr Index worth_sharing = 50000;

template <class Scalar>
class Search {
 public:
  Search(const RowShare& share, GreedyBasis start, ConstMatrixRef snapshots, const GreedyOptions& options,
         Executor& executor, Index set)
      : share_(share),
        ranks_(share.ranks),
        basis_(std::move(start)),
        options_(options),
        set_(set),
        rows_(snapshots, basis_.weights, executor, share.first),
        maker_(rows_.bins()),
        bins_(rows_.bins()),
        rank_(basis_.rank()),
        batch_(std::max(least_rows, batch / ranks_.size())),
        renewed_at_once_(std::max(least_rows, renewed_at_once / ranks_.size())) {
    const SingleThreadedBlas single;
    measure();
    ranks_.together([this] {
      reserve(rank_ + 64);
      for (Index k = 0; k < rank_; ++k) {
        std::copy_n(reinterpret_cast<const Scalar*>(basis_.elements.row(k).data()), bins_, element(k));
        rows_.weigh(element(k), dual(k));
        const auto* t = reinterpret_cast<const Scalar*>(basis_.triangle.row(k).data());
        triangle_.emplace_back(t, t + k + 1);
      }
    });
    errors_.assign(basis_.errors.begin(), basis_.errors.end());
    basis_.elements.resize(0, 0);
  }

  GreedyBasis run() {
    const SingleThreadedBlas single;  // threads work on pieces
    GreedySummary& summary = basis_.summary;
    Worst worst = rank_ == 0 ? first() : worst_of_all();
    summary.termination = GreedyTermination::complete;
    for (;;) {
      if (worst.row < 0) {  // nothing but rounding is left
        summary.termination = GreedyTermination::rounding;
        break;
      }
      if (rank_ > 0 && worst.error <= options_.tolerance) {
        summary.termination = GreedyTermination::tolerance;
        break;
      }
      if (options_.max_rank > 0 && rank_ >= options_.max_rank) {
        summary.termination = GreedyTermination::max_rank;
        break;
      }
      if (rank_ == bins_) break;
      add(worst);
      worst = worst_of_all();
    }
    finish(worst);
    return std::move(basis_);
  }

 private:
  /// A row of the whole matrix, on rank `owner`; row -1: there is none.
  struct Worst {
    double error = 0.0;
    Index row = -1;
    int owner = 0;
  };

  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
  Scalar* element(Index k) { return reinterpret_cast<Scalar*>(elements_.row(k).data()); }
  Scalar* dual(Index k) {
    return reinterpret_cast<Scalar*>((rows_.weighted() ? duals_ : elements_).row(k).data());
  }

  /// Norms, scales and errors of an empty basis.
  void measure() {
    ranks_.together([this] { norms_ = rows_.norms(); });
    const Index n = rows_.count();
    const double largest = ranks_.maximum(n > 0 ? norms_.maxCoeff() : 0.0);
    if (!(largest > 0.0)) throw DataError(text("greedy basis: all ", share_.total, " snapshots are zero"));
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

  Worst first() {
    const auto itself = [](double largest) { return largest; };
    if (!options_.seed) {
      const auto largest = std::max_element(error_.begin(), error_.end());
      return largest == error_.end() ? agree(itself, -1, -1.0)
                                     : agree(itself, largest - error_.begin(), *largest);
    }
    const Index row = *options_.seed - share_.first;
    const bool here = row >= 0 && row < rows_.count();
    const Worst found =
        here && norms_[row] > 0.0 ? agree(itself, row, error_[at(row)]) : agree(itself, -1, -1.0);
    if (found.row < 0)
      throw DataError(text("greedy basis: the first snapshot asked for, ", *options_.seed, ", is zero"));
    return found;
  }

  /// The row with the largest error of all ranks; of those that count as `equal` to it the first. Each rank
  /// gives the one that it would choose by itself (-1: none). One exchange.
  Worst agree(double (*equal)(double), Index local, double largest) {
    struct Record {
      double largest = -1.0, error = -1.0, row = -1.0, failed = 0.0;
    };
    constexpr Index numbers = sizeof(Record) / sizeof(double);
    const auto size = static_cast<std::size_t>(ranks_.size());
    const auto exchange = [&](const Record& mine) {
      std::vector<Record> all(size);
      ranks_.gather(&mine.largest, numbers, &all[0].largest);
      return all;
    };
    Record mine;
    if (local >= 0) mine = {largest, error_[at(local)], static_cast<double>(share_.first + local), 0.0};
    if (failure_) mine.failed = 1.0;
    std::vector<Record> all = exchange(mine);
    double most = -1.0, failed = 0.0;
    for (const Record& r : all) {
      most = std::max(most, r.largest);
      failed += r.failed;
    }
    if (failed > 0.0)
      ranks_.together([this] {
        if (failure_) std::rethrow_exception(failure_);
      });
    if (most < 0.0) return {};
    const double enough = equal(most);
    // A rank's choice was made against its own largest error. Where it falls short of the largest of all, and
    // another row of that rank does not, that rank has to look again.
    const bool again = std::any_of(all.begin(), all.end(), [enough](const Record& r) {
      return r.error < enough && r.largest >= enough;
    });
    if (again) {
      mine = {};
      const Index row = first_within(enough);
      if (row >= 0) mine = {error_[at(row)], error_[at(row)], static_cast<double>(share_.first + row), 0.0};
      all = exchange(mine);
    }
    Worst worst;
    for (std::size_t r = 0; r < size && worst.row < 0; ++r)  // rows are in order of rank
      if (all[r].error >= enough) worst = {all[r].error, static_cast<Index>(all[r].row), static_cast<int>(r)};
    return worst;
  }

  bool stale(Index i) const { return level_[at(i)] < rank_; }
  /// Up to date, but of a difference that has cancelled: a bound, no more.
  bool cancelled(Index i) const { return level_[at(i)] == rank_ && error_[at(i)] < renewal * fresh_[at(i)]; }
  double bound(Index i) const {
    if (!cancelled(i)) return error_[at(i)];
    return error_[at(i)] + cancellation * fresh_[at(i)] + cancellation_of_root * std::sqrt(fresh_[at(i)]);
  }

  Worst worst_of_all() {
    double largest = -1.0;
    Index row = -1;
    try {
      reserve(rank_ + 1);
      largest = bring_worst_up_to_date();
      row = first_within(equal_to(largest));
    } catch (...) {  // told to the others with the next exchange
      failure_ = std::current_exception();
      row = -1;
    }
    return agree(equal_to, row, largest);
  }

  /// The first row here that is up to date with an error of at least `least`; -1 where there is none.
  Index first_within(double least) const {
    for (Index i = 0; i < rows_.count(); ++i)
      if (level_[at(i)] == rank_ && !cancelled(i) && error_[at(i)] >= least) return i;
    return -1;
  }

  /// The largest error of the rows here, all elements accounted for; -1 where all are spent. Old errors are
  /// upper bounds: only rows whose bound is not below the largest error known so far have to be looked at.
  double bring_worst_up_to_date() {
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
      const double enough = equal_to(largest);
      for (Index i = 0; i < rows_.count(); ++i)
        if ((stale(i) || cancelled(i)) && bound(i) >= enough) candidates.push_back(i);
      if (candidates.empty()) break;
      if (static_cast<Index>(candidates.size()) > batch_) {
        std::nth_element(candidates.begin(), candidates.begin() + batch_, candidates.end(), first_by_bound);
        candidates.resize(at(batch_));
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
        if (cancelled(candidates[i]) && bound(candidates[i]) >= equal_to(largest))
          some.push_back(candidates[i]);
        if (static_cast<Index>(some.size()) == renewed_at_once_ ||
            (i + 1 == candidates.size() && !some.empty())) {
          renew(some);
          raise(some);
          some.clear();
        }
      }
    }
    return largest;
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
    read_ += static_cast<double>(rows.size());
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
    read_ += static_cast<double>(rows.size());
    for (const Index i : rows)
      if (error_[at(i)] <= rounding_level(rank_) * whole_[at(i)]) spent(i);
  }

  /// What is left of this row is rounding: it makes no element.
  void spent(Index row) {
    level_[at(row)] = never;
    const double error = error_[at(row)];
    const Index number = share_.first + row;
    if (error > rounding_ || (error == rounding_ && (rounding_row_ < 0 || number < rounding_row_))) {
      rounding_ = error;
      rounding_row_ = number;
    }
  }

  /// The next element, the same bits everywhere; none if rounding is all that is left of the row.
  void add(const Worst& worst) {
    constexpr Index unit = sizeof(Scalar) / sizeof(double);
    const Index row = worst.row - share_.first, k = rank_;
    const bool mine = worst.owner == ranks_.rank(),
               all = k * bins_ >= worth_sharing && ranks_.size() <= maker_.pieces();
    const auto send = [&](Scalar* values, Index count) {
      ranks_.broadcast(reinterpret_cast<double*>(values), count * unit, worst.owner);
    };
    // The element; the triangle's row, not scaled back yet; the scale; whether it is one.
    std::vector<Scalar> message(at(bins_ + k + 3));
    Scalar *e = message.data(), *coefficients = e + bins_, *scale = coefficients + k + 1, *good = scale + 1;
    const auto orthogonalise = [&](const Ranks& team) {
      *good = maker_.orthogonalise(team, rows_, k, dual(0), element(0), e, coefficients) ? 1.0 : 0.0;
    };
    if (mine) {
      rows_.scaled(row, scale_[at(row)], e);
      *scale = scale_[at(row)];
      if (!all) orthogonalise(no_others());
    }
    send(e, static_cast<Index>(message.size()));
    if (all) orthogonalise(ranks_);
    if (*good == 0.0) {
      if (mine) spent(row);
      return;
    }
    std::copy_n(e, bins_, element(k));
    rows_.weigh(element(k), dual(k));
    for (Index j = 0; j <= k; ++j) coefficients[j] /= std::real(*scale);
    triangle_.emplace_back(coefficients, coefficients + k + 1);
    errors_.push_back(worst.error);
    basis_.points.push_back({set_, worst.row});
    ++rank_;
  }

  void reserve(Index rank) {
    if (elements_.rows() >= rank) return;
    elements_.conservativeResize(rank + 63, rows_.width());
    if (rows_.weighted()) duals_.conservativeResize(rank + 63, rows_.width());
  }

  void finish(const Worst& worst) {
    sum_up();
    basis_.complex = !std::is_same_v<Scalar, double>;
    elements_.conservativeResize(rank_, rows_.width());
    basis_.elements = std::move(elements_);
    basis_.triangle = Matrix::Zero(rank_, rank_ * (rows_.width() / bins_));
    for (Index k = 0; k < rank_; ++k)
      std::copy_n(triangle_[at(k)].data(), k + 1, reinterpret_cast<Scalar*>(basis_.triangle.row(k).data()));
    basis_.errors = Eigen::Map<const Vector>(errors_.data(), rank_);
    GreedySummary& s = basis_.summary;
    s.worst_row = worst.row;
    s.worst_error = worst.row < 0 ? 0.0 : worst.error;
    if (rounding_row_ >= 0 && rounding_ >= s.worst_error) {
      s.worst_row = rounding_row_;
      s.worst_error = rounding_;
    }
    s.rounding = rounding_;
    s.zero_snapshots = static_cast<Index>(zeros_);
    s.passes = read_ / static_cast<double>(share_.total);
    if (s.termination == GreedyTermination::rounding) {
      if (rounding_ <= options_.tolerance)
        s.termination = GreedyTermination::tolerance;
      else if (rank_ >= std::min(bins_, share_.total - s.zero_snapshots))
        s.termination = GreedyTermination::complete;
    }
    s.message = how_it_ended(s, rank_, options_.tolerance);
  }

  /// What each rank has counted for itself.
  void sum_up() {
    double counts[] = {zeros_, read_};
    ranks_.sum(counts, 2);
    zeros_ = counts[0];
    read_ = counts[1];
    const double mine[] = {rounding_, static_cast<double>(rounding_row_)};
    std::vector<double> all(2 * static_cast<std::size_t>(ranks_.size()));
    ranks_.gather(mine, 2, all.data());
    for (std::size_t r = 0; r < all.size(); r += 2)
      if (all[r + 1] >= 0.0 && (rounding_row_ < 0 || all[r] > rounding_)) {
        rounding_ = all[r];
        rounding_row_ = static_cast<Index>(all[r + 1]);
      }
  }

  static constexpr Index never = std::numeric_limits<Index>::max();

  const RowShare share_;
  const Ranks& ranks_;
  GreedyBasis basis_;
  const GreedyOptions& options_;
  Index set_;
  SnapshotRows<Scalar> rows_;
  const GramSchmidt<Scalar> maker_;
  Index bins_, rank_, batch_, renewed_at_once_;
  Vector norms_;
  std::vector<double> error_, fresh_, whole_, scale_, errors_;  ///< the first four: per row
  std::vector<Index> level_;                                    ///< elements accounted for, per row
  Matrix elements_, duals_;                                     ///< a row each; more rows than the rank
  std::vector<std::vector<Scalar>> triangle_;
  double rounding_ = 0.0;
  Index rounding_row_ = -1;          ///< of the whole matrix
  double zeros_ = 0.0, read_ = 0.0;  ///< rows
  std::exception_ptr failure_;       ///< of this rank, not told to the others yet
};

void check(const GreedyOptions& options, Index rows, Index width, bool complex) {
  if (rows == 0) throw DataError("greedy basis: there are no snapshots");
  if (width == 0) throw DataError("greedy basis: the snapshots are empty rows");
  if (complex && width % 2 != 0)
    throw UsageError(text("greedy basis: complex snapshots of ", width,
                          " numbers; expected pairs of real and imaginary parts"));
  if (!(options.tolerance >= 0.0 && std::isfinite(options.tolerance)))
    throw UsageError(
        text("greedy basis: the tolerance must be a number that is not negative, got ", options.tolerance));
  if (options.max_rank < 0)
    throw UsageError(text("greedy basis: max_rank must be 0 (no limit) or more, got ", options.max_rank));
  if (options.seed && (*options.seed < 0 || *options.seed >= rows))
    throw UsageError(text("greedy basis: the first snapshot asked for is ", *options.seed, ", and there are ",
                          rows, " (counted from 0)"));
}

}  // namespace

GreedyBasis greedy_basis(const Ranks& ranks, ConstMatrixRef rows, bool complex, const GreedyOptions& options,
                         Executor& executor) {
  const RowShare share(rows.rows(), ranks);
  check(options, share.total, rows.cols(), complex);
  GreedyBasis empty;
  empty.complex = complex;
  empty.normalise = options.normalise;
  empty.weights = options.weights;
  empty.elements.resize(0, rows.cols());
  if (complex) return Search<Complex>(share, std::move(empty), rows, options, executor, 0).run();
  return Search<double>(share, std::move(empty), rows, options, executor, 0).run();
}

GreedyBasis continue_greedy(const Ranks& ranks, const GreedyBasis& basis, ConstMatrixRef rows,
                            const GreedyOptions& options, Executor& executor, Index set) {
  const RowShare share(rows.rows(), ranks);
  check(options, share.total, rows.cols(), basis.complex);
  if (basis.rank() == 0) throw UsageError("greedy basis: there are no elements to go on from");
  if (rows.cols() != basis.elements.cols())
    throw UsageError(text("greedy basis: its elements have ", basis.elements.cols(),
                          " values and the snapshots ", rows.cols()));
  GreedyBasis start = basis;
  start.summary = {};
  if (basis.complex) return Search<Complex>(share, std::move(start), rows, options, executor, set).run();
  return Search<double>(share, std::move(start), rows, options, executor, set).run();
}

GreedyBasis greedy_basis(ConstMatrixRef snapshots, bool complex, const GreedyOptions& options,
                         Executor& executor) {
  return greedy_basis(no_others(), snapshots, complex, options, executor);
}

GreedyBasis continue_greedy(const GreedyBasis& basis, ConstMatrixRef snapshots, const GreedyOptions& options,
                            Executor& executor, Index set) {
  return continue_greedy(no_others(), basis, snapshots, options, executor, set);
}

}  // namespace ersatz
