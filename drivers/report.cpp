#include "ersatz/selection/report.hpp"

#include <cstdio>

#include "common.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/pipeline.hpp"
#include "ersatz/selection/scores.hpp"
#include "ersatz/storage/replace_file.hpp"
#include "mismatch_flags.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string model, test, output;
  MismatchFlags mismatch;
};

int run(const Session& session, const Options& o) {
  session.check_output(o.output, {o.model, o.test});
  if (o.test.empty() && o.mismatch.given())
    throw UsageError(
        "the mismatch of the runs that train set aside is in the model file as it is; to choose another one "
        "give "
        "simulations with --test held-out.h5");
  const MismatchOptions mismatch = o.mismatch.options();
  const Model model = load_model(o.model);
  Validation validation;
  if (!o.test.empty()) {
    validation = naming(o.test, [&] {
      return validate(model.emulator, read_simulations(o.test), session.threads, mismatch);
    });
    validation.source = o.test;
  } else if (model.validation) {
    validation = *model.validation;
  } else {
    throw UsageError(text(o.model,
                          ": was trained without setting runs aside, so there is nothing to report on; give "
                          "simulations it has not seen with --test held-out.h5"));
  }
  replace_file(o.output, render_html(report_of(model, o.model, validation)));
  if (session.json)
    std::printf("%s\n", Json{{"report", o.output}}.dump(2).c_str());
  else
    std::printf("%s: written; open it in a browser\n", o.output.c_str());
  return 0;
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("report", "One HTML file: what was learnt, and how good it is");
  sub->add_option("model", o->model, "Model file")->required();
  sub->add_option("--test", o->test, "Simulations to score on (default: the runs that train set aside)");
  sub->add_option("-o,--output", o->output, "HTML file to write")->required();
  o->mismatch.add_to(*sub);
  session.add_options(*sub, true);
  sub->footer("Example:\n  ersatz report model.h5 --test held-out.h5 -o report.html");
  sub->callback([&session, o] { session.run = [&session, o] { return run(session, *o); }; });
}

}  // namespace ersatz::driver
