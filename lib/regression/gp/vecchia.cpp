#include "regression/gp/vecchia.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/kernel_expression.hpp"
#include "regression/gp/factor.hpp"
#include "regression/gp/report.hpp"
#include "regression/gp/scaled_data.hpp"
#include "regression/gp/vecchia_predictor.hpp"
#include "regression/gp/vecchia_search.hpp"

namespace ersatz {
namespace {

using gp::VecchiaFound;

/// Up to here every point is predicted without itself; beyond it so many of them.
constexpr Index largest_leave_one_out = 200000, leave_one_out_sample = 5000;

class VecchiaGp final : public Regressor {
 public:
  explicit VecchiaGp(GpOptions options) : options_(std::move(options)) {
    if (options_.neighbours == 0) options_.neighbours = gp::default_neighbours;
    if (options_.likelihood == gp::Estimator::leave_one_out)
      throw UsageError(
          "regressor gp: method \"vecchia\" has no likelihood \"leave-one-out\"; choose \"restricted\" or "
          "\"profile\"");
  }

  std::string name() const override { return "gp"; }
  std::string settings() const override {
    return gp::settings_of(options_) + text(", ", options_.neighbours, " neighbours");
  }
  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  void leave_out(const gp::VecchiaPredictor& predictor, Executor& executor, FitSummary& summary) const;

