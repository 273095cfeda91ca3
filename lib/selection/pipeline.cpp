#include "ersatz/selection/pipeline.hpp"

#include <chrono>

#include "ersatz/core/error.hpp"
#include "ersatz/selection/calibrate.hpp"
#include "ersatz/selection/compare.hpp"
#include "ersatz/selection/folds.hpp"
#include "ersatz/selection/scores.hpp"
#include "selection/basis_view.hpp"
#include "selection/serialise.hpp"

namespace ersatz {
namespace {

/// Replaces the regressor "auto" of the recipe by the leaderboard's choice.
std::vector<ComparisonRow> resolve_auto(Recipe& recipe, const Archive& runs, const FitContext& context) {
  bool wanted = recipe.channel.regressor.name == "auto";
  for (const auto& [name, c] : recipe.channels) wanted = wanted || c.regressor.name == "auto";
  if (!wanted) return {};
  const auto contestants = default_contestants();
  const auto rows = compare(runs, recipe, contestants, 5, context);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].chosen) continue;
    const Component winner{contestants[i].regressor, contestants[i].settings};
    if (recipe.channel.regressor.name == "auto") recipe.channel.regressor = winner;
    for (auto& [name, c] : recipe.channels)
      if (c.regressor.name == "auto") c.regressor = winner;
    return rows;
  }
  throw NumericalError(
      text("no regressor could be fitted; the first one said: ", rows.empty() ? "" : rows[0].why));
}

}  // namespace

Model train_model(const Archive& archive, Recipe recipe, const FitContext& context, int threads) {
  calibration_options(recipe.calibration.name, recipe.calibration.settings);  // throws before hours of work
  const Archive runs = archive.completed();
  std::optional<Validation> validation;
  std::vector<ComparisonRow> comparison;
  std::string none_aside;
  std::vector<BasisView> views;  // of the bases learnt from a part, where there is another part
  Split split;
  if (recipe.test_fraction > 0.0 && runs.size() < 5) none_aside = text("only ", runs.size(), " runs");
  if (recipe.test_fraction > 0.0 && runs.size() >= 5) {
    try {
      split = random_split(runs.parameters, recipe.test_fraction, context.random.split("test"));
    } catch (const UsageError& e) {  // one point many times, or a fraction below one point
      none_aside = e.what();
    }
  }
  if (!split.test.empty()) {
    const Archive rest = runs.subset(split.train);
    comparison = resolve_auto(recipe, rest, context);
    if (context.progress)
      context.progress->note(
          text("learning from ", split.train.size(), " runs, to be scored on ", split.test.size()));
    const Learnt learnt = learn(rest, recipe, context);
    const Prepared& prepared = learnt.prepared;
    const TrainedEmulator& first = learnt.trained;
    const Archive test = runs.subset(split.test);
    views = basis_views(prepared, learnt.runs, &test);
    validation = validate(first.emulator, test, threads);
    validation->test_hash = test.data_hash();
    validation->test_uses = 1;
    if (comparison.empty())
      comparison = simple_baselines(prepared, first.emulator, first.info.channels.front().regressor,
                                    first.info.training_seconds, test, recipe, context);
    validation->source = text(split.test.size(), " of ", runs.size(), " training runs set aside");
    if (context.progress) context.progress->note(text("learning from all ", runs.size(), " runs"));
  } else {
    comparison = resolve_auto(recipe, runs, context);
  }
  const auto start = std::chrono::steady_clock::now();
  Learnt learnt = learn(archive, recipe, context);
  TrainedEmulator& trained = learnt.trained;
  trained.info.training_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::vector<BasisView> own = basis_views(learnt.prepared, learnt.runs, nullptr);
  for (std::size_t c = 0; c < own.size(); ++c) {
    BasisView& view = trained.info.channels[c].basis_view = own[c];
    if (c >= views.size() || views[c].rank.size() == 0) continue;
    view.rank = views[c].rank;
    view.training_error = views[c].training_error;
    view.validation_error = views[c].validation_error;
  }
  if (!none_aside.empty())
    trained.info.warnings.push_back(
        text(none_aside, ": no runs were set aside, so nothing is known about the error"));
  if (validation && trained.emulator.has_std()) {
    for (const OutputScores& s : validation->outputs) {
      if (s.coverage_68 < 0.55 || s.coverage_95 < 0.88)
        trained.info.warnings.push_back(text("the error bars of '", s.name,
                                             "' are too small: 68% bars cover ",
                                             brief(100.0 * s.coverage_68, 3), "%, 95% bars ",
                                             brief(100.0 * s.coverage_95, 3), "% of the runs set aside"));
      else if (s.coverage_68 > 0.85)
        trained.info.warnings.push_back(text("the error bars of '", s.name,
                                             "' are too large: 68% bars cover ",
                                             brief(100.0 * s.coverage_68, 3), "% of the runs set aside"));
    }
  }
  return {std::move(trained.emulator), std::move(trained.info), std::move(validation), std::move(comparison)};
}

void count_test_use(Model& model, const Model& before) {
  if (!model.validation || !before.validation || model.validation->test_hash.empty() ||
      model.validation->test_hash != before.validation->test_hash)
    return;
  model.validation->test_uses += before.validation->test_uses;
  model.info.warnings.push_back(
      text("the runs set aside have scored ", model.validation->test_uses,
           " models of this name; a model chosen by these scores needs fresh runs to test it (ersatz search "
           "chooses without looking at them)"));
}

void save_model(const std::string& path, const Model& model) {
  h5::AtomicFile file(path);
  model.emulator.save(file.root());
  save_model_info(file.root(), model.info);
  if (model.validation) save_validation(file.root().create_group("validation"), *model.validation);
  if (!model.comparison.empty()) save_comparison(file.root().create_group("comparison"), model.comparison);
  file.commit();
}

Model load_model(const std::string& path) {
  const h5::File file = open_model_file(path);
  const h5::Group root = file.root();
  Model model{Emulator::load(root), load_model_info(root), std::nullopt, {}};
  if (root.has("validation")) model.validation = load_validation(root.group("validation"));
  if (root.has("comparison")) model.comparison = load_comparison(root.group("comparison"));
  return model;
}

ReportData report_of(const Model& model, const std::string& model_file, const Validation& validation) {
  ReportData d;
  d.title = model.info.title;
  d.model_file = model_file;
  d.created = model.info.created;
  d.version = model.info.library_version;
  d.recipe = model.info.recipe;
  d.recipe_hash = model.info.recipe_hash;
  d.data_hash = model.info.data_hash;
  d.training_runs = model.info.training_runs;
  d.failed_runs = model.info.failed_runs;
  d.training_seconds = model.info.training_seconds;
  d.simulator_seconds = model.info.simulator_seconds;
  d.provenance = model.info.provenance;
  d.space = model.emulator.space();
  for (const Decoding& x : model.emulator.decodings()) {
    const std::string kind = x.decoder->kind();
    if (d.decoder.find(kind) == std::string::npos) d.decoder += (d.decoder.empty() ? "" : ", ") + kind;
  }
  d.channels = model.info.channels;
  d.validation = validation;
  d.comparison = model.comparison;
  d.warnings = model.info.warnings;
  return d;
}

}  // namespace ersatz
