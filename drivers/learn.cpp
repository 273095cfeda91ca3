#include "ersatz/campaign/learn.hpp"

#include <cmath>
#include <cstdio>

#include "command_simulator.hpp"
#include "common.hpp"
#include "ersatz/campaign/learn_file.hpp"
#include "ersatz/campaign/learn_report.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/pipeline.hpp"
#include "ersatz/selection/scores.hpp"
#include "ersatz/storage/replace_file.hpp"
#include "ersatz/storage/run_log.hpp"
#include "posterior_focus.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string campaign;
  bool resume = false;
};

std::shared_ptr<const Simulator> simulator_of(LearnFile& file, const Options& o, Executor& executor) {
  if (!file.simulator.empty()) return make_simulator(file.simulator);
  file.command.stop = &stop_requested;
  const auto recall = [&](CommandOptions& c) {
    if (!o.resume) return;
    for (const char* part : {"", ".batch.h5", ".test.h5"})
      if (recall_from_archive(c, file.archive + part) || recall_from_logs(c, file.archive + part)) return;
  };
  try {
    return make_command(file.command, start_design(file.command.space, file.options), recall, executor);
  } catch (const DataError& e) {  // nothing came out of it, wherever it was tried
    throw NumericalError(e.what());
  }
}

/// The final model; scored on the test runs where there are such.
void write_model(const LearnFile& file, const LearnResult& result, const Session& session, Executor& executor,
                 Progress& progress) {
  Recipe recipe = file.options.recipe;
  if (result.test.size() > 0) recipe.test_fraction = 0.0;
  const int threads = static_cast<int>(executor.local().workers());
  Model model = train_model(result.archive, recipe, session.context(executor, progress), threads);
  if (result.test.size() > 0) {
    model.validation = validate(model.emulator, result.test, threads);
    model.validation->source = text(result.test.size(), " test runs");
  }
  executor.share([&] {
    save_model(file.model, model);
    return Bytes();
  });
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json to_json(const LearnCurve& curve) {
  Json list = Json::array();
  for (Index i = 0; i < curve.runs.size(); ++i)
    list.push_back({{"runs", static_cast<Index>(curve.runs[i])},
                    {"error", number_or_null(curve.error[i])},
                    {"error_p95", number_or_null(curve.error_p95[i])}});
  return list;
}

void print_json(const LearnFile& file, const LearnResult& result, const std::vector<LearnCurve>& curves) {
  Json rounds = Json::array();
  for (const LearnRound& r : result.history)
    rounds.push_back({{"runs", r.runs},
                      {"failed", r.failed},
                      {"error", number_or_null(r.error)},
                      {"error_upper", number_or_null(r.error_upper)},
                      {"error_p95", number_or_null(r.error_p95)},
                      {"score", number_or_null(r.score)},
                      {"gain", number_or_null(r.gain)},
                      {"change", number_or_null(r.change)},
                      {"fit_seconds", r.fit_seconds},
                      {"choose_seconds", r.choose_seconds}});
  Json j{{"archive", file.archive},
         {"model", file.model.empty() ? Json(nullptr) : Json(file.model)},
         {"end", to_string(result.end)},
         {"why", result.why},
         {"runs", result.archive.size()},
         {"failed", result.archive.count(RunStatus::failed)},
         {"acquisition", file.options.acquisition.name},
         {"measured_on", result.test.size() > 0 ? "test runs" : "cross-validation"},
         {"rounds", rounds}};
  Json others = Json::object();
  for (const LearnCurve& c : curves) others[c.name] = to_json(c);
  j["comparison"] = others;
  std::printf("%s\n", j.dump(2).c_str());
}

void write_report(const LearnFile& file, const LearnResult& result, const std::vector<LearnCurve>& curves) {
  LearnReport report;
  report.title = file.simulator.empty() ? file.command.command : file.simulator;
  report.acquisition = file.options.acquisition.name;
  report.regressor = file.options.recipe.channel.regressor.name;
  report.batch = file.options.batch;
  report.tolerance = file.options.tolerance;
  report.measured_on = result.test.size() > 0 ? text(result.test.size(), " test runs")
                                              : text("the runs themselves, by cross-validation in ",
                                                     file.options.folds, " parts");
  report.why = result.why;
  report.history = result.history;
  report.curves = curves;
  replace_file(file.report, render_html(report));
}

/// Before anything is simulated.
LearnFile prepare(const Session& session, const Options& o, Archive& test, PosteriorFile& posterior) {
  LearnFile file = read_learn_file(o.campaign);
  if (!file.posterior.empty()) {
    posterior = read_posterior_file(file.posterior);
    file.inputs.insert(file.inputs.end(), posterior.inputs.begin(), posterior.inputs.end());
  }
  session.check_output(file.archive, file.inputs, true);
  session.check_resume(file.archive,
                       is_there(file.archive) || !run_logs_of(file.archive + ".batch.h5").empty(), o.resume);
  if (!file.model.empty()) session.check_output(file.model, file.inputs, o.resume);
  if (!file.report.empty()) session.check_output(file.report, file.inputs, o.resume);
  if (file.archive == file.model || file.archive == file.report ||
      (!file.model.empty() && file.model == file.report))
    throw UsageError(text(o.campaign, ": output, model and report need names of their own"));
  if (!file.test.empty()) test = read_simulations(file.test);
  return file;
}

int run(const Session& session, const Options& o) {
  const auto executor = session.executor();
  LearnFile file;
  Archive test;
  PosteriorFile posterior;
  executor->together([&] { file = prepare(session, o, test, posterior); });
  catch_signals();
  const auto progress = session.progress();
  LearnOptions& options = file.options;
  if (!file.test.empty()) options.test = &test;
  options.archive = file.archive;
  options.resume = o.resume;
  options.overwrite = session.force;
  options.provenance = session.command_line;
  options.seed = session.seed;
  options.executor = executor.get();
  options.progress = progress.get();
  options.stop = &stop_requested;

  std::shared_ptr<const Simulator> simulator;
  try {
    simulator = simulator_of(file, o, *executor);
  } catch (const Error&) {
    if (executor->share([] { return Bytes(stop_requested ? "stopped" : ""); }).empty()) throw;
    if (executor->process() == 0) std::fprintf(stderr, "ersatz: stopped during the first run\n");
    return 130;
  }
  std::shared_ptr<const Focus> focus;
  executor->together([&] {
    if (!file.posterior.empty()) focus = posterior_focus(std::move(posterior), simulator);
    if (!file.interest.empty())
      focus = naming(file.interest, [&] {
        return points_of_interest(read_points(file.interest, simulator->space()), simulator->space());
      });
  });
  options.focus = focus.get();
  const LearnResult result = learn(*simulator, options);
  std::vector<LearnCurve> curves;
  if (result.end != LearnEnd::stopped) {
    for (const std::string& how : file.compare) {
      progress->note(text("for comparison: the same budget, ", how));
      curves.push_back(spend_blindly(how, *simulator, curve_points(result.history), result.test, options));
    }
    if (!file.model.empty()) write_model(file, result, session, *executor, *progress);
    if (!file.report.empty())
      executor->share([&] {
        write_report(file, result, curves);
        return Bytes();
      });
  }
  const Index failed = result.archive.count(RunStatus::failed);
  if (session.json) {
    print_json(file, result, curves);
  } else {
    std::printf("%s: %s\n", file.archive.c_str(), result.why.c_str());
    for (const LearnCurve& c : curves)
      std::printf("%s: %s\n", options.acquisition.name.c_str(), comparison_text(result.history, c).c_str());
    if (failed > 0) std::printf("%ld simulations failed\n", static_cast<long>(failed));
    if (result.end == LearnEnd::stopped) std::printf("go on with --resume\n");
  }
  if (result.end == LearnEnd::stopped) return 130;
  return failed > 0 ? 4 : 0;
}

}  // namespace

void add_learn(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("learn", "Simulate where it teaches most, until the error is small enough");
  sub->add_option("campaign", o->campaign, "What to learn and how (TOML); see docs/learning.md")->required();
  sub->add_flag("--resume", o->resume, "Go on where an interrupted call stopped, or with a larger budget");
  session.add_options(*sub, true);
  sub->footer(
      "Example:\n"
      "  ersatz learn campaign.toml\n"
      "with campaign.toml:\n"
      "  simulator = \"borehole\"\n"
      "  budget = 120\n"
      "  batch = 4\n"
      "  tolerance = 0.01\n"
      "  output = \"runs.h5\"\n"
      "  model = \"model.h5\"\n\n"
      "Ctrl-C (or SIGTERM, SIGUSR1) stops after the runs under way; --resume goes on, and ends with the "
      "points "
      "that an undisturbed call ends with. Exit status 4: finished, but some simulations failed.");
  sub->callback([&session, o] {
    session.uses_ranks = true;
    session.run = [&session, o] { return run(session, *o); };
  });
}

}  // namespace ersatz::driver
