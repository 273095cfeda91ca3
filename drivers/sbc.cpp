#include "ersatz/inference/sbc.hpp"

#include <cstdio>

#include "command_simulator.hpp"
#include "common.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/inference/posterior_file.hpp"
#include "ersatz/storage/replace_file.hpp"
#include "ersatz/storage/table.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string model, simulator, command, config, output, report, emulator_error;
  std::vector<std::string> outputs;
  double noise = 1.0;
  bool noise_of_data = false, contrast = false;
  Index data_sets = SbcOptions{}.data_sets, draws = SbcOptions{}.draws, bins = SbcOptions{}.bins;
};

/// What is tested: outputs and errors of the data, likelihood, priors.
struct Question {
  Observation layout;
  SbcOptions options;
  std::vector<std::string> inputs;
};

Question read_question(const Session& session, const Options& o, const Emulator& emulator) {
  Question q;
  PosteriorFile file;
  if (!o.config.empty()) file = read_posterior_file(o.config);
  const auto* gaussian = std::get_if<GaussianOptions>(&file.likelihood);
  if (!gaussian)
    throw UsageError(text(o.config, ": data are made with normal errors; the likelihood must be Gaussian"));
  q.inputs = file.inputs;
  if (o.noise_of_data) {
    if (!o.outputs.empty())
      throw UsageError("--noise-of-data takes outputs and bins from [data]; leave --output out");
    q.layout = read_observation(file.data, *forward_model(emulator));
    q.layout.values.resize(0);
  } else {
    q.layout = observation_layout(emulator, o.outputs);
  }
  q.options.likelihood = *gaussian;
  if (!o.emulator_error.empty())
    q.options.likelihood.emulator_error = emulator_error_from_string(o.emulator_error);
  q.options.priors = file.priors;
  q.options.noise = o.noise;
  q.options.data_sets = o.data_sets;
  q.options.draws = o.draws;
  q.options.bins = o.bins;
  q.options.seed = session.seed;
  return q;
}

std::shared_ptr<const Simulator> simulator_of(const Session& session, const Options& o,
                                              const Emulator& emulator, Executor& executor) {
  if (o.simulator.empty() == o.command.empty())
    throw UsageError(
        "name what makes the data: either --simulator NAME or --command \"prog {input} {output}\"");
  if (!o.simulator.empty()) return make_simulator(o.simulator);
  CommandOptions command;
  command.command = o.command;
  command.space = emulator.space();
  if (emulator.outputs().size() == 1) command.output_name = emulator.outputs().front().name;
  RandomStream random = RandomStream(session.seed).split("first run");
  return make_command(
      command, emulator.space().sample(8, random), [](CommandOptions&) {}, executor);
}

Json describe(const SbcResult& r) {
  Json parameters = Json::array();
  for (const RankHistogram& h : r.histograms)
    parameters.push_back({{"parameter", h.parameter},
                          {"chi2", h.chi2},
                          {"p_value", h.p_value},
                          {"counts", std::vector<double>(h.counts.begin(), h.counts.end())}});
  return {{"likelihood", r.likelihood},
          {"uniform", r.uniform()},
          {"data_sets", r.ranks.rows()},
          {"draws", r.draws},
          {"parameters", parameters},
          {"band_99", {r.lower, r.upper}},
          {"smallest_effective_size", r.effective_sizes.minCoeff()},
          {"too_few_draws", r.too_few},
          {"outside_domain", r.outside},
          {"failed", r.failed}};
}

void print(const SbcResult& r) {
  std::printf("%s\n  ranks of the truth over %ld data sets: %s\n", r.likelihood.c_str(),
              static_cast<long>(r.ranks.rows()), r.uniform() ? "uniform" : "NOT uniform");
  for (const RankHistogram& h : r.histograms) {
    std::printf("  %-16s p = %-8s ", h.parameter.c_str(), brief(h.p_value, 2).c_str());
    for (const double c : h.counts) std::printf(" %g", c);
    std::printf("\n");
  }
  std::printf("  (99%% of the bins hold %g to %g)\n", r.lower, r.upper);
  if (r.too_few > 0)
    std::printf("  warning: the chains of %ld data sets have fewer effective draws than were taken\n",
                static_cast<long>(r.too_few));
}

