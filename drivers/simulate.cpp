#include <cstdio>

#include "command_simulator.hpp"
#include "common.hpp"
#include "ersatz/campaign/farm.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/simulators/command.hpp"
#include "ersatz/storage/run_log.hpp"
#include "ersatz/storage/space_file.hpp"
#include "ersatz/storage/table.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string simulator, command, space, design, output, input_format = "csv", output_format = "csv",
                                                         name = "output";
  bool resume = false, retry_failed = false;
  double timeout = 0.0, walltime = 0.0;
  Index retries = 0;
};

/// What a campaign that is there already puts out: to go on with it, no run is needed to find out. Throws
/// UsageError when there is an unfinished one and --resume is not given, before anything is run.
void recall_outputs(CommandOptions& command, const Options& o) {
  const auto logs = run_logs_of(o.output);
  if (!logs.empty() && !o.resume)
    throw UsageError(text("run log '", logs.front(), "': belongs to a campaign that is running or was not ",
                          "finished. Go on with it with --resume, or delete it"));
  if (!recall_from_logs(command, o.output) && o.resume) recall_from_archive(command, o.output);
}

Json use_of(const FarmSummary& s) {
  Json list = Json::array();
  for (const auto& u : s.use)
    list.push_back({{"process", u.process},
                    {"workers", u.workers},
                    {"runs", u.runs},
                    {"busy_seconds", u.busy},
                    {"storage_seconds", u.storage},
                    {"idle_seconds", u.idle()}});
  return list;
}

int run(const Session& session, const Options& o) {
  if (o.simulator.empty() == o.command.empty())
    throw UsageError("name what to run: either --simulator NAME or --command \"prog {input} {output}\"");
  if (!o.command.empty() && o.space.empty()) throw UsageError("--command needs --space space.toml");
  if (o.command.empty() && !o.space.empty())
    throw UsageError("--space is for --command: a simulator that ships knows its own space");
  if (o.retry_failed && !o.resume) throw UsageError("--retry-failed goes with --resume");
  if (o.command.empty() && o.timeout > 0.0)
    throw UsageError("--timeout is for --command: a simulator in process cannot be stopped");
  const auto executor = session.executor();
  executor->share([&] {
    session.check_output(o.output, {o.design, o.space}, o.resume);
    return Bytes();
  });
  catch_signals();

  std::shared_ptr<const Simulator> simulator;
  CommandOptions command;
  Matrix design;
  executor->together([&] {
    const Table table = read_table(o.design);
    if (o.command.empty()) {
      simulator = make_simulator(o.simulator);
      design = parameters_of(table, simulator->space());
      return;
    }
    command.command = o.command;
    command.space = read_space(o.space);
    command.input_format = o.input_format;
    command.output_format = o.output_format;
    command.output_name = o.name;
    command.timeout = o.timeout;
    command.stop = &stop_requested;
    design = parameters_of(table, command.space);
  });
  if (!o.command.empty()) try {
      simulator = make_command(
          command, design, [&o](CommandOptions& c) { recall_outputs(c, o); }, *executor);
    } catch (const Error&) {
      if (executor->share([] { return Bytes(stop_requested ? "stopped" : ""); }).empty()) throw;
      if (executor->process() == 0)
        std::fprintf(stderr,
                     "ersatz: stopped during the first run, which tells what the command puts out; go on "
                     "with --resume\n");
      return 130;
    }
  const auto progress = session.progress();
  FarmOptions farm;
  farm.executor = executor.get();
  farm.archive = o.output;
  farm.resume = o.resume;
  farm.overwrite = session.force;
  farm.retry_failed = o.retry_failed;
  farm.retries = o.retries;
  farm.walltime = o.walltime;
  farm.provenance = session.command_line;
  farm.progress = progress.get();
  farm.stop = &stop_requested;
  const FarmSummary s = ersatz::simulate(*simulator, design, farm).summary;

  if (session.json) {
    const char* end = s.end == FarmEnd::finished  ? "finished"
                      : s.end == FarmEnd::stopped ? "stopped"
                                                  : "walltime";
    Json j{{"archive", o.output},     {"end", end},           {"runs", s.runs},
           {"done", s.done},          {"failed", s.failed},   {"pending", s.pending},
           {"kept", s.kept},          {"seconds", s.seconds}, {"reasons", s.reasons},
           {"utilisation", use_of(s)}};
    std::printf("%s\n", j.dump(2).c_str());
  } else {
    std::printf("%s", s.report().c_str());
  }
  if (s.end == FarmEnd::stopped) return 130;
  return s.failed > 0 ? 4 : 0;
}

}  // namespace

void add_simulate(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("simulate", "Run a simulator at the points of a design");
  std::string known;
  for (const auto& name : simulator_names()) known += (known.empty() ? "" : ", ") + name;
  sub->add_option("--simulator", o->simulator, "One that ships: " + known);
  sub->add_option("--command", o->command,
                  "Any program: \"prog {input} {output}\" gets the names of two files");
  sub->add_option("--space", o->space, "Parameter space of the command (TOML)");
  sub->add_option("--design", o->design, "Points: CSV, .npy or file.h5:/dataset")->required();
  sub->add_option("-o,--output", o->output, "Archive to write")->required();
  sub->add_flag("--resume", o->resume, "Go on where an interrupted call stopped");
  sub->add_flag("--retry-failed", o->retry_failed, "With --resume: run what failed again");
  sub->add_option("--timeout", o->timeout, "Seconds that one run of the command may take")->check(positive());
  sub->add_option("--retries", o->retries, "How often a failing run is repeated (default 0)")
      ->check(CLI::Range(0, 1000));
  sub->add_option("--walltime", o->walltime, "Seconds in all; stops cleanly before")->check(positive());
  sub->add_option("--input-format", o->input_format, "What the command reads: csv, npy");
  sub->add_option("--output-format", o->output_format, "What the command writes: csv, npy, h5");
  sub->add_option("--name", o->name, "Name of the command's output, where its file names none");
  session.add_options(*sub, true);
  sub->footer(
      "Examples:\n"
      "  ersatz simulate --simulator supernova-6 --design design.csv -o sims.h5\n"
      "  ersatz simulate --command \"./model {input} {output}\" --space space.toml --design design.csv -o "
      "sims.h5 --timeout 60\n"
      "  ersatz simulate --simulator waveform --design design.csv -o sims.h5 --resume\n\n"
      "Ctrl-C (or SIGTERM, SIGUSR1) stops after the runs under way; --resume goes on. A killed call loses "
      "those under way, no more. Under mpirun or srun, all ranks run points; docs/farm.md has job scripts.");
  sub->callback([&session, o] {
    session.uses_ranks = true;
    session.run = [&session, o] { return run(session, *o); };
  });
}

}  // namespace ersatz::driver
