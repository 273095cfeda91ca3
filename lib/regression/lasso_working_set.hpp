#pragma once
// Inside of `descend`: the elastic net over the features of the working set alone.

#include <algorithm>

#include "regression/lasso_path.hpp"

namespace ersatz {

/// Columns whose mean square is below this, with columns standardised to 1, carry nothing but rounding.
constexpr double smallest_diagonal = 1e-12;

/// Sums over features that the duality gap is made of.
struct GapTerms {
  double y2 = 0.0;         ///< |Y|² / n
  double fitted = 0.0;     ///< tr(Bᵀ FᵀY) / n
  double left = 0.0;       ///< tr(Bᵀ gradient)
  double rest2 = 0.0;      ///< |Y - F B|² / n
  double norm1 = 0.0;      ///< Σ_t |B(t,:)|
  double norm2 = 0.0;      ///< |B|²
  double dual_norm = 0.0;  ///< max_t |gradient(t,:) - l2 B(t,:)|

  double objective(double l1, double l2) const { return 0.5 * rest2 + l1 * norm1 + 0.5 * l2 * norm2; }
  double relative_gap(double l1, double l2) const {
    const double primal = objective(l1, l2);
    const double scale = dual_norm > l1 ? l1 / dual_norm : 1.0;
    const double dual = scale * (y2 - fitted) - 0.5 * scale * scale * (rest2 + l2 * norm2);
    return primal > 0.0 ? std::max(primal - dual, 0.0) / primal : 0.0;
  }
};

/// Takes features into the set.
void extend(const LassoProblem& problem, const std::vector<Index>& entering, LassoWorkingSet& working);

/// Brings beta to half the tolerance in the gap over the working set; needs the gradient. `guess` (≤k × q):
/// steps to begin with, taken by coefficients that keep their sign. True: nothing moves any more beyond
/// rounding.
bool solve_on_working_set(const LassoProblem& problem, double l1, double l2, const LassoControl& control,
                          const Eigen::MatrixXd& guess, LassoState& state);

/// The same by residual sweeps, until no change is above `small` (in units of the outputs); needs the
/// residual.
bool sweep_residuals(const LassoProblem& problem, double l1, double l2, double small,
                     const LassoControl& control, LassoState& state);

}  // namespace ersatz
