#pragma once
// Compresses rows to a few coefficients and back, and knows what it leaves out.

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/settings.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

/// What a basis loses of snapshots: L2 norms in the inner product of the basis, relative to the root mean
/// square norm of the training snapshots (from which an offset is subtracted first). `mean` is the root mean
/// square over the snapshots, so that it is the relative error of the whole set; `worst` the largest of one
/// snapshot. NaN where not known.
struct BasisErrors {
  double training_mean = std::numeric_limits<double>::quiet_NaN();
  double training_worst = std::numeric_limits<double>::quiet_NaN();
  /// Of snapshots that the basis was not made from: a set of their own, or by cross-validation.
  double validation_mean = std::numeric_limits<double>::quiet_NaN();
  double validation_worst = std::numeric_limits<double>::quiet_NaN();
};

class Basis;
using BasisPtr = std::shared_ptr<const Basis>;

/// row (width() doubles) ≈ offset + coefficients · elements. Complex rows are interleaved, and so are their
/// coefficients. A bin is an entry of a real row, a pair of entries of a complex one. Immutable and thread
/// safe.
class Basis {
 public:
  virtual ~Basis() = default;
  virtual std::string kind() const = 0;
  virtual Index width() const = 0;         ///< doubles per row
  virtual Index coefficients() const = 0;  ///< doubles per coefficient row (2 r for complex)

  /// The coefficients are the entries of the row themselves.
  virtual bool entrywise() const { return false; }

  /// Throws UsageError where the basis is restricted to some bins.
  virtual void project(const double* row, double* coefficients) const = 0;
  virtual void reconstruct(const double* coefficients, double* row) const = 0;
  /// The linear part alone: tangent row of a tangent coefficient vector.
  virtual void push(const double* tangent_coefficients, double* tangent_row) const = 0;
  /// n rows at once, n × coefficients() to n × width(), with the same bits.
  virtual void reconstruct_rows(const double* coefficients, Index n, double* rows) const;
  /// A row and n tangent rows of it, (1 + n) × coefficients() to (1 + n) × width(), with the same bits.
  virtual void reconstruct_and_push(const double* coefficients, Index n, double* rows) const;
  /// Row k: the output per unit of coefficient k, coefficients() × width(). For "none" that is the identity,
  /// built when first asked for: width()² numbers, better avoided.
  virtual const Matrix& elements() const = 0;

  /// What new rows lose has about the covariance residual_modes()ᵀ residual_modes() +
  /// diag(residual_variance()): the modes, k × width() (k may be 0), carry what is lost together; the
  /// variance, width(), is the mean square of the rest, per entry. By five-fold cross-validation, or of the
  /// training rows themselves where there are fewer than ten.
  virtual const Matrix& residual_modes() const = 0;
  virtual const Vector& residual_variance() const = 0;
  virtual BasisErrors errors() const = 0;
  /// Of all modes seen, descending, for reports; may be longer than coefficients(), empty where there are
  /// none.
  virtual const Vector& singular_values() const = 0;

  /// Bins whose values are the coefficients, of a basis that interpolates; else empty.
  virtual const std::vector<Index>& nodes() const;

  /// The same basis for these bins alone, in this order: its rows are those bins, its coefficients and
  /// errors those of the whole. Throws UsageError naming a bin that is not there. Cost: coefficients × bins.
  virtual BasisPtr restricted(const std::vector<Index>& bins) const = 0;

  /// How it was made and what was not reached, in words, for people; may be empty.
  virtual std::string note() const { return {}; }

  virtual void save(const h5::Group& group) const = 0;
};

void save_basis(const h5::Group& group, const Basis& basis);
BasisPtr load_basis(const h5::Group& group);

/// Builds the named basis ("pod", "greedy", "none") from snapshots, n × width. Settings of pod: `tolerance`
/// (relative L2 error, default 1e-7: the smallest rank that meets it), `tolerance_of` ("whole": of the whole
/// training set, or "worst": of the worst snapshot), `max_rank` (default 50: never more elements, met or
/// not), `method` ("auto", "exact", "randomised", "streaming"), `centred` (false), `weights` (one per bin);
/// see pod.hpp. Of greedy: `tolerance` and `max_rank`, for the worst snapshot relative to the largest norm
/// (`normalise`: to its own), and `weights`. Both: `nodes` ("none", "eim", "deim", "q-deim"; see
/// interpolation.hpp), by which the coefficients become values at as many bins. Throws DataError naming the
/// snapshot that is not finite.
BasisPtr fit_basis(const std::string& name, const Settings& settings, ConstMatrixRef snapshots, bool complex);
std::vector<std::string> basis_names();

}  // namespace ersatz
