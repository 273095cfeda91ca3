#include "regression/gp/inducing.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/kernel_expression.hpp"
#include "regression/gp/inducing_bound.hpp"
#include "regression/gp/inducing_predictor.hpp"
#include "regression/gp/inducing_stages.hpp"
#include "regression/gp/panels.hpp"
#include "regression/gp/report.hpp"
#include "regression/gp/scaled_data.hpp"
#include "regression/gp/triangular.hpp"

namespace ersatz::gp {
namespace {

/// One set of inducing points, and what the summary says of it.
struct InducingGroup {
  std::vector<Index> positions;  ///< among the varying outputs
  Stages stages;
  double bound = 0.0, trace = 0.0;  ///< at the end, over all points
  double noise = 0.0;               ///< of the first output, which has variance 1
  double process_deviation = 0.0;   ///< of the first output, in its unit
};

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
    return settings_of(options_, options_.points > 0 ? text(options_.points, " inducing points")
                                                     : std::string("inducing points"));
  }
  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  Index count_for(Index n) const {
    const auto by_n =
        std::clamp<Index>(static_cast<Index>(4.0 * std::sqrt(static_cast<double>(n))), 100, 600);
    return std::min(n, options_.points > 0 ? options_.points : by_n);
  }
  void report(const std::vector<InducingGroup>& groups, const Kernel& kernel, const ScaledData& scaled,
              const TrainingData& data, FitSummary& summary) const;

  GpOptions options_;
};

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
  set.panels = panels_of(inverse);
  const double one = 1.0;
  dtrsm_("L", "L", "N", "N", &m, &m, &one, s.lower_b.data(), &m, inverse.data(), &m);
  set.panels_given = panels_of(inverse);
  set.trend_weights = s.weights.rightCols(q).transpose();
  set.trend_inverse =
      s.lower_trend.triangularView<Eigen::Lower>().solve(Eigen::MatrixXd(Eigen::MatrixXd::Identity(q, q)));
  return set;
}

void InducingGp::report(const std::vector<InducingGroup>& groups, const Kernel& kernel,
                        const ScaledData& scaled, const TrainingData& data, FitSummary& summary) const {
  const Index n = data.x.rows(), p = data.y.cols();
  const auto names = active_names(scaled, data);
  const Vector range = kernel_inputs(data, scaled).range;
  std::size_t jittered = 0, coarse = 0, stopped = 0;
  double jitter = 0.0, worst = 0.0;
  for (const InducingGroup& group : groups) {
    const Stages& s = group.stages;
    const std::size_t members = group.positions.size();
    const std::string who = outputs_of(group.positions, scaled);
    summary.facts.push_back(
        {"output " + who, text(describe(kernel, s.theta.data(), names, range), ", nugget ", brief(s.nugget),
                               ", process deviation ", brief(group.process_deviation), ", ", s.points.rows(),
                               " inducing points")});
    summary.facts.push_back(
        {"bound of output " + who,
         text("log likelihood at least ", brief(-group.bound, 8),
              "; what the inducing points leave out: ", brief(0.5 * group.trace), " (half the trace term), ",
              brief(group.trace / static_cast<double>(n)), " of the nugget")});
    summary.facts.push_back(
        {"stages of output " + who,
         text("subset ", brief(-s.subset, 8), ", locations held ", brief(-s.fixed_before, 8), " to ",
              brief(-s.fixed, 8), " in ", s.fixed_iterations, " iterations, locations moved ",
              brief(-s.joint_before, 8), " to ", brief(-s.joint, 8), " in ", s.joint_iterations, ", ",
              s.evaluations, " evaluations")});
    if (s.jitter > 1.5 * first_inducing_jitter) jittered += members;
    jitter = std::max(jitter, s.jitter);
    // A nugget that the inducing points need and the full process does not, or prior variance beyond it.
    if ((group.noise > 4.0 * s.subset_noise && group.noise > 1e-6) || group.trace > static_cast<double>(n)) {
      coarse += members;
      worst = std::max(worst, group.noise);
    }
    if (s.converged == 0.0) stopped += members;
  }
  if (jittered)
    summary.warnings.push_back(text("the covariance of the inducing points of ", count_of(jittered, p),
                                    " was singular: jitter up to ", brief(jitter),
                                    " of the process variance was added"));
  if (coarse)
    summary.warnings.push_back(text("more inducing points would help ", count_of(coarse, p), ": what ",
                                    groups.front().stages.points.rows(), " leave out counts as noise, up to ",
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
  state.trend = options_.trend;
  static_cast<InputFrame&>(state) = scaled;
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
    const auto groups = group_outputs(scaled, options_.shared);
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
    std::vector<InducingGroup> fitted;
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
        summary.leave_one_out_std.col(o) = scale * (deviation.col(v).array().square() + noise).sqrt();
      }
      const double variance = solution.variance.front();
      const double deviation_of_first = scaled.scale[groups[g].front()] * std::sqrt(variance);
      const double noise_of_first = variance * s.nugget;
      fitted.push_back({groups[g], std::move(s), value, solution.trace, noise_of_first, deviation_of_first});
    }
    report(fitted, *kernel, scaled, data, summary);
    report_coverage(summary.leave_one_out, summary.leave_one_out_std, scaled.varying, ", of observed values",
                    summary);
  }
  result.predictor = std::make_shared<InducingPredictor>(std::move(state));
  summary.message = message_of(settings(), scaled, data);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

}  // namespace

RegressorPtr make_inducing_gp(const GpOptions& options) { return std::make_shared<InducingGp>(options); }

}  // namespace ersatz::gp
