#include "regression/gp/panels.hpp"

#include <algorithm>

#include "core/kernels.hpp"

namespace ersatz::gp {

Vector panels_of(const Eigen::MatrixXd& lower) {
  const Index n = lower.rows();
  Vector panels = Vector::Zero(kernels::panels_size(n));
  for (Index j = 0; j < n; ++j)
    for (Index i = j; i < n; ++i) panels[kernels::panels_index(i, j)] = lower(i, j);
  return panels;
}

void pack_panels(const Vector& panels, Index n, double* rows) {
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j <= i; ++j) *rows++ = panels[kernels::panels_index(i, j)];
}

Vector unpack_panels(const double* rows, Index n) {
  Vector panels = Vector::Zero(kernels::panels_size(n));
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j <= i; ++j) panels[kernels::panels_index(i, j)] = *rows++;
  return panels;
}

void panels_transposed_product(const double* panels, const double* b, Index n, double* out) {
  constexpr Index rows = kernels::panel_rows;
  std::fill(out, out + n, 0.0);
  for (Index begin = 0; begin < n; begin += rows) {
    double part[rows] = {};
    std::copy(b + begin, b + std::min(begin + rows, n), part);
    const double* panel = panels + kernels::panels_index(begin, 0);
    const Index columns = std::min(begin + rows, n);
    for (Index j = 0; j < columns; ++j, panel += rows) {
      double sum[4];
      for (Index i = 0; i < 4; ++i) sum[i] = panel[i] * part[i] + panel[i + 4] * part[i + 4];
      out[j] += (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
  }
}

Eigen::MatrixXd panels_columns(const Vector& panels, Index n, const std::vector<Index>& columns) {
  Eigen::MatrixXd dense = Eigen::MatrixXd::Zero(n, static_cast<Index>(columns.size()));
  for (Index c = 0; c < dense.cols(); ++c) {
    const Index j = columns[static_cast<std::size_t>(c)];
    for (Index i = j; i < n; ++i) dense(i, c) = panels[kernels::panels_index(i, j)];
  }
  return dense;
}

}  // namespace ersatz::gp
