#include <cstdio>
#include <fstream>
#include <iterator>

#include "common.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/model_info.hpp"
#include "ersatz/inference/chain_file.hpp"
#include "ersatz/inference/infer_report.hpp"
#include "ersatz/inference/posterior_file.hpp"
#include "ersatz/storage/hash.hpp"
#include "ersatz/storage/replace_file.hpp"
#include "infer_print.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string model, data, config, output, method, report;
  Index chains = 0, walkers = 0, steps = 0, warmup = -1, starts = 8;
  double target_size = 0.0, target_r_hat = std::numeric_limits<double>::infinity(), acceptance = 0.8,
         save_seconds = 30.0;
  bool resume = false;
};

/// Posterior, and what it was made from.
struct Question {
  PosteriorFile file;
  Observation observation;
  std::shared_ptr<const Posterior> posterior;
  std::string model_checksum, configuration;
};

void check_files(const Session& session, const Options& o, const std::vector<std::string>& inputs) {
  session.check_resume(o.output, is_there(o.output) && !is_there(o.output + "/"), o.resume);
  session.check_output(o.output, inputs, o.resume);
  if (o.resume && o.method == "map")
    throw UsageError("--resume goes on with a sample; --method map draws none and would overwrite it");
  if (o.report.empty()) return;
  if (o.method == "map") throw UsageError("--report shows a sample; --method map draws none");
  if (o.report == o.output) throw UsageError(text(o.report, ": chain and report need names of their own"));
  session.check_output(o.report, inputs, o.resume);
}

Question read_question(const Session& session, const Options& o) {
  Question q;
  if (!o.config.empty()) {
    q.file = read_posterior_file(o.config);
    q.file.inputs.push_back(o.config);
    std::ifstream text_of(o.config, std::ios::binary);
    q.configuration.assign(std::istreambuf_iterator<char>(text_of), {});
  }
  if (!o.data.empty()) {
    if (q.file.data.size() > 1)
      throw UsageError(text("--data is one file, and ", o.config, " has data of ", q.file.data.size(),
                            " outputs; name the files there"));
    q.file.data.resize(1);
    q.file.data[0].file = o.data;
    q.file.inputs.push_back(o.data);
  }
  if (q.file.data.empty())
    throw UsageError("there are no data: give --data FILE, or [[data]] in the file that --config names");
  std::vector<std::string> inputs = q.file.inputs;
  inputs.push_back(o.model);
  check_files(session, o, inputs);
  q.model_checksum = open_model_file(o.model).root().get_string("checksum");
  const ForwardModelPtr model = forward_model(open_emulator(o.model));
  q.observation = observation_of(q.file, *model);
  q.posterior = build_posterior(q.file, q.observation, model);
  return q;
}

/// Changes with anything that the density depends on, not with the last digits of another machine. The data
/// count by themselves: where all of the points are outside of the domain, likelihoods tell nothing of them.
std::string fingerprint(const Posterior& posterior, const Observation& data) {
  RandomStream random(20210604);
  Workspace workspace;
  const Matrix points = posterior.sample_prior(8, random);
  std::string numbers;
  const auto add = [&](const auto& values) {
    for (Index j = 0; j < values.size(); ++j) numbers += brief(values.data()[j], 12) + " ";
  };
  add(data.values);
  add(data.deviations);
  add(data.covariance);
  for (Index i = 0; i < points.rows(); ++i) {
    const LogDensityValue value = posterior.evaluate(points.row(i).data(), nullptr, workspace);
    for (const double v : {points(i, 0), value.log_prior, value.log_likelihood}) numbers += brief(v, 8) + " ";
  }
  for (const DensityParameter& p : posterior.parameters())
    numbers += text(p.name, " ", p.lower, " ", p.upper, " ");
  return hash_text(numbers);
}

SamplingOptions sampling_options(const Session& session, const Options& o, const Posterior& posterior) {
  SamplingOptions s;
  const bool gradient = posterior.has_gradient();
  s.method = o.method.empty() ? (gradient ? SamplingMethod::nuts : SamplingMethod::ensemble)
                              : sampling_method_from_string(o.method);
  if (s.method == SamplingMethod::ensemble) {
    if (o.chains > 0) throw UsageError("--chains is for nuts; an ensemble has --walkers");
    s.chains = o.walkers > 0 ? o.walkers : std::max<Index>(32, 4 * posterior.size());
    s.steps = 3000;
  } else {
    if (o.walkers > 0) throw UsageError("--walkers is for the ensemble; nuts has --chains");
    s.chains = o.chains > 0 ? o.chains : 4;
  }
  if (o.steps > 0) s.steps = o.steps;
  if (o.warmup >= 0) s.warmup = o.warmup;
  s.seed = session.seed;
  s.acceptance = o.acceptance;
  s.target_size = o.target_size;
  s.target_r_hat = o.target_r_hat;
  return s;
}

