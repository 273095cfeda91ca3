#include "posterior_focus.hpp"

#include <algorithm>

#include "ersatz/inference/divergence.hpp"
#include "ersatz/inference/maximum.hpp"
#include "ersatz/inference/sampling.hpp"

namespace ersatz::driver {
namespace {

constexpr Index starts = 8, warmup = 500;

class PosteriorFocus final : public Focus {
 public:
  PosteriorFocus(PosteriorFile file, Observation observation)
      : file_(std::move(file)), observation_(std::move(observation)) {
    auto* gaussian = std::get_if<GaussianOptions>(&file_.likelihood);
    if (gaussian && gaussian->emulator_error != EmulatorError::none) gaussian->outside = Outside::widen;
  }

  FocusView look(const Emulator& now, const Emulator* before, Index count,
                 const FitContext& context) const override {
    const auto posterior = build_posterior(file_, observation_, forward_model(now));
    SerialExecutor serial;
    Executor& executor = context.executor ? *context.executor : serial;
    RandomStream random = context.random.split("maxima");
    MaximumOptions climbs;
    climbs.draws_per_climb = 25;
    const auto maxima = find_maxima(
        *posterior, posterior->sample_prior(climbs.draws_per_climb * starts, random), climbs, executor);
    SamplingOptions options;
    const bool gradient = posterior->has_gradient();
    options.method = gradient ? SamplingMethod::nuts : SamplingMethod::ensemble;
    options.chains = gradient ? 4 : std::max<Index>(32, 4 * posterior->size());
    options.warmup = warmup;
    // Neighbours in a chain of walkers are alike: every tenth step of it.
    const Index stride = gradient ? 1 : 10;
    options.steps = stride * ((count + options.chains - 1) / options.chains);
    options.seed = context.random.split("draws").key();
    Chains chains =
        begin_chains(*posterior, options,
                     starting_points(*posterior, maxima, options.chains, context.random.split("starts")));
    SamplingContext surroundings;
    surroundings.executor = &executor;
    run_chains(*posterior, chains, surroundings);
    const Matrix draws = chains.all();
    Matrix some(draws.rows() / stride, draws.cols());
    for (Index i = 0; i < some.rows(); ++i) some.row(i) = draws.row(i * stride);
    FocusView view;
    if (before)
      view.change =
          divergence(*posterior, *build_posterior(file_, observation_, forward_model(*before)), some);
    Matrix x(some.rows(), now.space().size());
    Vector all(posterior->likelihood().size());
    for (Index i = 0; i < x.rows(); ++i) {
      posterior->complete(some.row(i).data(), all.data());
      x.row(i) = all.head(x.cols()).transpose();
    }
    const Matrix different = distinct_rows(x);
    view.points = different.topRows(std::min(count, different.rows()));
    return view;
  }

 private:
  PosteriorFile file_;
  Observation observation_;
};

}  // namespace

std::shared_ptr<const Focus> posterior_focus(PosteriorFile file, std::shared_ptr<const Simulator> simulator) {
  const ForwardModelPtr model = forward_model(std::move(simulator));
  Observation observation = observation_of(file, *model);
  // What is wrong with data, likelihood and priors is found before anything is simulated.
  build_posterior(file, observation, model);
  return std::make_shared<PosteriorFocus>(std::move(file), std::move(observation));
}

}  // namespace ersatz::driver
