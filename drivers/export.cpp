#include <cmath>
#include <cstdio>

#include "common.hpp"
#include "ersatz/emulator/export_c.hpp"
#include "ersatz/selection/pipeline.hpp"
#include "ersatz/storage/replace_file.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string model, source, name = "emulator";
  bool no_std = false;
};

/// What the comment says about how good it is.
std::vector<std::string> scores(const Model& model) {
  if (!model.validation) return {"Not validated: it was trained without setting runs aside."};
  const Validation& v = *model.validation;
  std::vector<std::string> lines{text("Scores on ", v.n, " runs not learnt from (", v.source, "):")};
  for (const OutputScores& s : v.outputs) {
    std::string line = text("  ", s.name, ": NRMSE ", brief(s.nrmse, 3), ", RMSE ", brief(s.rmse, 3));
    if (std::isfinite(s.coverage_95))
      line += text(", 95 % intervals cover ", brief(100.0 * s.coverage_95, 3), " %");
    if (std::isfinite(s.mismatch_median)) line += text(", median mismatch ", brief(s.mismatch_median, 3));
    lines.push_back(line);
  }
  return lines;
}

int run(const Session& session, const Options& o) {
  session.check_output(o.source, {o.model});
  const Model model = load_model(o.model);
  const bool with_std = !o.no_std && model.emulator.has_std();
  const std::string source = naming(o.model, [&] {
    return export_c(model.emulator, model.info, {o.name, with_std, scores(model)});
  });
  replace_file(o.source, source);
  if (session.json) {
    std::printf("%s\n",
                Json{{"source", o.source}, {"prefix", o.name}, {"std", with_std}, {"bytes", source.size()}}
                    .dump(2)
                    .c_str());
    return 0;
  }
  std::printf(
      "%s: %s MB of C99, functions %s_mean%s, %s_domain_score; its first lines say how to call them\n",
      o.source.c_str(), brief(1e-6 * static_cast<double>(source.size()), 3).c_str(), o.name.c_str(),
      with_std ? text(", ", o.name, "_mean_and_std").c_str() : "", o.name.c_str());
  if (!with_std && !o.no_std)
    std::printf("The model gives no standard deviations, and so neither does the source.\n");
  return 0;
}

}  // namespace

void add_export(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("export", "One C source that evaluates a model, for codes that can link nothing");
  sub->add_option("model", o->model, "Model file")->required();
  sub->add_option("--c", o->source, "C file to write")->required();
  sub->add_option("--name", o->name, "What its functions begin with (default emulator)");
  sub->add_flag("--no-std", o->no_std,
                "Leave out standard deviations: of a Gaussian process they are most of the file");
  session.add_options(*sub, true);
  sub->footer(
      "Example:\n  ersatz export model.h5 --c emulator.c && cc -O2 -DEMULATOR_MAIN emulator.c -lm -o "
      "emulator");
  sub->callback([&session, o] { session.run = [&session, o] { return run(session, *o); }; });
}

}  // namespace ersatz::driver
