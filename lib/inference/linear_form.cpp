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
  if (form.channels_.size() == 1) {
    const Channel& channel = emulator.channels()[form.channels_[0]];
    form.shares = channel.predictor->variance_shares();
    if (form.shares.size() > 0) form.shares.array() *= channel.variance_scale.array();
    if (form.shares.size() > 0 && !(form.shares.minCoeff() >= 0.0 && form.shares.maxCoeff() > 0.0))
      form.shares.resize(0);
  }
  return form;
}

bool LinearForm::has_variance() const {
  return std::all_of(channels_.begin(), channels_.end(),
                     [&](std::size_t c) { return emulator_.channels()[c].has_variance(); });
}

bool LinearForm::has_gradient() const {
  return std::all_of(channels_.begin(), channels_.end(),
                     [&](std::size_t c) { return emulator_.channels()[c].predictor->has_jacobian(); });
}

Index LinearForm::tape_size() const {
  Index size = emulator_.input_map().outputs();
  for (const std::size_t c : channels_) size += emulator_.channels()[c].predictor->tape_size();
  return size;
}

void LinearForm::evaluate(const double* x, double* c, double* v, double* tape, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Transform& map = emulator_.input_map();
  double* u = tape ? tape : workspace.take(map.outputs());
  map.forward(x, u);
  double* kept = tape ? tape + map.outputs() : nullptr;
  for (const std::size_t number : channels_) {
    const Channel& channel = emulator_.channels()[number];
    const Predictor& predictor = *channel.predictor;
    const Index r = channel.basis->coefficients();
    const bool with_variance = v && predictor.has_variance();
    if (tape) {
      predictor.record(u, c, with_variance ? v : nullptr, kept, workspace);
    } else {
      const Eigen::Map<const Matrix> point(u, 1, map.outputs());
      Eigen::Map<Matrix> mean(c, 1, r), variance(v, with_variance ? 1 : 0, r);
      if (with_variance)
        predictor.mean_and_variance(point, mean, variance, Noise::latent, workspace);
      else
        predictor.mean(point, mean, workspace);
    }
    if (v && !with_variance) std::copy(channel.residual_variance.begin(), channel.residual_variance.end(), v);
    for (Index a = 0; v && a < r; ++a) v[a] = std::max(0.0, v[a] * channel.variance_scale[a]);
    c += r;
    if (v) v += r;
    if (tape) kept += predictor.tape_size();
  }
}

void LinearForm::pull(const double* x, const double* tape, const double* by_c, const double* by_v,
                      double* gradient, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Transform& map = emulator_.input_map();
  const Index d = emulator_.space().size(), inputs = map.outputs();
  Eigen::Map<Vector> sum(workspace.take(inputs), inputs), part(workspace.take(inputs), inputs),
      along(workspace.take(inputs), inputs), unit(workspace.take(d), d);
  const double *u = tape, *kept = tape + inputs;
  std::fill(gradient, gradient + d, 0.0);
  sum.setZero();
  for (const std::size_t number : channels_) {
    const Workspace::Frame inner(workspace);
    const Channel& channel = emulator_.channels()[number];
    const Predictor& predictor = *channel.predictor;
    const Index r = channel.basis->coefficients();
    Eigen::Map<Vector> scaled(workspace.take(r), r);
    if (by_v) scaled = Eigen::Map<const Vector>(by_v, r).cwiseProduct(channel.variance_scale);
    const bool with_variance = by_v && predictor.has_variance(), known = predictor.has_variance_gradient();
    predictor.pull(u, kept, by_c, with_variance && known ? scaled.data() : nullptr, part.data(), workspace);
    sum += part;
    if (with_variance && !known) add_differences(x, channel, scaled.data(), gradient, workspace);
    by_c += r;
    if (by_v) by_v += r;
    kept += predictor.tape_size();
  }
  unit.setZero();
  for (Index l = 0; l < d; ++l) {
    unit[l] = 1.0;
    map.push_forward(x, unit.data(), along.data());
    gradient[l] += along.dot(sum);
    unit[l] = 0.0;
  }
}

void LinearForm::add_differences(const double* x, const Channel& channel, const double* by_v,
                                 double* gradient, Workspace& workspace) const {
  const Transform& map = emulator_.input_map();
  const Index r = channel.basis->coefficients();
  Vector near = Eigen::Map<const Vector>(x, emulator_.space().size());
  Matrix u(1, map.outputs()), ignored(1, r), below(1, r), above(1, r);
  for (Index l = 0; l < near.size(); ++l) {
    const DifferencePoints points = difference_points(emulator_.space()[l], x[l]);
    for (const bool up : {false, true}) {
      near[l] = up ? points.above : points.below;
      map.forward(near.data(), u.data());
      channel.mean_and_variance(u, ignored, up ? above : below, workspace);
    }
    near[l] = x[l];
    gradient[l] += (above - below).row(0).dot(Eigen::Map<const Eigen::RowVectorXd>(by_v, r)) /
                   (points.above - points.below);
  }
}

}  // namespace ersatz
