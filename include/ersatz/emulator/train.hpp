#pragma once
// From simulations and a recipe to an emulator.

#include "ersatz/emulator/emulator.hpp"
#include "ersatz/emulator/model_info.hpp"
#include "ersatz/emulator/recipe.hpp"
#include "ersatz/regression/regressor.hpp"
#include "ersatz/storage/archive.hpp"
#include "ersatz/transform/input_map.hpp"

namespace ersatz {

/// Everything of an emulator but its predictors: what does not depend on the regressor.
struct PreparedChannel {
  std::string name;
  TransformPtr transform;
  BasisPtr basis;
  Matrix coefficients;  ///< n × r, what the regressor learns
  std::string transform_text, basis_text;
  Index elements = 0;             ///< of the basis; 0: none
  double projection_error = 0.0;  ///< relative L2, cross-validated
};

struct Prepared {
  ParameterSpace space;
  std::vector<Axis> axes;
  std::vector<OutputSpec> outputs;
  TransformPtr input_map;
  std::vector<std::string> input_names;  ///< of the mapped inputs
  Vector input_units;                    ///< one unit of each in the parameter's own
  MappedBounds input_bounds;             ///< where each lies
  Matrix x;                              ///< n × d', mapped
  std::vector<PreparedChannel> channels;
  std::vector<Decoding> decodings;
  DomainGuard guard;
};

/// Fits decoders, transforms and bases to the completed runs. Throws DataError when there are none.
Prepared prepare(const Archive& archive, const Recipe& recipe, const FitContext& context = {});

struct FittedChannel {
  PredictorPtr predictor;
  FitSummary summary;
  std::string regressor;  ///< name and settings
  /// Of each run, where the summary's leave_one_out are residuals of folds and not of runs left out alone.
  std::vector<Index> folds{};
};

/// Fits each channel's regressor as the recipe says; `override` (if any) in its place, for comparisons.
std::vector<FittedChannel> fit_channels(const Prepared& prepared, const Recipe& recipe,
                                        const FitContext& context, const Regressor* override = nullptr);

/// With the guard that was prepared, whose reach no residuals have spoken for.
Emulator assemble(const Prepared& prepared, const std::vector<FittedChannel>& fitted);

struct TrainedEmulator {
  Emulator emulator;
  ModelInfo info;
};

/// Fits and assembles what was prepared from these runs. The guard's reach is cross_validated() by the
/// residuals of left-out runs that the fits come with, summed over coefficients and channels, each channel
/// over its own spread: no fit more.
TrainedEmulator train_prepared(const Prepared& prepared, const Archive& archive, const Recipe& recipe,
                               const FitContext& context = {});

/// All of it: prepare, then train_prepared.
TrainedEmulator train_emulator(const Archive& archive, const Recipe& recipe, const FitContext& context = {});

}  // namespace ersatz
