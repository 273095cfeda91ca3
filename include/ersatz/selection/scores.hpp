#pragma once
// Scores of an emulator on simulations that it has never seen.

#include "ersatz/emulator/emulator.hpp"
#include "ersatz/selection/mismatch.hpp"
#include "ersatz/selection/validation.hpp"
#include "ersatz/storage/archive.hpp"

namespace ersatz {

/// Root mean square error over the root mean square of truth minus its mean row; NaN where the truth does not
/// vary. Both n × m.
double normalised_rmse(ConstMatrixRef prediction, ConstMatrixRef truth);

/// Seconds per point of mean predictions on one thread: one at a time, and all in one call.
struct PredictionTime {
  double alone = 0.0, batch = 0.0;
};

/// Measures the first `points` rows at most, the best of `rounds`; begins no round after two seconds.
PredictionTime time_predictions(const Emulator& emulator, ConstMatrixRef X, Index points, int rounds);

/// Predicts the completed runs of `held_out` and scores them, output by output. Outputs that only one side
/// has are left out; none in common is a DataError, as is a shape, a bin of an axis or a parameter name that
/// differs. Complex outputs get mismatches as `options` say, each alone and those that are one waveform
/// together (the outputs of one decoder, else all on one axis). Predictions run on `threads` threads; the
/// time of a prediction is measured on one.
Validation validate(const Emulator& emulator, const Archive& held_out, int threads = 1,
                    const MismatchOptions& options = {});

}  // namespace ersatz
