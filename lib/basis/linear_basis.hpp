#pragma once
// Orthonormal rows, real or complex: what every linear basis evaluates as; and rows as they are.

#include <mutex>

#include "ersatz/basis/basis.hpp"

namespace ersatz {

/// What a LinearBasis is made of. A bin is an entry of a real row, a pair of a complex one.
struct LinearBasisParts {
  std::string name;  ///< how it was made: "pod", "greedy"
  bool complex = false;
  Matrix elements;           ///< r × width, complex interleaved; orthonormal in the inner product below
  Vector offset;             ///< width, subtracted before projecting; empty: none
  Vector weights;            ///< one per bin, positive: ⟨a, b⟩ = Σ w conj(a) b; empty: all 1
  Matrix residual_modes;     ///< k × width; empty: none
  Vector residual_variance;  ///< width; empty: zeros
  Vector singular_values;    ///< of what was decomposed, descending; may be empty
  BasisErrors errors;
  Index snapshots = 0;  ///< that it was made from; 0 where not known
  std::string note;     ///< see Basis::note
};

class LinearBasis final : public Basis {
 public:
  /// Throws UsageError where the shapes do not fit together or a weight is not positive.
  explicit LinearBasis(LinearBasisParts parts);
  static BasisPtr load(const h5::Group& group);

  std::string kind() const override { return "linear"; }
  Index width() const override { return elements_.cols(); }
  Index coefficients() const override { return elements_.rows(); }
  /// ⟨element, row - offset⟩
  void project(const double* row, double* coefficients) const override;
  void reconstruct(const double* coefficients, double* row) const override;
  void push(const double* tangent_coefficients, double* tangent_row) const override;
  void reconstruct_rows(const double* coefficients, Index n, double* rows) const override;
  void reconstruct_and_push(const double* coefficients, Index n, double* rows) const override;
  const Matrix& elements() const override { return elements_; }
  const Matrix& residual_modes() const override { return parts_.residual_modes; }
  const Vector& residual_variance() const override { return parts_.residual_variance; }
  BasisErrors errors() const override { return parts_.errors; }
  const Vector& singular_values() const override { return parts_.singular_values; }
  BasisPtr restricted(const std::vector<Index>& bins) const override;
  std::string note() const override { return parts_.note; }
  void save(const h5::Group& group) const override;

  bool whole() const { return whole_; }  ///< not restricted to some bins
  const LinearBasisParts& parts() const { return parts_; }

 private:
  /// n rows, the first `shifted` with the offset.
  void expand(const double* coefficients, Index n, Index shifted, double* rows) const;

  LinearBasisParts parts_;
  Matrix elements_;    ///< real view: of a complex element e, the rows e and i e
  Matrix weighted_;    ///< the same, times the weights; empty where there are none
  bool whole_ = true;  ///< false: restricted to some bins, which cannot be projected on
};

/// Rows as they are: as many coefficients as values; or, restricted, some of their bins.
class IdentityBasis final : public Basis {
 public:
  explicit IdentityBasis(Index width, bool complex = false);
  static BasisPtr load(const h5::Group& group);
  std::string kind() const override { return "none"; }
  bool entrywise() const override { return whole_; }
  Index width() const override { return static_cast<Index>(entries_.size()); }
  Index coefficients() const override { return coefficients_; }
  void project(const double* row, double* coefficients) const override;
  void reconstruct(const double* coefficients, double* row) const override;
  void push(const double* tangent_coefficients, double* tangent_row) const override;
  const Matrix& elements() const override;
  const Matrix& residual_modes() const override { return no_modes_; }
  const Vector& residual_variance() const override { return zeros_; }
  BasisErrors errors() const override { return {0.0, 0.0, 0.0, 0.0}; }
  const Vector& singular_values() const override { return none_; }
  BasisPtr restricted(const std::vector<Index>& bins) const override;
  void save(const h5::Group& group) const override;

 private:
  IdentityBasis(Index coefficients, bool complex, std::vector<Index> entries, bool whole);

  Index coefficients_;
  bool complex_;
  std::vector<Index> entries_;  ///< of the row, in order
  bool whole_;
  mutable std::once_flag built_;
  mutable Matrix elements_;
  Matrix no_modes_;
  Vector zeros_, none_;
};

/// Throws UsageError unless there is one positive number per bin (or none at all); `whose` begins the
/// message.
void check_weights(const std::string& whose, const Vector& weights, Index bins);

/// The entries of a row of `width` doubles that make up these bins. Throws UsageError naming a bin that is
/// not there.
std::vector<Index> entries_of(const std::vector<Index>& bins, Index width, bool complex);

}  // namespace ersatz
