#include "ersatz/inference/sbc.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>

#include "core/factorisations.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/inference/maximum.hpp"
#include "inference/observed_entries.hpp"

namespace ersatz {
namespace {

constexpr Index most_tries = 10000;     ///< draws of the prior for one truth
constexpr Index prior_points = 200;     ///< to find the size of the emulator's error
constexpr Index climbs = 4;             ///< to the maximum, each from the best of …
constexpr Index draws_per_climb = 100;  ///< … so many draws of the prior

void check_options(const SbcOptions& o) {
  if (o.likelihood.degrees_of_freedom > 0.0)
    throw UsageError("calibration: data are made with normal errors; the likelihood must be Gaussian");
  if (o.draws < 1 || o.bins < 2 || (o.draws + 1) % o.bins != 0)
    throw UsageError(text("calibration: ", o.bins, " bins for ranks 0 to ", o.draws,
                          "; their number must divide ", o.draws + 1));
  if (o.data_sets < 5 * o.bins)
    throw UsageError(text("calibration: ", o.data_sets, " data sets in ", o.bins,
                          " bins; take at least five for each, or fewer bins"));
  if (!(o.noise > 0.0) || !std::isfinite(o.noise))
    throw UsageError(text("calibration: noise of ", o.noise, " times the emulator's; it must be positive"));
  if (o.warmup < 0 || o.steps < 4)
    throw UsageError(text("calibration: ", o.warmup, " and ", o.steps, " steps"));
}

/// The same parameters, and the outputs that are observed on the same bins.
void check_fit(const Emulator& emulator, const Simulator& simulator, const Observation& layout) {
  if (emulator.space().names() != simulator.space().names())
    throw UsageError(
        text("calibration: the simulator '", simulator.name(), "' has other parameters than the emulator"));
  for (const Observation::Part& part : layout.parts) {
    const auto find = [&](const std::vector<OutputSpec>& outputs) {
      const auto at = std::find_if(outputs.begin(), outputs.end(),
                                   [&](const OutputSpec& o) { return o.name == part.output; });
      return at == outputs.end() ? nullptr : &*at;
    };
    const OutputSpec *ours = find(emulator.outputs()), *theirs = find(simulator.outputs());
    bool same = ours && theirs && ours->size == theirs->size && ours->complex == theirs->complex;
    if (same)
      for (const Axis& a : simulator.axes())
        if (a.name == theirs->axis) {
          const Vector &x = emulator.axis_of(*ours).values, &y = a.values;
          same = x.size() == y.size() && (x - y).cwiseAbs().maxCoeff() <= 1e-9 * y.cwiseAbs().maxCoeff();
        }
    if (!same)
      throw UsageError(text("calibration: the simulator '", simulator.name(),
                            "' and the emulator have no output '", part.output, "' on the same bins"));
  }
}

/// A truth that can be simulated, and its run at the observed entries.
struct Truth {
  Vector theta, all;  ///< free parameters, and all
  Vector values;
  Index outside = 0, failed = 0;
};

class Study {
 public:
  Study(const Emulator& emulator, const Simulator& simulator, Observation layout, const SbcOptions& options)
      : simulator_(simulator),
        layout_(std::move(layout)),
        options_(options),
        model_(forward_model(emulator)),
        entries_(observed_entries(layout_, emulator.outputs())) {
    check_options(options);
    check_fit(emulator, simulator, layout_);
    layout_.values.setZero(static_cast<Index>(entries_.size()));
    if (layout_.deviations.size() == 0 && layout_.covariance.size() == 0) {
      layout_.deviations.setOnes(layout_.size());  // only the prior is asked for yet
      layout_.deviations = own_errors(*posterior(layout_));
    }
    likelihood_ = posterior(layout_);
    if (layout_.covariance.size() > 0) {
      lower_ = layout_.covariance;
      cholesky(lower_);
    }
  }

  const Posterior& prior() const { return *likelihood_; }

  /// Truth, ranks, effective size, what was drawn again.
  Bytes task(Index i) const {
    const RandomStream random = RandomStream(options_.seed).split("sbc").split(static_cast<std::uint64_t>(i));
    Workspace workspace;
    const Truth truth = draw_truth(random.split("truth"), workspace);
    Observation data = layout_;
    data.values = observed(truth, random.split("noise"));
    const std::shared_ptr<const Posterior> density = posterior(data);
    double size = 0.0;
    const Matrix draws = sample(*density, random.split("chains"), size);
    std::vector<double> result(truth.theta.data(), truth.theta.data() + truth.theta.size());
    for (Index k = 0; k < draws.cols(); ++k)
      result.push_back(static_cast<double>((draws.col(k).array() < truth.theta[k]).count()));
    result.push_back(size);
    result.push_back(static_cast<double>(truth.outside));
    result.push_back(static_cast<double>(truth.failed));
    return to_bytes(result);
  }

 private:
  std::shared_ptr<const Posterior> posterior(const Observation& data) const {
    return std::make_shared<const Posterior>(gaussian_likelihood(model_, data, options_.likelihood),
                                             options_.priors);
  }

