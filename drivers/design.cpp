#include "ersatz/design/design.hpp"

#include <cstdio>

#include "common.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/simulators/simulator.hpp"
#include "ersatz/storage/space_file.hpp"
#include "ersatz/storage/table.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string space, simulator, method = "sobol", output;
  Index n = 0;
};

int run(const Session& session, const Options& o) {
  session.check_output(o.output, {o.space});
  if (o.space.empty() == o.simulator.empty())
    throw UsageError("name the parameter space: either --simulator NAME or --space space.toml");
  const ParameterSpace space = o.space.empty() ? make_simulator(o.simulator)->space() : read_space(o.space);
  DesignOptions options;
  options.digital_shift = session.seed != 0;  // seed 0: the sequence itself
  const Matrix design = make_design(design_method_from_string(o.method), space, o.n,
                                    RandomStream(session.seed).split("design"), options);
  write_csv(o.output, design, space.names());
  if (session.json)
    std::printf(
        "%s\n",
        Json{{"design", o.output}, {"n", design.rows()}, {"parameters", space.names()}, {"method", o.method}}
            .dump(2)
            .c_str());
  else
    std::printf("%s: %ld points in %ld parameters\n", o.output.c_str(), static_cast<long>(design.rows()),
                static_cast<long>(space.size()));
  return 0;
}

}  // namespace

void add_design(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("design", "Choose where to simulate");
  sub->add_option("--space", o->space, "Parameter space (TOML)");
  sub->add_option("--simulator", o->simulator, "Simulator whose space it is");
  sub->add_option("--method", o->method, "sobol, lhs, maximin or grid (default sobol)");
  sub->add_option("-n", o->n, "Number of points")->required()->check(CLI::Range(1, 100000000));
  sub->add_option("-o,--output", o->output, "CSV file to write")->required();
  session.add_options(*sub, true);
  sub->footer(
      "Examples:\n"
      "  ersatz design --simulator supernova-6 --method sobol -n 300 -o design.csv\n"
      "  ersatz design --space space.toml --method maximin -n 50 --seed 3 -o design.csv");
  sub->callback([&session, o] { session.run = [&session, o] { return run(session, *o); }; });
}

}  // namespace ersatz::driver
