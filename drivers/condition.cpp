#include <cmath>
#include <cstdio>

#include "common.hpp"
#include "ersatz/storage/archive.hpp"
#include "ersatz/storage/table.hpp"
#include "ersatz/transform/conditioning.hpp"
#include "mismatch_flags.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string archive, output, taper = "none", frequencies;
  std::vector<std::string> outputs;
  std::string align_at;
};

/// FROM:TO:COUNT, log:FROM:TO:COUNT, or a table with one column.
Vector frequencies_from(const std::string& wanted) {
  const bool log = wanted.rfind("log:", 0) == 0;
  const bool range = log || wanted.find_first_not_of("0123456789+-.eE:") == std::string::npos;
  if (!range) {
    const Table table = read_table(wanted);
    if (table.complex || table.columns() != 1)
      throw DataError(text(table.where, ": has ", table.columns(), table.complex ? " complex" : "",
                           " columns; frequencies stand in one"));
    return table.values.col(0);
  }
  const auto v = numbers_between_colons(log ? wanted.substr(4) : wanted, "--frequencies", 3, 3);
  const double count = v[2];
  if (!(count >= 2.0) || count > 1e7 || count != std::floor(count))
    throw UsageError(text("--frequencies ", wanted, ": ", count, " is no number of frequencies"));
  if (!(v[1] > v[0]) || (log && !(v[0] > 0.0)))
    throw UsageError(text("--frequencies ", wanted, ": from ", v[0], " to ", v[1], " is no range",
                          log ? " of positive frequencies" : ""));
  const auto n = static_cast<Index>(count);
  if (!log) return Vector::LinSpaced(n, v[0], v[1]);
  return Vector::LinSpaced(n, std::log(v[0]), std::log(v[1])).array().exp();
}

int run(const Session& session, const Options& o) {
  session.check_output(o.output, {o.archive, o.frequencies});
  Conditioning c;
  c.taper = taper_from_string(o.taper);
  c.frequencies = frequencies_from(o.frequencies);
  if (!o.align_at.empty()) c.align_at = numbers_between_colons(o.align_at, "--align-at", 1, 1)[0];
  const Archive archive = read_simulations(o.archive);
  Archive result = naming(o.archive, [&] { return condition(archive, o.outputs, c, session.threads); });
  result.provenance = session.command_line + (archive.provenance.empty() ? "" : "\n" + archive.provenance);
  write_archive(o.output, result);
  std::string names;
  for (const OutputSpec& spec : result.outputs) names += (names.empty() ? "" : ", ") + spec.name;
  if (session.json) {
    Json j{{"archive", o.output},
           {"n", result.size()},
           {"outputs", names},
           {"frequencies", c.frequencies.size()},
           {"unit", result.axes[0].unit}};
    std::printf("%s\n", j.dump(2).c_str());
  } else {
    std::printf("%s: %ld runs of %s at %ld frequencies%s\n", o.output.c_str(),
                static_cast<long>(result.size()), names.c_str(), static_cast<long>(c.frequencies.size()),
                result.axes[0].unit.empty() ? "" : (" in " + result.axes[0].unit).c_str());
  }
  return 0;
}

}  // namespace

void add_condition(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("condition", "Series in time to series in frequency: archive in, archive out");
  sub->add_option("archive", o->archive, "Simulations: an archive")->required();
  sub->add_option("--frequencies", o->frequencies,
                  "FROM:TO:COUNT, log:FROM:TO:COUNT, or a table of one column")
      ->required();
  sub->add_option("--outputs", o->outputs, "Outputs to transform (default: all complex ones)")
      ->delimiter(',');
  sub->add_option("--taper", o->taper, "planck:START:END or tukey:START:END, as shares of the duration");
  sub->add_option("--align-at", o->align_at, "Frequency at which phase and slope of the phase are made zero");
  sub->add_option("-o,--output", o->output, "Archive to write")->required();
  session.add_options(*sub, true);
  sub->footer(
      "Example:\n  ersatz condition sims.h5 --outputs h2m2 --taper planck:0.1:0.05 --frequencies "
      "0.0075:0.0125:400 --align-at 0.01 -o frequency.h5");
  sub->callback([&session, o] { session.run = [&session, o] { return run(session, *o); }; });
}

}  // namespace ersatz::driver
