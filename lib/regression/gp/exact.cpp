#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "ersatz/regression/gp/kernel_expression.hpp"
#include "ersatz/regression/gp/likelihood.hpp"
#include "regression/gp/box.hpp"
#include "regression/gp/exact.hpp"
#include "regression/gp/scaled_data.hpp"
#include "regression/gp/search.hpp"
#include "regression/gp/state.hpp"

namespace ersatz {
namespace {

using gp::Concentrated;
using gp::count_of;
using gp::Duplicates;

/// What one task of the search sends back, as doubles.
struct Found {
  std::vector<double> theta;
  double nugget = 0.0, jitter = 0.0;
  double value = 0.0, winner = 0.0, spread = 0.0;
  double iterations = 0.0, evaluations = 0.0, converged = 0.0, usable = 0.0;

  Bytes bytes() const {
    std::vector<double> v = {nugget,     jitter,      value,     winner, spread,
                             iterations, evaluations, converged, usable};
    v.insert(v.end(), theta.begin(), theta.end());
    return to_bytes(v);
  }
  static Found from(const Bytes& bytes) {
    const std::vector<double> v = doubles_from_bytes(bytes);
    Found f;
    f.nugget = v[0];
    f.jitter = v[1];
    f.value = v[2];
    f.winner = v[3];
    f.spread = v[4];
    f.iterations = v[5];
    f.evaluations = v[6];
    f.converged = v[7];
    f.usable = v[8];
    f.theta.assign(v.begin() + 9, v.end());
    return f;
  }
};

class ExactGp final : public Regressor {
 public:
  explicit ExactGp(GpOptions options) : options_(std::move(options)) {
    const gp::KernelRequest request = gp::check_kernel(options_.kernel);
    const auto check = [](bool good, const std::string& what) {
      if (!good) throw UsageError("regressor gp: " + what);
    };
    check(!(request.white && options_.nugget),
          "the kernel has white noise, whose variance is estimated; leave the setting nugget out, or white");
    check(!options_.nugget || (*options_.nugget >= 0.0 && std::isfinite(*options_.nugget)),
          text("nugget is ", options_.nugget.value_or(0.0), ", expected a number >= 0 or \"estimated\""));
    check(options_.starts >= 1 && options_.starts <= 1000,
          text("starts is ", options_.starts, ", expected 1 … 1000"));
    check(options_.max_iterations >= 1,
          text("max_iterations is ", options_.max_iterations, ", expected at least 1"));
    if (options_.bounds)
      check(options_.bounds->first > 0.0 && options_.bounds->first < options_.bounds->second &&
                std::isfinite(options_.bounds->second),
            text("bounds are ", options_.bounds->first, ", ", options_.bounds->second,
                 ", expected 0 < smallest < largest length, in ranges of the inputs"));
  }

  std::string name() const override { return "gp"; }

  std::string settings() const override {
    std::string line = options_.kernel;
    line += options_.nugget ? text(", nugget ", *options_.nugget) : ", nugget estimated";
    if (const std::string priors = options_.priors.text(); priors != "robust prior") line += ", " + priors;
    if (options_.likelihood == gp::Estimator::profile) line += ", profile likelihood";
    if (options_.shared) line += ", shared correlation";
    return line;
  }

  Fit fit(const TrainingData& data, const FitContext& context) const override;

 private:
  std::optional<double> nugget_for(const Duplicates& duplicates, FitSummary& summary) const;
  Found find(const gp::KernelPtr& kernel, const gp::ScaledData& data, const std::vector<Index>& outputs,
             std::optional<double> nugget, const RandomStream& random) const;
  void report(const gp::GpState& state, const std::vector<Found>& found,
              const std::vector<std::vector<Index>>& groups, const gp::SearchOptions& box,
              const std::vector<std::string>& names, FitSummary& summary) const;

