#include "ersatz/emulator/calibration.hpp"

#include <cmath>

#include "emulator/check_calibration.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/emulator.hpp"

namespace ersatz {
namespace {

bool usable(const Vector& v) { return v.allFinite() && (v.array() >= 0.0).all(); }

double factor_at(const Calibration& c, const Vector& factors, double level) {
  if (!(level > 0.0 && level < 1.0))
    throw UsageError(text("a level of ", level, ", expected a number between 0 and 1"));
  for (Index l = 0; l < c.levels.size(); ++l)
    if (c.levels[l] >= level - 1e-9) return factors[l];
  throw UsageError(text("a level of ", level, ": the calibration (", c.method, ") says nothing above ",
                        c.levels[c.levels.size() - 1]));
}

}  // namespace

double normal_half_width(double level) {
  if (!(level > 0.0 && level < 1.0))
    throw UsageError(text("a level of ", level, ", expected a number between 0 and 1"));
  // Bisection of erfc(z / √2) = 1 - level; 40 is beyond the smallest double.
  double low = 0.0, high = 40.0;
  for (int i = 0; i < 200 && low < high; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (std::erfc(middle * 0.70710678118654752440) > 1.0 - level ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

void check_calibration(const Calibration& c, const std::vector<Index>& widths) {
  if (c.outputs.empty()) return;
  if (c.outputs.size() != widths.size())
    throw UsageError(text("calibration of ", c.outputs.size(), " outputs, the emulator has ", widths.size()));
  if (c.levels.size() == 0 || !(c.levels.array() > 0.0).all() || !(c.levels.array() < 1.0).all())
    throw UsageError("calibration: levels must be between 0 and 1, and there must be some");
  for (Index l = 1; l < c.levels.size(); ++l)
    if (!(c.levels[l] > c.levels[l - 1])) throw UsageError("calibration: levels must ascend");
  for (std::size_t o = 0; o < widths.size(); ++o) {
    const OutputCalibration& output = c.outputs[o];
    if (output.scale.size() != widths[o] || output.interval.size() != c.levels.size() ||
        output.band.size() != c.levels.size())
      throw UsageError(text("calibration of output ", o, ": ", output.scale.size(), " scales for a width of ",
                            widths[o], ", ", output.interval.size(), " and ", output.band.size(),
                            " factors for ", c.levels.size(), " levels"));
    if (!usable(output.scale) || !usable(output.interval) || !usable(output.band))
      throw UsageError(text("calibration of output ", o, ": a factor is negative or not finite"));
  }
}

void save_calibration(const h5::Group& group, const Calibration& c) {
  group.set("method", c.method);
  group.write("levels", c.levels);
  for (std::size_t o = 0; o < c.outputs.size(); ++o) {
    const h5::Group g = group.create_group(text("output", o));
    g.write("scale", c.outputs[o].scale);
    g.write("interval", c.outputs[o].interval);
    g.write("band", c.outputs[o].band);
  }
}

Calibration load_calibration(const h5::Group& group, const std::vector<Index>& widths) {
  Calibration c;
  c.method = group.get_string("method");
  c.levels = group.read_vector("levels");
  for (std::size_t o = 0; o < widths.size(); ++o) {
    const h5::Group g = group.group(text("output", o));
    c.outputs.push_back({g.read_vector("scale", widths[o]), g.read_vector("interval", c.levels.size()),
                         g.read_vector("band", c.levels.size())});
  }
  return c;
}

void Channel::mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance,
                                Workspace& workspace) const {
  if (predictor->has_variance()) {
    predictor->mean_and_variance(X, mean, variance, Noise::latent, workspace);
    return;
  }
  predictor->mean(X, mean, workspace);
  for (Index i = 0; i < variance.rows(); ++i)
    for (Index k = 0; k < variance.cols(); ++k) variance(i, k) = residual_variance[k];
}

Emulator Emulator::calibrated(Calibration calibration) const {
  Parts parts = *parts_;
  parts.calibration = std::move(calibration);
  return Emulator(std::move(parts));
}

double Emulator::interval_factor(std::size_t output, double level) const {
  if (output >= outputs().size())
    throw UsageError(text("emulator: output number ", output, " of ", outputs().size()));
  const Calibration& c = calibration();
  return c.outputs.empty() ? normal_half_width(level) : factor_at(c, c.outputs[output].interval, level);
}

double Emulator::band_factor(std::size_t output, double level) const {
  if (output >= outputs().size())
    throw UsageError(text("emulator: output number ", output, " of ", outputs().size()));
  const Calibration& c = calibration();
  if (c.outputs.empty())
    throw UsageError("emulator: bands for whole rows need a calibration (`calibration` in the recipe)");
  return factor_at(c, c.outputs[output].band, level);
}

}  // namespace ersatz
