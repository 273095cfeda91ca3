#pragma once
// Least squares on few of many columns, one more at a time, judged by corrected leave-one-out.

#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/core/matrix.hpp"

namespace ersatz {

struct SparseExpansion {
  std::vector<Index> terms;  ///< k columns, in the order in which they came in
  Vector coefficients;       ///< k: y - mean y = Σ_t coefficients_t (column_t - its mean)
  Eigen::MatrixXd root;  ///< k × k, upper triangular: (FᵀF)⁻¹ = root rootᵀ for the centred columns F
  Vector leave_one_out;  ///< n: y - y_(-i), the terms held fixed
  Vector left;           ///< n: 1 - h
  double correction = 1.0;  ///< T of chaos.hpp
  double error = 0.0;       ///< T (1/n) Σ leave_one_out²
  Index steps = 0;          ///< columns that came in before the search ended
};

/// columns: n × m, not centred (T depends on their values; n >= 2). y: centred, n. Ends when ten steps, or a
/// tenth of those possible, have not lowered the error, when y is fitted exactly, or at max_terms (0: n - 2).
/// Columns that depend on those already in, up to 1e-7 of their norm, stay out. Single-threaded.
SparseExpansion sparse_expansion(const Eigen::MatrixXd& columns, const Vector& y, Index max_terms);

Bytes to_bytes(const SparseExpansion& expansion);
SparseExpansion expansion_from_bytes(const Bytes& bytes, Index points);

}  // namespace ersatz
