#pragma once
// The decoder of precessing waveforms.

#include <optional>

#include "ersatz/emulator/decoder.hpp"
#include "ersatz/transform/in_plane_angle.hpp"
#include "ersatz/transform/rotation.hpp"

namespace ersatz {

/// Five modes of l = 2 (h22, h21, h20, h2-1, h2-2, inertial) from data pieces, as in NRSur7dq2 (Blackman et
/// al. 2017, arXiv:1705.07089) and NRSur7dq4 (Varma et al. 2019, arXiv:1905.09300):
///   NAME.direction  z axis of the coprecessing frame, x then y then z at all times; normalised on decoding
///   NAME.phase      orbital phase, (arg h2-2 - arg h22)/4 in the coprecessing frame [rad]
///   NAME.symmetric22.real …  (h_m ± conj h_-m)/2 in the coorbital frame, those that are not zero
/// The frame at the reference is the one that shortest arcs from z to `pole` to the direction there give;
/// from there it is carried by shortest arcs from sample to sample, in encoding and decoding alike, so that
/// one undoes the other to rounding.
class PrecessingDecoder final : public Decoder {
 public:
  struct Parts {
    std::string name;                  ///< of the group
    std::vector<std::string> outputs;  ///< five, m = 2 … -2
    Index size = 0, reference = 0;
    Vector3 pole = Vector3::UnitZ();  ///< typical direction at the reference
    double turn = 0.0;                ///< typical phase at the reference
    std::array<bool, 10> has{};       ///< which of the coorbital pieces there are
    double tolerance = 1e-12;         ///< relative to the largest mode: pieces below are none
    std::optional<InPlaneAngle> symmetry;
  };
  explicit PrecessingDecoder(Parts parts);
  static DecoderPtr load(const h5::Group& group);

  std::string kind() const override { return "precessing"; }
  std::vector<ChannelShape> channels() const override;
  std::vector<std::string> outputs() const override { return parts_.outputs; }
  bool fits(Index parameters, const std::vector<Index>& widths) const override;
  void decode(const double* x, const double* const* channels, double* const* outputs) const override;
  /// Throws DataError naming the bin where frame or phase are not defined or change too fast to follow, or
  /// the piece that is not zero and was in training.
  void encode(const double* x, const double* const* outputs, double* const* channels) const override;
  void push(const double* x, const double* const* channels, Index channel, const double* tangent,
            double* const* tangents) const override;
  bool push_parameters(const double* x, const double* const* channels, const double* dx,
                       double* const* tangents) const override;
  void pull(const double* x, const double* const* channels, const double* const* outputs,
            const double* const* weights, double* const* channel_weights, double* gradient) const override;
  void add_variance(const double* x, const double* const* channels, Index channel, const double* variance,
                    double* const* variances) const override;
  void save(const h5::Group& group) const override;

  const Parts& parts() const { return parts_; }

  /// The direction at the reference (as if the in-plane angle were zero) along the orbital angular momentum,
  /// about which the modes turn.
  Vector3 reference_direction(const double* x, const double* const* outputs) const;
  /// The phase there, but for whole quarters of a turn.
  double reference_phase(const double* x, const double* const* outputs) const;

 private:
  static const std::array<const char*, 10> piece_names;
  struct Walk;  ///< neighbouring samples, a tile at a time, from the reference outwards
  Complex turn_of(const double* x) const;  ///< exp(i alpha)
  QuadrupoleModes modes_at(Index bin, Complex turn, const double* const* outputs) const;
  Vector3 direction_at(Index bin, const QuadrupoleModes& modes, const Vector3& guess) const;
  Quaternion start_frame(const Vector3& direction) const;
  void modes_of(const double* x, const double* direction, const double* phase, const double* const* pieces,
                double* const* outputs) const;
  void tangents_of(const double* x, const double* direction, const double* change, const double* angle,
                   double* const* modes) const;

  Parts parts_;
  Index pieces_ = 0;  ///< how many there are
};

}  // namespace ersatz
