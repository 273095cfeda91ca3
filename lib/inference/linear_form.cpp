#include "inference/linear_form.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/core/random.hpp"

namespace ersatz {
namespace {

constexpr Index most_entrywise = 64;  ///< coefficients that are the bins themselves: no more than these

/// z -> y is affine: at random z of three sizes, far beyond what coefficients come to. A period, a logarithm,
/// an asinh are seen by at least one of them.
bool is_affine(const Transform& transform) {
  const Index width = transform.outputs();
  RandomStream random(1);
  const Vector zero = Vector::Zero(width);
  Vector z(width), origin(transform.inputs()), y(transform.inputs()), dy(transform.inputs());
  transform.inverse(zero.data(), origin.data());
  if (!origin.allFinite()) return false;
  for (const double size : {1e-2, 1.0, 1e2}) {
    for (Index j = 0; j < width; ++j) z[j] = size * (2.0 * random.uniform() - 1.0);
    transform.inverse(z.data(), y.data());
    transform.push_inverse(zero.data(), z.data(), dy.data());
    for (Index j = 0; j < y.size(); ++j)
      if (!(std::abs(y[j] - origin[j] - dy[j]) <= 1e-12 * (std::abs(origin[j]) + std::abs(dy[j]))))
        return false;
  }
  return true;
}

/// The decoding that makes an output.
const Decoding& decoding_of(const Emulator& emulator, std::size_t output) {
  for (const Decoding& d : emulator.decodings())
    for (const Index o : d.outputs)
      if (static_cast<std::size_t>(o) == output) return d;
  throw UsageError(text("likelihood: output number ", output, " has no decoder"));
}

}  // namespace

std::optional<LinearForm> LinearForm::of(const Emulator& emulator,
                                         const std::vector<ObservedEntry>& entries) {
  std::vector<bool> observed(emulator.outputs().size(), false);
  for (const ObservedEntry& e : entries) observed[e.output] = true;
  LinearForm form(emulator);
  const auto m = static_cast<Index>(entries.size());
  Index r = 0, k = 0;
  std::vector<std::size_t> outputs;
  for (std::size_t o = 0; o < observed.size(); ++o) {
    if (!observed[o]) continue;
    const Decoding& d = decoding_of(emulator, o);
    if (d.decoder->kind() != "identity") return std::nullopt;
    const auto c = static_cast<std::size_t>(d.channels[0]);
    const Channel& channel = emulator.channels()[c];
    if (channel.basis->entrywise() && channel.basis->width() > most_entrywise) return std::nullopt;
    if (!is_affine(*channel.transform)) return std::nullopt;
    outputs.push_back(o);
    form.channels_.push_back(c);
    r += channel.basis->coefficients();
    k += channel.basis->residual_modes().rows();
  }
  form.offset.setZero(m);
  form.rest.setZero(m);
  form.rows.setZero(r, m);
  form.modes.setZero(k, m);
  Vector scale = Vector::Ones(m);
  r = k = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Channel& channel = emulator.channels()[form.channels_[i]];
    const Basis& basis = *channel.basis;
    const Transform& transform = *channel.transform;
    Vector latent(basis.width()), row(transform.inputs());
    const auto pick = [&](auto&& into) {
      for (Index j = 0; j < m; ++j)
        if (entries[static_cast<std::size_t>(j)].output == outputs[i])
          into[j] = row[entries[static_cast<std::size_t>(j)].entry];
    };
    basis.reconstruct(Vector::Zero(basis.coefficients()).eval().data(), latent.data());
    transform.inverse(latent.data(), row.data());
    pick(form.offset);
    for (Index a = 0; a < basis.coefficients(); ++a) {
      transform.push_inverse(latent.data(), basis.elements().row(a).data(), row.data());
      pick(form.rows.row(r++));
    }
    for (Index a = 0; a < basis.residual_modes().rows(); ++a) {
      transform.push_inverse(latent.data(), basis.residual_modes().row(a).data(), row.data());
      pick(form.modes.row(k++));
    }
    transform.variance_inverse(latent.data(), basis.residual_variance().data(), row.data());
    pick(form.rest);
    if (!emulator.calibration().outputs.empty()) {
      row = emulator.calibration().outputs[outputs[i]].scale;
      pick(scale);
    }
  }
  form.modes *= scale.asDiagonal();
  form.rest.array() *= scale.array().square();
  if ((scale.array() != 1.0).any()) form.error_rows = form.rows * scale.asDiagonal();
  return form;
}

bool LinearForm::has_variance() const {
  return std::all_of(channels_.begin(), channels_.end(),
                     [&](std::size_t c) { return emulator_.channels()[c].has_variance(); });
}

bool LinearForm::has_jacobian() const {
  return std::all_of(channels_.begin(), channels_.end(),
                     [&](std::size_t c) { return emulator_.channels()[c].predictor->has_jacobian(); });
}

void LinearForm::evaluate(const double* x, double* c, double* v, MatrixRef* jacobian, MatrixRef* slopes,
                          Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Transform& map = emulator_.input_map();
  const Index d = emulator_.space().size(), inputs = map.outputs();
  double* mapped = workspace.take(inputs);
  map.forward(x, mapped);
  const Eigen::Map<const Matrix> u(mapped, 1, inputs);
  Eigen::Map<Matrix> chain(workspace.take(inputs * d), inputs, d);  // du / dx
  if (jacobian || slopes) {
    Vector unit = Vector::Zero(d), du(inputs);
    for (Index l = 0; l < d; ++l) {
      unit[l] = 1.0;
      map.push_forward(x, unit.data(), du.data());
      chain.col(l) = du;
      unit[l] = 0.0;
    }
  }
  Index first = 0;
  for (const std::size_t number : channels_) {
    const Channel& channel = emulator_.channels()[number];
    const Index r = channel.basis->coefficients();
    Eigen::Map<Matrix> mean(c + first, 1, r);
    if (v) {
      Eigen::Map<Matrix> variance(v + first, 1, r);
      channel.mean_and_variance(u, mean, variance, workspace);
      variance.row(0).array() *= channel.variance_scale.transpose().array();
      variance = variance.cwiseMax(0.0);
    } else {
      channel.predictor->mean(u, mean, workspace);
    }
    const Workspace::Frame inner(workspace);
    Eigen::Map<Matrix> by_input(workspace.take(r * inputs), r, inputs);
    if (jacobian) {
      channel.predictor->jacobian(u.data(), by_input, workspace);
      jacobian->middleRows(first, r).noalias() = by_input * chain;
    }
    if (slopes) {
      auto block = slopes->middleRows(first, r);
      if (!channel.predictor->has_variance()) {
        block.setZero();
      } else if (channel.predictor->has_variance_gradient()) {
        channel.predictor->variance_gradient(u.data(), by_input, workspace);
        block.noalias() = by_input * chain;
      } else {
        Vector near = Eigen::Map<const Vector>(x, d);
        Matrix some(1, inputs), ignored(1, r), below(1, r), above(1, r);
        for (Index l = 0; l < d; ++l) {
          const DifferencePoints points = difference_points(emulator_.space()[l], x[l]);
          for (const bool up : {false, true}) {
            near[l] = up ? points.above : points.below;
            map.forward(near.data(), some.data());
            channel.mean_and_variance(some, ignored, up ? above : below, workspace);
          }
          near[l] = x[l];
          block.col(l) = (above - below).transpose() / (points.above - points.below);
        }
      }
      for (Index a = 0; a < r; ++a) block.row(a) *= channel.variance_scale[a];
    }
    first += r;
  }
}

}  // namespace ersatz