  /// Root mean square of the emulator's deviations over the prior, at the observed entries; where points
  /// outside of the domain are rejected, as truths are, over what of it is inside.
  Vector own_errors(const Posterior& prior) const {
    const Emulator& emulator = *model_->emulator();
    RandomStream random = RandomStream(options_.seed).split("sbc").split("errors");
    Matrix x(prior_points, emulator.space().size());
    Vector all(prior.likelihood().size());
    Workspace workspace;
    Index count = 0;
    for (Index tries = 0; tries < most_tries && count < prior_points; tries += prior_points) {
      const Matrix theta = prior.sample_prior(prior_points, random);
      for (Index i = 0; i < prior_points && count < prior_points; ++i) {
        prior.complete(theta.row(i).data(), all.data());
        if (options_.likelihood.outside == Outside::reject &&
            model_->domain_score(all.data(), workspace) > 1.0)
          continue;
        x.row(count++) = all.head(x.cols()).transpose();
      }
    }
    if (count == 0)
      throw UsageError(
          "calibration: no draw of the prior lies within the domain that the emulator learnt in");
    x.conservativeResize(count, x.cols());
    const Prediction p = emulator.predict(x, true);
    Vector errors(layout_.size());
    for (Index j = 0; j < errors.size(); ++j) {
      const ObservedEntry& e = entries_[static_cast<std::size_t>(j)];
      const Matrix& std = p.std[e.output];
      const double floor = 0.01 * std::sqrt(std.array().square().mean());
      errors[j] = options_.noise * std::max(std::sqrt(std.col(e.entry).array().square().mean()), floor);
    }
    if (!(errors.minCoeff() > 0.0))
      throw UsageError("calibration: the emulator claims no error at all; give the data errors of their own");
    return errors;
  }

  Truth draw_truth(RandomStream random, Workspace& workspace) const {
    Truth truth;
    truth.all.resize(prior().likelihood().size());
    for (Index tries = 0; tries < most_tries; ++tries) {
      truth.theta = prior().sample_prior(1, random).row(0).transpose();
      prior().complete(truth.theta.data(), truth.all.data());
      if (options_.likelihood.outside == Outside::reject &&
          model_->domain_score(truth.all.data(), workspace) > 1.0) {
        ++truth.outside;
        continue;
      }
      const SimulationResult run = simulator_.run(truth.all.data());
      if (!run.ok()) {
        ++truth.failed;
        continue;
      }
      truth.values.resize(layout_.size());
      for (Index j = 0; j < truth.values.size(); ++j) {
        const ObservedEntry& e = entries_[static_cast<std::size_t>(j)];
        truth.values[j] = run.outputs[place_of(e)][e.entry];
      }
      return truth;
    }
    throw NumericalError(text("calibration: of ", most_tries, " draws of the prior, ", truth.outside,
                              " lie outside of the emulator's domain and ", truth.failed,
                              " cannot be simulated; narrow the priors"));
  }

  /// Outputs may stand in another order in the simulator.
  std::size_t place_of(const ObservedEntry& e) const {
    const std::string& name = model_->outputs()[e.output].name;
    std::size_t k = 0;
    while (simulator_.outputs()[k].name != name) ++k;
    return k;
  }

  /// As the likelihood says that data come about: amplitude times the run, the data's errors, jitter.
  Vector observed(const Truth& truth, RandomStream random) const {
    const Index m = layout_.size();
    double amplitude = 1.0, scale = 1.0, jitter = 0.0;
    const auto& nuisance = prior().likelihood().nuisance();
    for (std::size_t k = 0; k < nuisance.size(); ++k) {
      const double value = truth.all[model_->space().size() + static_cast<Index>(k)];
      if (nuisance[k].name == "amplitude") amplitude = value;
      if (nuisance[k].name == "error_scale") scale = value;
      if (nuisance[k].name == "log_jitter") jitter = std::exp(value);
    }
    Vector noise(m), values = amplitude * truth.values;
    for (double& z : noise) z = random.normal();
    values +=
        scale * (lower_.size() > 0 ? Vector(lower_ * noise) : Vector(layout_.deviations.cwiseProduct(noise)));
    for (double& y : values) y += jitter * random.normal();
    return values;
  }

  /// `options_.draws` draws, evenly out of chains that go on until they are worth as many.
  Matrix sample(const Posterior& density, const RandomStream& random, double& effective_size) const {
    SamplingOptions s;
    s.method = density.has_gradient() ? SamplingMethod::nuts : SamplingMethod::ensemble;
    s.chains = density.has_gradient() ? 2 : std::max<Index>(32, 4 * density.size());
    s.warmup = options_.warmup;
    s.steps = options_.steps;
    s.seed = random.key();
    s.target_size = 2.0 * static_cast<double>(options_.draws);
    SerialExecutor serial;
    RandomStream prior = random.split("maxima");
    MaximumOptions m;
    m.draws_per_climb = draws_per_climb;
    const auto maxima =
        find_maxima(density, density.sample_prior(climbs * draws_per_climb, prior), m, serial);
    Chains chains =
        begin_chains(density, s, starting_points(density, maxima, s.chains, random.split("starts")));
    run_chains(density, chains, {});
    effective_size = HUGE_VAL;
    for (const MarginalSummary& m : summaries(chains))
      effective_size = std::min(effective_size, std::isfinite(m.bulk_size) ? m.bulk_size : 0.0);
    const Matrix all = chains.all();
    Matrix draws(options_.draws, all.cols());
    for (Index l = 0; l < draws.rows(); ++l)
      draws.row(l) = all.row((2 * l + 1) * all.rows() / (2 * draws.rows()));
    return draws;
  }

