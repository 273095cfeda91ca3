#pragma once
// Greedy and interpolating bases of a recipe.

#include "ersatz/basis/basis.hpp"

namespace ersatz {

/// Settings: `tolerance` (error of the worst snapshot, relative to the largest norm, or to its own with
/// `normalise`; default 1e-7), `max_rank` (default 50), `normalise` (default false), `weights` (one per bin).
/// Without folds, nothing is held out, and the residual stays unknown (zero).
BasisPtr fit_greedy_basis(const Settings& settings, ConstMatrixRef rows, bool complex, Index folds);

}  // namespace ersatz
