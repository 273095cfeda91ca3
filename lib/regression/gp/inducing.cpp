#include "regression/gp/inducing.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "regression/gp/box.hpp"
#include "regression/gp/exact.hpp"
#include "regression/gp/inducing_bound.hpp"
#include "regression/gp/inducing_points.hpp"
#include "regression/gp/inducing_predictor.hpp"
#include "regression/gp/scaled_data.hpp"
#include "regression/gp/search.hpp"
#include "regression/gp/triangular.hpp"

namespace ersatz::gp {
namespace {

constexpr double smallest_inducing_nugget = 1e-8;
constexpr Index rows_subset = 1000, rows_fixed = 20000, rows_joint = 100000;
constexpr double first_jitter = 1e-10, last_jitter = 1e-5;

/// What the stages before the last one find for outputs that share their inducing points.
struct Stages {
  std::vector<double> theta;
  double nugget = 0.0, jitter = 0.0;
  Matrix points;        // m × d
  double subset = 0.0;  // minus log likelihood of the full process on the subset
  double fixed_before = 0.0, fixed = 0.0, joint_before = 0.0, joint = 0.0;  // minus bounds
  double fixed_iterations = 0.0, joint_iterations = 0.0, evaluations = 0.0;
  double converged = 0.0, usable = 0.0;

  std::vector<double*> scalars() {
    return {&nugget, &jitter,           &subset,           &fixed_before, &fixed,     &joint_before,
            &joint,  &fixed_iterations, &joint_iterations, &evaluations,  &converged, &usable};
  }
  Bytes bytes() {
    std::vector<double> v;
    for (const double* scalar : scalars()) v.push_back(*scalar);
    for (const Index size : {static_cast<Index>(theta.size()), points.rows(), points.cols()})
      v.push_back(static_cast<double>(size));
    v.insert(v.end(), theta.begin(), theta.end());
    v.insert(v.end(), points.data(), points.data() + points.size());
    return to_bytes(v);
  }
  static Stages from(const Bytes& bytes) {
    const std::vector<double> v = doubles_from_bytes(bytes);
    Stages f;
    std::size_t at = 0;
    for (double* scalar : f.scalars()) *scalar = v[at++];
    f.theta.resize(static_cast<std::size_t>(v[at++]));
    f.points.resize(static_cast<Index>(v[at]), static_cast<Index>(v[at + 1]));
    at += 2;
    for (double& t : f.theta) t = v[at++];
    std::copy_n(v.data() + at, f.points.size(), f.points.data());
    return f;
  }
};

/// Some of the rows, and some of the outputs.
struct Sample {
  Matrix x, y;
  Sample(const ScaledData& data, const std::vector<Index>& outputs, const std::vector<Index>& order,
         Index rows)
      : x(rows, data.x.cols()), y(rows, static_cast<Index>(outputs.size())) {
    const bool all = rows == data.x.rows();
    for (Index i = 0; i < rows; ++i) {
      const Index from = all ? i : order[static_cast<std::size_t>(i)];
      x.row(i) = data.x.row(from);
      for (Index o = 0; o < y.cols(); ++o) y(i, o) = data.y(from, outputs[static_cast<std::size_t>(o)]);
    }
  }
};

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

class InducingGp final : public Regressor {
 public:
  explicit InducingGp(GpOptions options) : options_(std::move(options)) {
    make_exact_gp(options_);  // checks what both have in common
    const auto refuse = [](const std::string& what) {
      throw UsageError("regressor gp, inducing points: " + what);
    };
    if (options_.points < 0) refuse(text("points is ", options_.points, ", expected 0 (by n) or more"));
    if (options_.likelihood == Estimator::leave_one_out)
      refuse("the leave-one-out objective needs every point; use \"restricted\" or \"profile\"");
    if (options_.noise) refuse("known noise is not taken; leave it away and let the nugget be estimated");
  }

