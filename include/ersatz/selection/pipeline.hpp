#pragma once
// Training with everything that makes a model file complete: scores on runs set aside, the regressor chosen
// where the recipe leaves it open, the file itself.

#include <optional>
#include <vector>

#include "ersatz/emulator/train.hpp"
#include "ersatz/selection/comparison.hpp"
#include "ersatz/selection/report.hpp"
#include "ersatz/selection/validation.hpp"

namespace ersatz {

/// What a model file holds.
struct Model {
  Emulator emulator;
  ModelInfo info;
  std::optional<Validation> validation;   ///< on runs set aside; none if the recipe sets none aside
  std::vector<ComparisonRow> comparison;  ///< the leaderboard, where it was made
};

/// Trains as the recipe says. With test_fraction > 0 a first emulator learns from the rest and is scored on
/// the runs set aside, then the final one learns from all: the scores are those of the first, which knew
/// less; with a calibration both are calibrated, each on its own runs. The regressor "auto" is chosen by
/// compare() on the runs that are learnt from. So the runs set aside decide nothing, and are scored once; the
/// validation records their hash.
Model train_model(const Archive& archive, Recipe recipe, const FitContext& context, int threads);

/// Where `before`, which `model` will replace, was tested on the same runs, they are no fresh test any more:
/// counts that in Validation::test_uses, with a warning.
void count_test_use(Model& model, const Model& before);

void save_model(const std::string& path, const Model& model);
/// Throws StorageError.
Model load_model(const std::string& path);

/// The report of a model, with its own validation or one on other simulations.
ReportData report_of(const Model& model, const std::string& model_file, const Validation& validation);

}  // namespace ersatz