  GpOptions options_;
};

/// Known noise variances of a group of outputs, in units in which they have variance 1; empty: none is known.
Vector noise_of(const gp::ScaledData& data, const Matrix& noise, const std::vector<Index>& group) {
  const Vector first = gp::scaled_noise(data, noise, group.front());
  for (const Index v : group)
    if (first.size() > 0 &&
        !((gp::scaled_noise(data, noise, v) - first).cwiseAbs().maxCoeff() <= 1e-9 * first.maxCoeff()))
      throw DataError(
          text("regressor gp: outputs with known noise share one correlation only where their noise is "
               "the same part of their deviation; output ",
               data.varying[static_cast<std::size_t>(v)], " differs: leave shared away"));
  return first;
}

void VecchiaGp::leave_out(const gp::VecchiaPredictor& predictor, Executor& executor,
                          FitSummary& summary) const {
  const gp::VecchiaState& state = predictor.state();
  const Index n = state.points.rows(), p = predictor.outputs();
  if (state.groups.empty() || n < 2) return;
  constexpr Index chunk = 512;
  const Index size = n <= largest_leave_one_out ? n : leave_one_out_sample;
  const Index tasks = (size + chunk - 1) / chunk;
  const auto parts = executor.map(tasks, [&](Index task) {
    const Index begin = task * chunk, end = std::min(size, begin + chunk);
    // Points of a sample stand apart evenly.
    std::vector<double> out(static_cast<std::size_t>(2 * (end - begin) * p));
    Workspace workspace;
    Eigen::Map<Matrix> residual(out.data(), end - begin, p),
        variance(out.data() + (end - begin) * p, end - begin, p);
    if (size == n)
      predictor.leave_out(begin, end, residual, variance, workspace);
    else
      for (Index i = begin; i < end; ++i) {
        const Index row = i * (n / size);
        predictor.leave_out(row, row + 1, residual.middleRows(i - begin, 1),
                            variance.middleRows(i - begin, 1), workspace);
      }
    return to_bytes(out);
  });
  Matrix residuals(size, p), variances(size, p);
  for (Index task = 0; task < tasks; ++task) {
    const std::vector<double> part = doubles_from_bytes(parts[static_cast<std::size_t>(task)]);
    const Index begin = task * chunk, rows = std::min(size, begin + chunk) - begin;
    residuals.middleRows(begin, rows) = Eigen::Map<const Matrix>(part.data(), rows, p);
    variances.middleRows(begin, rows) = Eigen::Map<const Matrix>(part.data() + rows * p, rows, p);
  }
  std::vector<Index> outputs;
  for (const auto& group : state.groups)
    outputs.insert(outputs.end(), group.outputs.begin(), group.outputs.end());
  Matrix deviations = variances.cwiseSqrt();
  gp::report_coverage(residuals, deviations, outputs,
                      text(size < n ? text(" (", size, " points)") : std::string(), "; the mean held fixed"),
                      summary);
  if (size < n) return;
  summary.leave_one_out = std::move(residuals);
  summary.leave_one_out_std = std::move(deviations);
}

Fit VecchiaGp::fit(const TrainingData& data, const FitContext& context) const {
  const auto began = std::chrono::steady_clock::now();
  data.check();
  const Index n = data.x.rows(), p = data.y.cols();
  if (n > 2000000000) throw DataError(text("regressor gp: ", n, " points, expected at most 2000000000"));
  Fit result;
  FitSummary& summary = result.summary;
  const gp::ScaledData scaled = gp::scale_data(data);
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;

  gp::VecchiaState state;
  state.kernel = "constant";
  state.mean_degree = options_.trend;
  state.neighbours = std::min(options_.neighbours, n);
  static_cast<gp::InputFrame&>(state) = scaled;
  state.points = scaled.x;
  state.constant = data.y.row(0).transpose();
  state.constant_variance = Vector::Zero(p);
  state.constant_noise = Vector::Zero(p);
  const Matrix noise = gp::known_noise(options_.noise, data);
  if (noise.size() > 0) state.constant_noise = noise.array().square().colwise().mean().transpose();
  if (n > 1 && n <= largest_leave_one_out) {
    summary.leave_one_out = Matrix::Zero(n, p);
    summary.leave_one_out_std = Matrix::Zero(n, p);
  }
  gp::warn_about_scaling(data, scaled, summary);
  if (scaled.active.empty()) {
    for (const Index o : scaled.varying) {
      const gp::Scatter scatter = gp::scatter_of(data, o, summary);
      state.constant[o] = scatter.mean;
      state.constant_variance[o] = scatter.variance / static_cast<double>(n);
      state.constant_noise[o] = scatter.variance;
    }
  } else if (!scaled.varying.empty()) {
    const std::optional<double> nugget = gp::nugget_to_search(options_, data, noise.size() > 0, summary);
    const gp::KernelPtr kernel = gp::make_kernel(options_.kernel, gp::kernel_inputs(data, scaled));
    state.kernel = kernel->expression();
    const gp::Trend trend(scaled.x.cols(), options_.trend);
    gp::check_trend(trend, trend.matrix(scaled.x), gp::active_names(scaled, data));
    const auto groups = gp::group_outputs(scaled, options_.shared);
    std::vector<gp::Group> reported;
    Index last_points = 0;
    if (context.progress) context.progress->begin("Gaussian processes", static_cast<Index>(groups.size()));
    for (const auto& group : groups) {
      gp::VecchiaTask task{kernel, scaled.x, Matrix(n, static_cast<Index>(group.size())),
                           noise_of(scaled, noise, group), nugget};
      std::vector<Index> outputs;
      for (Index v = 0; v < task.y.cols(); ++v) {
        task.y.col(v) = scaled.y.col(group[static_cast<std::size_t>(v)]);
        outputs.push_back(scaled.varying[static_cast<std::size_t>(group[static_cast<std::size_t>(v)])]);
      }
      VecchiaFound f = gp::find_vecchia(
          task, options_, context.random.split(static_cast<std::uint64_t>(outputs.front())), executor);
      gp::VecchiaGroup fitted;
      if (f.found.usable) fitted = gp::condition_vecchia(task, options_, f.found, executor);
      if (!f.found.usable)
        throw NumericalError(text("regressor gp, output ", outputs.front(),
                                  ": no hyperparameters give a usable covariance of ", n,
                                  " points, even with jitter 1e-4; look for points that nearly coincide"));
      for (Index v = 0; v < task.y.cols(); ++v) {
        const Index position = group[static_cast<std::size_t>(v)];
        const double scale = scaled.scale[position];
        fitted.mean.col(v) *= scale;
        if (fitted.mean.rows() > 0) fitted.mean(0, v) += scaled.centre[position];
        fitted.values.col(v) *= scale;
        fitted.process_variance[v] *= scale * scale;
        fitted.noise_variance[v] *= scale * scale;
        // Without a mean, the process varies about 0 in the output's own unit: what was taken off is added.
        state.constant[outputs[static_cast<std::size_t>(v)]] =
            fitted.mean.rows() > 0 ? 0.0 : scaled.centre[position];
      }
      fitted.outputs = std::move(outputs);
      gp::Group report{group, f.found, {}, fitted.mean.col(0), {}};
      for (const double variance : fitted.process_variance)
        report.process_deviation.push_back(std::sqrt(variance));
      report.mean_deviation = (fitted.process_variance[0] * fitted.mean_covariance.diagonal()).cwiseSqrt();
      reported.push_back(std::move(report));
      last_points = f.points;
      state.groups.push_back(std::move(fitted));
      if (context.progress) context.progress->step(static_cast<Index>(reported.size()));
    }
    if (context.progress) context.progress->end();
    gp::report_search(options_, *kernel, gp::search_box(options_, *kernel, n, !nugget, noise.size() > 0),
                      scaled, data, reported, summary);
    if (last_points < n)
      summary.facts.push_back(
          {"search", text("on ", last_points, " of ", n, " points; mean and process variance from all")});
  }
  auto predictor = std::make_shared<gp::VecchiaPredictor>(std::move(state));
  leave_out(*predictor, executor, summary);
  result.predictor = std::move(predictor);
  summary.message = gp::message_of(settings(), scaled, data);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

}  // namespace

namespace gp {
RegressorPtr make_vecchia_gp(const GpOptions& options) { return std::make_shared<VecchiaGp>(options); }
}  // namespace gp

}  // namespace ersatz