  std::string name() const override { return "gp"; }
  std::string settings() const override {
    std::string line = options_.kernel + ", " +
                       (options_.points > 0 ? text(options_.points, " inducing points") : "inducing points");
    line += options_.nugget ? text(", nugget ", *options_.nugget) : ", nugget estimated";
    if (options_.shared) line += ", shared correlation";
    return line;
  }
  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  Index count_for(Index n) const {
    const auto by_n =
        std::clamp<Index>(static_cast<Index>(4.0 * std::sqrt(static_cast<double>(n))), 100, 600);
    return std::min(n, options_.points > 0 ? options_.points : by_n);
  }
  Stages find(const KernelPtr& kernel, const ScaledData& data, const std::vector<Index>& outputs,
              std::optional<double> nugget, const RandomStream& random, Executor& executor) const;
  void report(const InducingState& state, const std::vector<Stages>& stages,
              const std::vector<double>& bounds, const std::vector<double>& traces,
              const std::vector<std::vector<Index>>& members, Index n, FitSummary& summary) const;

  GpOptions options_;
};

Stages InducingGp::find(const KernelPtr& kernel, const ScaledData& data, const std::vector<Index>& outputs,
                        std::optional<double> nugget, const RandomStream& random, Executor& executor) const {
  const SingleThreadedBlas single;
  const Index n = data.x.rows();
  const Trend trend(data.x.cols(), options_.trend);
  RandomStream shuffle = random.split(0);
  const std::vector<Index> order = shuffle.permutation(n);
  SearchOptions box = search_box(options_, *kernel, n, !nugget);
  if (!nugget) {
    box.lower.back() = std::log(smallest_inducing_nugget);
    box.start.back() = std::max(box.start.back(), std::log(1e-6));
    box.random_lower.back() = std::max(box.random_lower.back(), std::log(10.0 * smallest_inducing_nugget));
  }
  Stages s;
  std::vector<double> at = box.start;
  if (const Index rows = std::min(n, rows_subset); rows > 1) {
    const Sample some(data, outputs, order, rows);
    ObjectiveOptions exact;
    exact.estimator = options_.likelihood;
    exact.trend = options_.trend;
    exact.priors = options_.priors;
    exact.nugget = nugget;
    const auto objective = make_objective(kernel, some.x, some.y, exact);
    const SearchResult result = search(*objective, box, random.split(1));
    s.evaluations += static_cast<double>(result.evaluations);
    s.subset = result.value;
    if (result.usable) at = result.parameters;
  }
  const auto hyper = static_cast<std::size_t>(kernel->parameters());
  const Index m = count_for(n);
  const auto locate = [&] {
    const Sample some(data, outputs, order, std::min(n, std::max<Index>(4 * m, 4000)));
    s.points = greedy_points(*kernel, at.data(), some.x, m);
  };
  locate();

  InducingOptions how;
  how.estimator = options_.likelihood;
  how.priors = options_.priors;
  how.nugget = nugget;
  SearchOptions go = box;
  go.starts = 1;
  const Sample fewer(data, outputs, order, std::min(n, rows_fixed));
  const InducingData fixed_data(fewer.x, fewer.y, trend);
  for (s.jitter = first_jitter; s.jitter < 2.0 * last_jitter; s.jitter *= 10.0) {
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
  for (; s.jitter < 2.0 * last_jitter; s.jitter *= 10.0) {
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
    go.limited_memory = true;
    go.max_iterations = std::min<Index>(options_.max_iterations, 40);
    go.flat = 1e-5 * static_cast<double>(joint_data.size());
    const SearchResult result = search(bound, go, random.split(3));
    s.evaluations += static_cast<double>(result.evaluations);
    if (result.usable && result.value < s.joint_before) {
      double value = 0.0;
      bound.evaluate(result.parameters.data(), &value, nullptr);
      s.points = bound.locations();
      at.assign(result.parameters.begin(),
                result.parameters.begin() + static_cast<std::ptrdiff_t>(at.size()));
      s.joint = result.value;
      s.joint_iterations = static_cast<double>(result.iterations);
    }
    break;
  }
  s.theta.assign(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(hyper));
  s.nugget = nugget ? *nugget : std::exp(at.back());
  return s;
}

Vector lower_panels(const Eigen::MatrixXd& lower) {
  Vector panels = Vector::Zero(kernels::panels_size(lower.rows()));
  for (Index j = 0; j < lower.cols(); ++j)
    for (Index i = j; i < lower.rows(); ++i) panels[kernels::panels_index(i, j)] = lower(i, j);
  return panels;
}

InducingSet make_set(const InducingBound& bound, const Stages& stages) {
  const InducingSolution& s = bound.solution();
  const Index q = s.lower_trend.rows();
  InducingSet set;
  set.hyperparameters = stages.theta;
  set.coefficients = s.coefficients;
  set.nugget = stages.nugget;
  set.jitter = stages.jitter;
  set.points = bound.locations().transpose();
  Eigen::MatrixXd inverse = s.lower;
  const int m = static_cast<int>(inverse.rows());
  invert_lower(m, inverse.data(), m);
  inverse = Eigen::MatrixXd(inverse.triangularView<Eigen::Lower>());
  set.panels = lower_panels(inverse);
  const double one = 1.0;
  dtrsm_("L", "L", "N", "N", &m, &m, &one, s.lower_b.data(), &m, inverse.data(), &m);
  set.panels_given = lower_panels(inverse);
  set.trend_weights = s.weights.rightCols(q).transpose();
  set.trend_inverse =
      s.lower_trend.triangularView<Eigen::Lower>().solve(Eigen::MatrixXd(Eigen::MatrixXd::Identity(q, q)));
  return set;
}

void InducingGp::report(const InducingState& state, const std::vector<Stages>& stages,
                        const std::vector<double>& bounds, const std::vector<double>& traces,
                        const std::vector<std::vector<Index>>& members, Index n, FitSummary& summary) const {
  const auto p = static_cast<Index>(state.outputs.size());
  std::size_t jittered = 0, coarse = 0, stopped = 0;
  double jitter = 0.0;
  for (std::size_t g = 0; g < stages.size(); ++g) {
    const Stages& s = stages[g];
    const auto& first = state.outputs[static_cast<std::size_t>(members[g].front())];
    std::string who, lengths;
    for (const Index o : members[g]) who += (who.empty() ? "" : " ") + text(o);
    if (members[g].size() > 4) who = text(members[g].front(), " … ", members[g].back());
    for (const double t : s.theta) lengths += (lengths.empty() ? "" : " ") + brief(std::exp(t));
    summary.facts.push_back(
        {"output " + who,
         text("hyperparameters ", lengths, ", nugget ", brief(s.nugget), ", process deviation ",
              brief(std::sqrt(first.process_variance)), ", ", s.points.rows(), " inducing points")});
    summary.facts.push_back(
        {"bound of output " + who,
         text("log likelihood at least ", brief(-bounds[g], 8),
              "; what the inducing points leave out: ", brief(0.5 * traces[g]), " (half the trace term), ",
              brief(traces[g] / static_cast<double>(n)), " of the nugget")});
    summary.facts.push_back(
        {"stages of output " + who,
         text("subset ", brief(-s.subset, 8), ", locations held ", brief(-s.fixed_before, 8), " to ",
              brief(-s.fixed, 8), " in ", s.fixed_iterations, " iterations, locations moved ",
              brief(-s.joint_before, 8), " to ", brief(-s.joint, 8), " in ", s.joint_iterations, ", ",
              s.evaluations, " evaluations")});
    if (s.jitter > 1.5 * first_jitter) jittered += members[g].size();
    jitter = std::max(jitter, s.jitter);
    if (traces[g] > static_cast<double>(n)) coarse += members[g].size();
    if (s.converged == 0.0) stopped += members[g].size();
  }
  if (jittered)
    summary.warnings.push_back(text("the covariance of the inducing points of ", count_of(jittered, p),
                                    " was singular: jitter up to ", brief(jitter),
                                    " of the process variance was added"));
  if (coarse)
    summary.warnings.push_back(text(
        "more inducing points would help ", count_of(coarse, p),
        ": what they leave out is larger than the noise (points = ", state.sets.front().points.cols(), ")"));
  if (stopped) {
    summary.converged = false;
    summary.warnings.push_back(text("the search for ", count_of(stopped, p),
                                    " stopped before its bound was flat; try a larger max_iterations (",
                                    options_.max_iterations, ")"));
  }
}

Fit InducingGp::fit(const TrainingData& data, const FitContext& context) const {
  const auto began = std::chrono::steady_clock::now();
  data.check();
  if (data.noise_std.size() > 0)
    throw DataError(
        "regressor gp, inducing points: known noise of each value (noise_std) is not taken; leave it away "
        "and "
        "let the nugget be estimated, or use method = \"exact\"");
  const Index n = data.x.rows(), p = data.y.cols();
  Fit result;
  FitSummary& summary = result.summary;
  const ScaledData scaled = scale_data(data);
  warn_about_scaling(data, scaled, summary);

  InducingState state;
  state.kernel = options_.kernel;
  state.inputs = data.x.cols();
  state.trend = options_.trend;
  state.active = scaled.active;
  state.lower = scaled.lower;
  state.range = scaled.range;
  state.outputs.resize(static_cast<std::size_t>(p));
  for (Index o = 0; o < p; ++o) state.outputs[static_cast<std::size_t>(o)].constant = data.y(0, o);
  if (n > 1) {
    summary.leave_one_out = Matrix::Zero(n, p);
    summary.leave_one_out_std = Matrix::Zero(n, p);
  }

  if (scaled.active.empty()) {
    // Replicates of one point: mean and scatter.
    for (const Index o : scaled.varying) {
      const double count = static_cast<double>(n);
      const Vector left = data.y.col(o).array() - data.y.col(o).mean();
      const double variance = left.squaredNorm() / (count - 1.0);
      InducingOutput& output = state.outputs[static_cast<std::size_t>(o)];
      output.constant = data.y.col(o).mean();
      output.process_variance = variance / count;
      output.noise_variance = variance;
      summary.leave_one_out.col(o) = left * (count / (count - 1.0));
    }
  } else if (!scaled.varying.empty()) {
    std::optional<double> nugget = options_.nugget;
    if (nugget && *nugget < smallest_inducing_nugget) {
      summary.warnings.push_back(text("inducing points need a nugget of at least ",
                                      brief(smallest_inducing_nugget), ": taken instead of ",
                                      brief(*nugget)));
      nugget = smallest_inducing_nugget;
    }
    const KernelPtr kernel = make_kernel(options_.kernel, scaled.x.cols());
    state.kernel = kernel->expression();
    std::vector<std::vector<Index>> groups;  // of positions among the varying outputs
    for (Index v = 0; v < static_cast<Index>(scaled.varying.size()); ++v)
      if (options_.shared && v > 0)
        groups.front().push_back(v);
      else
        groups.push_back({v});
    const auto tasks = static_cast<Index>(groups.size());
    SerialExecutor serial;
    Executor& executor = context.executor ? *context.executor : serial;
    const auto work = [&](Index task, Executor& inner) {
      const auto& group = groups[static_cast<std::size_t>(task)];
      const auto stream = static_cast<std::uint64_t>(scaled.varying[static_cast<std::size_t>(group.front())]);
      return find(kernel, scaled, group, nugget, context.random.split(stream), inner).bytes();
    };
    if (context.progress) context.progress->begin("Inducing points", tasks);
    std::vector<Bytes> found;
    // Few outputs: their sums over the data are the tasks. The bits are the same either way.
    if (tasks >= 4 * executor.workers()) {
      found = executor.map(tasks, [&](Index task) {
        SerialExecutor inner;
        return work(task, inner);
      });
    } else {
      for (Index task = 0; task < tasks; ++task) {
        found.push_back(work(task, executor));
        if (context.progress) context.progress->step(task + 1);
      }
    }
    if (context.progress) context.progress->end();

    const SingleThreadedBlas single;
    std::vector<Stages> stages;
    std::vector<std::vector<Index>> members;
    std::vector<double> bounds, traces;
    double inside_one = 0.0, inside_two = 0.0, values = 0.0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      Stages s = Stages::from(found[g]);
      std::vector<Index> mine;
      for (const Index v : groups[g]) mine.push_back(scaled.varying[static_cast<std::size_t>(v)]);
      const Sample all(scaled, groups[g], {}, n);
      const InducingData all_data(all.x, all.y, Trend(scaled.x.cols(), options_.trend));
      InducingOptions how;
      how.estimator = options_.likelihood;
      how.nugget = s.nugget;
      double value = 0.0;
      bool usable = s.usable != 0.0;
      std::optional<InducingBound> bound;
      if (usable)
        for (;; s.jitter *= 10.0) {
          how.jitter = s.jitter;
          bound.emplace(kernel, all_data, s.points, how, executor);
          usable = bound->evaluate(s.theta.data(), &value, nullptr);
          if (usable || s.jitter > last_jitter) break;
        }
      if (!usable)
        throw NumericalError(text("regressor gp, inducing points, output ", mine.front(),
                                  ": no hyperparameters give a usable covariance matrix, even with jitter ",
                                  brief(last_jitter), " and nugget ", brief(s.nugget)));
      Matrix residual, deviation;
      bound->leave_one_out(residual, deviation);
      const InducingSolution& solution = bound->solution();
      const Index count = static_cast<Index>(mine.size());
      state.sets.push_back(make_set(*bound, s));
      for (Index v = 0; v < count; ++v) {
        const Index position = groups[g][static_cast<std::size_t>(v)], o = mine[static_cast<std::size_t>(v)];
        const double scale = scaled.scale[position];
        InducingOutput& output = state.outputs[static_cast<std::size_t>(o)];
        output.set = static_cast<Index>(g);
        output.constant = scaled.centre[position];
        output.trend = scale * (solution.trend.col(v) + all_data.offset().col(v));
        const Index q = solution.trend.rows();
        output.weights =
            scale * (solution.weights.col(v) - solution.weights.rightCols(q) * solution.trend.col(v));
        output.process_variance = solution.variance[static_cast<std::size_t>(v)] * scale * scale;
        output.noise_variance = output.process_variance * s.nugget;
        summary.leave_one_out.col(o) = scale * residual.col(v);
        summary.leave_one_out_std.col(o) = scale * deviation.col(v);
        const double noise = solution.variance[static_cast<std::size_t>(v)] * s.nugget;
        for (Index i = 0; i < n; ++i) {
          const double z = std::abs(residual(i, v)) / std::sqrt(deviation(i, v) * deviation(i, v) + noise);
          inside_one += z < 1.0;
          inside_two += z < 1.959963984540054;
          values += 1.0;
        }
      }
      bounds.push_back(value);
      traces.push_back(solution.trace);
      members.push_back(std::move(mine));
      stages.push_back(std::move(s));
    }
    report(state, stages, bounds, traces, members, n, summary);
    summary.facts.push_back(
        {"leave-one-out coverage", text(brief(inside_one / values, 3), " within 1 deviation, ",
                                        brief(inside_two / values, 3), " within 95 %, of observed values")});
  }
  result.predictor = std::make_shared<InducingPredictor>(std::move(state));
  summary.message = text("gp: ", settings(), ", ", n, " points, ", scaled.active.size(), " inputs, ", p,
                         p == 1 ? " output" : " outputs");
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

}  // namespace

RegressorPtr make_inducing_gp(const GpOptions& options) { return std::make_shared<InducingGp>(options); }

}  // namespace ersatz::gp
