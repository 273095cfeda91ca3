#pragma once
// What the nearest-neighbour Gaussian process does everywhere: condition a point on a few others. Eight
// points are done side by side.

#include <cstdint>

#include "core/kernels.hpp"
#include "ersatz/regression/gp/kernel.hpp"

namespace ersatz::gp {

/// Points with their inputs in rows, and the covariance between them.
struct VecchiaModel {
  const Kernel* kernel = nullptr;
  const double* coefficients = nullptr;
  double nugget = 0.0;            ///< on the diagonal of the neighbours, over the process variance
  const double* noise = nullptr;  ///< n, also on the diagonal, or null
  const double* x = nullptr;      ///< n × d, row by row

  double diagonal(Index i) const { return nugget + (noise ? noise[i] : 0.0); }
};

/// Up to eight targets, each with its m neighbours or fewer. Lives in the workspace's current frame.
struct VecchiaBlock {
  Index m = 0, d = 0;
  const std::int32_t* neighbours[kernels::lane_count] = {};
  Index counts[kernels::lane_count] = {};  ///< how many of them; lanes without a target have none
  double* columns = nullptr;   ///< neighbours, then the target, input by input: lane l at l d (m + 1)
  double* triangle = nullptr;  ///< factor of the neighbours' covariance, the target's row last
  double* weights = nullptr;   ///< w = R⁻¹ r, element j of lane l at 8 j + l; 0 past the counts
  double variance[kernels::lane_count] = {};  ///< of the target given its neighbours, over process variance

  VecchiaBlock(Index neighbours, Index inputs, Workspace& workspace);
  Points local(Index lane, Index size) const { return {columns + lane * d * (m + 1), m + 1, size, d}; }
};

/// Neighbours whose variance given those before them is below this part of their own variance are rounding;
/// they are left out.
constexpr double vecchia_floor = 1e-13;

/// Fills the block: `targets` points to d values for each lane in use, `noise` to what goes on their
/// variances (null: nothing). Cost for each target: m²/2 kernel values, m³/6 multiplications.
void condition(const VecchiaModel& model, const double* const* targets, Index lanes, const double* noise,
               VecchiaBlock& block, Workspace& workspace);

/// Room for n row numbers in the workspace.
std::int32_t* take_rows(Workspace& workspace, Index n);

/// How distances are measured where neighbours are looked for: a factor for each input, one over its shortest
/// length (Katzfuss, Guinness & Lawrence 2022, "scaled Vecchia"); 1 for an input without a length.
Vector vecchia_metric(const Kernel& kernel, const double* theta);

}  // namespace ersatz::gp
