#pragma once
// How probable data are, given parameters.

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/inference/forward_model.hpp"
#include "ersatz/inference/observation.hpp"
#include "ersatz/selection/noise_curve.hpp"
#include "ersatz/transform/conditioning.hpp"

namespace ersatz {

/// A parameter of a likelihood that is not one of the model's. Without a prior it stays at `neutral`.
struct NuisanceParameter {
  std::string name, unit;
  double lower, upper;  ///< where it makes sense
  double neutral;
};

struct LikelihoodValue {
  double log = 0.0;  ///< up to a constant that no parameter changes; -infinity: rejected
  bool inside_domain = true;
};

/// How large model and errors are at a point.
struct LikelihoodScales {
  double amplitude = 1.0;    ///< times the model's rows
  double error_scale = 1.0;  ///< times the deviations of the data
  double jitter = 0.0;       ///< a deviation, in quadrature to those
  double emulator = 0.0;     ///< times the deviations of the emulator's error; 0: it does not enter
};

/// Over the d parameters of the model's space, then its own. Immutable, safe from many threads.
class Likelihood {
 public:
  virtual ~Likelihood() = default;
  virtual const ForwardModel& model() const = 0;
  virtual const std::vector<NuisanceParameter>& nuisance() const = 0;
  Index size() const { return model().space().size() + static_cast<Index>(nuisance().size()); }
  virtual bool has_gradient() const = 0;
  /// theta: size() values. gradient: size() values or null; left alone where the value is not finite.
  /// Throws UsageError on a gradient that there is not.
  virtual LikelihoodValue evaluate(const double* theta, double* gradient, Workspace& workspace) const = 0;
  /// theta: size() values.
  virtual LikelihoodScales scales(const double* theta, Workspace& workspace) const = 0;
  virtual std::string describe() const = 0;  ///< "Gaussian, 1000 values, …"
};

using LikelihoodPtr = std::shared_ptr<const Likelihood>;

/// How much of the emulator's covariance counts: all of it, its diagonal, nothing.
enum class EmulatorError { full, diagonal, none };
EmulatorError emulator_error_from_string(std::string_view name);  ///< throws UsageError
/// Points whose domain score s is above 1: rejected, or kept with the emulator's covariance times s². Outside
/// of the model's box there is no score, and points are rejected either way.
enum class Outside { reject, widen };
Outside outside_from_string(std::string_view name);  ///< throws UsageError

struct GaussianOptions {
  EmulatorError emulator_error = EmulatorError::full;
  Outside outside = Outside::reject;
  /// 0: Gaussian. Otherwise the multivariate Student t with so many degrees of freedom and the same matrix as
  /// scale (its covariance is ν / (ν - 2) times that): a Gaussian whose errors, the emulator's with them,
  /// have an unknown common factor. It takes wrong sizes of errors, not single wrong bins.
  double degrees_of_freedom = 0.0;
  /// Those in use of "amplitude" (the model's rows and the deviations of its error times it), "error_scale"
  /// (the data's deviations times it) and "log_jitter" (natural logarithm of a deviation that is added to all
  /// values, independently, in quadrature; in the data's unit).
  std::vector<std::string> nuisance;
  /// Above 0: reduced-order quadrature (Antil et al. 2013; Canizares et al. 2015) of an emulator that is not
  /// linear in its coefficients. It is evaluated at nodes alone, from which the other values follow; over the
  /// whole domain, by at most so much off: the length of the difference, whitened by the data's covariance,
  /// and so about the largest shift of a posterior mean, in its deviations. 0.01 is small. Without the
  /// emulator's error and nuisance parameters. A linear emulator is compressed without loss anyhow, and a
  /// simulator has no nodes: both leave it alone.
  double reduced_quadrature = 0.0;
};

/// y ~ N(a μ(x), f² Σ + j² 1 + a² C(x)), with C the emulator's covariance.
///
/// Cost beyond the emulator's coefficients (r) and their variances, for m values: where the emulator is
/// linear in its coefficients (decoder "identity", transforms that scale and shift) and no nuisance parameter
/// is in use, the data are compressed to r numbers once, without loss, and an evaluation is O(r³). Otherwise
/// Woodbury's identity: O(K² m) with K directions of the covariance (a full Σ: + K m², and m³ / 3 where
/// jitter or the emulator's variances of single bins come on top of it).
///
/// Gradients are those of the mean and of the covariance. The latter is exact where the emulator is linear in
/// its coefficients and the predictor knows the slope of its variances; elsewhere by central differences, 2d
/// covariances, over 1e-3 of each range: good to about 1e-5 of it.
LikelihoodPtr gaussian_likelihood(ForwardModelPtr model, const Observation& observation,
                                  const GaussianOptions& options = {});

/// What is done with a shift in time or a phase that are not known: nothing, a parameter, marginalised over,
/// maximised over.
enum class Unknown { none, parameter, marginalise, maximise };
Unknown unknown_from_string(std::string_view name);  ///< throws UsageError

struct WaveformOptions {
  NoiseCurve noise;
  /// Flat noise: deviation of the real and of the imaginary part of each value.
  double deviation = 0.0;
  double total_mass = 0.0;                                           ///< solar masses, see MismatchOptions
  double low = 0.0, high = std::numeric_limits<double>::infinity();  ///< band, see MismatchOptions
  Taper taper;
  Unknown phase = Unknown::marginalise;  ///< uniform; as a parameter: "phase" [rad]
  Unknown time = Unknown::none;          ///< as a parameter: "time_shift", in the axis' unit
  double time_range = 0.0;  ///< marginalised and maximised over shifts from -time_range to time_range
  bool amplitude = false;   ///< a parameter "amplitude", a factor of the model
  Outside outside = Outside::reject;
  /// As GaussianOptions::reduced_quadrature, for any emulator, in this noise; the shift fixed or
  /// marginalised, without an amplitude. An evaluation then takes nodes × shifts products and no transform.
  double reduced_quadrature = 0.0;
};

/// Complex series on an axis of time, all bins, in stationary noise: ln L = -⟨d - h, d - h⟩ / 2 with
/// ⟨a, b⟩ = 2 Re ∫ a~*(f) b~(f) / S_n(|f|) df over frequencies of both signs, summed over the outputs: for
/// h+ - i hx that is the sum over both polarisations. All share h~ exp(2πi f τ + i φ). The phase is
/// marginalised by ln I0(|⟨d, h⟩|), the shift by a sum over
/// a grid that resolves the data's peak. A model that is shifted by more than the length of the series has
/// left the data and does not overlap with them. The emulator's error does not enter. O(m log m) per
/// evaluation; the gradient takes one more transform and a product with the Jacobian.
/// Throws UsageError as Mismatch does, for outputs that are not complex, a time_range longer than the series,
/// and observations with errors of their own: how large the noise is, noise and deviation say.
LikelihoodPtr waveform_likelihood(ForwardModelPtr model, const Observation& observation,
                                  const WaveformOptions& options);

}  // namespace ersatz
