#pragma once
// The singular values of a table of features, by whichever way its shape and condition allow.

#include "ersatz/core/executor.hpp"
#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// F = U diag(s) Vᵀ without the singular values that are rounding. Single-threaded BLAS in every task: same
/// bits always.
struct Decomposition {
  Vector s;           ///< r, decreasing
  Eigen::MatrixXd v;  ///< m × r
  /// U (n × r); or F (n × m), where U = F V / s is cheaper to make block by block than to keep.
  Matrix rows;
  enum class Way { singular_values, gram, gram_of_rows } way = Way::singular_values;

  Index points() const { return rows.rows(); }
  Index rank() const { return s.size(); }
  bool full_rank() const { return v.rows() == s.size(); }
  bool saturated() const { return s.size() >= points() - 1; }  ///< every y is interpolated at alpha = 0
  bool keeps_u() const { return way != Way::gram; }

  /// Rows from … from + count - 1 of U, transposed: r × count. `scaled`: V / s from `scaled_v`.
  Eigen::MatrixXd left(Index from, Index count, const Eigen::MatrixXd& scaled) const;
  Eigen::MatrixXd scaled_v() const;  ///< V / s where `left` needs it, else empty
};

/// Columns of F (n × m) have mean 0. Squaring the condition number costs digits, so the Gram matrix (FᵀF for
/// many points, F Fᵀ for many features) serves only where its eigenvalues span less than 1e6. Cost: n m
/// min(n, m).
Decomposition decompose(Matrix F, Executor& executor);

}  // namespace ersatz
