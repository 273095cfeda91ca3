#include "regression/gp/inducing_stages.hpp"

#include <algorithm>

#include "ersatz/core/blas.hpp"
#include "ersatz/regression/gp/covariance_objective.hpp"
#include "regression/gp/box.hpp"
#include "regression/gp/inducing_bound.hpp"
#include "regression/gp/inducing_points.hpp"
#include "regression/gp/search.hpp"

namespace ersatz::gp {
namespace {

constexpr Index rows_subset = 1000, rows_fixed = 20000, rows_joint = 100000;

std::vector<double*> scalars(Stages& s) {
  return {&s.subset_noise, &s.nugget,       &s.jitter, &s.subset,           &s.fixed_before,
          &s.fixed,        &s.joint_before, &s.joint,  &s.fixed_iterations, &s.joint_iterations,
          &s.evaluations,  &s.converged,    &s.usable};
}

/// How far a location moves for one unit of its parameter: its input's length, within the range. Times the
/// root of their number, so that a step changes the bound as much as one of a hyperparameter does.
std::vector<double> location_steps(const Kernel& kernel, const std::vector<double>& theta, Index n, Index m) {
  std::vector<double> steps(static_cast<std::size_t>(kernel.inputs()), 1.0);
  const auto all = kernel.hyperparameters(n);
  for (std::size_t p = 0; p < all.size(); ++p)
    if (all[p].role == Hyperparameter::Role::length && all[p].input >= 0) {
      double& step = steps[static_cast<std::size_t>(all[p].input)];
      step = std::min(step, std::exp(theta[p]));
    }
  for (double& step : steps) step *= std::sqrt(static_cast<double>(m));
  return steps;
}

}  // namespace

Bytes Stages::bytes() const {
  Stages copy = *this;
  std::vector<double> v;
  for (const double* scalar : scalars(copy)) v.push_back(*scalar);
  for (const Index size : {static_cast<Index>(theta.size()), points.rows(), points.cols()})
    v.push_back(static_cast<double>(size));
  v.insert(v.end(), theta.begin(), theta.end());
  v.insert(v.end(), points.data(), points.data() + points.size());
  return to_bytes(v);
}

Stages Stages::from(const Bytes& bytes) {
  const std::vector<double> v = doubles_from_bytes(bytes);
  Stages f;
  std::size_t at = 0;
  for (double* scalar : scalars(f)) *scalar = v[at++];
  f.theta.resize(static_cast<std::size_t>(v[at++]));
  f.points.resize(static_cast<Index>(v[at]), static_cast<Index>(v[at + 1]));
  at += 2;
  for (double& t : f.theta) t = v[at++];
  std::copy_n(v.data() + at, f.points.size(), f.points.data());
  return f;
}

Sample::Sample(const ScaledData& data, const std::vector<Index>& outputs, const std::vector<Index>& order,
               Index rows)
    : x(rows, data.x.cols()), y(rows, static_cast<Index>(outputs.size())) {
  const bool all = rows == data.x.rows();
  for (Index i = 0; i < rows; ++i) {
    const Index from = all ? i : order[static_cast<std::size_t>(i)];
    x.row(i) = data.x.row(from);
    for (Index o = 0; o < y.cols(); ++o) y(i, o) = data.y(from, outputs[static_cast<std::size_t>(o)]);
  }
}

Stages find_inducing(const GpOptions& options, Index points, const KernelPtr& kernel, const ScaledData& data,
                     const std::vector<Index>& outputs, std::optional<double> nugget,
                     const RandomStream& random, Executor& executor) {
  const SingleThreadedBlas single;
  const Index n = data.x.rows();
  const Trend trend(data.x.cols(), options.trend);
  RandomStream shuffle = random.split(0);
  const std::vector<Index> order = shuffle.permutation(n);
  SearchOptions box = search_box(options, *kernel, n, !nugget);
  if (!nugget) {
    box.lower.back() = std::log(smallest_inducing_nugget);
    box.start.back() = std::max(box.start.back(), std::log(1e-6));
    box.random_lower.back() = std::max(box.random_lower.back(), std::log(10.0 * smallest_inducing_nugget));
  }
  Stages s;
  std::vector<double> at = box.start;
  if (const Index rows = std::min(n, std::max(rows_subset, 3 * trend.size())); rows > 1) {
    const Sample some(data, outputs, order, rows);
    ObjectiveOptions exact;
    exact.estimator = options.likelihood;
    exact.trend = options.trend;
    exact.priors = options.priors;
    exact.nugget = nugget;
    const auto objective = make_objective(kernel, some.x, some.y, exact);
    const SearchResult result = search(*objective, box, random.split(1));
    s.evaluations += static_cast<double>(result.evaluations);
    s.subset = result.value;
    double value = 0.0;
    if (result.usable && objective->evaluate(result.parameters.data(), &value, nullptr)) {
      at = result.parameters;
      s.subset_noise = objective->concentrated().variance.front() * (nugget ? *nugget : std::exp(at.back()));
    }
  }
  const auto hyper = static_cast<std::size_t>(kernel->parameters());
  const Index m = std::min(n, points);
  const auto locate = [&] {
    const Sample some(data, outputs, order, std::min(n, std::max<Index>(4 * m, 4000)));
    s.points = greedy_points(*kernel, at.data(), some.x, m);
  };
  locate();

  InducingOptions how;
  how.estimator = options.likelihood;
  how.priors = options.priors;
  how.nugget = nugget;
  SearchOptions go = box;
  go.starts = 1;
  const Sample fewer(data, outputs, order, std::min(n, rows_fixed));
  const InducingData fixed_data(fewer.x, fewer.y, trend);
  for (s.jitter = first_inducing_jitter; s.jitter < 2.0 * last_inducing_jitter; s.jitter *= 10.0) {
    how.jitter = s.jitter;
    InducingBound bound(kernel, fixed_data, s.points, how, executor);
    if (!nugget && bound.evaluate(at.data(), &s.fixed_before, nullptr)) {
      // The bound takes what the inducing points leave unexplained for noise.
      const double left =
          bound.solution().trace * bound.solution().nugget / static_cast<double>(fixed_data.size());
      at.back() =
          std::clamp(std::log(std::max(std::exp(at.back()), left)), box.lower.back(), box.upper.back());
    }
    bound.evaluate(at.data(), &s.fixed_before, nullptr);
    go.start = at;
    go.flat = 1e-6 * static_cast<double>(fixed_data.size());
    const SearchResult result = search(bound, go, random.split(2));
    s.evaluations += static_cast<double>(result.evaluations);
    s.usable = result.usable;
    if (!result.usable) continue;
    s.converged = result.converged;
    s.fixed = result.value;
    s.fixed_iterations = static_cast<double>(result.iterations);
    at = result.parameters;
    break;
  }
  if (s.usable == 0.0) return s;

  locate();
  const Sample most(data, outputs, order, std::min(n, rows_joint));
  const InducingData joint_data(most.x, most.y, trend);
  how.move = true;
  go.limited_memory = true;
  go.max_iterations = std::min<Index>(options.max_iterations, 40);
  go.flat = 1e-5 * static_cast<double>(joint_data.size());
  for (; s.jitter < 2.0 * last_inducing_jitter; s.jitter *= 10.0) {
    how.jitter = s.jitter;
    how.steps = location_steps(*kernel, at, n, s.points.rows());
    InducingBound bound(kernel, joint_data, s.points, how, executor);
    std::vector<double> start = at;
    start.resize(static_cast<std::size_t>(bound.parameters()), 0.0);
    if (!bound.evaluate(start.data(), &s.joint_before, nullptr)) continue;
    s.joint = s.joint_before;
    if (bound.solution().trace < 0.1) break;  // nothing to gain
    go.start = start;
    go.lower.resize(start.size(), -HUGE_VAL);
    go.upper.resize(start.size(), HUGE_VAL);
    const SearchResult result = search(bound, go, random.split(3));
    s.evaluations += static_cast<double>(result.evaluations);
    if (!result.usable || result.value >= s.joint_before) break;
    double value = 0.0;
    bound.evaluate(result.parameters.data(), &value, nullptr);
    s.points = bound.locations();
    at.assign(result.parameters.begin(), result.parameters.begin() + static_cast<std::ptrdiff_t>(at.size()));
    s.joint = result.value;
    s.joint_iterations = static_cast<double>(result.iterations);
    break;
  }
  s.theta.assign(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(hyper));
  s.nugget = nugget ? *nugget : std::exp(at.back());
  return s;
}

}  // namespace ersatz::gp
