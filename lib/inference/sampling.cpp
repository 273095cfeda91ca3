#include "ersatz/inference/sampling.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

#include "ersatz/core/error.hpp"
#include "inference/sampler.hpp"

namespace ersatz {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<std::pair<SamplingMethod, const char*>, 2> methods{
    {{SamplingMethod::nuts, "nuts"}, {SamplingMethod::ensemble, "ensemble"}}};

/// About as long as a signal has to wait.
constexpr double part_seconds = 1.0;
constexpr Index first_look = 200;

std::unique_ptr<Sampler> make_sampler(const LogDensity& density, const SamplingOptions& options) {
  if (options.chains < 1 || options.warmup < 0 || options.steps < 1)
    throw UsageError(text("a sample needs at least one chain and one step, got ", options.chains, " chains, ",
                          options.warmup, " steps of warm-up and ", options.steps, " steps"));
  if (options.method == SamplingMethod::ensemble) return make_ensemble(density, options);
  return make_nuts(density, options);
}

bool has_target(const SamplingOptions& options) {
  return options.target_size > 0.0 || std::isfinite(options.target_r_hat);
}

/// The first number of steps above `done` after which targets are looked at.
Index next_look(Index done) {
  Index look = first_look;
  while (look <= done) look += std::max<Index>(look / 5, 1);
  return look;
}

bool reached(const Chains& chains) {
  const SamplingOptions& o = chains.options;
  for (const MarginalSummary& s : summaries(chains)) {
    if (o.target_size > 0.0 && !(std::min(s.bulk_size, s.tail_size) >= o.target_size)) return false;
    if (std::isfinite(o.target_r_hat) && !(s.r_hat <= o.target_r_hat)) return false;
  }
  return true;
}

/// Appends rows of steps first … to warm-up or sample.
void file_rows(Chains& chains, const std::vector<std::vector<double>>& rows, Index first, Index count) {
  const Index still = std::clamp<Index>(chains.options.warmup - first, 0, count);
  for (std::size_t c = 0; c < rows.size(); ++c) {
    const double* from = rows[c].data();
    chains.warmup[c].append(from, still);
    chains.samples[c].append(from + still * chains.samples[c].width(), count - still);
  }
}

}  // namespace

std::string_view to_string(SamplingMethod method) {
  for (const auto& [m, name] : methods)
    if (m == method) return name;
  return "?";
}

SamplingMethod sampling_method_from_string(std::string_view name) {
  for (const auto& [m, known] : methods)
    if (name == known) return m;
  throw UsageError(text("there is no way to sample called '", name, "'; there are nuts, ensemble"));
}

Matrix Chains::draws(Index parameter) const {
  Matrix d(chains(), steps());
  for (Index c = 0; c < chains(); ++c)
    for (Index s = 0; s < steps(); ++s) d(c, s) = samples[static_cast<std::size_t>(c)].theta(s)[parameter];
  return d;
}

Matrix Chains::all() const {
  Matrix rows(chains() * steps(), size());
  for (Index c = 0; c < chains(); ++c)
    for (Index s = 0; s < steps(); ++s)
      rows.row(c * steps() + s) =
          Eigen::Map<const Vector>(samples[static_cast<std::size_t>(c)].theta(s), size());
  return rows;
}

Chains begin_chains(const LogDensity& density, const SamplingOptions& options, const Matrix& starts) {
  const auto sampler = make_sampler(density, options);
  if (starts.rows() != options.chains || starts.cols() != density.size())
    throw UsageError(text("starts of shape ", starts.rows(), " x ", starts.cols(), " for ", options.chains,
                          " chains over ", density.size(), " parameters"));
  Workspace workspace;
  for (Index c = 0; c < starts.rows(); ++c)
    if (!std::isfinite(density.evaluate(starts.row(c).data(), nullptr, workspace).sum()))
      throw UsageError(text("the density is zero at start ", c, ": chains have to begin inside"));
  Chains chains;
  chains.options = options;
  chains.parameters = density.parameters();
  chains.warmup.assign(static_cast<std::size_t>(options.chains), Trace(density.size()));
  chains.samples = chains.warmup;
  chains.state = sampler->begin(starts);
  return chains;
}

SamplingEnd run_chains(const LogDensity& density, Chains& chains, const SamplingContext& context) {
  const SamplingOptions& options = chains.options;
  const auto sampler = make_sampler(density, options);
  SerialExecutor serial;
  Executor& executor = context.executor ? *context.executor : serial;
  const Index all = options.warmup + options.steps;
  Index done = chains.warmup_steps() + chains.steps(), part = 1;
  auto saved = Clock::now();
  const auto save = [&] {
    if (context.save) executor.share([&] { return context.save(chains), Bytes(); });
    saved = Clock::now();
  };
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  if (context.progress) context.progress->begin("sampling", all);
  SamplingEnd end = SamplingEnd::finished;
  // Looks are at the same steps whenever a run was stopped: one that has reached its targets is left at once.
  const auto at_look = [&] {
    const Index steps = done - options.warmup;
    return has_target(options) && steps >= first_look && next_look(steps - 1) == steps;
  };
  while (done < all) {
    if (at_look() && reached(chains)) {
      end = SamplingEnd::converged;
      break;
    }
    Index until = done < options.warmup ? options.warmup : all;
    if (has_target(options))
      until = std::min(until, options.warmup + next_look(std::max<Index>(done - options.warmup, 0)));
    const Index count = std::min(part, until - done);
    const auto start = Clock::now();
    std::vector<std::vector<double>> rows(chains.state.size());
    sampler->advance(chains.state, done, count, executor, rows);
    file_rows(chains, rows, done, count);
    done += count;
    if (context.progress) context.progress->step(done);
    // How far to go before the next word from outside is process 0's to say.
    const auto words = doubles_from_bytes(executor.share([&] {
      const double pace = since(start) / static_cast<double>(count);
      const double next =
          std::clamp(part_seconds / std::max(pace, 1e-9), 1.0, 2.0 * static_cast<double>(count) + 8.0);
      const bool stop = context.stop != nullptr && *context.stop;
      return to_bytes({next, stop ? 1.0 : 0.0, since(saved) > context.save_seconds ? 1.0 : 0.0});
    }));
    part = static_cast<Index>(words[0]);
    if (words[1] != 0.0 && done < all) {
      save();
      end = SamplingEnd::stopped;
      break;
    }
    if (words[2] != 0.0) save();
  }
  if (context.progress) context.progress->end();
  return end;
}