void check_identity(const ChainFile& before, const ChainFile& now, const std::string& path) {
  if (before.chains.samples.empty())
    throw UsageError(text(path, ": holds a maximum and no sample to go on with; begin anew with --force"));
  for (const auto& [name, value] : now.identity)
    for (const auto& [known, was] : before.identity)
      if (known == name && was != value)
        throw UsageError(text(path, ": was drawn with another ", name, " (", was, ", now ", value,
                              "); go on with the same, or begin anew with --force"));
}

std::vector<PredictiveView> predictive_of(const Question& q, const Chains& chains, std::uint64_t seed) {
  // Phases and shifts that a waveform's likelihood marginalises over have no value to draw a prediction with.
  if (!std::holds_alternative<GaussianOptions>(q.file.likelihood)) return {};
  const Matrix all = chains.all();
  const Index stride = std::max<Index>(1, all.rows() / 400);
  Matrix some((all.rows() + stride - 1) / stride, all.cols());
  for (Index i = 0; i < some.rows(); ++i) some.row(i) = all.row(i * stride);
  return posterior_predictive(*q.posterior, q.observation, some, RandomStream(seed).split("predictive"));
}

InferReport report_of(const Question& q, const ChainFile& file, const Inferred& inferred) {
  InferReport r;
  const Chains& chains = file.chains;
  r.title = file.data;
  r.chains = chains;
  r.summaries = inferred.summaries;
  r.edges = inferred.edges;
  r.shares = inferred.shares;
  r.warnings = file.warnings;
  r.maximum = *file.maximum;
  r.laplace = file.laplace;
  const SamplingFigures f = figures(chains);
  r.facts = {{"model", file.model},
             {"likelihood", q.posterior->likelihood().describe()},
             {"sampler", std::string(to_string(chains.options.method))},
             {chains.options.method == SamplingMethod::nuts ? "chains" : "walkers", text(chains.chains())},
             {"steps", text(chains.steps(), " after ", chains.warmup_steps(), " of warm-up")},
             {"acceptance", brief(f.acceptance, 3)},
             {"evaluations per step", brief(f.evaluations, 3)},
             {"outside of the domain", text(brief(100.0 * f.outside_domain, 3), "% of the draws")},
             {"log posterior at the maximum", brief(file.maximum->value.sum(), 8)},
             {"seed", text(chains.options.seed)}};
  for (Index i = 0; i < q.posterior->size(); ++i) r.priors.push_back(q.posterior->prior(i).describe());
  r.predictive = predictive_of(q, chains, chains.options.seed);
  return r;
}

/// Maxima from draws of the prior; the best goes into the file.
std::vector<Maximum> find(const Question& q, const Session& session, const Options& o, ChainFile& file,
                          Executor& executor, Progress& progress) {
  RandomStream random = RandomStream(session.seed).split("maxima");
  MaximumOptions options;
  options.draws_per_climb = 25;
  progress.note(text("looking for the maximum from ", o.starts, " draws of the prior, each the best of ",
                     options.draws_per_climb));
  std::vector<Maximum> maxima = find_maxima(
      *q.posterior, q.posterior->sample_prior(options.draws_per_climb * o.starts, random), options, executor);
  Workspace workspace;
  file.maximum = maxima[0];
  file.laplace = laplace_approximation(*q.posterior, maxima[0], workspace);
  return maxima;
}

