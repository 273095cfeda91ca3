#pragma once
// The decoders that ship.

#include "ersatz/emulator/decoder.hpp"

namespace ersatz {

/// The channel is the output.
class IdentityDecoder final : public Decoder {
 public:
  explicit IdentityDecoder(ChannelShape shape) : shape_(std::move(shape)) {}
  static DecoderPtr load(const h5::Group& group);
  std::string kind() const override { return "identity"; }
  std::vector<ChannelShape> channels() const override { return {shape_}; }
  std::vector<std::string> outputs() const override { return {shape_.name}; }
  bool fits(Index, const std::vector<Index>& widths) const override {
    return widths == std::vector<Index>{shape_.width()};
  }
  bool entrywise() const override { return true; }
  void decode(const double* x, const double* const* channels, double* const* outputs) const override;
  void encode(const double* x, const double* const* outputs, double* const* channels) const override;
  void push(const double* x, const double* const* channels, Index channel, const double* tangent,
            double* const* tangents) const override;
  bool push_parameters(const double*, const double* const*, const double*, double* const*) const override {
    return false;
  }
  void pull(const double* x, const double* const* channels, const double* const* outputs,
            const double* const* weights, double* const* channel_weights, double* gradient) const override;
  void add_variance(const double* x, const double* const* channels, Index channel, const double* variance,
                    double* const* variances) const override;
  RestrictedDecoder restricted(const std::vector<Index>& bins) const override;
  void save(const h5::Group& group) const override;

 private:
  ChannelShape shape_;
};

/// z = A exp(i (φ + turn)): amplitude and continuous phase. The phase is unwrapped from the reference bin
/// outwards; `turn` is the circular mean of the training set's phase there, so that no branch cut falls among
/// the values at the reference.
class AmplitudePhaseDecoder final : public Decoder {
 public:
  AmplitudePhaseDecoder(std::string output, Index size, Index reference, double turn)
      : output_(std::move(output)), size_(size), reference_(reference), turn_(turn) {}
  static DecoderPtr load(const h5::Group& group);
  std::string kind() const override { return "amplitude-phase"; }
  std::vector<ChannelShape> channels() const override {
    return {{output_ + ".amplitude", size_, false}, {output_ + ".phase", size_, false, true}};
  }
  std::vector<std::string> outputs() const override { return {output_}; }
  bool fits(Index, const std::vector<Index>& widths) const override {
    return reference_ >= -1 && reference_ < size_ && widths == std::vector<Index>{2 * size_};
  }
  bool entrywise() const override { return true; }
  void decode(const double* x, const double* const* channels, double* const* outputs) const override;
  void encode(const double* x, const double* const* outputs, double* const* channels) const override;
  void push(const double* x, const double* const* channels, Index channel, const double* tangent,
            double* const* tangents) const override;
  bool push_parameters(const double*, const double* const*, const double*, double* const*) const override {
    return false;
  }
  void pull(const double* x, const double* const* channels, const double* const* outputs,
            const double* const* weights, double* const* channel_weights, double* gradient) const override;
  void add_variance(const double* x, const double* const* channels, Index channel, const double* variance,
                    double* const* variances) const override;
  RestrictedDecoder restricted(const std::vector<Index>& bins) const override;
  void save(const h5::Group& group) const override;

 private:
  /// cos and sin of `count` phases, at most `tile`, with the turn.
  static constexpr Index tile = 256;
  void turns(const double* phase, Index count, double* cosine, double* sine) const;

  std::string output_;
  Index size_, reference_;  ///< reference -1: restricted to some bins, which can not be unwrapped
  double turn_;
};

/// Output = π B_λ(T) × channel, with the Planck function at the temperature that is one of the parameters.
class BlackbodyDecoder final : public Decoder {
 public:
  BlackbodyDecoder(std::string output, Vector wavelength, Index temperature)
      : output_(std::move(output)), wavelength_(std::move(wavelength)), temperature_(temperature) {}
  static DecoderPtr load(const h5::Group& group);
  std::string kind() const override { return "blackbody"; }
  std::vector<ChannelShape> channels() const override {
    return {{output_ + ".ratio", wavelength_.size(), false}};
  }
  std::vector<std::string> outputs() const override { return {output_}; }
  bool fits(Index parameters, const std::vector<Index>& widths) const override {
    return temperature_ >= 0 && temperature_ < parameters && widths == std::vector<Index>{wavelength_.size()};
  }
  bool entrywise() const override { return true; }
  void decode(const double* x, const double* const* channels, double* const* outputs) const override;
  void encode(const double* x, const double* const* outputs, double* const* channels) const override;
  void push(const double* x, const double* const* channels, Index channel, const double* tangent,
            double* const* tangents) const override;
  bool push_parameters(const double* x, const double* const* channels, const double* dx,
                       double* const* tangents) const override;
  void pull(const double* x, const double* const* channels, const double* const* outputs,
            const double* const* weights, double* const* channel_weights, double* gradient) const override;
  void add_variance(const double* x, const double* const* channels, Index channel, const double* variance,
                    double* const* variances) const override;
  RestrictedDecoder restricted(const std::vector<Index>& bins) const override;
  void save(const h5::Group& group) const override;

 private:
  /// π B_λ in erg/s/cm²/Angstrom at bin j.
  double continuum(Index j, double temperature) const;

  std::string output_;
  Vector wavelength_;  ///< Angstrom
  Index temperature_;  ///< which parameter, kelvin
};

}  // namespace ersatz
