#include "regression/gp/vecchia_block.hpp"

#include <algorithm>
#include <cmath>
#include <new>

namespace ersatz::gp {

using kernels::lane_count;
using kernels::lanes_index;

VecchiaBlock::VecchiaBlock(Index neighbour_count, Index inputs, Workspace& workspace)
    : m(neighbour_count),
      d(inputs),
      columns(workspace.take(lane_count * inputs * (neighbour_count + 1))),
      triangle(workspace.take(kernels::lanes_size(neighbour_count + 1))),
      weights(workspace.take(lane_count * std::max<Index>(neighbour_count, 1))) {}

void condition(const VecchiaModel& model, const double* const* targets, Index lanes, const double* noise,
               VecchiaBlock& block, Workspace& workspace) {
  const Workspace::Frame frame(workspace);
  const Index m = block.m, d = block.d;
  double* x = workspace.take(d);
  double* k = workspace.take(m + 1);
  double* const triangle = block.triangle;
  for (Index l = 0; l < lane_count; ++l) {
    const Index count = l < lanes ? block.counts[l] : 0;
    double* columns = block.columns + l * d * (m + 1);
    for (Index j = 0; j < count; ++j) {
      const double* row = model.x + block.neighbours[l][j] * d;
      for (Index i = 0; i < d; ++i) columns[i * (m + 1) + j] = row[i];
    }
    for (Index j = 0; j < count; ++j) {
      const Points before = block.local(l, j + 1);
      before.gather(j, x);
      model.kernel->row(x, before, model.coefficients, k, workspace);
      k[j] += model.diagonal(block.neighbours[l][j]);
      double* out = triangle + lanes_index(j, 0) + l;
      for (Index i = 0; i <= j; ++i) out[i * lane_count] = k[i];
    }
    for (Index j = count; j <= m; ++j) {
      double* out = triangle + lanes_index(j, 0) + l;
      for (Index i = 0; i < j; ++i) out[i * lane_count] = 0.0;
      out[j * lane_count] = 1.0;
    }
    if (l >= lanes) continue;
    for (Index i = 0; i < d; ++i) columns[i * (m + 1) + count] = targets[l][i];
    model.kernel->row(targets[l], block.local(l, count + 1), model.coefficients, k, workspace);
    double* out = triangle + lanes_index(m, 0) + l;
    for (Index i = 0; i < count; ++i) out[i * lane_count] = k[i];
    out[m * lane_count] = k[count] + (noise ? noise[l] : 0.0);
  }
  const kernels::Table& table = kernels::table();
  table.lanes_factor(triangle, m + 1, vecchia_floor, block.variance);
  std::copy_n(triangle + lanes_index(m, 0), lane_count * m, block.weights);
  table.lanes_backward(triangle, m, block.weights);
}

std::int32_t* take_rows(Workspace& workspace, Index n) {
  static_assert(sizeof(double) == 2 * sizeof(std::int32_t));
  return ::new (static_cast<void*>(workspace.take(n / 2 + 1))) std::int32_t[static_cast<std::size_t>(n)];
}

Vector vecchia_metric(const Kernel& kernel, const double* theta) {
  Vector metric = Vector::Zero(kernel.inputs());
  const auto hyperparameters = kernel.hyperparameters(2);
  for (std::size_t p = 0; p < hyperparameters.size(); ++p)
    if (const auto& h = hyperparameters[p]; h.role == Hyperparameter::Role::length && h.input >= 0)
      metric[h.input] = std::max(metric[h.input], std::exp(-theta[p]));
  for (Index k = 0; k < metric.size(); ++k)
    if (metric[k] == 0.0) metric[k] = 1.0;
  return metric;
}

}  // namespace ersatz::gp