std::vector<MarginalSummary> summaries(const Chains& chains) {
  std::vector<MarginalSummary> list;
  if (chains.steps() < 4) return list;
  for (Index i = 0; i < chains.size(); ++i) list.push_back(summarise(chains.draws(i)));
  return list;
}

SamplingFigures figures(const Chains& chains) {
  SamplingFigures f;
  double draws = 0.0;
  for (const Trace& trace : chains.samples)
    for (Index s = 0; s < trace.steps(); ++s) {
      draws += 1.0;
      f.acceptance += trace.acceptance(s);
      f.evaluations += static_cast<double>(trace.evaluations(s));
      f.outside_domain += trace.inside_domain(s) ? 0.0 : 1.0;
      f.diverged += trace.end(s) == TrajectoryEnd::diverged;
      f.stopped += trace.end(s) == TrajectoryEnd::stopped;
      f.exhausted += trace.end(s) == TrajectoryEnd::exhausted;
    }
  for (double* mean : {&f.acceptance, &f.evaluations, &f.outside_domain}) *mean /= std::max(draws, 1.0);
  return f;
}

EdgeShare edge_share(ConstMatrixRef draws, double lower, double upper) {
  EdgeShare share;
  const double zone = 0.05 * (upper - lower);
  if (!std::isfinite(zone) || draws.size() == 0) return share;
  const auto n = static_cast<double>(draws.size());
  share.at_lower = static_cast<double>((draws.array() < lower + zone).count()) / n;
  share.at_upper = static_cast<double>((draws.array() > upper - zone).count()) / n;
  return share;
}

double agreement(SamplingMethod method) { return method == SamplingMethod::nuts ? 1.01 : 1.05; }

std::vector<std::string> sampling_warnings(const Chains& chains,
                                           const std::vector<MarginalSummary>& summaries) {
  std::vector<std::string> list;
  const bool ensemble = chains.options.method == SamplingMethod::ensemble;
  const std::string more = ensemble ? "more --steps" : "more --steps, or a longer --warmup";
  if (summaries.empty()) {
    list.push_back("there are too few steps to say anything about convergence");
    return list;
  }
  // Vehtari et al. (2021) ask for 100 effective draws per chain, 400 in four.
  const double limit = agreement(chains.options.method);
  std::string apart, few, still;
  const auto add = [](std::string& names, const std::string& name, double value) {
    names += (names.empty() ? "" : ", ") + name + " (" +
             (std::isfinite(value) ? brief(value, 4) : "unknown") + ")";
  };
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const MarginalSummary& s = summaries[i];
    const std::string& name = chains.parameters[i].name;
    if (!(s.r_hat <= limit)) add(apart, name, s.r_hat);
    const double size = std::isfinite(s.tail_size) ? std::min(s.bulk_size, s.tail_size) : s.bulk_size;
    if (!(size >= 400.0)) add(few, name, size);
    if (ensemble && !(static_cast<double>(chains.steps()) >= 50.0 * s.autocorrelation))
      add(still, name, s.autocorrelation);
  }
  if (!apart.empty())
    list.push_back(text("the chains disagree: R-hat is above ", limit, " for ") + apart + "; " + more +
                   " may bring them together, unless there are several maxima");
  if (!few.empty())
    list.push_back("few effective draws (below 400) of " + few + ": intervals are rough; " + more);
  if (!still.empty())
    list.push_back("the run is shorter than 50 autocorrelation times of " + still +
                   " (in steps), which makes their estimates too short; " + more);
  const SamplingFigures f = figures(chains);
  if (f.diverged > 0)
    list.push_back(
        text(f.diverged, " trajectories diverged: a part of the posterior is curved more sharply than ",
             "the step size can follow, and is missing from the sample; a higher --acceptance helps"));
  if (f.exhausted > 0)
    list.push_back(text(f.exhausted,
                        " trajectories ended at the largest length before they turned: correct, but ",
                        "slow; scales of the parameters differ much"));
  if (ensemble && f.acceptance < 0.15)
    list.push_back(
        text("the walkers accept ", brief(100.0 * f.acceptance, 2),
             "% of their moves (20 to 50% is healthy): a posterior with bends, or many parameters"));
  return list;
}

}  // namespace ersatz
