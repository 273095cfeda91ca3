#pragma once
// How errors of coefficients reach the outputs, to first order.

#include <algorithm>
#include <cmath>

#include "ersatz/emulator/emulator.hpp"

namespace ersatz {

constexpr Index points_together = 32;  ///< points whose coefficients are computed together

/// One point of a decoding: what its channels came to, by place in the decoding.
struct DecodedPoint {
  const Decoding& decoding;
  const Emulator::Parts& parts;
  const double* x;
  const double* const* latent;    ///< rows after the basis
  const double* const* rows;      ///< channel values
  const double* const* variance;  ///< of the coefficients, as predicted
};

/// Rows to work with: two as wide as the widest channel, and one per output of the decoding.
struct Tangents {
  double *latent, *row;
  double* const* outputs;
};

/// The covariance of a decoding's outputs, as far as the channel at `place` causes it: factor() is called
/// after each independent direction (a coefficient times its deviation, a mode of what a basis leaves out)
/// with its tangents of the outputs in place; what errs bin by bin is added to `diagonal`.
template <class Factor>
void propagate(const DecodedPoint& at, std::size_t place, const Tangents& tangents, double* const* diagonal,
               Factor&& factor) {
  const Channel& channel = at.parts.channels[static_cast<std::size_t>(at.decoding.channels[place])];
  const auto number = static_cast<Index>(place);
  const double* v = at.variance[place];
  const double* latent = at.latent[place];
  const Index r = channel.basis->coefficients();
  if (channel.basis->entrywise()) {
    for (Index m = 0; m < r; ++m) tangents.latent[m] = v[m] * channel.variance_scale[m];
    channel.transform->variance_inverse(latent, tangents.latent, tangents.row);
    at.decoding.decoder->add_variance(at.x, at.rows, number, tangents.row, diagonal);
    return;
  }
  const auto direction = [&](const double* element, double deviation, Index width) {
    for (Index j = 0; j < width; ++j) tangents.latent[j] = deviation * element[j];
    channel.transform->push_inverse(latent, tangents.latent, tangents.row);
    at.decoding.decoder->push(at.x, at.rows, number, tangents.row, tangents.outputs);
    factor();
  };
  const Matrix& elements = channel.basis->elements();
  for (Index m = 0; m < r; ++m)
    direction(elements.row(m).data(), std::sqrt(std::max(0.0, v[m] * channel.variance_scale[m])),
              elements.cols());
  const Matrix& modes = channel.basis->residual_modes();
  for (Index m = 0; m < modes.rows(); ++m) direction(modes.row(m).data(), 1.0, modes.cols());
  channel.transform->variance_inverse(latent, channel.basis->residual_variance().data(), tangents.row);
  at.decoding.decoder->add_variance(at.x, at.rows, number, tangents.row, diagonal);
}

/// A list of n pointers or structures, in the workspace: no container of our own.
template <class T>
T* take_list(std::size_t n, Workspace& workspace) {
  return reinterpret_cast<T*>(
      workspace.take(static_cast<std::ptrdiff_t>((n * sizeof(T) + sizeof(double) - 1) / sizeof(double))));
}

}  // namespace ersatz
