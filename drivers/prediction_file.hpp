#pragma once
// The file of `ersatz predict`, written by blocks of points as they are done.

#include <memory>
#include <string>

#include "ersatz/emulator/emulator.hpp"

namespace ersatz::driver {

class PredictionFile {
 public:
  virtual ~PredictionFile() = default;
  /// Predictions at the points first, first + 1, …; in any order.
  virtual void write(Index first, ConstMatrixRef X, const Prediction& block) = 0;
  virtual void commit() = 0;
  virtual bool with_std() const { return false; }
};

/// Throws UsageError for the names of text files that are not CSV.
void check_prediction_format(const std::string& path);

/// By the name's ending: .csv and .npy hold the mean of one output, `only`, which may be left empty where
/// there is but one; all else is HDF5 with all outputs or only that. For `points` points. Throws UsageError
/// for what the format cannot hold and for an unknown output.
std::unique_ptr<PredictionFile> make_prediction_file(const std::string& path, const Emulator& emulator,
                                                     Index points, const std::string& only, bool with_std);

}  // namespace ersatz::driver
