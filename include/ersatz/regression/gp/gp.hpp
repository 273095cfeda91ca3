#pragma once
// Gaussian process regression.

#include <optional>
#include <string>

#include "ersatz/regression/gp/likelihood.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {

/// How a Gaussian process is fitted. Lengths are relative to the range of each input in the data: inputs and
/// outputs are scaled inside, units do not matter.
struct GpOptions {
  std::string kernel = "matern52-product";  ///< see gp::make_kernel
  /// Noise variance over process variance. Empty: estimated, down to 1e-12. 0: interpolate.
  std::optional<double> nugget;
  gp::Estimator likelihood = gp::Estimator::restricted;
  gp::Prior prior = gp::Prior::robust;
  /// Searches: the first from a default, the others from random places. Each explores, the best converges.
  Index starts = 3;
  Index max_iterations = 100;
  /// Smallest and largest length, in ranges of the inputs. Empty: from the number of points.
  std::optional<std::pair<double, double>> bounds;
  /// One correlation matrix for all outputs (Gu & Berger 2016): one factorisation instead of p.
  bool shared = false;
};

/// Constant mean by generalised least squares, process variance concentrated out, one task for each output on
/// the context's executor. Cost per output: about 50 to 100 evaluations of n³ flops. Needs n >= 1; constant
/// outputs, inputs that do not vary and duplicate points are handled and reported in the summary.
/// Throws UsageError on options that make no sense.
RegressorPtr make_gp_regressor(const GpOptions& options);

/// From a recipe: kernel ("auto", the default: matern52-product or squared-exponential, whichever has the
/// smaller leave-one-out error over all outputs), nugget (a number or "estimated"), likelihood ("restricted",
/// "profile"), prior
/// ("robust", "none"), starts, max_iterations, bounds ([smallest, largest]), shared.
RegressorPtr make_gp_regressor(const Settings& settings);

/// Reads what save wrote; nothing is factorised again. Throws StorageError.
PredictorPtr load_gp_predictor(const h5::Group& group);

}  // namespace ersatz
