#include "ersatz/storage/import.hpp"

#include <cstdio>

#include "common.hpp"
#include "ersatz/storage/archive.hpp"

namespace ersatz::driver {
namespace {

int run(const Session& session, const ImportOptions& wanted, const std::string& output) {
  session.check_output(output, {wanted.parameters, wanted.outputs, wanted.axis, wanted.space});
  ImportOptions options = wanted;
  const auto progress = session.progress();
  options.progress = progress.get();
  options.provenance = session.command_line;
  const Archive archive = import_archive(options);
  write_archive(output, archive);
  const OutputSpec& o = archive.outputs.at(0);
  if (session.json) {
    Json j{{"archive", output}, {"n", archive.size()}, {"parameters", archive.space.names()},
           {"output", o.name},  {"bins", o.size},      {"complex", o.complex}};
    std::printf("%s\n", j.dump(2).c_str());
  } else {
    std::printf("%s: %ld runs, %ld parameters, output '%s' of %ld%s values\n", output.c_str(),
                static_cast<long>(archive.size()), static_cast<long>(archive.space.size()), o.name.c_str(),
                static_cast<long>(o.size), o.complex ? " complex" : "");
  }
  return 0;
}

}  // namespace

void add_import(CLI::App& app, Session& session) {
  auto o = std::make_shared<ImportOptions>();
  auto output = std::make_shared<std::string>();
  CLI::App* sub = app.add_subcommand("import", "Make an archive of simulations that are there already");
  sub->add_option("--parameters", o->parameters,
                  "Table, a row per run: CSV, .npy, file.h5:/dataset, file.csv[a:c]")
      ->required();
  sub->add_option("--outputs", o->outputs, "Table, a row per run, real or complex")->required();
  sub->add_option("--axis", o->axis, "Table with the values of the outputs' axis");
  sub->add_option("--name", o->name, "Name of the output (default output)");
  sub->add_option("--unit", o->unit, "Unit of the output");
  sub->add_option("--space", o->space, "Parameter space (TOML); default: the range of the data");
  sub->add_option("--rows", o->rows, "every:5, except-every:5 or FROM:TO");
  sub->add_option("-o,--output", *output, "Archive to write")->required();
  session.add_options(*sub, true);
  sub->footer(
      "Examples:\n"
      "  ersatz import --parameters runs.csv[q:chi2z] --outputs runs.csv[vx,vy,vz] --rows except-every:5 -o "
      "train.h5\n"
      "  ersatz import --parameters p.npy --outputs sims.h5:/flux --axis sims.h5:/wavelength --name flux -o "
      "sims.h5");
  sub->callback(
      [&session, o, output] { session.run = [&session, o, output] { return run(session, *o, *output); }; });
}

}  // namespace ersatz::driver
