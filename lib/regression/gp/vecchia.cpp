#include "regression/gp/vecchia.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>

#include "ersatz/core/error.hpp"
#include "regression/gp/box.hpp"
#include "regression/gp/scaled_data.hpp"
#include "regression/gp/search.hpp"
#include "regression/gp/vecchia_likelihood.hpp"
#include "regression/gp/vecchia_predictor.hpp"

namespace ersatz {
namespace {

using gp::count_of;

/// Points that a search for hyperparameters uses at first, and when it is refined.
constexpr Index first_sample = 4000, refined_sample = 20000;
constexpr Index refinement_iterations = 15;
/// Up to here every point is predicted without itself; beyond it so many of them.
constexpr Index largest_leave_one_out = 200000, leave_one_out_sample = 5000;

struct Found {
  std::vector<double> theta;
  double nugget = 0.0, jitter = 0.0, value = 0.0, spread = 0.0;
  Index winner = 0, evaluations = 0, rounds = 0, points = 0;
  bool converged = false, usable = false;
};

class VecchiaGp final : public Regressor {
 public:
  explicit VecchiaGp(GpOptions options) : options_(std::move(options)) {
    gp::make_kernel(options_.kernel, 1);
    if (options_.neighbours < 1 || options_.neighbours > 1000)
      throw UsageError(text("regressor gp: neighbours is ", options_.neighbours, ", expected 1 … 1000"));
  }

  std::string name() const override { return "gp"; }
  std::string settings() const override {
    std::string line = options_.kernel;
    line += options_.nugget ? text(", nugget ", *options_.nugget) : ", nugget estimated";
    if (options_.likelihood == gp::Estimator::profile) line += ", profile likelihood";
    if (options_.shared) line += ", shared correlation";
    return line + text(", ", options_.neighbours, " neighbours");
  }
  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  Found find(const gp::KernelPtr& kernel, const gp::Trend& trend, const Matrix& x, const Matrix& y,
             std::optional<double> nugget, const RandomStream& random, Executor& executor) const;
  gp::VecchiaGroup condition(const gp::KernelPtr& kernel, const gp::Trend& trend, const Matrix& x,
                             const Matrix& y, Found& found, Executor& executor) const;
  void report(const gp::VecchiaState& state, const std::vector<Found>& found, const gp::SearchOptions& box,
              const std::vector<std::string>& names, FitSummary& summary) const;

  GpOptions options_;
};

Matrix rows_of(const Matrix& x, const std::vector<Index>& rows) {
  Matrix some(static_cast<Index>(rows.size()), x.cols());
  for (Index i = 0; i < some.rows(); ++i) some.row(i) = x.row(rows[static_cast<std::size_t>(i)]);
  return some;
}

Found VecchiaGp::find(const gp::KernelPtr& kernel, const gp::Trend& trend, const Matrix& x, const Matrix& y,
                      std::optional<double> nugget, const RandomStream& random, Executor& executor) const {
  const Index n = x.rows(), count = kernel->parameters();
  gp::SearchOptions box = gp::search_box(options_, *kernel, n, !nugget);
  std::vector<double> parameters = box.start;
  const std::vector<Index> shuffled = n > first_sample ? random.split(0).permutation(n) : std::vector<Index>();
  Found found;
  // Neighbours depend on the lengths and lengths on the neighbours: a few rounds. They stay as they are
  // within one, so that the likelihood is smooth.
  constexpr Index most_rounds = 4;
  Matrix some_x, some_y;
  for (Index round = 0; round < most_rounds; ++round) {
    const Index size = std::min(n, round < 2 ? first_sample : refined_sample);
    if (round >= 2 && size == found.points && found.converged && round > 2) break;
    if (size < n && size != some_x.rows()) {
      std::vector<Index> rows(shuffled.begin(), shuffled.begin() + size);
      std::sort(rows.begin(), rows.end());
      some_x = rows_of(x, rows);
      some_y = rows_of(y, rows);
    }
    const gp::VecchiaData data =
        gp::order_for_vecchia(size < n ? some_x : x, size < n ? some_y : y,
                              gp::vecchia_metric(*kernel, parameters.data()), options_.neighbours, executor);
    gp::VecchiaLikelihood objective(kernel, trend, data, options_.likelihood, nugget, executor);
    box.start = parameters;
    box.starts = round == 0 ? options_.starts : 1;
    box.max_iterations = round < 2 ? options_.max_iterations : std::min(refinement_iterations, options_.max_iterations);
    gp::SearchResult result;
    for (; found.jitter < 1e-3; found.jitter = found.jitter == 0.0 ? 1e-10 : 10.0 * found.jitter) {
      objective.set_jitter(found.jitter);
      result = gp::search(objective, box, random);
      found.evaluations += result.evaluations;
      if (result.usable) break;
    }
    if (!result.usable) return found;
    double moved = 0.0;
    for (std::size_t k = 0; k < parameters.size(); ++k)
      moved = std::max(moved, std::abs(parameters[k] - result.parameters[k]));
    parameters = result.parameters;
    found.usable = true;
    found.converged = result.converged;
    found.value = result.value;
    found.points = size;
    ++found.rounds;
    if (round == 0) {
      found.winner = result.winner;
      for (const double reached : result.reached)
        if (std::isfinite(reached)) found.spread = std::max(found.spread, reached - result.value);
    }
    if (size == n && round > 0 && moved < 0.05) break;
  }
  found.nugget = nugget ? *nugget : std::exp(parameters.back());
  found.theta.assign(parameters.begin(), parameters.begin() + count);
  return found;
}

/// The mean, its uncertainty and the process variance from all points.
gp::VecchiaGroup VecchiaGp::condition(const gp::KernelPtr& kernel, const gp::Trend& trend, const Matrix& x,
                                      const Matrix& y, Found& found, Executor& executor) const {
  const gp::VecchiaData data = gp::order_for_vecchia(x, y, gp::vecchia_metric(*kernel, found.theta.data()),
                                                     options_.neighbours, executor);
  gp::VecchiaLikelihood objective(kernel, trend, data, options_.likelihood, found.nugget, executor);
  bool usable = false;
  for (; !usable && found.jitter < 1e-3; ) {
    objective.set_jitter(found.jitter);
    usable = objective.evaluate(found.theta.data(), &found.value, nullptr);
    if (!usable) found.jitter = found.jitter == 0.0 ? 1e-10 : 10.0 * found.jitter;
  }
  found.usable = usable;
  gp::VecchiaGroup group;
  if (!usable) return group;
  group.hyperparameters = found.theta;
  group.nugget = found.nugget;
  group.jitter = found.jitter;
  group.mean = objective.concentrated().mean;
  group.mean_covariance = objective.concentrated().mean_covariance;
  group.process_variance = objective.concentrated().variance;
  group.values = y - trend.matrix(x) * group.mean;
  return group;
}

}  // namespace

namespace gp {
RegressorPtr make_vecchia_gp(const GpOptions& options) { return std::make_shared<VecchiaGp>(options); }
}  // namespace gp

}  // namespace ersatz
