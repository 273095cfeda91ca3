#pragma once
// From latent channels to named outputs, and back for training.

#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/axis.hpp"
#include "ersatz/core/settings.hpp"
#include "ersatz/storage/hdf5.hpp"

namespace ersatz {

/// A latent quantity that a decoder asks for.
struct ChannelShape {
  std::string name;       ///< "flux", "h22.phase"
  Index size = 0;         ///< bins
  bool complex = false;   ///< rows of 2 × size interleaved doubles
  bool additive = false;  ///< only differences mean something (a phase): no logarithm is taken by itself
  Index width() const { return complex ? 2 * size : size; }
};

class Decoder;
using DecoderPtr = std::shared_ptr<const Decoder>;

/// A decoder for some bins of its outputs, and the bins of each channel that it takes; empty: all of them.
struct RestrictedDecoder {
  DecoderPtr decoder;
  std::vector<std::vector<Index>> channel_bins;
};

/// Makes some outputs from some channels, given the parameters x in their own units. An emulator has one or
/// several. Immutable and thread safe; nothing aliases.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::string kind() const = 0;
  virtual std::vector<ChannelShape> channels() const = 0;
  virtual std::vector<std::string> outputs() const = 0;
  /// Whether it can do with x of that many parameters, and writes outputs of these widths (doubles per row).
  virtual bool fits(Index parameters, const std::vector<Index>& widths) const = 0;

  /// Entry j of the outputs comes from entry j of each channel alone, or from entry j / 2 where the channel
  /// is real and the outputs are complex.
  virtual bool entrywise() const { return false; }

  /// channels[c] and outputs[o]: one row each.
  virtual void decode(const double* x, const double* const* channels, double* const* outputs) const = 0;
  /// The inverse: what the channels must be for these outputs.
  virtual void encode(const double* x, const double* const* outputs, double* const* channels) const = 0;
  /// Tangents of all outputs for a tangent of one channel.
  virtual void push(const double* x, const double* const* channels, Index channel, const double* tangent,
                    double* const* tangents) const = 0;
  /// The same for a change dx of the parameters with the channels as they are. False, and nothing is
  /// written, where that changes nothing, as where the parameters only choose the channels' values.
  virtual bool push_parameters(const double* x, const double* const* channels, const double* dx,
                               double* const* tangents) const = 0;
  /// Adds to the outputs' variances what independent variances of one channel's entries cause, first order.
  virtual void add_variance(const double* x, const double* const* channels, Index channel,
                            const double* variance, double* const* variances) const = 0;
  /// For these bins of every output alone, in this order. What is made so may refuse to encode. Throws
  /// UsageError unless overridden: a decoder may need whole rows.
  virtual RestrictedDecoder restricted(const std::vector<Index>& bins) const;
  virtual void save(const h5::Group& group) const = 0;

  /// Backwards: channel_weights[c] = Σ weights[o] ∂output o / ∂channel c, a row each, and what the parameters
  /// change with the channels as they are is added to `gradient`. `outputs`: as decoded.
  virtual void pull(const double* x, const double* const* channels, const double* const* outputs,
                    const double* const* weights, double* const* channel_weights, double* gradient) const = 0;
};

void save_decoder(const h5::Group& group, const Decoder& decoder);
DecoderPtr load_decoder(const h5::Group& group);

/// What a decoder may look at when it is fitted: runs of one output, or of several that it decodes together.
struct DecoderData {
  std::vector<std::string> parameters;  ///< names, in order
  ConstMatrixRef x;                     ///< n × d
  std::string name;                     ///< of the output, or of the group
  std::vector<OutputSpec> outputs;      ///< all on one axis
  ConstVectorRef axis;                  ///< bins
  std::string axis_unit;
  std::vector<ConstMatrixRef> values;  ///< of each output, n × its width
  std::vector<Index> runs;             ///< numbers of the n runs, for messages; empty: 0, 1, …
  Index run(Index i) const { return runs.empty() ? i : runs[static_cast<std::size_t>(i)]; }
};

/// Fits the named decoder. To one output: "identity", "amplitude-phase" (setting `reference`: value on the
/// axis where the phase is aligned; default the last bin, or where the runs' phases are closest together if
/// they fill the circle there), "blackbody" (setting `temperature`: name of the parameter, in kelvin; the
/// axis in Angstrom), "auto". To the five modes of l = 2, in the order m = 2, 1, 0, -1, -2: "precessing"
/// (settings `reference`: as above, default the last bin; `tolerance`: pieces smaller than this part of the
/// largest mode are left out, default 1e-12; `symmetry`: take the in-plane angle of the spins out, default
/// false; then also those of InPlaneAngle). Throws DataError where it cannot be, UsageError for settings and
/// outputs that make no sense.
DecoderPtr fit_decoder(const std::string& name, const Settings& settings, const DecoderData& data);
std::vector<std::string> decoder_names();

}  // namespace ersatz
