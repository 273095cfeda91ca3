#include "regression/gp/search.hpp"

#include <ceres/gradient_problem.h>
#include <ceres/gradient_problem_solver.h>
#include <ceres/iteration_callback.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace ersatz::gp {
namespace {

/// Parameters between bounds by p = middle + half sin(u / half): one unit of u is at most one of p, so that
/// the first step of a search, which knows no scale yet, does not cross the box. A parameter may sit on its
/// bound, where dp/du = 0. Without bounds p = u.
class Box {
 public:
  Box(const std::vector<double>& lower, const std::vector<double>& upper) : lower_(lower), upper_(upper) {}
  std::size_t size() const { return lower_.size(); }
  double outer(std::size_t i, double u) const {
    return free(i) ? u : middle(i) + half(i) * std::sin(u / half(i));
  }
  double slope(std::size_t i, double u) const { return free(i) ? 1.0 : std::cos(u / half(i)); }
  double inner(std::size_t i, double p) const {
    return free(i) ? p : half(i) * std::asin(std::clamp((p - middle(i)) / half(i), -0.98, 0.98));
  }

 private:
  bool free(std::size_t i) const { return !std::isfinite(half(i)); }
  double middle(std::size_t i) const { return 0.5 * (lower_[i] + upper_[i]); }
  double half(std::size_t i) const { return 0.5 * (upper_[i] - lower_[i]); }
  const std::vector<double>&lower_, &upper_;
};

class Boxed final : public ceres::FirstOrderFunction {
 public:
  Boxed(Objective& objective, const Box& box) : objective_(objective), box_(box), outer_(box.size()) {}
  int NumParameters() const override { return static_cast<int>(box_.size()); }
  bool Evaluate(const double* u, double* cost, double* gradient) const override {
    for (std::size_t i = 0; i < box_.size(); ++i) {
      if (!std::isfinite(u[i])) return false;
      outer_[i] = box_.outer(i, u[i]);
    }
    if (!objective_.evaluate(outer_.data(), cost, gradient)) return false;
    if (gradient)
      for (std::size_t i = 0; i < box_.size(); ++i) gradient[i] *= box_.slope(i, u[i]);
    if (*cost < best_cost) {
      best_cost = *cost;
      best.assign(u, u + box_.size());
    }
    return true;
  }

  // The best point seen: Ceres gives nothing back when a line search fails.
  mutable double best_cost = std::numeric_limits<double>::infinity();
  mutable std::vector<double> best;

 private:
  Objective& objective_;
  const Box& box_;
  mutable std::vector<double> outer_;
};

/// Log likelihoods are differences on an absolute scale: stop when two iterations in a row gain less than
/// `flat` (odds of models differ by e^gain; nothing statistical hangs on a thousandth).
class StopWhenFlat final : public ceres::IterationCallback {
 public:
  explicit StopWhenFlat(double flat) : flat_(flat) {}
  ceres::CallbackReturnType operator()(const ceres::IterationSummary& summary) override {
    small_ = summary.iteration > 0 && last_ - summary.cost < flat_ ? small_ + 1 : 0;
    last_ = summary.cost;
    return small_ >= 2 ? ceres::SOLVER_TERMINATE_SUCCESSFULLY : ceres::SOLVER_CONTINUE;
  }

 private:
  double flat_;
  double last_ = std::numeric_limits<double>::infinity();
  int small_ = 0;
};

struct Run {
  double value = std::numeric_limits<double>::quiet_NaN();
  Index iterations = 0;
  bool converged = false;
};

Run descend(Objective& objective, const Box& box, std::vector<double>& u, const SearchOptions& how,
            Index iterations) {
  auto* boxed = new Boxed(objective, box);
  const ceres::GradientProblem problem(boxed);  // owns it
  ceres::GradientProblemSolver::Options options;
  StopWhenFlat flat(how.flat);
  options.callbacks.push_back(&flat);
  options.line_search_direction_type = how.limited_memory ? ceres::LBFGS : ceres::BFGS;
  options.line_search_type = ceres::WOLFE;
  options.max_num_iterations = static_cast<int>(iterations);
  options.function_tolerance = 0.0;
  options.gradient_tolerance = 1e-4;
  options.parameter_tolerance = 1e-10;
  options.logging_type = ceres::SILENT;
  ceres::GradientProblemSolver::Summary summary;
  std::vector<double> point = u;
  ceres::Solve(options, problem, point.data(), &summary);
  Run run;
  if (boxed->best.empty()) return run;
  u = boxed->best;
  run.value = boxed->best_cost;
  run.iterations = static_cast<Index>(summary.iterations.size()) - 1;
  run.converged =
      summary.termination_type == ceres::CONVERGENCE || summary.termination_type == ceres::USER_SUCCESS;
  return run;
}

/// The likeliest of a few random places; a value costs a third of a value with its gradient.
std::vector<double> best_of_random(Objective& objective, const Box& box, const SearchOptions& options,
                                   RandomStream stream) {
  constexpr int candidates = 8;
  const std::size_t count = box.size();
  std::vector<double> u(count), best, outer(count);
  double least = std::numeric_limits<double>::infinity();
  for (int c = 0; c < candidates; ++c) {
    for (std::size_t i = 0; i < count; ++i) {
      const double low = options.random_lower[i], high = options.random_upper[i];
      u[i] = box.inner(i, low + (high - low) * stream.uniform());
      outer[i] = box.outer(i, u[i]);
    }
    double value = 0.0;
    const bool usable = objective.evaluate(outer.data(), &value, nullptr);
    if (best.empty() || (usable && value < least)) {
      best = u;
      if (usable) least = value;
    }
  }
  return best;
}

}  // namespace

SearchResult search(Objective& objective, const SearchOptions& options, const RandomStream& random) {
  const Box box(options.lower, options.upper);
  const std::size_t count = box.size();
  SearchResult result;
  if (count == 0) {  // every hyperparameter is given
    result.usable = result.converged = objective.evaluate(nullptr, &result.value, nullptr);
    result.reached = {result.value};
    result.evaluations = 1;
    return result;
  }
  const Index before = objective.evaluations();
  std::vector<double> best;
  for (Index s = 0; s < options.starts; ++s) {
    std::vector<double> u(count);
    if (s == 0)
      for (std::size_t i = 0; i < count; ++i) u[i] = box.inner(i, options.start[i]);
    else
      u = best_of_random(objective, box, options, random.split(static_cast<std::uint64_t>(s)));
    const Index explore = options.starts == 1 ? options.max_iterations : 15;
    const Run run = descend(objective, box, u, options, std::min(explore, options.max_iterations));
    result.reached.push_back(run.value);
    if (std::isfinite(run.value) && (!result.usable || run.value < result.value)) {
      result.usable = true;
      result.value = run.value;
      result.winner = s;
      result.iterations = run.iterations;
      result.converged = run.converged;
      best = u;
    }
  }
  if (result.usable && !result.converged && options.starts > 1) {
    const Run run = descend(objective, box, best, options, options.max_iterations);
    if (std::isfinite(run.value)) {
      result.value = run.value;
      result.iterations += run.iterations;
      result.converged = run.converged;
    }
  }
  result.evaluations = objective.evaluations() - before;
  result.parameters.resize(count);
  if (result.usable)
    for (std::size_t i = 0; i < count; ++i) result.parameters[i] = box.outer(i, best[i]);
  return result;
}

}  // namespace ersatz::gp
