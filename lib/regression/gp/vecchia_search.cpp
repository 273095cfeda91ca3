#include "regression/gp/vecchia_search.hpp"

#include <algorithm>
#include <cmath>

#include "regression/gp/search.hpp"
#include "regression/gp/vecchia_likelihood.hpp"

namespace ersatz::gp {
namespace {

/// Points that a search for hyperparameters uses at first, and when it is refined.
constexpr Index first_sample = 4000, refined_sample = 20000;
constexpr Index refinement_iterations = 15, most_rounds = 4;

Matrix rows_of(const Matrix& x, const std::vector<Index>& rows) {
  Matrix some(static_cast<Index>(rows.size()), x.cols());
  for (Index i = 0; i < some.rows(); ++i) some.row(i) = x.row(rows[static_cast<std::size_t>(i)]);
  return some;
}

ObjectiveOptions objective_options(const GpOptions& options, std::optional<double> nugget, double jitter) {
  ObjectiveOptions o;
  o.estimator = options.likelihood;
  o.trend = options.trend;
  o.priors = options.priors;
  o.nugget = nugget;
  o.jitter = jitter;
  return o;
}

double next_jitter(double jitter) { return jitter == 0.0 ? 1e-10 : 10.0 * jitter; }
constexpr double too_much_jitter = 1e-3;

}  // namespace

VecchiaFound find_vecchia(const VecchiaTask& task, const GpOptions& options, const RandomStream& random,
                          Executor& executor) {
  const Index n = task.x.rows(), count = task.kernel->parameters();
  SearchOptions box = search_box(options, *task.kernel, n, !task.nugget, task.noise.size() > 0);
  std::vector<Index> shuffled;
  if (n > first_sample) shuffled = RandomStream(random.split(0)).permutation(n);
  VecchiaTask sample{task.kernel, {}, {}, {}, task.nugget};
  VecchiaFound result;
  Found& found = result.found;
  std::vector<double> parameters = box.start;
  for (Index round = 0; round < most_rounds; ++round) {
    const Index size = std::min(n, round < 2 ? first_sample : refined_sample);
    if (size < n && size != sample.x.rows()) {
      std::vector<Index> rows(shuffled.begin(), shuffled.begin() + size);
      std::sort(rows.begin(), rows.end());
      sample.x = rows_of(task.x, rows);
      sample.y = rows_of(task.y, rows);
      if (task.noise.size() > 0) sample.noise = rows_of(task.noise, rows);
    }
    const VecchiaTask& now = size < n ? sample : task;
    const VecchiaData data =
        order_for_vecchia(now.x, now.y, now.noise, vecchia_metric(*task.kernel, parameters.data()),
                          options.neighbours, executor);
    VecchiaLikelihood objective(task.kernel, data, objective_options(options, task.nugget, found.jitter),
                                executor);
    box.start = parameters;
    box.starts = round == 0 ? options.starts : 1;
    box.max_iterations =
        round < 2 ? options.max_iterations : std::min(refinement_iterations, options.max_iterations);
    SearchResult reached;
    while (found.jitter < too_much_jitter) {
      objective.set_jitter(found.jitter);
      reached = search(objective, box, random);
      found.evaluations += reached.evaluations;
      if (reached.usable) break;
      found.jitter = next_jitter(found.jitter);
    }
    found.usable = reached.usable;
    if (!reached.usable) return result;
    double moved = 0.0;
    for (std::size_t k = 0; k < parameters.size(); ++k)
      moved = std::max(moved, std::abs(parameters[k] - reached.parameters[k]));
    parameters = reached.parameters;
    if (round < 2) found.converged = reached.converged;  // the later ones are polish, and are cut short
    found.iterations += reached.iterations;
    result.points = size;
    ++result.rounds;
    if (round == 0) {
      found.winner = reached.winner;
      found.reached = reached.reached;
    }
    const bool last_size = size == std::min(n, refined_sample);
    if (last_size && (size < n || (round > 0 && moved < 0.05))) break;
  }
  found.theta.assign(parameters.begin(), parameters.begin() + count);
  found.nugget = task.nugget ? *task.nugget : std::exp(parameters[static_cast<std::size_t>(count)]);
  if (task.noise.size() > 0) found.process_variance = std::exp(parameters.back());
  return result;
}

VecchiaGroup condition_vecchia(const VecchiaTask& task, const GpOptions& options, Found& found,
                               Executor& executor) {
  const VecchiaData data =
      order_for_vecchia(task.x, task.y, task.noise, vecchia_metric(*task.kernel, found.theta.data()),
                        options.neighbours, executor);
  VecchiaLikelihood objective(task.kernel, data, objective_options(options, found.nugget, found.jitter),
                              executor);
  std::vector<double> parameters = found.theta;
  if (task.noise.size() > 0) parameters.push_back(std::log(found.process_variance));
  found.usable = false;
  for (; found.jitter < too_much_jitter; found.jitter = next_jitter(found.jitter)) {
    objective.set_jitter(found.jitter);
    found.usable = objective.evaluate(parameters.data(), &found.value, nullptr);
    if (found.usable) break;
  }
  // Starts are compared by what they reached on the sample: the winner's is now the value on all points.
  const double best = found.reached.empty() ? 0.0 : found.reached[static_cast<std::size_t>(found.winner)];
  for (double& reached : found.reached) reached += found.value - best;
  VecchiaGroup group;
  if (!found.usable) return group;
  group.hyperparameters = found.theta;
  group.nugget = found.nugget;
  group.jitter = found.jitter;
  group.mean = objective.concentrated().mean;
  group.mean_covariance = objective.concentrated().mean_covariance;
  group.process_variance = objective.concentrated().variance;
  group.noise_variance = found.nugget * group.process_variance;
  if (task.noise.size() > 0) {
    group.noise = task.noise / found.process_variance;
    group.noise_variance.array() += task.noise.mean();
  }
  group.values = task.y - Trend(task.x.cols(), options.trend).matrix(task.x) * group.mean;
  return group;
}

}  // namespace ersatz::gp