  GpOptions options_;
};

std::optional<double> ExactGp::nugget_for(const Duplicates& duplicates, FitSummary& summary) const {
  if (duplicates.count == 0) return options_.nugget;
  std::string warning = text(duplicates.count, duplicates.count == 1 ? " point repeats" : " points repeat",
                             " the inputs of another (rows ", duplicates.first, " and ", duplicates.second,
                             duplicates.conflicting ? ", with different outputs)" : ")");
  std::optional<double> nugget = options_.nugget;
  if (nugget && *nugget == 0.0) {
    nugget.reset();
    warning += "; no function interpolates them all: the nugget is estimated instead of 0";
  }
  summary.warnings.push_back(warning);
  return nugget;
}

Found ExactGp::find(const gp::KernelPtr& kernel, const gp::ScaledData& data,
                    const std::vector<Index>& outputs, std::optional<double> nugget,
                    const RandomStream& random) const {
  const SingleThreadedBlas single;
  Matrix y(data.y.rows(), static_cast<Index>(outputs.size()));
  for (Index o = 0; o < y.cols(); ++o) y.col(o) = data.y.col(outputs[static_cast<std::size_t>(o)]);
  gp::ObjectiveOptions likelihood;
  likelihood.estimator = options_.likelihood;
  likelihood.priors = options_.priors;
  likelihood.nugget = nugget;
  gp::Likelihood objective(kernel, data.x, y, likelihood);
  const gp::SearchOptions box = gp::search_box(options_, *kernel, data.x.rows(), !nugget);
  Found found;
  gp::SearchResult result;
  for (double jitter = 0.0; jitter < 1e-3; jitter = jitter == 0.0 ? 1e-10 : 10.0 * jitter) {
    objective.set_jitter(jitter);
    result = search(objective, box, random);
    found.jitter = jitter;
    found.evaluations += static_cast<double>(result.evaluations);
    if (result.usable) break;
  }
  found.usable = result.usable;
  found.converged = result.converged;
  found.value = result.value;
  found.winner = static_cast<double>(result.winner);
  found.iterations = static_cast<double>(result.iterations);
  for (const double reached : result.reached)
    if (std::isfinite(reached)) found.spread = std::max(found.spread, reached - result.value);
  found.nugget = nugget ? *nugget : std::exp(result.parameters.back());
  found.theta.assign(result.parameters.begin(), result.parameters.begin() + kernel->parameters());
  return found;
}

void ExactGp::report(const gp::GpState& state, const std::vector<Found>& found,
                     const std::vector<std::vector<Index>>& groups, const gp::SearchOptions& box,
                     const std::vector<std::string>& names, FitSummary& summary) const {
  const auto p = static_cast<Index>(state.outputs.size());
  const auto name_of = [&](std::size_t k) {
    const Index input = state.active[k];
    return names.empty() ? text("input ", input) : names[static_cast<std::size_t>(input)];
  };
  const gp::KernelPtr kernel = gp::make_kernel(state.kernel, static_cast<Index>(state.active.size()));
  const auto hyperparameters = kernel->hyperparameters(state.points.cols());
  std::vector<std::string> active_names;
  for (std::size_t k = 0; k < state.active.size(); ++k) active_names.push_back(name_of(k));
  std::size_t jittered = 0, stopped = 0, shortest = 0, noisy = 0;
  double jitter = 0.0;
  std::vector<std::size_t> inert(state.active.size(), 0);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const Found& f = found[g];
    const std::size_t members = groups[g].size();
    std::string who;
    bool at_lower = false;
    for (std::size_t k = 0; k < f.theta.size(); ++k) {
      if (hyperparameters[k].role != gp::Hyperparameter::Role::length) continue;
      at_lower = at_lower || f.theta[k] < box.lower[k] + 1e-2;
      if (const Index input = hyperparameters[k].input; input >= 0 && f.theta[k] > box.upper[k] - 0.1)
        inert[static_cast<std::size_t>(input)] += members;
    }
    for (const Index o : groups[g]) who += (who.empty() ? "" : " ") + text(o);
    if (members > 4) who = text(groups[g].front(), " … ", groups[g].back());
    const auto& first = state.outputs[static_cast<std::size_t>(groups[g].front())];
    summary.facts.push_back(
        {"output " + who,
         text(gp::describe(*kernel, f.theta.data(), active_names, state.range), ", nugget ", brief(f.nugget),
              ", process deviation ", brief(std::sqrt(first.process_variance)), ", -log likelihood ",
              brief(f.value, 8), ", start ", f.winner, " of ", options_.starts, " won (others up to ",
              brief(f.spread), " behind), ", f.evaluations, " evaluations")});
    if (f.jitter > 0.0) jittered += members;
    jitter = std::max(jitter, f.jitter);
    if (f.converged == 0.0) stopped += members;
    if (at_lower) shortest += members;
    if (f.nugget > 0.5 * gp::largest_nugget) noisy += members;
  }
  if (jittered)
    summary.warnings.push_back(text("the covariance matrix of ", count_of(jittered, p),
                                    " was singular: jitter up to ", brief(jitter),
                                    " of the process variance was added; nugget = \"estimated\" avoids it"));
  if (stopped) {
    summary.converged = false;
    summary.warnings.push_back(text("the search for ", count_of(stopped, p),
                                    " stopped before its likelihood was flat; try a larger max_iterations (",
                                    options_.max_iterations, ") or more starts (", options_.starts, ")"));
  }
  if (shortest)
    summary.warnings.push_back(text("a length of ", count_of(shortest, p),
                                    " is at its smallest: the outputs may vary faster than the points lie"));
  if (noisy)
    summary.warnings.push_back(text("the nugget of ", count_of(noisy, p),
                                    " is at its largest: the inputs explain little of the variance"));
  for (std::size_t k = 0; k < inert.size(); ++k)
    if (inert[k])
      summary.facts.push_back({"does not matter", text(name_of(k), ": for ", count_of(inert[k], p))});
}

Fit ExactGp::fit(const TrainingData& data, const FitContext& context) const {
  const auto began = std::chrono::steady_clock::now();
  data.check();
  if (data.noise_std.size() > 0)
    throw DataError(
        "regressor gp: known noise of each value (noise_std) is not taken yet; leave it away and let the "
        "nugget be estimated");
  const Index n = data.x.rows(), p = data.y.cols();
  if (n > 30000)
    throw DataError(text("regressor gp: ", n, " points need a covariance matrix of ",
                         brief(8e-9 * static_cast<double>(n) * static_cast<double>(n)),
                         " GB; use at most 30000 points"));
  Fit result;
  FitSummary& summary = result.summary;
  const gp::ScaledData prepared = gp::scale_data(data);

  const gp::Trend trend(prepared.x.cols(), 0);
  gp::GpState state = gp::make_state("constant", trend, data, prepared);
  summary.leave_one_out = n > 1 ? Matrix(Matrix::Zero(n, p)) : Matrix();
  summary.leave_one_out_std = summary.leave_one_out;

  gp::warn_about_scaling(data, prepared, summary);

  const Duplicates duplicates = gp::find_duplicates(data.x, data.y);
  if (prepared.active.empty()) {
    // Replicates of one point: mean and scatter.
    for (std::size_t v = 0; v < prepared.varying.size(); ++v) {
      const Index o = prepared.varying[v];
      const double count = static_cast<double>(n);
      const double variance = (data.y.col(o).array() - data.y.col(o).mean()).square().sum() / (count - 1.0);
      state.outputs[static_cast<std::size_t>(o)] = {-1, data.y.col(o).mean(), 1.0, variance / count,
                                                    variance};
      summary.leave_one_out.col(o) = (data.y.col(o).array() - data.y.col(o).mean()) * (count / (count - 1.0));
    }
  } else if (!prepared.varying.empty()) {
    const std::optional<double> nugget = nugget_for(duplicates, summary);
    const gp::KernelPtr kernel = gp::make_kernel(
        options_.kernel, {data.x.cols(), data.input_names, prepared.active, prepared.lower, prepared.range});
    state.kernel = kernel->expression();
    std::vector<std::vector<Index>> groups;  // of positions among the varying outputs
    for (Index v = 0; v < static_cast<Index>(prepared.varying.size()); ++v)
      if (options_.shared && v > 0)
        groups.front().push_back(v);
      else
        groups.push_back({v});
    const auto tasks = static_cast<Index>(groups.size());
    SerialExecutor serial;
    Executor& executor = context.executor ? *context.executor : serial;
    if (context.progress) context.progress->begin("Gaussian processes", tasks);
    std::atomic<Index> done{0};
    const std::vector<Bytes> results = executor.map(tasks, [&](Index task) {
      const auto& group = groups[static_cast<std::size_t>(task)];
      const Found found = find(kernel, prepared, group, nugget,
                               context.random.split(static_cast<std::uint64_t>(
                                   prepared.varying[static_cast<std::size_t>(group.front())])));
      if (context.progress) context.progress->step(++done);
      return found.bytes();
    });
    if (context.progress) context.progress->end();

    const SingleThreadedBlas single;
    std::vector<Found> found;
    std::vector<std::vector<Index>> members;
    double inside_one = 0.0, inside_two = 0.0, values = 0.0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      Found f = Found::from(results[g]);
      if (f.usable == 0.0)
        throw NumericalError(text("regressor gp, output ",
                                  prepared.varying[static_cast<std::size_t>(groups[g].front())],
                                  ": no hyperparameters give a usable covariance matrix of ", n,
                                  " points, even with jitter 1e-4; look for points that nearly coincide"));
      Matrix y(n, static_cast<Index>(groups[g].size()));
      for (Index v = 0; v < y.cols(); ++v) y.col(v) = prepared.y.col(groups[g][static_cast<std::size_t>(v)]);
      gp::ConditionOptions given;
      given.theta = f.theta;
      given.nugget = f.nugget;
      given.jitter = f.jitter;
      given.estimator = options_.likelihood;
      const gp::Conditioned c = gp::condition(*kernel, trend, prepared.x, y, given);
      gp::add_correlation(c, given, prepared, groups[g], state);
      std::vector<Index> mine;
      for (Index v = 0; v < y.cols(); ++v) {
        const Index position = groups[g][static_cast<std::size_t>(v)];
        const Index o = prepared.varying[static_cast<std::size_t>(position)];
        const double scale = prepared.scale[position];
        summary.leave_one_out.col(o) = scale * c.leave_one_out_residual.col(v);
        summary.leave_one_out_std.col(o) = scale * c.leave_one_out_deviation.col(v);
        for (Index i = 0; i < n; ++i) {
          const double z = std::abs(c.leave_one_out_residual(i, v) / c.leave_one_out_deviation(i, v));
          inside_one += z < 1.0;
          inside_two += z < 1.959963984540054;
          values += 1.0;
        }
        mine.push_back(o);
      }
      members.push_back(std::move(mine));
      found.push_back(std::move(f));
    }
    report(state, found, members, gp::search_box(options_, *kernel, n, !nugget), data.input_names, summary);
    summary.facts.push_back(
        {"leave-one-out coverage", text(brief(inside_one / values, 3), " within 1 deviation, ",
                                        brief(inside_two / values, 3), " within 95 %")});
  }
  result.predictor = std::make_shared<gp::GpPredictor>(std::move(state));
  summary.message = text("gp: ", settings(), ", ", n, " points, ", prepared.active.size(), " inputs, ", p,
                         p == 1 ? " output" : " outputs");
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

}  // namespace

namespace gp {
RegressorPtr make_exact_gp(const GpOptions& options) { return std::make_shared<ExactGp>(options); }
}  // namespace gp

}  // namespace ersatz
