// Means with their derivatives by the parameters: the chain rule through all parts of an emulator, forwards
// to a Jacobian, or backwards to the gradient of a number that the means end in.

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "emulator/finite.hpp"
#include "emulator/propagate.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

/// Rows of one channel at a point: its values, and their tangents along each parameter, d × width.
struct ChannelRows {
  double* row;
  double* latent_tangents;
  double* slopes;        ///< of the row by the latent one, entry by entry; null where entries mix
  double* row_tangents;  ///< in that case
};

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

/// A channel at u, whose tangents along the d parameters are `inputs`; `apart`: its decoder is entrywise.
/// Its values go to `row`, where that is given.
ChannelRows channel_rows(const Channel& channel, bool apart, const Eigen::Map<const Matrix>& u,
                         const Eigen::Map<const Matrix>& inputs, double* row, Workspace& workspace) {
  const Index d = inputs.rows(), r = channel.basis->coefficients(), width = channel.basis->width();
  const Index size = channel.transform->inputs();
  apart = apart && channel.transform->entrywise();
  double* latent = workspace.take((1 + d) * width);
  const ChannelRows rows{row ? row : workspace.take(size), latent + width,
                         apart ? workspace.take(width) : nullptr, apart ? nullptr : workspace.take(d * size)};
  const Workspace::Frame frame(workspace);
  double* coefficients = workspace.take((1 + d) * r);
  Eigen::Map<Matrix> mean(coefficients, 1, r), jacobian(workspace.take(r * u.cols()), r, u.cols());
  channel.predictor->mean(u, mean, workspace);
  channel.predictor->jacobian(u.data(), jacobian, workspace);
  double* tangents = coefficients + r;
  std::fill(tangents, tangents + d * r, 0.0);
  for (Index k = 0; k < d; ++k)
    for (Index l = 0; l < u.cols(); ++l)
      for (Index m = 0; m < r; ++m) tangents[k * r + m] += jacobian(m, l) * inputs(k, l);
  channel.basis->reconstruct_and_push(coefficients, d, latent);
  if (apart) {
    channel.transform->inverse_and_slopes(latent, rows.row, rows.slopes);
    return rows;
  }
  channel.transform->inverse(latent, rows.row);
  for (Index k = 0; k < d; ++k)
    channel.transform->push_inverse(latent, rows.latent_tangents + k * width, rows.row_tangents + k * size);
  return rows;
}

/// jacobian(j, k) = slope[j] × tangent k at entry j (or at j / 2, where the channel has half as many), or is
/// added to.
void add_entrywise(const double* slopes, Index width, const double* tangents, Index size, Index d, bool add,
                   double* jacobian) {
  if (size == width && !add) {
    kernels::table().interleaved_products(slopes, tangents, d, width, jacobian);
    return;
  }
  const Index each = width / size;
  for (Index j = 0; j < width; ++j)
    for (Index k = 0; k < d; ++k) {
      const double change = slopes[j] * tangents[k * size + j / each];
      jacobian[j * d + k] = add ? jacobian[j * d + k] + change : change;
    }
}

