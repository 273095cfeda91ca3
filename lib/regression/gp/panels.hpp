#pragma once
// Work with a lower triangle in panels that is not hot; the layout is in core/kernels.hpp.

#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz::gp {

/// From the lower triangle of a matrix; what stands above the diagonal does not matter.
Vector panels_of(const Eigen::MatrixXd& lower);

/// As files have them: row by row up to the diagonal, n (n + 1) / 2 numbers; and back.
void pack_panels(const Vector& panels, Index n, double* rows);
Vector unpack_panels(const double* rows, Index n);

/// out = Lᵀ b, both n. The triangle is read once.
void panels_transposed_product(const double* panels, const double* b, Index n, double* out);

/// Columns of L as those of a matrix: n × columns.size().
Eigen::MatrixXd panels_columns(const Vector& panels, Index n, const std::vector<Index>& columns);

}  // namespace ersatz::gp
