#include "regression/lasso_path.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels.hpp"
#include "regression/lasso_working_set.hpp"

namespace ersatz {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

// Residual and gradient from their definition: what the updates accumulated in rounding is gone.
void refresh(const LassoProblem& problem, LassoState& state) {
  const auto& table = kernels::table();
  const LassoWorkingSet& working = state.working;
  const Index m = problem.features(), k = working.size();
  Vector minus(k);
  for (Index c = 0; c < problem.outputs(); ++c) {
    for (Index a = 0; a < k; ++a) minus[a] = -state.beta(working.features[static_cast<std::size_t>(a)], c);
    if (problem.covariance()) {
      state.gradient.col(c) = problem.correlation.col(c);
      table.add_rows(minus.data(), working.basis.data(), k, m, state.gradient.col(c).data());
      continue;
    }
    const Index n = problem.columns->rows();
    state.residual.col(c) = Eigen::Map<const Vector>(problem.y + c * n, n);
    table.add_rows(minus.data(), working.basis.data(), k, n, state.residual.col(c).data());
    for (Index j = 0; j < m; ++j)
      state.gradient(j, c) =
          table.dot(problem.columns->col(j).data(), state.residual.col(c).data(), n) / problem.points;
  }
}

// Gap over the objective, and the violation of the optimality conditions, over all features. The elastic net
// is a lasso on [F; sqrt(n l2) I], [Y; 0].
void judge(const LassoProblem& problem, double l1, double l2, LassoState& state) {
  GapTerms terms;
  terms.y2 = problem.y2;
  state.kkt_error = 0.0;
  const Index q = problem.outputs();
  for (Index j = 0; j < problem.features(); ++j) {
    double norm2 = 0.0, dual2 = 0.0, aligned = 0.0, fitted = 0.0, left = 0.0;
    for (Index c = 0; c < q; ++c) {
      const double b = state.beta(j, c), g = state.gradient(j, c);
      norm2 += b * b;
      dual2 += (g - l2 * b) * (g - l2 * b);
      aligned += (g - l2 * b) * b;
      fitted += b * problem.correlation(j, c);
      left += b * g;
    }
    if (problem.diagonal[j] < smallest_diagonal) continue;
    const double dual = std::sqrt(dual2);
    terms.dual_norm = std::max(terms.dual_norm, dual);
    if (norm2 == 0.0) {
      state.kkt_error = std::max(state.kkt_error, dual - l1);
      continue;
    }
    const double norm = std::sqrt(norm2);
    terms.norm1 += norm;
    terms.norm2 += norm2;
    terms.fitted += fitted;
    terms.left += left;
    // |g - l2 b - l1 b/|b||, from the part along b and the part across.
    const double along = aligned / norm;
    const double across2 = std::max(dual2 - along * along, 0.0);
    state.kkt_error = std::max(
        state.kkt_error, q == 1 ? std::abs(along - l1) : std::sqrt((along - l1) * (along - l1) + across2));
  }
  terms.rest2 = problem.covariance() ? std::max(problem.y2 - terms.fitted - terms.left, 0.0)
                                     : state.residual.squaredNorm() / problem.points;
  state.objective = terms.objective(l1, l2);
  state.gap = terms.relative_gap(l1, l2);
}

Eigen::MatrixXd working_coefficients(const LassoState& state) {
  Eigen::MatrixXd b(state.working.size(), state.beta.cols());
  for (Index a = 0; a < b.rows(); ++a)
    b.row(a) = state.beta.row(state.working.features[static_cast<std::size_t>(a)]);
  return b;
}

// Features outside of the working set whose gradient is longer than `threshold`.
std::vector<Index> beyond(const LassoProblem& problem, double threshold, const LassoState& state) {
  std::vector<Index> some;
  for (Index j = 0; j < problem.features(); ++j) {
    if (state.working.member[static_cast<std::size_t>(j)] || problem.diagonal[j] < smallest_diagonal)
      continue;
    double norm2 = 0.0;
    for (Index c = 0; c < problem.outputs(); ++c) norm2 += state.gradient(j, c) * state.gradient(j, c);
    if (std::sqrt(norm2) > threshold) some.push_back(j);
  }
  return some;
}

}  // namespace

LassoState start(const LassoProblem& problem) {
  const Index m = problem.features(), q = problem.outputs();
  LassoState state;
  state.beta.setZero(m, q);
  state.gradient = problem.correlation;
  if (!problem.covariance())
    state.residual = Eigen::Map<const Eigen::MatrixXd>(problem.y, problem.columns->rows(), q);
  state.working.member.assign(static_cast<std::size_t>(m), 0);
  return state;
}

double largest_alpha(const LassoProblem& problem, double l1_ratio) {
  double largest = 0.0;
  for (Index j = 0; j < problem.features(); ++j)
    if (problem.diagonal[j] >= smallest_diagonal)
      largest = std::max(largest, problem.correlation.row(j).norm());
  return largest / l1_ratio;
}

void descend(const LassoProblem& problem, double alpha, const LassoControl& control, LassoState& state) {
  const double l1 = alpha * control.l1_ratio, l2 = alpha * (1.0 - control.l1_ratio);
  state.sweeps = 0;
  state.converged = true;
  if (state.l1 >= 0.0) extend(problem, beyond(problem, 2.0 * l1 - state.l1, state), state.working);
  judge(problem, l1, l2, state);
  // Where the last step along the path would lead to.
  const Eigen::MatrixXd before = working_coefficients(state);
  Eigen::MatrixXd guess;
  if (state.last_step_l1 < 0.0 && l1 < state.l1)
    guess = state.last_step * ((l1 - state.l1) / state.last_step_l1);
  // Residual sweeps end when changes are below `small`, which goes down for as long as the gap is not met.
  double small = 1e-4 * std::sqrt(problem.y2);
  bool stands = false;
  while (state.gap > control.tolerance) {
    const std::vector<Index> violating = beyond(problem, l1, state);
    extend(problem, violating, state.working);
    if ((violating.empty() && stands) || state.sweeps >= control.max_sweeps) {
      // Nothing moves any more: what is left is rounding, of a gap that is a difference of terms like y2.
      const double rounding = 512.0 * epsilon * problem.y2;
      state.converged = violating.empty() && stands && state.gap * state.objective <= rounding;
      break;
    }
    stands = state.working.residual_sweeps ? sweep_residuals(problem, l1, l2, small, control, state)
                                           : solve_on_working_set(problem, l1, l2, control, guess, state);
    guess.resize(0, 0);
    small *= 0.1;
    refresh(problem, state);
    judge(problem, l1, l2, state);
  }
  state.last_step = working_coefficients(state);
  state.last_step.topRows(before.rows()) -= before;
  state.last_step_l1 = state.l1 < 0.0 ? 0.0 : l1 - state.l1;
  state.l1 = l1;
}

}  // namespace ersatz
