// Means with their derivatives by the parameters: the chain rule through all parts of an emulator.

#include <algorithm>

#include "emulator/finite.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/emulator.hpp"

namespace ersatz {
namespace {

/// Rows of one channel at a point: its values, and their tangents along each parameter, d × width.
struct ChannelRows {
  double *latent, *row;
  double *latent_tangents, *row_tangents;
};

/// A list of n pointers or structures, in the workspace as well: no container of our own.
template <class T>
T* take(std::size_t n, Workspace& workspace) {
  return reinterpret_cast<T*>(
      workspace.take(static_cast<std::ptrdiff_t>((n * sizeof(T) + sizeof(double) - 1) / sizeof(double))));
}

/// du/dx of the input map at x: row k is along parameter k, d × d'.
double* input_tangents(const Transform& map, const double* x, Workspace& workspace) {
  const Index d = map.inputs(), inner = map.outputs();
  double* tangents = workspace.take(d * inner);
  const Workspace::Frame frame(workspace);
  double* unit = workspace.take(d);
  std::fill(unit, unit + d, 0.0);
  for (Index k = 0; k < d; ++k) {
    unit[k] = 1.0;
    map.push_forward(x, unit, tangents + k * inner);
    unit[k] = 0.0;
  }
  return tangents;
}

/// A channel at u, whose tangents along the d parameters are `inputs`.
ChannelRows channel_rows(const Channel& channel, const Eigen::Map<const Matrix>& u,
                         const Eigen::Map<const Matrix>& inputs, Workspace& workspace) {
  const Index d = inputs.rows(), r = channel.basis->coefficients(), width = channel.basis->width();
  const Index size = channel.transform->inputs();
  const ChannelRows rows{workspace.take(width), workspace.take(size), workspace.take(d * width),
                         workspace.take(d * size)};
  const Workspace::Frame frame(workspace);
  Eigen::Map<Matrix> mean(workspace.take(r), 1, r), jacobian(workspace.take(r * u.cols()), r, u.cols());
  channel.predictor->mean(u, mean, workspace);
  channel.predictor->jacobian(u.data(), jacobian, workspace);
  channel.basis->reconstruct(mean.data(), rows.latent);
  channel.transform->inverse(rows.latent, rows.row);
  double* tangent = workspace.take(r);
  for (Index k = 0; k < d; ++k) {
    for (Index m = 0; m < r; ++m) {
      tangent[m] = 0.0;
      for (Index l = 0; l < u.cols(); ++l) tangent[m] += jacobian(m, l) * inputs(k, l);
    }
    channel.basis->push(tangent, rows.latent_tangents + k * width);
    channel.transform->push_inverse(rows.latent, rows.latent_tangents + k * width,
                                    rows.row_tangents + k * size);
  }
  return rows;
}

}  // namespace

bool Emulator::has_jacobian() const {
  return std::all_of(channels().begin(), channels().end(),
                     [](const Channel& c) { return c.predictor->has_jacobian(); });
}

void Emulator::check_jacobian() const {
  for (const Channel& c : channels())
    if (!c.predictor->has_jacobian())
      throw UsageError(text("this emulator gives no Jacobian: the predictions of the regressor '",
                            c.predictor->kind(), "' of channel '", c.name, "' have no derivatives"));
}

void Emulator::mean_and_jacobian(ConstMatrixRef X, double* const* means, double* const* jacobians,
                                 Workspace& workspace) const {
  check_jacobian();
  check_inputs(X);
  const Parts& p = *parts_;
  const Index d = p.space.size(), inner = p.input_map->outputs();
  const std::size_t n_channels = p.channels.size(), n_outputs = p.outputs.size();
  for (Index i = 0; i < X.rows(); ++i) {
    const Workspace::Frame frame(workspace);
    const double* x = X.row(i).data();
    double* u = workspace.take(inner);
    p.input_map->forward(x, u);
    const Eigen::Map<const Matrix> inputs(input_tangents(*p.input_map, x, workspace), d, inner);
    auto* rows = take<ChannelRows>(n_channels, workspace);
    for (std::size_t c = 0; c < n_channels; ++c)
      rows[c] = channel_rows(p.channels[c], Eigen::Map<const Matrix>(u, 1, inner), inputs, workspace);

    for (const Decoding& decoding : p.decodings) {
      const Workspace::Frame inside(workspace);
      const std::size_t count = decoding.outputs.size();
      auto** local = take<const double*>(n_channels, workspace);
      auto** mean = take<double*>(n_outputs, workspace);
      auto** tangents = take<double*>(n_outputs, workspace);  // d × width each
      auto** sum = take<double*>(n_outputs, workspace);
      auto** more = take<double*>(n_outputs, workspace);
      const auto output = [&](std::size_t k) -> const OutputSpec& {
        return p.outputs[static_cast<std::size_t>(decoding.outputs[k])];
      };
      const auto channel = [&](std::size_t k) { return static_cast<std::size_t>(decoding.channels[k]); };
      for (std::size_t k = 0; k < decoding.channels.size(); ++k) local[k] = rows[channel(k)].row;
      for (std::size_t o = 0; o < count; ++o) {
        mean[o] = means[decoding.outputs[o]] + i * output(o).width();
        tangents[o] = workspace.take(d * output(o).width());
        more[o] = workspace.take(output(o).width());
      }
      decoding.decoder->decode(x, local, mean);
      for (std::size_t o = 0; o < count; ++o) check_finite(mean[o], output(o), i, "prediction");

      double* unit = workspace.take(d);
      std::fill(unit, unit + d, 0.0);
      for (Index k = 0; k < d; ++k) {
        for (std::size_t o = 0; o < count; ++o) sum[o] = tangents[o] + k * output(o).width();
        const auto add_more = [&] {
          for (std::size_t o = 0; o < count; ++o)
            for (Index j = 0; j < output(o).width(); ++j) sum[o][j] += more[o][j];
        };
        for (std::size_t c = 0; c < decoding.channels.size(); ++c) {
          const double* tangent =
              rows[channel(c)].row_tangents + k * p.channels[channel(c)].transform->inputs();
          decoding.decoder->push(x, local, static_cast<Index>(c), tangent, c == 0 ? sum : more);
          if (c > 0) add_more();
        }
        unit[k] = 1.0;
        if (decoding.decoder->push_parameters(x, local, unit, more)) add_more();
        unit[k] = 0.0;
      }
      for (std::size_t o = 0; o < count; ++o) {
        const Index width = output(o).width();
        double* to = jacobians[decoding.outputs[o]] + i * width * d;
        Eigen::Map<Matrix>(to, width, d) = Eigen::Map<const Matrix>(tangents[o], d, width).transpose();
        check_finite(to, output(o), i, "derivative", d);
      }
    }
  }
}

}  // namespace ersatz
