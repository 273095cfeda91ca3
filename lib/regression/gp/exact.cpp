#include "regression/gp/exact.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/kernel_expression.hpp"
#include "regression/gp/factor.hpp"
#include "regression/gp/found.hpp"
#include "regression/gp/predictor.hpp"
#include "regression/gp/report.hpp"
#include "regression/gp/scaled_data.hpp"
#include "regression/gp/state.hpp"

namespace ersatz {
namespace {

class ExactGp final : public Regressor {
 public:
  explicit ExactGp(GpOptions options) : options_(std::move(options)) {}

  std::string name() const override { return "gp"; }
  std::string settings() const override { return gp::settings_of(options_); }
  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  std::vector<gp::Group> search(const gp::ScaledData& data, const Matrix& noise,
                                const std::optional<double>& nugget, const gp::KernelPtr& kernel,
                                const gp::SearchOptions& box, const FitContext& context) const;
  gp::GpState condition(const gp::ScaledData& scaled, const Matrix& noise, const gp::Kernel& kernel,
                        gp::GpState state, std::vector<gp::Group>& groups, FitSummary& summary) const;

  GpOptions options_;
};

Matrix columns_of(const gp::ScaledData& data, const gp::Group& group) {
  Matrix y(data.y.rows(), static_cast<Index>(group.positions.size()));
  for (Index v = 0; v < y.cols(); ++v) y.col(v) = data.y.col(group.positions[static_cast<std::size_t>(v)]);
  return y;
}

/// Fewer tasks than threads of a process: the others help with the matrices. Small ones are not worth it.
Index threads_for_each(Executor& executor, Index tasks, Index n) {
  const Index here = (tasks + executor.processes() - 1) / executor.processes();
  return n < 200 ? 1 : std::max<Index>(executor.local().workers() / here, 1);
}

std::vector<gp::Group> ExactGp::search(const gp::ScaledData& data, const Matrix& noise,
                                       const std::optional<double>& nugget, const gp::KernelPtr& kernel,
                                       const gp::SearchOptions& box, const FitContext& context) const {
  std::vector<gp::Group> groups;
  for (const auto& positions : gp::group_outputs(data, options_.shared))
    groups.push_back({positions, {}, {}, {}, {}});
  if (noise.size() > 0 && groups.front().positions.size() > 1)
    throw DataError(
        "regressor gp: outputs whose noise is known cannot share one correlation, as noise over process "
        "variance differs between them; set shared = false, or leave the noise to an estimated nugget");

  const auto tasks = static_cast<Index>(groups.size());
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Index threads = threads_for_each(executor, tasks, data.x.rows());
  if (context.progress) context.progress->begin("Gaussian processes", tasks);
  std::atomic<Index> done{0};
  const std::vector<Bytes> results = executor.map(tasks, [&](Index task) {
    const gp::Group& group = groups[static_cast<std::size_t>(task)];
    const Index first = group.positions.front();
    gp::ObjectiveOptions objective;
    objective.estimator = options_.likelihood;
    objective.trend = options_.trend;
    objective.priors = options_.priors;
    objective.nugget = nugget;
    objective.noise = gp::scaled_noise(data, noise, first);
    objective.threads = threads;
    const RandomStream random =
        context.random.split(static_cast<std::uint64_t>(data.varying[static_cast<std::size_t>(first)]));
    const gp::Found found =
        gp::find_hyperparameters(kernel, data.x, columns_of(data, group), objective, box, random);
    if (context.progress) context.progress->step(++done);
    return found.bytes();
  });
  if (context.progress) context.progress->end();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    groups[g].found = gp::Found::from(results[g]);
    if (!groups[g].found.usable)
      throw NumericalError(text("regressor gp, output ",
                                data.varying[static_cast<std::size_t>(groups[g].positions.front())],
                                ": no hyperparameters give a usable covariance matrix of ", data.x.rows(),
                                " points, even with jitter 1e-4; look for points that nearly coincide",
                                options_.trend > 0 ? ", or lower the degree of the mean" : ""));
  }
  return groups;
}

gp::GpState ExactGp::condition(const gp::ScaledData& scaled, const Matrix& noise, const gp::Kernel& kernel,
                               gp::GpState state, std::vector<gp::Group>& groups, FitSummary& summary) const {
  const gp::Trend trend(scaled.x.cols(), options_.trend);
  for (gp::Group& group : groups) {
    const gp::Found& f = group.found;
    gp::ConditionOptions given;
    given.theta = f.theta;
    given.nugget = f.nugget;
    given.jitter = f.jitter;
    given.estimator = options_.likelihood;
    if (noise.size() > 0) {
      given.noise = gp::scaled_noise(scaled, noise, group.positions.front()) / f.process_variance;
      given.process_variance = f.process_variance;
    }
    const gp::Conditioned c = gp::condition(kernel, trend, scaled.x, columns_of(scaled, group), given);
    gp::add_correlation(c, given, scaled, group.positions, state);
    for (std::size_t v = 0; v < group.positions.size(); ++v) {
      const auto column = static_cast<Index>(v), position = group.positions[v];
      const Index o = scaled.varying[static_cast<std::size_t>(position)];
      const double scale = scaled.scale[position];
      summary.leave_one_out.col(o) = scale * c.leave_one_out_residual.col(column);
      summary.leave_one_out_std.col(o) = scale * c.leave_one_out_deviation.col(column);
      group.process_deviation.push_back(scale * std::sqrt(c.process_variance[column]));
    }
    const double scale = scaled.scale[group.positions.front()];
    const Index q = trend.size();
    Eigen::MatrixXd inverse = Eigen::MatrixXd::Identity(q, q);
    if (q > 0) c.trend_factor.triangularView<Eigen::Lower>().solveInPlace(inverse);
    group.mean_deviation = group.process_deviation.front() * inverse.colwise().norm().transpose();
    group.mean = scale * c.trend.row(0).transpose();
    if (q > 0) group.mean[0] += scaled.centre[group.positions.front()];
  }
  gp::report_coverage(summary.leave_one_out, summary.leave_one_out_std, scaled.varying, "", summary);
  return state;
}

Fit ExactGp::fit(const TrainingData& data, const FitContext& context) const {
  const auto began = std::chrono::steady_clock::now();
  data.check();
  const Index n = data.x.rows(), p = data.y.cols();
  if (n > 30000)
    throw DataError(text("regressor gp: ", n, " points need a covariance matrix of ",
                         brief(8e-9 * static_cast<double>(n) * static_cast<double>(n)),
                         " GB; method = \"vecchia\" or \"inducing\" takes as many"));
  const Matrix noise = gp::known_noise(options_.noise, data);
  Fit result;
  FitSummary& summary = result.summary;
  const gp::ScaledData scaled = gp::scale_data(data);
  const gp::Trend trend(scaled.x.cols(), options_.trend);
  gp::GpState state = gp::make_state("constant", trend, data, scaled);
  summary.leave_one_out = n > 1 ? Matrix(Matrix::Zero(n, p)) : Matrix();
  summary.leave_one_out_std = summary.leave_one_out;
  gp::warn_about_scaling(data, scaled, summary);
  if (noise.size() > 0)  // of outputs that do not vary; the others' is set below
    for (Index o = 0; o < p; ++o)
      state.outputs[static_cast<std::size_t>(o)].noise_variance = noise.col(o).array().square().mean();

  if (scaled.active.empty()) {
    for (const Index o : scaled.varying) {
      const gp::Scatter scatter = gp::scatter_of(data, o, summary);
      state.outputs[static_cast<std::size_t>(o)] = {
          -1, scatter.mean, 1.0, scatter.variance / static_cast<double>(n), scatter.variance};
    }
  } else if (!scaled.varying.empty()) {
    gp::check_trend(trend, trend.matrix(scaled.x), gp::active_names(scaled, data));
    const std::optional<double> nugget = gp::nugget_to_search(options_, data, noise.size() > 0, summary);
    const gp::KernelPtr kernel = gp::make_kernel(options_.kernel, gp::kernel_inputs(data, scaled));
    state.kernel = kernel->expression();
    const gp::SearchOptions box = gp::search_box(options_, *kernel, n, !nugget, noise.size() > 0);
    std::vector<gp::Group> groups = search(scaled, noise, nugget, kernel, box, context);
    const SingleThreadedBlas single;
    state = condition(scaled, noise, *kernel, std::move(state), groups, summary);
    gp::report_search(options_, *kernel, box, scaled, data, groups, summary);
  }
  result.predictor = std::make_shared<gp::GpPredictor>(std::move(state));
  summary.message = gp::message_of(settings(), scaled, data);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

}  // namespace

namespace gp {
RegressorPtr make_exact_gp(const GpOptions& options) { return std::make_shared<ExactGp>(options); }
}  // namespace gp

}  // namespace ersatz