void write_ranks(const std::string& path, const SbcResult& r) {
  std::vector<std::string> names;
  for (const DensityParameter& p : r.parameters) names.push_back(p.name);
  for (const DensityParameter& p : r.parameters) names.push_back("rank_" + p.name);
  names.emplace_back("effective_size");
  Matrix table(r.ranks.rows(), 2 * r.ranks.cols() + 1);
  table << r.truths, r.ranks, r.effective_sizes;
  write_csv(path, table, names);
}

int run(const Session& session, const Options& o) {
  const auto executor = session.executor();
  const Emulator emulator = open_emulator(o.model);
  Question q = read_question(session, o, emulator);
  executor->share([&] {
    q.inputs.push_back(o.model);
    for (const std::string& path : {o.output, o.report})
      if (!path.empty()) session.check_output(path, q.inputs);
    if (!o.output.empty() && o.output == o.report)
      throw UsageError(text(o.output, ": ranks and report need names of their own"));
    return Bytes();
  });
  const auto simulator = simulator_of(session, o, emulator, *executor);
  const auto progress = session.progress();
  std::vector<SbcResult> results{
      simulation_based_calibration(emulator, *simulator, q.layout, q.options, *executor, progress.get())};
  if (o.contrast) {
    q.options.likelihood.emulator_error = EmulatorError::none;
    q.options.likelihood.outside = Outside::reject;
    results.push_back(
        simulation_based_calibration(emulator, *simulator, q.layout, q.options, *executor, progress.get()));
  }
  if (executor->process() == 0) {
    if (!o.output.empty()) write_ranks(o.output, results.front());
    if (!o.report.empty()) replace_file(o.report, render_html(o.model, results));
    if (session.json) {
      Json list = Json::array();
      for (const SbcResult& r : results) list.push_back(describe(r));
      std::printf("%s\n", list.dump(2).c_str());
    } else {
      for (const SbcResult& r : results) print(r);
    }
  }
  return results.front().uniform() ? 0 : 5;
}

}  // namespace

void add_sbc(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("sbc", "Simulation-based calibration: do posteriors hold the truth as they say?");
  sub->add_option("model", o->model, "Model file")->required();
  sub->add_option("--simulator", o->simulator, "What makes the data: a simulator that ships");
  sub->add_option("--command", o->command, "… or a program, \"prog {input} {output}\"");
  sub->add_option("--config", o->config, "Priors and likelihood, as for infer");
  sub->add_option("-n,--data-sets", o->data_sets, "How many (default 200)")->check(CLI::Range(1L, 1000000L));
  sub->add_option("--output-name", o->outputs, "Outputs that are seen (default: all)");
  sub->add_option("--noise", o->noise, "Errors of the data, in units of the emulator's own (default 1)")
      ->check(positive());
  sub->add_flag("--noise-of-data", o->noise_of_data,
                "Errors, outputs and bins are those of [data] in the configuration");
  sub->add_option("--emulator-error", o->emulator_error,
                  "full, diagonal or none, in place of the configuration's");
  sub->add_flag("--contrast", o->contrast, "Once more without the emulator's covariance, which should fail");
  sub->add_option("--draws", o->draws, "Of each posterior (default 99)")->check(CLI::Range(1L, 100000L));
  sub->add_option("--bins", o->bins, "Of the histograms; they divide draws + 1 (default 20)")
      ->check(CLI::Range(2L, 1000L));
  sub->add_option("-o,--output", o->output, "CSV file of truths and ranks to write");
  sub->add_option("--report", o->report, "HTML file to write");
  session.add_options(*sub, true);
  sub->footer(
      "Example:\n  ersatz sbc model.h5 --simulator supernova-6 --config infer.toml --contrast --report "
      "sbc.html\n\n"
      "Exit status 0: ranks are uniform; 5: they are not.");
  sub->callback([&session, o] {
    session.uses_ranks = true;
    session.run = [&session, o] { return run(session, *o); };
  });
}

}  // namespace ersatz::driver
