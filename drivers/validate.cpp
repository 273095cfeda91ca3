#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/pipeline.hpp"
#include "ersatz/selection/scores.hpp"
#include "mismatch_flags.hpp"
#include "print.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string model, held_out;
  MismatchFlags mismatch;
};

int run(const Session& session, const Options& o) {
  const MismatchOptions mismatch = o.mismatch.options();
  const Model model = load_model(o.model);
  const Archive held_out = read_unseen(o.held_out, model, o.model);
  Validation v =
      naming(o.held_out, [&] { return validate(model.emulator, held_out, session.threads, mismatch); });
  v.source = o.held_out;
  warn_of_training_points(o.held_out, held_out, model);
  if (session.json) {
    Json j = to_json(v);
    j["simulator_seconds"] =
        std::isfinite(model.info.simulator_seconds) ? Json(model.info.simulator_seconds) : Json(nullptr);
    std::printf("%s\n", j.dump(2).c_str());
  } else {
    std::printf("%s", to_text(v).c_str());
    const double gain = model.info.simulator_seconds / v.predict_seconds;
    if (gain > 0.0)
      std::printf("The simulator takes %s s: the emulator is %s times %s.\n",
                  brief(model.info.simulator_seconds, 3).c_str(),
                  brief(std::max(gain, 1.0 / gain), 3).c_str(), gain >= 1.0 ? "faster" : "slower");
  }
  return 0;
}

}  // namespace

void add_validate(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("validate", "Score an emulator on simulations it has not seen");
  sub->add_option("model", o->model, "Model file")->required();
  sub->add_option("held-out", o->held_out, "Simulations: an archive")->required();
  o->mismatch.add_to(*sub);
  session.add_options(*sub, false);
  sub->footer(
      "Examples:\n  ersatz validate model.h5 held-out.h5 --json\n"
      "  ersatz validate model.h5 held-out.h5 --noise advanced-ligo --total-mass 60 --band 20:512 --taper "
      "planck:0.05");
  sub->callback([&session, o] { session.run = [&session, o] { return run(session, *o); }; });
}

}  // namespace ersatz::driver
