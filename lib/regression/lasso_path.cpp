#include "regression/lasso_path.hpp"

#include <algorithm>
#include <cmath>

namespace ersatz {
namespace {

// Columns whose mean square is below this, with columns standardised to 1, carry nothing but rounding.
constexpr double smallest_diagonal = 1e-12;

double shrink(double value, double by) { return value > by ? value - by : (value < -by ? value + by : 0.0); }

// One pass over the given coordinates; the largest change, in units of the standardised output.
template <class Coordinates>
double sweep(const LassoProblem& problem, double l1, double l2, const Coordinates& coordinates,
             LassoState& state) {
  double largest = 0.0;
  for (const Index j : coordinates) {
    const double diagonal = problem.diagonal[j];
    if (diagonal < smallest_diagonal) continue;
    const double before = state.beta[j];
    const double gradient =
        problem.gram ? state.gradient[j] : problem.columns->col(j).dot(state.residual) / problem.points;
    const double after = shrink(gradient + diagonal * before, l1) / (diagonal + l2);
    if (after == before) continue;
    state.beta[j] = after;
    if (problem.gram)
      state.gradient.noalias() -= (after - before) * problem.gram->col(j);
    else
      state.residual.noalias() -= (after - before) * problem.columns->col(j);
    largest = std::max(largest, std::abs(after - before) * std::sqrt(diagonal));
  }
  return largest;
}

// The gradient from its definition: what the updates accumulated in rounding is gone.
void refresh(const LassoProblem& problem, LassoState& state) {
  if (problem.gram) {
    state.gradient = problem.correlation;
    for (Index j = 0; j < state.beta.size(); ++j)
      if (state.beta[j] != 0.0) state.gradient.noalias() -= state.beta[j] * problem.gram->col(j);
    return;
  }
  state.residual = Eigen::Map<const Vector>(problem.y, problem.columns->rows());
  for (Index j = 0; j < state.beta.size(); ++j)
    if (state.beta[j] != 0.0) state.residual.noalias() -= state.beta[j] * problem.columns->col(j);
  state.gradient.noalias() = problem.columns->transpose() * state.residual / problem.points;
}

// Duality gap over the primal objective. The elastic net is a lasso on [F; sqrt(n l2) I], [y; 0].
double relative_gap(const LassoProblem& problem, double l1, double l2, const LassoState& state) {
  const Vector& b = state.beta;
  const double fitted = b.dot(problem.correlation);  // bᵀFᵀy / n
  const double norm2 = b.squaredNorm();
  const double rest2 = problem.gram ? std::max(problem.y2 - fitted - b.dot(state.gradient), 0.0)
                                    : state.residual.squaredNorm() / problem.points;
  const double primal = 0.5 * rest2 + l1 * b.lpNorm<1>() + 0.5 * l2 * norm2;
  const double dual_norm = (state.gradient - l2 * b).lpNorm<Eigen::Infinity>();
  const double scale = dual_norm > l1 ? l1 / dual_norm : 1.0;
  const double dual = scale * (problem.y2 - fitted) - 0.5 * scale * scale * (rest2 + l2 * norm2);
  return primal > 0.0 ? std::max(primal - dual, 0.0) / primal : 0.0;
}

struct All {
  Index count;
  struct Iterator {
    Index i;
    Index operator*() const { return i; }
    void operator++() { ++i; }
    bool operator!=(const Iterator& other) const { return i != other.i; }
  };
  Iterator begin() const { return {0}; }
  Iterator end() const { return {count}; }
};

}  // namespace

LassoState start(const LassoProblem& problem) {
  LassoState state;
  state.beta.setZero(problem.features());
  state.gradient = problem.correlation;
  if (!problem.gram) state.residual = Eigen::Map<const Vector>(problem.y, problem.columns->rows());
  return state;
}

double largest_alpha(const LassoProblem& problem, double l1_ratio) {
  return problem.features() == 0 ? 0.0 : problem.correlation.lpNorm<Eigen::Infinity>() / l1_ratio;
}

void descend(const LassoProblem& problem, double alpha, const LassoControl& control, LassoState& state) {
  const double l1 = alpha * control.l1_ratio, l2 = alpha * (1.0 - control.l1_ratio);
  const Index m = problem.features();
  state.sweeps = 0;
  state.converged = true;
  refresh(problem, state);
  state.gap = relative_gap(problem, l1, l2, state);
  // Changes below `small` end the passes over the coefficients in use; the gap then judges, and `small` goes
  // down for as long as it is not met.
  const double rounding = 1e-15 * std::sqrt(problem.y2);
  double small = 1e-4 * std::sqrt(problem.y2);
  std::vector<Index> active;
  while (state.gap > control.tolerance) {
    if (state.sweeps >= control.max_sweeps) {
      state.converged = false;
      return;
    }
    double change = sweep(problem, l1, l2, All{m}, state);
    ++state.sweeps;
    const bool still = change <= rounding;
    active.clear();
    for (Index j = 0; j < m; ++j)
      if (state.beta[j] != 0.0) active.push_back(j);
    while (change > small && state.sweeps < control.max_sweeps) {
      change = sweep(problem, l1, l2, active, state);
      ++state.sweeps;
    }
    refresh(problem, state);
    state.gap = relative_gap(problem, l1, l2, state);
    if (still && state.gap > control.tolerance) {
      state.converged = false;  // nothing moves any more: the rest is rounding
      return;
    }
    small = std::max(0.1 * small, rounding);
  }
}

}  // namespace ersatz
