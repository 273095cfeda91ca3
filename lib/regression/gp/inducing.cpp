#include "regression/gp/inducing.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/kernels.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/kernel_expression.hpp"
#include "regression/gp/inducing_bound.hpp"
#include "regression/gp/inducing_predictor.hpp"
#include "regression/gp/inducing_stages.hpp"
#include "regression/gp/scaled_data.hpp"
#include "regression/gp/triangular.hpp"

namespace ersatz::gp {
namespace {

class InducingGp final : public Regressor {
 public:
  explicit InducingGp(GpOptions options) : options_(std::move(options)) {
    const auto refuse = [](const std::string& what) {
      throw UsageError("regressor gp, inducing points: " + what);
    };
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
  void report(const InducingState& state, const std::vector<Stages>& stages,
              const std::vector<double>& bounds, const std::vector<double>& traces,
              const std::vector<double>& noises, const std::vector<std::vector<Index>>& members,
              const Kernel& kernel, const KernelInputs& inputs, Index n, FitSummary& summary) const;

  GpOptions options_;
};

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
                        const std::vector<double>& noises, const std::vector<std::vector<Index>>& members,
                        const Kernel& kernel, const KernelInputs& inputs, Index n,
                        FitSummary& summary) const {
  const auto p = static_cast<Index>(state.outputs.size());
  std::vector<std::string> names;
  for (const Index k : inputs.active)
    names.push_back(inputs.names.empty() ? text("input ", k) : inputs.names[static_cast<std::size_t>(k)]);
  std::size_t jittered = 0, coarse = 0, stopped = 0;
  double jitter = 0.0, worst = 0.0;
  for (std::size_t g = 0; g < stages.size(); ++g) {
    const Stages& s = stages[g];
    const auto& first = state.outputs[static_cast<std::size_t>(members[g].front())];
    std::string who;
    for (const Index o : members[g]) who += (who.empty() ? "" : " ") + text(o);
    if (members[g].size() > 4) who = text(members[g].front(), " … ", members[g].back());
    summary.facts.push_back({"output " + who, text(describe(kernel, s.theta.data(), names, inputs.range),
                                                   ", nugget ", brief(s.nugget), ", process deviation ",
                                                   brief(std::sqrt(first.process_variance)), ", ",
                                                   s.points.rows(), " inducing points")});
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
    if (s.jitter > 1.5 * first_inducing_jitter) jittered += members[g].size();
    jitter = std::max(jitter, s.jitter);
    // A nugget that the inducing points need and the full process does not, or prior variance beyond it.
    if ((noises[g] > 4.0 * s.subset_noise && noises[g] > 1e-6) || traces[g] > static_cast<double>(n))
      coarse += members[g].size(), worst = std::max(worst, noises[g]);
    if (s.converged == 0.0) stopped += members[g].size();
  }
  if (jittered)
    summary.warnings.push_back(text("the covariance of the inducing points of ", count_of(jittered, p),
                                    " was singular: jitter up to ", brief(jitter),
                                    " of the process variance was added"));
  if (coarse)
    summary.warnings.push_back(text("more inducing points would help ", count_of(coarse, p), ": what ",
                                    state.sets.front().points.cols(), " leave out counts as noise, up to ",
                                    brief(100.0 * std::sqrt(worst)), " % of the output's deviation"));
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
        "let the nugget be estimated, or use method = \"exact\" or \"vecchia\"");
  const Index n = data.x.rows(), p = data.y.cols();
  Fit result;
  FitSummary& summary = result.summary;
  const ScaledData scaled = scale_data(data);
  warn_about_scaling(data, scaled, summary);

  InducingState state;
  state.kernel = "squared-exponential";  // unless there is something to fit
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
    for (const Index o : scaled.varying) {
      const Scatter scatter = scatter_of(data, o, summary);
      InducingOutput& output = state.outputs[static_cast<std::size_t>(o)];
      output.constant = scatter.mean;
      output.process_variance = scatter.variance / static_cast<double>(n);
      output.noise_variance = scatter.variance;
    }
  } else if (!scaled.varying.empty()) {
    std::optional<double> nugget = options_.nugget;
    if (nugget && *nugget < smallest_inducing_nugget) {
      summary.warnings.push_back(text("inducing points need a nugget of at least ",
                                      brief(smallest_inducing_nugget), ": taken instead of ",
                                      brief(*nugget)));
      nugget = smallest_inducing_nugget;
    }
    const KernelPtr kernel = make_kernel(options_.kernel, kernel_inputs(data, scaled));
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
      return find_inducing(options_, count_for(n), kernel, scaled, group, nugget,
                           context.random.split(stream), inner)
          .bytes();
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
    std::vector<double> bounds, traces, noises;
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
          if (usable || s.jitter > last_inducing_jitter) break;
        }
      if (!usable)
        throw NumericalError(text("regressor gp, inducing points, output ", mine.front(),
                                  ": no hyperparameters give a usable covariance matrix, even with jitter ",
                                  brief(last_inducing_jitter), " and nugget ", brief(s.nugget)));
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
        const double noise = solution.variance[static_cast<std::size_t>(v)] * s.nugget;
        const Vector observed = (deviation.col(v).array().square() + noise).sqrt();
        summary.leave_one_out_std.col(o) = scale * observed;
        for (Index i = 0; i < n; ++i) {
          const double z = std::abs(residual(i, v)) / observed[i];
          inside_one += z < 1.0;
          inside_two += z < 1.959963984540054;
          values += 1.0;
        }
      }
      bounds.push_back(value);
      traces.push_back(solution.trace);
      noises.push_back(solution.variance.front() * s.nugget);
      members.push_back(std::move(mine));
      stages.push_back(std::move(s));
    }
    report(state, stages, bounds, traces, noises, members, *kernel, kernel_inputs(data, scaled), n, summary);
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