/// Column k of the jacobian, width × d, is the tangent, or is added to.
void add_column(const double* tangent, Index width, Index d, Index k, bool add, double* jacobian) {
  for (Index j = 0; j < width; ++j) jacobian[j * d + k] = add ? jacobian[j * d + k] + tangent[j] : tangent[j];
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
    auto* rows = take_list<ChannelRows>(n_channels, workspace);
    for (const Decoding& decoding : p.decodings) {
      const Workspace::Frame inside(workspace);
      const Decoder& decoder = *decoding.decoder;
      const std::size_t n = decoding.channels.size(), n_out = decoding.outputs.size();
      const auto channel = [&](std::size_t k) { return static_cast<std::size_t>(decoding.channels[k]); };
      const auto output = [&](std::size_t k) -> const OutputSpec& {
        return p.outputs[static_cast<std::size_t>(decoding.outputs[k])];
      };
      auto** local = take_list<const double*>(n_channels, workspace);
      auto** mean = take_list<double*>(n_outputs, workspace);
      auto** jacobian = take_list<double*>(n_outputs, workspace);  // width × d
      auto** tangent = take_list<double*>(n_outputs, workspace);   // along one direction
      for (std::size_t k = 0; k < n; ++k) {
        const Index same = (*shortcuts_)[channel(k)].output;
        double* row = same >= 0 ? means[same] + i * p.channels[channel(k)].transform->inputs() : nullptr;
        rows[k] = channel_rows(p.channels[channel(k)], decoder.entrywise(),
                               Eigen::Map<const Matrix>(u, 1, inner), inputs, row, workspace);
        local[k] = rows[k].row;
      }
      for (std::size_t o = 0; o < n_out; ++o) {
        const Index width = output(o).width();
        mean[o] = means[decoding.outputs[o]] + i * width;
        jacobian[o] = jacobians[decoding.outputs[o]] + i * width * d;
        tangent[o] = workspace.take(width);
      }
      const bool itself = local[0] == mean[0];  // the channel is the output
      if (!itself) decoder.decode(x, local, mean);
      for (std::size_t o = 0; o < n_out; ++o) check_finite(mean[o], output(o), i, "prediction");

      for (std::size_t c = 0; c < n; ++c) {
        const ChannelRows& from = rows[c];
        const Index size = p.channels[channel(c)].transform->inputs();
        if (from.slopes) {
          if (!itself) decoder.push(x, local, static_cast<Index>(c), from.slopes, tangent);
          for (std::size_t o = 0; o < n_out; ++o)
            add_entrywise(itself ? from.slopes : tangent[o], output(o).width(), from.latent_tangents, size, d,
                          c > 0, jacobian[o]);
          continue;
        }
        for (Index k = 0; k < d; ++k) {
          decoder.push(x, local, static_cast<Index>(c), from.row_tangents + k * size, tangent);
          for (std::size_t o = 0; o < n_out; ++o)
            add_column(tangent[o], output(o).width(), d, k, c > 0, jacobian[o]);
        }
      }
      double* unit = workspace.take(d);
      std::fill(unit, unit + d, 0.0);
      for (Index k = 0; k < d; ++k) {
        unit[k] = 1.0;
        if (decoder.push_parameters(x, local, unit, tangent))
          for (std::size_t o = 0; o < n_out; ++o)
            add_column(tangent[o], output(o).width(), d, k, true, jacobian[o]);
        unit[k] = 0.0;
      }
      for (std::size_t o = 0; o < n_out; ++o) check_finite(jacobian[o], output(o), i, "derivative", d);
    }
  }
}

