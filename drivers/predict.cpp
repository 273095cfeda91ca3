#include <cstdio>

#include "common.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/emulator.hpp"
#include "ersatz/storage/hdf5.hpp"
#include "ersatz/storage/table.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string model, points, output, name;
  bool no_std = false;
};

bool ends_with(const std::string& s, const std::string& end) {
  return s.size() >= end.size() && s.compare(s.size() - end.size(), end.size(), end) == 0;
}

void check_file_name(const Options& o) {
  if (o.output.empty())
    throw UsageError(o.name.empty() ? std::string("name the file to write with -o")
                                    : text("name the file to write with -o; --output ", o.name,
                                           " chooses one of the emulator's outputs"));
  for (const char* ending : {".txt", ".dat", ".tsv"})
    if (ends_with(o.output, ending))
      throw UsageError(text(o.output, ": predictions are written as .h5, .csv or .npy"));
}

std::size_t choose_output(const Emulator& emulator, const std::string& name, const std::string& file) {
  std::string known;
  for (std::size_t o = 0; o < emulator.outputs().size(); ++o) {
    if (emulator.outputs()[o].name == name) return o;
    known += (o ? ", " : "") + emulator.outputs()[o].name;
  }
  if (name.empty() && emulator.outputs().size() == 1) return 0;
  if (name.empty()) throw UsageError(text(file, ": holds one output; choose it with --output: ", known));
  throw UsageError(text("--output: there is no output '", name, "'; there are: ", known));
}

void write_hdf5(const std::string& path, const Emulator& emulator, ConstMatrixRef X, const Prediction& p,
                const std::string& only) {
  h5::AtomicFile file(path);
  const h5::Group root = file.root();
  root.set("format", "ersatz-prediction");
  root.set("version", std::int64_t{1});
  root.write("parameters", X);
  root.set_on("parameters", "names", emulator.space().names());
  std::vector<std::int64_t> inside(p.inside_domain.begin(), p.inside_domain.end());
  root.write("inside_domain", inside);
  const h5::Group axes = root.create_group("axes");
  for (const Axis& a : emulator.axes()) {
    axes.write(a.name, a.values);
    axes.set_on(a.name, "unit", a.unit);
  }
  const h5::Group outputs = root.create_group("outputs");
  for (std::size_t o = 0; o < emulator.outputs().size(); ++o) {
    const OutputSpec& spec = emulator.outputs()[o];
    if (!only.empty() && spec.name != only) continue;
    const h5::Group g = outputs.create_group(spec.name);
    g.set("axis", spec.axis);
    g.set("unit", spec.unit);
    const auto write = [&](const char* name, const Matrix& values) {
      if (spec.complex)
        g.write(name, deinterleaved(values));
      else
        g.write(name, values);
    };
    write("mean", p.mean[o]);
    if (!p.std.empty()) write("std", p.std[o]);
  }
  file.commit();
}

int predict(const Session& session, const Options& o) {
  session.check_output(o.output, {o.model, o.points});
  const Emulator emulator = open_emulator(o.model);
  std::size_t one = 0;
  const bool csv = ends_with(o.output, ".csv"), npy = ends_with(o.output, ".npy");
  if (csv || npy || !o.name.empty()) one = choose_output(emulator, o.name, o.output);
  if (csv && emulator.outputs()[one].complex)
    throw UsageError(text(o.output, ": output '", emulator.outputs()[one].name,
                          "' is complex, which CSV cannot hold; write .npy or .h5"));
  const Matrix X = parameters_of(read_table(o.points), emulator.space());
  const bool with_std = !o.no_std && !csv && !npy && emulator.has_std();
  const Prediction p = naming(o.points, [&] { return emulator.predict(X, with_std, session.threads); });
  if (csv)
    write_csv(o.output, p.mean[one]);
  else if (npy && emulator.outputs()[one].complex)
    write_complex_npy(o.output, deinterleaved(p.mean[one]));
  else if (npy)
    write_npy(o.output, p.mean[one]);
  else
    write_hdf5(o.output, emulator, X, p, o.name);

  Index outside = 0;
  for (const bool inside : p.inside_domain) outside += !inside;
  if (session.json) {
    Json j{{"predictions", o.output}, {"n", X.rows()}, {"outside_domain", outside}, {"std", with_std}};
    std::printf("%s\n", j.dump(2).c_str());
  } else {
    std::printf("%s: %ld predictions%s\n", o.output.c_str(), static_cast<long>(X.rows()),
                with_std ? " with standard deviations" : "");
    if (outside > 0)
      std::printf(
          "Outside of what the emulator was trained on (inside_domain = 0), not to be trusted: %ld of %ld\n",
          static_cast<long>(outside), static_cast<long>(X.rows()));
  }
  return 0;
}

}  // namespace

void add_predict(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("predict", "Evaluate an emulator at points from a file");
  sub->add_option("model", o->model, "Model file")->required();
  sub->add_option("points", o->points, "Points: CSV, .npy or file.h5:/dataset, columns by name or in order")
      ->required();
  sub->add_option("-o,--output-file", o->output,
                  "File to write: .h5, or .csv/.npy for the mean of one output");
  sub->add_flag("--no-std", o->no_std, "Means only (faster)");
  sub->add_option("--output", o->name, "Only this output");
  session.add_options(*sub, true);
  sub->footer(
      "Examples:\n"
      "  ersatz predict model.h5 points.csv -o predictions.h5\n"
      "  ersatz predict model.h5 sims.h5:/parameters -o h22.npy --output h22");
  sub->callback([&session, o] {
    session.run = [&session, o] {
      check_file_name(*o);
      return predict(session, *o);
    };
  });
}

}  // namespace ersatz::driver
