#include "emulator/decoders.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/kernels.hpp"
#include "emulator/precessing_decoder.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/planck.hpp"

namespace ersatz {
namespace {
constexpr double pi = 3.14159265358979323846;
}

RestrictedDecoder Decoder::restricted(const std::vector<Index>&) const {
  throw UsageError(text("decoder ", kind(), " needs whole rows: it can not be restricted to some bins"));
}

// Identity ----------------------------------------------------------------------------------------------

void IdentityDecoder::decode(const double*, const double* const* channels, double* const* outputs) const {
  std::copy(channels[0], channels[0] + shape_.width(), outputs[0]);
}
void IdentityDecoder::encode(const double*, const double* const* outputs, double* const* channels) const {
  std::copy(outputs[0], outputs[0] + shape_.width(), channels[0]);
}
void IdentityDecoder::push(const double*, const double* const*, Index, const double* tangent,
                           double* const* tangents) const {
  std::copy(tangent, tangent + shape_.width(), tangents[0]);
}
void IdentityDecoder::pull(const double*, const double* const*, const double* const*,
                           const double* const* weights, double* const* channel_weights, double*) const {
  std::copy(weights[0], weights[0] + shape_.width(), channel_weights[0]);
}
void IdentityDecoder::add_variance(const double*, const double* const*, Index, const double* variance,
                                   double* const* variances) const {
  for (Index j = 0; j < shape_.width(); ++j) variances[0][j] += variance[j];
}
RestrictedDecoder IdentityDecoder::restricted(const std::vector<Index>& bins) const {
  ChannelShape shape = shape_;
  shape.size = static_cast<Index>(bins.size());
  return {std::make_shared<IdentityDecoder>(shape), {bins}};
}
void IdentityDecoder::save(const h5::Group& group) const {
  group.set("output", shape_.name);
  group.set("size", static_cast<std::int64_t>(shape_.size));
  group.set("complex", static_cast<std::int64_t>(shape_.complex));
}
DecoderPtr IdentityDecoder::load(const h5::Group& group) {
  return std::make_shared<IdentityDecoder>(ChannelShape{group.get_string("output"),
                                                        static_cast<Index>(group.get_integer("size")),
                                                        group.get_integer("complex") != 0});
}

// Amplitude and phase -----------------------------------------------------------------------------------

void AmplitudePhaseDecoder::turns(const double* phase, Index count, double* cosine, double* sine) const {
  constexpr double exact = 1e6;  // up to where the kernel knows them
  std::array<double, tile> angle;
  bool small = true;
  for (Index j = 0; j < count; ++j) {
    angle[static_cast<std::size_t>(j)] = phase[j] + turn_;
    small = small && std::abs(phase[j] + turn_) < exact;
  }
  if (small) return kernels::table().sines_cosines(angle.data(), count, sine, cosine);
  for (Index j = 0; j < count; ++j) {
    cosine[j] = std::cos(angle[static_cast<std::size_t>(j)]);
    sine[j] = std::sin(angle[static_cast<std::size_t>(j)]);
  }
}

void AmplitudePhaseDecoder::decode(const double*, const double* const* channels,
                                   double* const* outputs) const {
  std::array<double, tile> c, s;
  for (Index begin = 0; begin < size_; begin += tile) {
    const Index count = std::min(tile, size_ - begin);
    const double* amplitude = channels[0] + begin;
    double* z = outputs[0] + 2 * begin;
    turns(channels[1] + begin, count, c.data(), s.data());
    for (Index j = 0; j < count; ++j) {
      z[2 * j] = amplitude[j] * c[static_cast<std::size_t>(j)];
      z[2 * j + 1] = amplitude[j] * s[static_cast<std::size_t>(j)];
    }
  }
}

void AmplitudePhaseDecoder::encode(const double*, const double* const* outputs,
                                   double* const* channels) const {
  if (reference_ < 0)
    throw UsageError(text("decoder amplitude-phase of '", output_,
                          "': restricted to some bins, where the phase can not be unwrapped"));
  const double* z = outputs[0];
  const auto step = [z](Index from, Index to) {  // phase difference between two bins, in (-π, π]
    const Complex a(z[2 * from], z[2 * from + 1]), b(z[2 * to], z[2 * to + 1]);
    return std::arg(b * std::conj(a));
  };
  double* phase = channels[1];
  for (Index j = 0; j < size_; ++j) channels[0][j] = std::hypot(z[2 * j], z[2 * j + 1]);
  const Complex start = Complex(z[2 * reference_], z[2 * reference_ + 1]) * std::polar(1.0, -turn_);
  phase[reference_] = std::arg(start);
  for (Index j = reference_ + 1; j < size_; ++j) phase[j] = phase[j - 1] + step(j - 1, j);
  for (Index j = reference_ - 1; j >= 0; --j) phase[j] = phase[j + 1] - step(j, j + 1);
}

void AmplitudePhaseDecoder::push(const double*, const double* const* channels, Index channel,
                                 const double* tangent, double* const* tangents) const {
  std::array<double, tile> cosines, sines;
  for (Index begin = 0; begin < size_; begin += tile) {
    const Index count = std::min(tile, size_ - begin);
    turns(channels[1] + begin, count, cosines.data(), sines.data());
    for (Index k = 0; k < count; ++k) {
      const Index j = begin + k;
      const double c = cosines[static_cast<std::size_t>(k)], s = sines[static_cast<std::size_t>(k)];
      double* dz = tangents[0] + 2 * j;
      dz[0] = channel == 0 ? c * tangent[j] : -channels[0][j] * s * tangent[j];
      dz[1] = channel == 0 ? s * tangent[j] : channels[0][j] * c * tangent[j];
    }
  }
}

void AmplitudePhaseDecoder::pull(const double*, const double* const* channels, const double* const* outputs,
                                 const double* const* weights, double* const* channel_weights,
                                 double*) const {
  std::array<double, tile> c, s;
  for (Index begin = 0; begin < size_; begin += tile) {
    const Index count = std::min(tile, size_ - begin);
    const double *z = outputs[0] + 2 * begin, *w = weights[0] + 2 * begin;
    double *by_amplitude = channel_weights[0] + begin, *by_phase = channel_weights[1] + begin;
    turns(channels[1] + begin, count, c.data(), s.data());
    for (Index j = 0; j < count; ++j) {
      by_amplitude[j] =
          c[static_cast<std::size_t>(j)] * w[2 * j] + s[static_cast<std::size_t>(j)] * w[2 * j + 1];
      by_phase[j] = z[2 * j] * w[2 * j + 1] - z[2 * j + 1] * w[2 * j];
    }
  }
}

void AmplitudePhaseDecoder::add_variance(const double*, const double* const* channels, Index channel,
                                         const double* variance, double* const* variances) const {
  double* v = variances[0];
  for (Index j = 0; j < size_; ++j) {
    const double angle = channels[1][j] + turn_;
    const double c = std::cos(angle), s = std::sin(angle);
    if (channel == 0) {
      v[2 * j] += c * c * variance[j];
      v[2 * j + 1] += s * s * variance[j];
    } else {
      const double a2 = channels[0][j] * channels[0][j];
      v[2 * j] += a2 * s * s * variance[j];
      v[2 * j + 1] += a2 * c * c * variance[j];
    }
  }
}

RestrictedDecoder AmplitudePhaseDecoder::restricted(const std::vector<Index>& bins) const {
  return {std::make_shared<AmplitudePhaseDecoder>(output_, static_cast<Index>(bins.size()), Index{-1}, turn_),
          {bins, bins}};
}
void AmplitudePhaseDecoder::save(const h5::Group& group) const {
  group.set("output", output_);
  group.set("size", static_cast<std::int64_t>(size_));
  group.set("reference", static_cast<std::int64_t>(reference_));
  group.set("turn", turn_);
}
DecoderPtr AmplitudePhaseDecoder::load(const h5::Group& group) {
  return std::make_shared<AmplitudePhaseDecoder>(group.get_string("output"), group.get_integer("size"),
                                                 group.get_integer("reference"), group.get_double("turn"));
}

// Blackbody ---------------------------------------------------------------------------------------------

double BlackbodyDecoder::continuum(Index j, double temperature) const {
  return pi * planck_function(wavelength_[j], temperature);
}

void BlackbodyDecoder::decode(const double* x, const double* const* channels, double* const* outputs) const {
  for (Index j = 0; j < wavelength_.size(); ++j)
    outputs[0][j] = continuum(j, x[temperature_]) * channels[0][j];
}
void BlackbodyDecoder::encode(const double* x, const double* const* outputs, double* const* channels) const {
  for (Index j = 0; j < wavelength_.size(); ++j)
    channels[0][j] = outputs[0][j] / continuum(j, x[temperature_]);
}
void BlackbodyDecoder::push(const double* x, const double* const*, Index, const double* tangent,
                            double* const* tangents) const {
  for (Index j = 0; j < wavelength_.size(); ++j) tangents[0][j] = continuum(j, x[temperature_]) * tangent[j];
}
bool BlackbodyDecoder::push_parameters(const double* x, const double* const* channels, const double* dx,
                                       double* const* tangents) const {
  const double temperature = x[temperature_];
  if (dx[temperature_] == 0.0) return false;
  for (Index j = 0; j < wavelength_.size(); ++j)
    tangents[0][j] =
        pi * planck_temperature_slope(wavelength_[j], temperature) * channels[0][j] * dx[temperature_];
  return true;
}
void BlackbodyDecoder::pull(const double* x, const double* const* channels, const double* const*,
                            const double* const* weights, double* const* channel_weights,
                            double* gradient) const {
  const double temperature = x[temperature_];
  double by_temperature = 0.0;
  for (Index j = 0; j < wavelength_.size(); ++j) {
    channel_weights[0][j] = continuum(j, temperature) * weights[0][j];
    by_temperature += planck_temperature_slope(wavelength_[j], temperature) * channels[0][j] * weights[0][j];
  }
  gradient[temperature_] += pi * by_temperature;
}
void BlackbodyDecoder::add_variance(const double* x, const double* const*, Index, const double* variance,
                                    double* const* variances) const {
  for (Index j = 0; j < wavelength_.size(); ++j) {
    const double b = continuum(j, x[temperature_]);
    variances[0][j] += b * b * variance[j];
  }
}
RestrictedDecoder BlackbodyDecoder::restricted(const std::vector<Index>& bins) const {
  return {std::make_shared<BlackbodyDecoder>(output_, Vector(wavelength_(bins)), temperature_), {bins}};
}
void BlackbodyDecoder::save(const h5::Group& group) const {
  group.set("output", output_);
  group.set("temperature", static_cast<std::int64_t>(temperature_));
  group.write("wavelength", wavelength_);
}
DecoderPtr BlackbodyDecoder::load(const h5::Group& group) {
  return std::make_shared<BlackbodyDecoder>(group.get_string("output"), group.read_vector("wavelength"),
                                            group.get_integer("temperature"));
}

// Loading -----------------------------------------------------------------------------------------------

void save_decoder(const h5::Group& group, const Decoder& decoder) {
  group.set("kind", decoder.kind());
  decoder.save(group);
}

DecoderPtr load_decoder(const h5::Group& group) {
  const std::string kind = group.get_string("kind");
  if (kind == "identity") return IdentityDecoder::load(group);
  if (kind == "amplitude-phase") return AmplitudePhaseDecoder::load(group);
  if (kind == "blackbody") return BlackbodyDecoder::load(group);
  if (kind == "precessing") return PrecessingDecoder::load(group);
  throw StorageError(text(group.where(), ": this version of Ersatz knows no decoder of kind '", kind, "'"));
}

}  // namespace ersatz