bool Emulator::mean_and_gradient(const double* x, double* const* means, const Weigh& weigh, double* gradient,
                                 Workspace& workspace) const {
  const Parts& p = *parts_;
  const Index d = p.space.size(), inner = p.input_map->outputs();
  const std::size_t n_channels = p.channels.size(), n_outputs = p.outputs.size();
  const Workspace::Frame frame(workspace);
  const Eigen::Map<const Matrix> point(x, 1, d);
  auto** weights = take_list<double*>(n_outputs, workspace);
  for (std::size_t o = 0; o < n_outputs; ++o) weights[o] = workspace.take(p.outputs[o].width());
  if (!std::all_of(p.channels.begin(), p.channels.end(),
                   [](const Channel& c) { return c.transform->entrywise(); })) {
    auto** jacobians = take_list<double*>(n_outputs, workspace);
    for (std::size_t o = 0; o < n_outputs; ++o) jacobians[o] = workspace.take(p.outputs[o].width() * d);
    mean_and_jacobian(point, means, jacobians, workspace);
    if (!weigh(weights)) return false;
    std::fill(gradient, gradient + d, 0.0);
    for (std::size_t o = 0; o < n_outputs; ++o)
      kernels::table().add_rows(weights[o], jacobians[o], p.outputs[o].width(), d, gradient);
    return true;
  }
  check_jacobian();
  check_inputs(point);
  double* u = workspace.take(inner);
  p.input_map->forward(x, u);
  auto** row = take_list<double*>(n_channels, workspace);
  auto** slopes = take_list<double*>(n_channels, workspace);  // of the row by the latent one, entry by entry
  auto** tape = take_list<double*>(n_channels, workspace);
  Index widest = 0, most = 0;
  for (std::size_t c = 0; c < n_channels; ++c) {
    const Channel& channel = p.channels[c];
    const Index width = channel.basis->width(), r = channel.basis->coefficients();
    widest = std::max(widest, width);
    most = std::max(most, r);
    row[c] = workspace.take(width);
    slopes[c] = workspace.take(width);
    tape[c] = workspace.take(channel.predictor->tape_size());
    const Workspace::Frame inside(workspace);
    double* coefficients = workspace.take(r);
    double* latent = workspace.take(width);
    channel.predictor->record(u, coefficients, nullptr, tape[c], workspace);
    channel.basis->reconstruct(coefficients, latent);
    channel.transform->inverse_and_slopes(latent, row[c], slopes[c]);
  }
  auto** local = take_list<const double*>(n_channels, workspace);
  auto** out = take_list<double*>(n_outputs, workspace);
  auto** out_weights = take_list<const double*>(n_outputs, workspace);
  auto** channel_weights = take_list<double*>(n_channels, workspace);
  const auto gather = [&](const Decoding& decoding) {
    for (std::size_t k = 0; k < decoding.channels.size(); ++k)
      local[k] = row[static_cast<std::size_t>(decoding.channels[k])];
    for (std::size_t o = 0; o < decoding.outputs.size(); ++o) {
      out[o] = means[decoding.outputs[o]];
      out_weights[o] = weights[decoding.outputs[o]];
    }
  };
  for (const Decoding& decoding : p.decodings) {
    gather(decoding);
    decoding.decoder->decode(x, local, out);
  }
  for (std::size_t o = 0; o < n_outputs; ++o) check_finite(means[o], p.outputs[o], 0, "prediction");
  if (!weigh(weights)) return false;

  std::fill(gradient, gradient + d, 0.0);
  double* by_coefficient = workspace.take(most);
  double* by_input = workspace.take(inner);
  double* sum = workspace.take(inner);
  std::fill(sum, sum + inner, 0.0);
  for (const Decoding& decoding : p.decodings) {
    const Workspace::Frame inside(workspace);
    for (std::size_t k = 0; k < decoding.channels.size(); ++k) channel_weights[k] = workspace.take(widest);
    gather(decoding);
    decoding.decoder->pull(x, local, out, out_weights, channel_weights, gradient);
    for (std::size_t k = 0; k < decoding.channels.size(); ++k) {
      const auto c = static_cast<std::size_t>(decoding.channels[k]);
      const Channel& channel = p.channels[c];
      const Index width = channel.basis->width(), r = channel.basis->coefficients();
      for (Index j = 0; j < width; ++j) channel_weights[k][j] *= slopes[c][j];
      if (channel.basis->entrywise())
        std::copy(channel_weights[k], channel_weights[k] + width, by_coefficient);
      else
        kernels::table().dots(channel.basis->elements().data(), r, width, channel_weights[k], 1, width, width,
                              by_coefficient, r);
      channel.predictor->pull(u, tape[c], by_coefficient, nullptr, by_input, workspace);
      for (Index l = 0; l < inner; ++l) sum[l] += by_input[l];
    }
  }
  const double* inputs = input_tangents(*p.input_map, x, workspace);
  for (Index k = 0; k < d; ++k) gradient[k] += kernels::table().dot(inputs + k * inner, sum, inner);
  for (Index k = 0; k < d; ++k)
    if (!std::isfinite(gradient[k]))
      throw NumericalError(text("the derivative by '", p.space[k].name, "' is ", gradient[k]));
  return true;
}

}  // namespace ersatz
