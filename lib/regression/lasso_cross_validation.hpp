#pragma once
// Paths of penalties, and the choice among them by K-fold cross-validation.

#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/regression/lasso.hpp"
#include "regression/lasso_data.hpp"

namespace ersatz {

/// Outputs that are fitted together: one alpha, one set of features.
struct LassoGroup {
  Index first = 0, count = 1;
};
/// Each output by itself, or all together.
std::vector<LassoGroup> lasso_groups(Index outputs, bool shared);

/// The alphas of the options, decreasing and each once; or path_length of them down from the largest alpha
/// that keeps something out. Never empty.
std::vector<double> lasso_alphas(const LassoProblem& problem, const LassoOptions& options);

/// Mean squares of the held-out errors over the folds, in units of the standardised outputs.
struct LassoCurve {
  std::vector<double> alphas;  ///< a, decreasing
  Vector error;                ///< a: over all points and outputs of the group
  Vector standard_error;       ///< a: of that, from the spread over the folds
  Matrix output_error;         ///< a × outputs of the group
  double unconverged = 0.0;    ///< fits that did not reach their gap

  /// The smallest error; of equally good ones, the largest alpha.
  std::size_t minimum() const;
  /// The largest alpha whose error is within one standard error of the smallest (Breiman, Friedman, Olshen &
  /// Stone 1984, sec. 3.4.3).
  std::size_t one_standard_error() const;
};

/// Paths of all (group, fold) as tasks of the executor. `alphas`: one list per group.
std::vector<LassoCurve> cross_validate(const LassoSums& sums, const std::vector<LassoGroup>& groups,
                                       const std::vector<std::vector<double>>& alphas,
                                       const LassoControl& control, Executor& executor);

}  // namespace ersatz
