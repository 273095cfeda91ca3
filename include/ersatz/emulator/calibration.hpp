#pragma once
// Error bars that were held against runs that were not learnt from.

#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

/// Of one output. Scales and factors are quantiles of |truth - mean| / std over runs not learnt from, with
/// the correction for finite samples (selection/conformal.hpp).
struct OutputCalibration {
  Vector scale;     ///< width: what standard deviations are multiplied with; then one of them covers 68.27 %
  Vector interval;  ///< per level: half the width of a value's interval, in these deviations
  Vector band;      ///< per level: the same for a band that holds all values of a row at once
};

/// What an emulator's standard deviations were adjusted by.
struct Calibration {
  std::string method;                      ///< "split, 75 runs aside"; empty: none
  Vector levels;                           ///< ascending; those that the number of runs tells something about
  std::vector<OutputCalibration> outputs;  ///< one per output of the emulator; empty: none
};

/// Half the width, in standard deviations, of the interval that covers a normal variable with probability
/// `level`. Throws UsageError unless 0 < level < 1.
double normal_half_width(double level);

void save_calibration(const h5::Group& group, const Calibration& calibration);
/// Throws StorageError on shapes that disagree; `widths` are those of the outputs.
Calibration load_calibration(const h5::Group& group, const std::vector<Index>& widths);

}  // namespace ersatz