int run(const Session& session, const Options& o) {
  const auto executor = session.executor();
  Question q;
  executor->together([&] { q = read_question(session, o); });
  ChainFile file;
  file.model = o.model;
  for (const DataFile& d : q.file.data) file.data += (file.data.empty() ? "" : ", ") + d.file;
  file.configuration = q.configuration;
  const std::string print = fingerprint(*q.posterior, q.observation);
  same_on_all_ranks(*executor, q.model_checksum + print, o.model + ", or data and priors");
  const auto progress = session.progress();
  catch_signals();
  if (o.method == "map") {
    file.chains.parameters = q.posterior->parameters();
    find(q, session, o, file, *executor, *progress);
    file.complete = true;
    executor->share([&] { return write_chain_file(o.output, file, {}), Bytes(); });
    print_maximum(session.json, o.output, file);
    return 0;
  }
  const SamplingOptions options = sampling_options(session, o, *q.posterior);
  file.identity = {{"model", q.model_checksum},
                   {"posterior (data, priors, likelihood)", print},
                   {"method", std::string(to_string(options.method))},
                   {options.method == SamplingMethod::nuts ? "number of chains" : "number of walkers",
                    text(options.chains)},
                   {"warmup", text(options.warmup)},
                   {"acceptance", text(options.acceptance)},
                   {"seed", text(options.seed)}};
  if (o.resume && !executor->share([&] { return Bytes(is_there(o.output) ? "there" : ""); }).empty()) {
    ChainFile before;
    executor->together([&] {
      before = read_chain_file(o.output);
      check_identity(before, file, o.output);
    });
    file.chains = std::move(before.chains);
    file.chains.options = options;
    file.maximum = before.maximum;
    file.laplace = before.laplace;
  } else {
    const std::vector<Maximum> maxima = find(q, session, o, file, *executor, *progress);
    const Matrix starts =
        starting_points(*q.posterior, maxima, options.chains, RandomStream(session.seed).split("starts"));
    file.chains = begin_chains(*q.posterior, options, starts);
  }
  SamplingContext context;
  context.executor = executor.get();
  context.progress = progress.get();
  context.stop = &stop_requested;
  context.save_seconds = o.save_seconds;
  context.save = [&](const Chains& chains) {
    ChainFile part = file;
    part.chains = chains;
    write_chain_file(o.output, part, {});
  };
  Chains chains = std::move(file.chains);
  file.chains = {};
  const SamplingEnd end = run_chains(*q.posterior, chains, context);
  if (end == SamplingEnd::stopped) {
    if (executor->process() == 0)
      std::fprintf(stderr, "ersatz: stopped after %ld of %ld steps; go on with --resume\n",
                   static_cast<long>(chains.warmup_steps() + chains.steps()),
                   static_cast<long>(options.warmup + options.steps));
    return 130;
  }
  file.chains = std::move(chains);
  file.complete = true;
  file.end = end == SamplingEnd::converged ? "converged" : "finished";
  executor->share([&] {
    const Inferred inferred = conclude(file.chains, q.posterior->model().space());
    file.warnings = sampling_warnings(file.chains, inferred.summaries);
    write_chain_file(o.output, file, inferred.summaries);
    if (!o.report.empty()) replace_file(o.report, render_html(report_of(q, file, inferred)));
    print_posterior(session.json, o.output, file, inferred);
    return Bytes();
  });
  return 0;
}

}  // namespace

void add_infer(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("infer", "The posterior of the parameters, given data and a model");
  sub->add_option("model", o->model, "Model file")->required();
  sub->add_option("--data", o->data,
                  "Data: a table with columns value and error (default: as the configuration says)");
  sub->add_option(
      "--config", o->config,
      "Data, likelihood and priors (TOML); see docs/inference.md. Default: Gaussian errors, uniform "
      "priors over the model's box");
  sub->add_option("-o,--output", o->output, "Chain file to write (HDF5)")->required();
  sub->add_option("--method", o->method,
                  "nuts (default where the model has gradients), ensemble, or map: the maximum alone")
      ->check(CLI::IsMember({"nuts", "ensemble", "map"}));
  sub->add_option("--steps", o->steps, "Steps at most after the warm-up (default: nuts 1000, ensemble 3000)")
      ->check(CLI::Range(1, 100000000));
  sub->add_option("--warmup", o->warmup, "Steps before them, left out of the sample (default 1000)")
      ->check(CLI::Range(0, 100000000));
  sub->add_option("--chains", o->chains, "Chains of nuts (default 4)")->check(CLI::Range(1, 100000));
  sub->add_option("--walkers", o->walkers,
                  "Walkers of the ensemble (default: 4 for each parameter, at least 32)")
      ->check(CLI::Range(2, 1000000));
  sub->add_option("--starts", o->starts,
                  "Climbs to the maximum, each from the best of 25 draws of the prior (default 8)")
      ->check(CLI::Range(1, 100000));
  sub->add_option("--target-ess", o->target_size,
                  "End once every parameter has so many effective draws, in the bulk and in the tails")
      ->check(positive());
  sub->add_option("--target-rhat", o->target_r_hat, "End once R-hat is at most so much (1.01 is good)")
      ->check(positive());
  sub->add_option("--acceptance", o->acceptance,
                  "Mean acceptance that nuts adapts its step size to (default 0.8; higher where it diverges)")
      ->check(positive());
  sub->add_option("--save-every", o->save_seconds,
                  "Seconds after which the sample so far is saved (default 30)")
      ->check(positive());
  sub->add_option("--report", o->report,
                  "HTML report to write: corner plot, chains, prediction against data");
  sub->add_flag("--resume", o->resume, "Go on where an earlier call stopped, or with more steps");
  session.add_options(*sub, true);
  sub->footer(
      "Examples:\n"
      "  ersatz infer model.h5 --data observed.csv -o chain.h5 --report posterior.html\n"
      "  ersatz infer model.h5 --config infer.toml -o chain.h5 --target-ess 2000 --steps 20000\n"
      "  mpirun -n 8 ersatz infer model.h5 --config infer.toml --method ensemble --walkers 256 -o "
      "chain.h5\n\n"
      "The sample so far is saved every 30 seconds. Ctrl-C (or SIGTERM, SIGUSR1) saves it and ends; --resume "
      "goes on, "
      "and ends with the draws of an undisturbed call.");
  sub->callback([&session, o] {
    session.uses_ranks = true;
    session.run = [&session, o] { return run(session, *o); };
  });
}

}  // namespace ersatz::driver
