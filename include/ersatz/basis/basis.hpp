#pragma once
// Compresses rows to a few coefficients and back, and knows what it leaves out.

#include <memory>
#include <string>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/settings.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

/// row (width() doubles) ≈ offset + coefficients · elements. Complex rows are interleaved, and so are their
/// coefficients. Immutable and thread safe.
class Basis {
 public:
  virtual ~Basis() = default;
  virtual std::string kind() const = 0;
  virtual Index width() const = 0;         ///< doubles per row
  virtual Index coefficients() const = 0;  ///< doubles per coefficient row (2 r for complex)

  /// The coefficients are the entries of the row themselves.
  virtual bool entrywise() const { return false; }

  virtual void project(const double* row, double* coefficients) const = 0;
  virtual void reconstruct(const double* coefficients, double* row) const = 0;
  /// The linear part alone: tangent row of a tangent coefficient vector.
  virtual void push(const double* tangent_coefficients, double* tangent_row) const = 0;
  /// Row k: the output per unit of coefficient k, coefficients() × width(). For "none" that is the identity,
  /// built when first asked for: width()² numbers, better avoided.
  virtual const Matrix& elements() const = 0;

  /// Mean square of what new rows lose, per entry of a row (width()): by five-fold cross-validation, or of
  /// the training rows themselves where there are fewer than ten.
  virtual const Vector& residual_variance() const = 0;
  /// Of all modes seen, descending, for reports; may be longer than coefficients(), empty where there are
  /// none.
  virtual const Vector& singular_values() const = 0;

  virtual void save(const h5::Group& group) const = 0;
};

using BasisPtr = std::shared_ptr<const Basis>;

void save_basis(const h5::Group& group, const Basis& basis);
BasisPtr load_basis(const h5::Group& group);

/// Builds the named basis ("pod", "none") from snapshots, n × width. Settings of pod: `tolerance` (relative
/// L2 error over the whole training set, default 1e-7: the smallest rank that meets it), `max_rank` (default
/// 50: never more elements, met or not). Throws DataError naming the snapshot that is not finite.
BasisPtr fit_basis(const std::string& name, const Settings& settings, ConstMatrixRef snapshots, bool complex);
std::vector<std::string> basis_names();

}  // namespace ersatz
