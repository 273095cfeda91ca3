// Means and standard deviations: coefficients for a block of points, rows for a few of them together, then
// point by point transform and decoder.

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "emulator/finite.hpp"
#include "emulator/propagate.hpp"

namespace ersatz {
namespace {

/// Points whose rows are made together: few enough that these stay in the cache, a multiple of what a product
/// takes at once.
constexpr Index rows_together = 12;

/// What is known of a channel at a few points, row by row.
struct ChannelBlock {
  const double *mean, *variance;  ///< coefficients × points
  double* latent;                 ///< after the basis
  double* latent_variance;        ///< bin by bin; null: by directions
  double* row;                    ///< values; where the channel is an output, there
};

}  // namespace

void Emulator::evaluate(ConstMatrixRef X, double* const* means, double* const* stds,
                        Workspace& workspace) const {
  const Parts& p = *parts_;
  const Index inner = p.input_map->outputs();
  const std::size_t n_channels = p.channels.size(), n_outputs = p.outputs.size();
  for (Index begin = 0; begin < X.rows(); begin += points_together) {
    const Workspace::Frame frame(workspace);
    const Index q = std::min(points_together, X.rows() - begin);
    double* u = workspace.take(q * inner);
    for (Index i = 0; i < q; ++i) p.input_map->forward(X.row(begin + i).data(), u + i * inner);
    const Eigen::Map<const Matrix> U(u, q, inner);
    auto** coefficient = take_list<double*>(n_channels, workspace);
    auto** variance = take_list<double*>(n_channels, workspace);
    for (std::size_t c = 0; c < n_channels; ++c) {
      const Channel& channel = p.channels[c];
      const Index r = channel.basis->coefficients();
      coefficient[c] = workspace.take(q * r);
      Eigen::Map<Matrix> mean_map(coefficient[c], q, r);
      variance[c] = nullptr;
      if (!stds) {
        channel.predictor->mean(U, mean_map, workspace);
        continue;
      }
      variance[c] = workspace.take(q * r);
      Eigen::Map<Matrix> variance_map(variance[c], q, r);
      channel.mean_and_variance(U, mean_map, variance_map, workspace);
    }
    for (Index first = 0; first < q; first += rows_together) {
      const Index count = std::min(rows_together, q - first);
      const Workspace::Frame rows_frame(workspace);
      auto* blocks = take_list<ChannelBlock>(n_channels, workspace);
      for (std::size_t c = 0; c < n_channels; ++c) {
        const Channel& channel = p.channels[c];
        const Index r = channel.basis->coefficients(), width = channel.basis->width();
        ChannelBlock& b = blocks[c];
        const Shortcut& shortcut = (*shortcuts_)[c];
        b = {coefficient[c] + first * r, stds ? variance[c] + first * r : nullptr,
             workspace.take(count * width), nullptr,
             shortcut.output >= 0 ? means[shortcut.output] + (begin + first) * channel.transform->inputs()
                                  : workspace.take(count * channel.transform->inputs())};
        channel.basis->reconstruct_rows(b.mean, count, b.latent);
        for (Index i = 0; i < count; ++i)
          channel.transform->inverse(b.latent + i * width, b.row + i * channel.transform->inputs());
        if (!stds || shortcut.left_out.size() == 0) continue;
        // Bins do not mix from here on: variances instead of directions, their elements squared.
        b.latent_variance = workspace.take(count * width);
        const Workspace::Frame scaled_frame(workspace);
        double* scaled = workspace.take(count * r);
        for (Index i = 0; i < count; ++i)
          for (Index m = 0; m < r; ++m)
            scaled[i * r + m] = std::max(0.0, b.variance[i * r + m] * channel.variance_scale[m]);
        kernels::table().squares_product(scaled, count, r, channel.basis->elements().data(), width,
                                         shortcut.left_out.data(), count, b.latent_variance);
      }

      auto** latent = take_list<const double*>(n_channels, workspace);
      auto** row = take_list<const double*>(n_channels, workspace);
      auto** coefficient_variance = take_list<const double*>(n_channels, workspace);
      auto** out = take_list<double*>(n_outputs, workspace);
      auto** tangent_out = take_list<double*>(n_outputs, workspace);
      double *tangent_latent = nullptr, *tangent_row = nullptr;
      if (stds) {
        tangent_latent = workspace.take(widest_);
        tangent_row = workspace.take(widest_);
        // By place in a decoding, which may hold any of the outputs.
        for (std::size_t o = 0; o < n_outputs; ++o) tangent_out[o] = workspace.take(widest_);
      }
      for (Index i = 0; i < count; ++i) {
        const Index point = begin + first + i;
        const double* x = X.row(point).data();
        for (const Decoding& decoding : p.decodings) {
          const std::size_t n = decoding.channels.size(), n_out = decoding.outputs.size();
          const auto output = [&](std::size_t k) -> const OutputSpec& {
            return p.outputs[static_cast<std::size_t>(decoding.outputs[k])];
          };
          for (std::size_t k = 0; k < n; ++k) {
            const auto c = static_cast<std::size_t>(decoding.channels[k]);
            const Channel& channel = p.channels[c];
            row[k] = blocks[c].row + i * channel.transform->inputs();
            latent[k] = blocks[c].latent + i * channel.basis->width();
            if (stds) coefficient_variance[k] = blocks[c].variance + i * channel.basis->coefficients();
          }
          for (std::size_t k = 0; k < n_out; ++k)
            out[k] = means[decoding.outputs[k]] + point * output(k).width();
          if (row[0] != out[0]) decoding.decoder->decode(x, row, out);  // else the channel is the output
          for (std::size_t k = 0; k < n_out; ++k) check_finite(out[k], output(k), point, "prediction");
          if (!stds) continue;

          // Variance of an output bin: Σ over directions of their squares, plus what errs bin by bin.
          for (std::size_t k = 0; k < n_out; ++k) {
            out[k] = stds[decoding.outputs[k]] + point * output(k).width();
            std::fill(out[k], out[k] + output(k).width(), 0.0);
          }
          for (std::size_t k = 0; k < n; ++k) {
            const auto c = static_cast<std::size_t>(decoding.channels[k]);
            if (const double* v = blocks[c].latent_variance) {
              const Channel& channel = p.channels[c];
              channel.transform->variance_inverse(latent[k], v + i * channel.basis->width(), tangent_row);
              decoding.decoder->add_variance(x, row, static_cast<Index>(k), tangent_row, out);
              continue;
            }
            propagate({decoding, p, x, latent, row, coefficient_variance}, k,
                      {tangent_latent, tangent_row, tangent_out}, out, [&] {
                        for (std::size_t w = 0; w < n_out; ++w)
                          for (Index j = 0; j < output(w).width(); ++j)
                            out[w][j] += tangent_out[w][j] * tangent_out[w][j];
                      });
          }
          for (std::size_t k = 0; k < n_out; ++k) {
            const Index width = output(k).width();
            for (Index j = 0; j < width; ++j) out[k][j] = std::sqrt(out[k][j]);
            if (!p.calibration.outputs.empty()) {
              const Vector& scale =
                  p.calibration.outputs[static_cast<std::size_t>(decoding.outputs[k])].scale;
              for (Index j = 0; j < width; ++j) out[k][j] *= scale[j];
            }
            check_finite(out[k], output(k), point, "standard deviation");
          }
        }
      }
    }
  }
}

}  // namespace ersatz
