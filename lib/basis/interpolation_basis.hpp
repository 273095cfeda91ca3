#pragma once
// A linear basis whose coefficients are the values of the row at its nodes.

#include "basis/linear_basis.hpp"

namespace ersatz {

class InterpolationBasis final : public Basis {
 public:
  /// `expansion`: one element per node (complex interleaved), 1 there and 0 at the other nodes, and an offset
  /// that is 0 at all of them. Throws UsageError where the shapes do not fit together.
  InterpolationBasis(LinearBasisParts expansion, std::vector<Index> nodes);
  static BasisPtr load(const h5::Group& group);

  std::string kind() const override { return "interpolation"; }
  Index width() const override { return expansion_->width(); }
  Index coefficients() const override { return expansion_->coefficients(); }
  /// The values at the nodes.
  void project(const double* row, double* coefficients) const override;
  void reconstruct(const double* coefficients, double* row) const override {
    expansion_->reconstruct(coefficients, row);
  }
  void push(const double* tangent_coefficients, double* tangent_row) const override {
    expansion_->push(tangent_coefficients, tangent_row);
  }
  void reconstruct_rows(const double* coefficients, Index n, double* rows) const override {
    expansion_->reconstruct_rows(coefficients, n, rows);
  }
  void reconstruct_and_push(const double* coefficients, Index n, double* rows) const override {
    expansion_->reconstruct_and_push(coefficients, n, rows);
  }
  const Matrix& elements() const override { return expansion_->elements(); }
  const Matrix& residual_modes() const override { return expansion_->residual_modes(); }
  const Vector& residual_variance() const override { return expansion_->residual_variance(); }
  std::string note() const override { return expansion_->note(); }
  BasisErrors errors() const override { return expansion_->errors(); }
  const Vector& singular_values() const override { return expansion_->singular_values(); }
  const std::vector<Index>& nodes() const override { return nodes_; }
  BasisPtr restricted(const std::vector<Index>& bins) const override;
  void save(const h5::Group& group) const override;

 private:
  InterpolationBasis(BasisPtr expansion, std::vector<Index> nodes, bool complex, bool whole);

  BasisPtr expansion_;
  std::vector<Index> nodes_;
  bool complex_;
  bool whole_ = true;  ///< false: restricted to some bins, the nodes are those of whole rows
};

}  // namespace ersatz
