#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "common.hpp"
#include "ersatz/basis/basis.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/pipeline.hpp"
#include "print.hpp"

namespace ersatz::driver {
namespace {

struct Options {
  std::string archive, output, recipe, regressor, basis;
  double tolerance = -1.0, test_fraction = -1.0;
};

int train(const Session& session, const Options& o) {
  session.check_output(o.output, {o.archive, o.recipe});
  Recipe recipe = o.recipe.empty() ? Recipe{} : read_recipe(o.recipe);
  const auto each_channel = [&recipe](const auto& change) {
    change(recipe.channel);
    for (auto& [name, c] : recipe.channels) change(c);
  };
  if (!o.regressor.empty()) each_channel([&](ChannelRecipe& c) { c.regressor = {o.regressor, {}}; });
  if (!o.basis.empty()) each_channel([&](ChannelRecipe& c) { c.basis = {o.basis, {}}; });
  if (o.tolerance >= 0.0)
    each_channel([&](ChannelRecipe& c) { c.basis.settings.set("tolerance", o.tolerance); });
  if (o.test_fraction >= 0.0) recipe.test_fraction = o.test_fraction;

  // Unknown names and settings are reported before anything is computed.
  each_channel([](const ChannelRecipe& c) {
    if (c.regressor.name != "auto") make_regressor(c.regressor.name, c.regressor.settings);
    const auto bases = basis_names();
    if (c.basis.name != "auto" && std::find(bases.begin(), bases.end(), c.basis.name) == bases.end()) {
      std::string known = "auto";
      for (const auto& name : bases) known += ", " + name;
      throw UsageError(text("unknown basis '", c.basis.name, "'; known: ", known));
    }
  });

  const auto executor = session.executor();
  const Archive archive = read_simulations(o.archive, *executor);
  same_on_all_ranks(*executor, to_toml(recipe), "the recipe");
  const auto progress = session.progress();
  Model model = naming(o.archive, [&] {
    return train_model(archive, recipe, session.context(*executor, *progress),
                       static_cast<int>(executor->local().workers()));
  });
  executor->share([&] {
    if (session.force && access(o.output.c_str(), R_OK) == 0) try {
        count_test_use(model, load_model(o.output));
      } catch (const Error&) {  // what is replaced need not be a model
      }
    save_model(o.output, model);
    return Bytes();
  });

  if (session.json) {
    Json channels = Json::array();
    for (const ChannelSummary& c : model.info.channels)
      channels.push_back({{"name", c.name},
                          {"transform", c.transform},
                          {"basis", c.basis},
                          {"regressor", c.regressor},
                          {"coefficients", c.coefficients},
                          {"projection_error", c.projection_error},
                          {"warnings", c.warnings}});
    Json j{{"model", o.output},
           {"training_runs", model.info.training_runs},
           {"failed_runs", model.info.failed_runs},
           {"seconds", model.info.training_seconds},
           {"channels", channels},
           {"calibration", model.emulator.calibration().method},
           {"warnings", model.info.warnings}};
    j["validation"] = model.validation ? to_json(*model.validation) : Json(nullptr);
    j["comparison"] = to_json(model.comparison);
    std::printf("%s\n", j.dump(2).c_str());
    return 0;
  }
  std::printf("%s: learnt from %ld runs in %s s", o.output.c_str(),
              static_cast<long>(model.info.training_runs), brief(model.info.training_seconds, 3).c_str());
  if (model.info.failed_runs > 0)
    std::printf(" (%ld failed runs left out)", static_cast<long>(model.info.failed_runs));
  std::printf("\n\n");
  for (const ChannelSummary& c : model.info.channels) {
    std::printf("  %s: %s; basis %s, leaves out %s; %s\n", c.name.c_str(), c.transform.c_str(),
                c.basis.c_str(), brief(c.projection_error, 2).c_str(), c.regressor.c_str());
    std::size_t shown = 0;
    for (const auto& w : c.warnings) {
      if (shown++ == 5) {
        std::printf("    … and %zu more, see the report\n", c.warnings.size() - 5);
        break;
      }
      std::printf("    note: %s\n", w.c_str());
    }
  }
  if (const std::string& method = model.emulator.calibration().method; !method.empty())
    std::printf("\n  Error bars calibrated: %s\n", method.c_str());
  if (model.validation) std::printf("\n%s", to_text(*model.validation).c_str());
  if (!model.comparison.empty()) std::printf("\n%s", to_text(model.comparison).c_str());
  for (const auto& w : model.info.warnings) std::printf("\nWarning: %s\n", w.c_str());
  return 0;
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("train", "Learn an emulator from simulations");
  sub->add_option("archive", o->archive, "Simulations: an archive (sims.h5)")->required();
  sub->add_option("-o,--output", o->output, "Model file to write")->required();
  sub->add_option("--recipe", o->recipe, "Recipe (TOML); see docs/recipes.md");
  std::string known = "auto";
  for (const auto& name : regressor_names()) known += ", " + name;
  sub->add_option("--regressor", o->regressor, "For all channels: " + known + " (default gp)");
  sub->add_option("--basis", o->basis, "For all channels: auto, pod, none");
  sub->add_option("--tolerance", o->tolerance, "Relative error that the basis may leave (default 1e-7)")
      ->check(finite())
      ->check(CLI::Range(0.0, 1.0));
  sub->add_option(
         "--test-fraction", o->test_fraction,
         "Share of the runs set aside to score (default 0.2; 0: none); the final emulator learns from all")
      ->check(finite())
      ->check(CLI::Range(0.0, 0.9));
  session.add_options(*sub, true);
  sub->footer(
      "Examples:\n"
      "  ersatz train sims.h5 -o model.h5\n"
      "  ersatz train sims.h5 -o model.h5 --regressor auto --test-fraction 0.1\n"
      "  ersatz train sims.h5 -o model.h5 --recipe recipe.toml --force");
  sub->callback([&session, o] {
    session.uses_ranks = true;
    session.run = [&session, o] { return train(session, *o); };
  });
}

}  // namespace ersatz::driver
