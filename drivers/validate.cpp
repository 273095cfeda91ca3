#include <cstdio>

#include "common.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/pipeline.hpp"
#include "ersatz/selection/scores.hpp"
#include "print.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string model, held_out;
};

int run(const Session& session, const Options& o) {
  const Model model = load_model(o.model);
  const Archive held_out = read_archive(o.held_out);
  if (held_out.data_hash() == model.info.data_hash)
    throw UsageError(text(o.held_out, ": these are the runs that ", o.model,
                          " has learnt from; only runs it has never seen are a test"));
  Validation v = naming(o.held_out, [&] { return validate(model.emulator, held_out, session.threads); });
  v.source = o.held_out;
  if (session.json) {
    Json j = to_json(v);
    j["simulator_seconds"] =
        std::isfinite(model.info.simulator_seconds) ? Json(model.info.simulator_seconds) : Json(nullptr);
    std::printf("%s\n", j.dump(2).c_str());
  } else {
    std::printf("%s", to_text(v).c_str());
    if (model.info.simulator_seconds > 0.0)
      std::printf("The simulator takes %s s: the emulator is %s times faster.\n",
                  brief(model.info.simulator_seconds, 3).c_str(),
                  brief(model.info.simulator_seconds / v.predict_seconds, 3).c_str());
  }
  return 0;
}

}  // namespace

void add_validate(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("validate", "Score an emulator on simulations it has not seen");
  sub->add_option("model", o->model, "Model file")->required();
  sub->add_option("held-out", o->held_out, "Simulations: an archive")->required();
  session.add_options(*sub, false);
  sub->footer("Example:\n  ersatz validate model.h5 held-out.h5 --json");
  sub->callback([&session, o] { session.run = [&session, o] { return run(session, *o); }; });
}

}  // namespace ersatz::driver
