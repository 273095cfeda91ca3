#pragma once
// Orthonormal rows, real or complex: what POD (and every later linear basis) evaluates as.

#include <mutex>

#include "ersatz/basis/basis.hpp"

namespace ersatz {

class LinearBasis final : public Basis {
 public:
  /// `rows`: r orthonormal elements, r × m complex interleaved or r × width real. `name` is how it was made.
  LinearBasis(std::string name, bool complex, const Matrix& rows, Vector residual_variance,
              Vector singular_values);
  static BasisPtr load(const h5::Group& group);

  std::string kind() const override { return "linear"; }
  Index width() const override { return elements_.cols(); }
  Index coefficients() const override { return elements_.rows(); }
  void project(const double* row, double* coefficients) const override;
  void reconstruct(const double* coefficients, double* row) const override { push(coefficients, row); }
  void push(const double* tangent_coefficients, double* tangent_row) const override;
  const Matrix& elements() const override { return elements_; }
  const Vector& residual_variance() const override { return residual_variance_; }
  const Vector& singular_values() const override { return singular_values_; }
  void save(const h5::Group& group) const override;

 private:
  std::string name_;
  bool complex_;
  Matrix elements_;  ///< real view: of a complex element e, the rows e and i e
  Vector residual_variance_, singular_values_;
};

/// Rows as they are: as many coefficients as values.
class IdentityBasis final : public Basis {
 public:
  explicit IdentityBasis(Index width);
  static BasisPtr load(const h5::Group& group);
  std::string kind() const override { return "none"; }
  bool entrywise() const override { return true; }
  Index width() const override { return width_; }
  Index coefficients() const override { return width_; }
  void project(const double* row, double* coefficients) const override;
  void reconstruct(const double* coefficients, double* row) const override;
  void push(const double* tangent_coefficients, double* tangent_row) const override;
  const Matrix& elements() const override;
  const Vector& residual_variance() const override { return zeros_; }
  const Vector& singular_values() const override { return none_; }
  void save(const h5::Group& group) const override;

 private:
  Index width_;
  mutable std::once_flag built_;
  mutable Matrix elements_;
  Vector zeros_, none_;
};

}  // namespace ersatz
