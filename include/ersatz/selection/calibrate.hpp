#pragma once
// Error bars that are held against runs which were not learnt from.

#include "ersatz/core/settings.hpp"
#include "ersatz/emulator/train.hpp"

namespace ersatz {

/// A recipe's `calibration`.
struct CalibrationOptions {
  enum class Method {
    none,
    split,             ///< runs are set aside for it: the guarantee is exact, the emulator learns from fewer
    cross_validation,  ///< folds: the emulator learns from all runs, the folds' residuals stand for its own
  } method = Method::none;
  double fraction = 0.25;  ///< of the runs, for `split`
  Index folds = 5;         ///< for `cross_validation`
  bool per_bin = false;    ///< a scale for each value of a row; else one for each output
};

/// Settings: `fraction`, `folds`, `per` ("output", "bin"). Throws UsageError on an unknown name (naming the
/// known ones) or setting.
CalibrationOptions calibration_options(const std::string& name, const Settings& settings = {});

/// Factors for the emulator's standard deviations from runs that it (or emulators made in its way, of folds)
/// has not learnt from: predictions with standard deviations as they are before any calibration, and the
/// truth, one n × width matrix each per output. Values that do not vary are left out. Throws DataError when
/// there are fewer than three runs. `method` goes into the result.
Calibration calibrate(const std::vector<Matrix>& mean, const std::vector<Matrix>& std_dev,
                      const std::vector<Matrix>& truth, bool per_bin, const std::string& method);

/// An emulator and what it was made from.
struct Learnt {
  Archive runs;  ///< that it learnt from
  Prepared prepared;
  TrainedEmulator trained;
};

/// Learns as the recipe says, and calibrates. Cost: one fit, for cross-validation one more for each fold.
Learnt learn(const Archive& archive, const Recipe& recipe, const FitContext& context);

}  // namespace ersatz
