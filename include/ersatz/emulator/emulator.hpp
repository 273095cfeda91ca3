#pragma once
// What users hold: a trained emulator.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ersatz/basis/basis.hpp"
#include "ersatz/core/axis.hpp"
#include "ersatz/core/parameter_space.hpp"
#include "ersatz/core/workspace.hpp"
#include "ersatz/emulator/calibration.hpp"
#include "ersatz/emulator/decoder.hpp"
#include "ersatz/emulator/domain_guard.hpp"
#include "ersatz/regression/predictor.hpp"
#include "ersatz/transform/transform.hpp"

namespace ersatz {

/// A latent quantity with its own transform, basis and predictor: inputs -> coefficients -> row -> channel.
struct Channel {
  std::string name;
  TransformPtr transform;
  BasisPtr basis;
  PredictorPtr predictor;
  /// What the predictor's variances are multiplied with, one per coefficient, so that leave-one-out residuals
  /// of the training set are as large as the variances say. Ones where nothing is known.
  Vector variance_scale;
  /// For a predictor without a variance: the mean square of each coefficient's residuals on runs left out,
  /// which stands in its place, the same everywhere. Empty: not known, or not needed.
  Vector residual_variance{};

  bool has_variance() const { return predictor->has_variance() || residual_variance.size() > 0; }
  /// Mean and variance of the coefficients, q × r each, before variance_scale.
  void mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Workspace& workspace) const;
};

/// One decoder, and which channels and outputs are its own.
struct Decoding {
  DecoderPtr decoder;
  std::vector<Index> channels, outputs;
};

/// Results for q points, one entry per output. Complex outputs are interleaved: q × 2m.
struct Prediction {
  std::vector<Matrix> mean;
  std::vector<Matrix> std;          ///< empty unless asked for; real and imaginary part for complex outputs
  std::vector<bool> inside_domain;  ///< q
  Vector domain_score;              ///< q; up to 1 inside, infinite outside of the box
};

/// Covariance of the emulator's own error at one point, of the outputs that one decoder makes: between
/// entries of outputs a and b it is factors[a]ᵀ factors[b], plus diagonal[a] on the diagonal where a = b.
/// Outputs of different decoders err independently. Low rank, so that a likelihood can use Woodbury's
/// identity.
struct OutputCovariance {
  std::vector<Index> outputs;    ///< of the emulator, in the order of what follows
  std::vector<Matrix> factors;   ///< each K × width, the same K directions
  std::vector<Vector> diagonal;  ///< each width: what errs bin by bin
};

/// Immutable, cheap to copy, safe from many threads (a Workspace each). A result has the same bits whatever
/// the number of threads, alone or in a batch of any size. Evaluation locks nothing and, after the first call
/// with a Workspace, allocates nothing.
class Emulator {
 public:
  struct Parts {
    ParameterSpace space;
    std::vector<Axis> axes;
    std::vector<OutputSpec> outputs;
    TransformPtr input_map;
    std::vector<Channel> channels;
    std::vector<Decoding> decodings;
    DomainGuard guard;  ///< may be empty: then every point is outside
    Calibration calibration{};
  };

  /// Throws UsageError if the parts do not fit together.
  explicit Emulator(Parts parts);

  const ParameterSpace& space() const { return parts_->space; }
  const std::vector<Axis>& axes() const { return parts_->axes; }
  const std::vector<OutputSpec>& outputs() const { return parts_->outputs; }
  const std::vector<Channel>& channels() const { return parts_->channels; }
  const std::vector<Decoding>& decodings() const { return parts_->decodings; }
  const Transform& input_map() const { return *parts_->input_map; }
  const DomainGuard& guard() const { return parts_->guard; }
  const Calibration& calibration() const { return parts_->calibration; }
  const Axis& axis_of(const OutputSpec& output) const;
  bool has_std() const { return has_std_; }  ///< every channel has a variance
  bool has_jacobian() const;                 ///< every channel's predictor has one

