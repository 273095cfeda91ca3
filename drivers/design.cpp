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
  std::string space, simulator, method = "sobol", output, existing, scramble;
  Index n = 0, skip = 0, slices = 1;
};

DesignOptions design_options(const Session& session, const Options& o, const ParameterSpace& space) {
  DesignOptions options;
  if (!o.scramble.empty() && o.scramble != "none" && o.scramble != "shift" && o.scramble != "owen")
    throw UsageError(text("unknown --scramble '", o.scramble, "'; known: none, shift, owen"));
  options.owen_scrambling = o.scramble == "owen";
  // Unless said otherwise: with seed 0 the sequence itself.
  options.digital_shift = o.scramble.empty() ? session.seed != 0 : o.scramble == "shift";
  options.skip = o.skip;
  options.slices = o.slices;
  if (!o.existing.empty()) options.existing = read_points(o.existing, space);
  return options;
}

int run(const Session& session, const Options& o) {
  session.check_output(o.output, {o.space, o.existing});
  if (o.space.empty() == o.simulator.empty())
    throw UsageError("name the parameter space: either --simulator NAME or --space space.toml");
  const ParameterSpace space = o.space.empty() ? make_simulator(o.simulator)->space() : read_space(o.space);
  const DesignMethod method = design_method_from_string(o.method);
  const DesignOptions options = design_options(session, o, space);
  const Matrix design = naming(o.existing, [&] {
    return make_design(method, space, o.n, RandomStream(session.seed).split("design"), options);
  });
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
  sub->add_option("--existing", o->existing,
                  "Points that are there already (archive or table): the new ones go between them");
  sub->add_option("--skip", o->skip, "sobol: points left out first, to continue a design")
      ->check(CLI::Range(0, 1000000000));
  sub->add_option("--scramble", o->scramble,
                  "sobol: none, shift or owen (default: none with seed 0, else shift)");
  sub->add_option("--slices", o->slices, "lhs: so many Latin hypercubes of equal size, one after the other")
      ->check(CLI::Range(1, 100000000));
  sub->add_option("-o,--output", o->output, "CSV file to write")->required();
  session.add_options(*sub, true);
  sub->footer(
      "Examples:\n"
      "  ersatz design --simulator supernova-6 --method sobol -n 300 -o design.csv\n"
      "  ersatz design --space space.toml --method maximin -n 50 --seed 3 -o design.csv\n"
      "  ersatz design --simulator borehole --method maximin -n 20 --existing sims.h5 -o more.csv\n"
      "  ersatz design --simulator borehole --method lhs -n 80 --slices 4 -o batches.csv");
  sub->callback([&session, o] { session.run = [&session, o] { return run(session, *o); }; });
}

}  // namespace ersatz::driver
