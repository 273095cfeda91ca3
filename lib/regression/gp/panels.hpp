#pragma once
// Work with a lower triangle in panels that is not hot; the layout is in core/kernels.hpp.

#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz::gp {

/// out = Lᵀ b, both n. The triangle is read once.
void panels_transposed_product(const double* panels, const double* b, Index n, double* out);

/// Columns of L as those of a matrix: n × columns.size().
Eigen::MatrixXd panels_columns(const Vector& panels, Index n, const std::vector<Index>& columns);

}  // namespace ersatz::gp