  /// X: q × d in the space's units; means[o]: q × outputs()[o].width(), row major.
  /// Throws DataError naming row and parameter of an input that is not finite, NumericalError where an output
  /// is not (a point so far outside that it overflows).
  void mean(ConstMatrixRef X, double* const* means, Workspace& workspace) const;
  /// Also standard deviations of the emulator's own error (what the regressors do not know, plus what the
  /// basis leaves out). Throws UsageError unless has_std().
  void mean_and_std(ConstMatrixRef X, double* const* means, double* const* stds, Workspace& workspace) const;

  /// Means, with the bits of `mean`, and their derivatives by the parameters in the space's units:
  /// jacobians[o]: q × outputs()[o].width() × d, row major. Throws UsageError unless has_jacobian().
  void mean_and_jacobian(ConstMatrixRef X, double* const* means, double* const* jacobians,
                         Workspace& workspace) const;

  /// What weighs the outputs of a point: fills weights[o], one for each entry, with the derivatives of some
  /// number by them; false: the gradient is not wanted after all.
  using Weigh = std::function<bool(double* const* weights)>;
  /// Means of one point x, with the bits of `mean`, and the gradient (d values) by the parameters of the
  /// number that `weigh`, called once they are there, is about. Derivatives run backwards: through the row of
  /// each channel once, not once for each parameter (unless a transform mixes bins). False: `weigh` said so,
  /// and the gradient is left alone. Throws as mean_and_jacobian.
  bool mean_and_gradient(const double* x, double* const* means, const Weigh& weigh, double* gradient,
                         Workspace& workspace) const;

  /// Coefficients err independently, what a basis leaves out errs together along its residual modes: one
  /// entry per decoder. To first order in both. x: d values. Throws as mean_and_std. Cost: (coefficients +
  /// modes) × width of the outputs; allocates its result.
  std::vector<OutputCovariance> covariance(const double* x, Workspace& workspace) const;

  /// The same emulator with standard deviations (and covariances) adjusted: `calibration` is that of this one
  /// and takes the place of what was there. Throws UsageError where it does not fit the outputs.
  Emulator calibrated(Calibration calibration) const;

  /// Half the width, in standard deviations of `output` (its number), of the interval that holds a value with
  /// probability `level`: as calibrated, at the next higher of its levels; else that of a normal
  /// distribution. Throws UsageError on a level that is not between 0 and 1, or is higher than the
  /// calibration's runs can tell.
  double interval_factor(std::size_t output, double level) const;
  /// The same for a band that holds the whole row at once. Throws UsageError without calibration.
  double band_factor(std::size_t output, double level) const;

  /// The same emulator for these bins of an axis alone, in this order: evaluating it never builds the whole
  /// rows, so that a few nodes cost a few products. Throws UsageError where an axis or a bin is not there, or
  /// where a transform mixes bins.
  Emulator restricted(const std::string& axis, const std::vector<Index>& bins) const;

  /// Distance to the training set over the largest that training points have among themselves; infinite
  /// outside of the box and its constraints. Inside: at most 1.
  double domain_score(const double* x, Workspace& workspace) const;

  /// All of it for a batch, on `threads` threads (0: one per core). Messages count points from `first` on.
  Prediction predict(ConstMatrixRef X, bool with_std, int threads = 1, Index first = 0) const;

  void save(const h5::Group& group) const;
  static Emulator load(const h5::Group& group);

 private:
  void check_inputs(ConstMatrixRef X, Index first = 0) const;
  void check_variances() const;
  void check_jacobian() const;
  void evaluate(ConstMatrixRef X, double* const* means, double* const* stds, Workspace& workspace) const;

  /// What spares work for a channel.
  struct Shortcut {
    /// Where bins stay apart from the row to the outputs, variances are carried instead of directions: this
    /// is that of what the basis loses, bin by bin. Else empty.
    Vector left_out;
    Index output = -1;  ///< that the channel is itself
  };

  std::shared_ptr<const Parts> parts_;
  std::shared_ptr<const std::vector<Shortcut>> shortcuts_;  ///< of each channel
  Index widest_ = 0;                                        ///< row of all channels and outputs
  bool has_std_ = false;
};

/// Opens a model file; verifies format, version and checksum. Throws StorageError.
Emulator open_emulator(const std::string& path);

}  // namespace ersatz
