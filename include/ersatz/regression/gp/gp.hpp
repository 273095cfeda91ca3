#pragma once
// Gaussian process regression.

#include <optional>
#include <string>

#include "ersatz/regression/gp/covariance_objective.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {

/// How a Gaussian process is fitted. Lengths are relative to the range of each input in the data: inputs and
/// outputs are scaled inside, units do not matter.
struct GpOptions {
  std::string kernel = "matern52-product";  ///< see gp::make_kernel
  /// Degree of the mean, a polynomial found by generalised least squares: gp::Trend::zero, 0 (constant), …
  Index trend = 0;
  /// Noise variance over process variance. Empty: estimated, down to 1e-12, or 0 where the noise is known. 0:
  /// interpolate.
  std::optional<double> nugget;
  /// Known standard deviation of every value, in the outputs' unit; TrainingData::noise_std gives one to
  /// each.
  std::optional<double> noise;
  bool extra_noise = false;  ///< estimate a nugget also beside known noise
  gp::Estimator likelihood = gp::Estimator::restricted;
  gp::Priors priors;
  /// Searches: the first from a default, the others from random places. Each explores, the best converges.
  Index starts = 3;
  Index max_iterations = 100;
  /// Smallest and largest length, in ranges of the inputs. Empty: from the number of points.
  std::optional<std::pair<double, double>> bounds;
  /// One correlation matrix for all outputs (Gu & Berger 2016): one factorisation instead of p.
  bool shared = false;
  std::string method = "auto";  ///< "exact", "inducing", "vecchia"; auto: by the number of points
  Index points = 0;             ///< inducing points; 0: from the number of points
  Index neighbours = 0;         ///< of each point (vecchia); 0: a default
};

/// Mean by generalised least squares, process variance concentrated out where no noise is known. The exact
/// process is one task for each output on the context's executor, and costs about 50 to 100 evaluations of n³
/// flops for each; "auto" takes it up to 2000 points, and beyond the better of both approximations by
/// leave-one-out (docs/large-n.md; inducing points take no known noise, and neither takes the leave-one-out
/// likelihood). Needs n >= 1; constant
/// outputs, inputs that do not vary and duplicate points are handled and reported in the summary.
/// Throws UsageError on options that make no sense.
RegressorPtr make_gp_regressor(const GpOptions& options);

/// From a recipe: kernel ("auto", the default: matern52-product or squared-exponential, whichever has the
/// smaller leave-one-out error over all outputs), mean ("zero", "constant", "linear", "quadratic" or a
/// degree), nugget (a number or "estimated"), noise (a number), likelihood ("restricted", "profile",
/// "leave-one-out"), prior ("robust", "none"; robust unless another one is given), length_prior,
/// nugget_prior, variance_prior ("inverse-gamma(3, 1)", see gp::Density), starts, max_iterations, bounds
/// ([smallest, largest]), shared, method, points, neighbours.
RegressorPtr make_gp_regressor(const Settings& settings);

/// Reads what save wrote; nothing is factorised again. Throws StorageError.
PredictorPtr load_gp_predictor(const h5::Group& group);

}  // namespace ersatz