  const Simulator& simulator_;
  Observation layout_;
  const SbcOptions& options_;
  ForwardModelPtr model_;
  std::vector<ObservedEntry> entries_;
  std::shared_ptr<const Posterior> likelihood_;  ///< with values of zero: its prior is asked
  Matrix lower_;                                 ///< Cholesky factor of the data's covariance, or empty
};

}  // namespace

bool SbcResult::uniform() const {
  return std::all_of(histograms.begin(), histograms.end(), [&](const RankHistogram& h) {
    return h.p_value >= 0.01 / static_cast<double>(histograms.size());
  });
}

Observation observation_layout(const Emulator& emulator, const std::vector<std::string>& outputs) {
  Observation layout;
  const auto add = [&layout](const OutputSpec& o) {
    Observation::Part part{o.name, {}};
    for (Index e = 0; e < o.width(); ++e) part.entries.push_back(e);
    layout.parts.push_back(std::move(part));
  };
  std::string known;
  for (const OutputSpec& o : emulator.outputs()) {
    known += (known.empty() ? "" : ", ") + o.name;
    if (outputs.empty()) add(o);
  }
  for (const std::string& name : outputs) {
    const auto at = std::find_if(emulator.outputs().begin(), emulator.outputs().end(),
                                 [&](const OutputSpec& o) { return o.name == name; });
    if (at == emulator.outputs().end())
      throw UsageError(text("there is no output '", name, "'; there are: ", known));
    add(*at);
  }
  return layout;
}

std::vector<RankHistogram> rank_histograms(ConstMatrixRef ranks, const std::vector<std::string>& parameters,
                                           Index draws, Index bins) {
  std::vector<RankHistogram> result;
  const double expected = static_cast<double>(ranks.rows()) / static_cast<double>(bins);
  const boost::math::chi_squared distribution(static_cast<double>(bins - 1));
  for (Index k = 0; k < ranks.cols(); ++k) {
    RankHistogram h{parameters[static_cast<std::size_t>(k)], Vector::Zero(bins)};
    for (Index i = 0; i < ranks.rows(); ++i)
      h.counts[static_cast<Index>(ranks(i, k)) * bins / (draws + 1)] += 1.0;
    h.chi2 = (h.counts.array() - expected).square().sum() / expected;
    h.p_value = cdf(complement(distribution, h.chi2));
    result.push_back(std::move(h));
  }
  return result;
}

SbcResult simulation_based_calibration(const Emulator& emulator, const Simulator& simulator,
                                       Observation layout, const SbcOptions& options, Executor& executor,
                                       Progress* progress) {
  const Study study(emulator, simulator, std::move(layout), options);
  SbcResult result;
  result.likelihood = study.prior().likelihood().describe();
  result.parameters = study.prior().parameters();
  result.draws = options.draws;
  const Index n = options.data_sets, p = study.prior().size();
  result.truths.resize(n, p);
  result.ranks.resize(n, p);
  result.effective_sizes.resize(n);
  if (progress) progress->begin("data sets", n);
  const Index block = 2 * executor.workers();
  for (Index begin = 0; begin < n; begin += block) {
    const Index count = std::min(block, n - begin);
    const std::vector<Bytes> done = executor.map(count, [&](Index i) { return study.task(begin + i); });
    for (Index i = 0; i < count; ++i) {
      const std::vector<double> v = doubles_from_bytes(done[static_cast<std::size_t>(i)]);
      for (Index k = 0; k < p; ++k) {
        result.truths(begin + i, k) = v[static_cast<std::size_t>(k)];
        result.ranks(begin + i, k) = v[static_cast<std::size_t>(p + k)];
      }
      const double* rest = v.data() + 2 * p;
      result.effective_sizes[begin + i] = rest[0];
      result.outside += static_cast<Index>(rest[1]);
      result.failed += static_cast<Index>(rest[2]);
      if (rest[0] < static_cast<double>(options.draws)) ++result.too_few;
    }
    if (progress) progress->step(begin + count);
  }
  if (progress) progress->end();
  std::vector<std::string> names;
  for (const DensityParameter& q : result.parameters) names.push_back(q.name);
  result.histograms = rank_histograms(result.ranks, names, options.draws, options.bins);
  const boost::math::binomial count(static_cast<double>(n), 1.0 / static_cast<double>(options.bins));
  result.lower = quantile(count, 0.005);
  result.upper = quantile(complement(count, 0.005));
  return result;
}

}  // namespace ersatz
