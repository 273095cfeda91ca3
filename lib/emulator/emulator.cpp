#include "ersatz/emulator/emulator.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <set>
#include <thread>

#include "basis/linear_basis.hpp"
#include "emulator/check_calibration.hpp"
#include "emulator/finite.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr Index block_size = 32;  ///< points whose coefficients are computed together

/// A message about the only point of a block, with the number that the point has for the caller.
std::string numbered(const std::string& message, Index point) {
  constexpr std::string_view alone = "point 0";
  const auto at = message.find(alone);
  if (at == std::string::npos) return text("point ", point, ": ", message);
  return text(std::string_view(message).substr(0, at), "point ", point,
              std::string_view(message).substr(at + alone.size()));
}

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

/// The covariance of a decoding's outputs to first order: factor() is called after each independent direction
/// (a coefficient times its deviation, a mode of what a basis leaves out) with its tangents of the outputs in
/// place; what errs bin by bin is added to `diagonal`.
template <class Factor>
void propagate(const DecodedPoint& at, const Tangents& tangents, double* const* diagonal, Factor&& factor) {
  for (std::size_t k = 0; k < at.decoding.channels.size(); ++k) {
    const Channel& channel = at.parts.channels[static_cast<std::size_t>(at.decoding.channels[k])];
    const auto place = static_cast<Index>(k);
    const double* v = at.variance[k];
    const double* latent = at.latent[k];
    const Index r = channel.basis->coefficients();
    if (channel.basis->entrywise()) {
      for (Index m = 0; m < r; ++m) tangents.latent[m] = v[m] * channel.variance_scale[m];
      channel.transform->variance_inverse(latent, tangents.latent, tangents.row);
      at.decoding.decoder->add_variance(at.x, at.rows, place, tangents.row, diagonal);
      continue;
    }
    const auto direction = [&](const double* element, double deviation, Index width) {
      for (Index j = 0; j < width; ++j) tangents.latent[j] = deviation * element[j];
      channel.transform->push_inverse(latent, tangents.latent, tangents.row);
      at.decoding.decoder->push(at.x, at.rows, place, tangents.row, tangents.outputs);
      factor();
    };
    const Matrix& elements = channel.basis->elements();
    for (Index m = 0; m < r; ++m)
      direction(elements.row(m).data(), std::sqrt(std::max(0.0, v[m] * channel.variance_scale[m])),
                elements.cols());
    const Matrix& modes = channel.basis->residual_modes();
    for (Index m = 0; m < modes.rows(); ++m) direction(modes.row(m).data(), 1.0, modes.cols());
    channel.transform->variance_inverse(latent, channel.basis->residual_variance().data(), tangents.row);
    at.decoding.decoder->add_variance(at.x, at.rows, place, tangents.row, diagonal);
  }
}

}  // namespace

void check_finite(const double* row, const OutputSpec& output, Index point, const char* what, Index each) {
  if ((Eigen::Map<const Vector>(row, output.width() * each) * 0.0).sum() == 0.0) return;
  Index j = 0;
  while (std::isfinite(row[j])) ++j;
  throw NumericalError(
      text("point ", point, ": the ", what, " of '", output.name, "' is ", row[j], " at bin ",
           output.complex ? j / each / 2 : j / each,
           "; the point is probably far outside of the training set (see the domain score)"));
}

Emulator::Emulator(Parts parts) {
  if (!parts.input_map || parts.input_map->inputs() != parts.space.size())
    throw UsageError("emulator: the input map does not fit the parameter space");
  has_std_ = !parts.channels.empty();
  for (Channel& c : parts.channels) {
    if (!c.transform || !c.basis || !c.predictor)
      throw UsageError(text("emulator: channel '", c.name, "' lacks a transform, basis or predictor"));
    if (c.predictor->inputs() != parts.input_map->outputs() ||
        c.predictor->outputs() != c.basis->coefficients() || c.basis->width() != c.transform->outputs())
      throw UsageError(text("emulator: the parts of channel '", c.name,
                            "' do not fit together: ", parts.input_map->outputs(),
                            " inputs to a predictor of ", c.predictor->inputs(), ", ", c.predictor->outputs(),
                            " predicted for ", c.basis->coefficients(), " coefficients, rows of ",
                            c.basis->width(), " for a transform to ", c.transform->outputs()));
    if (c.variance_scale.size() == 0) c.variance_scale = Vector::Ones(c.basis->coefficients());
    if (const Index known = c.residual_variance.size();
        known > 0 && (known != c.basis->coefficients() || !(c.residual_variance.array() >= 0.0).all()))
      throw UsageError(text("emulator: ", known, " residual variances for the ", c.basis->coefficients(),
                            " coefficients of channel '", c.name, "', or negative ones"));
    has_std_ = has_std_ && c.has_variance();
  }
  std::set<Index> made;
  for (const Decoding& d : parts.decodings) {
    if (!d.decoder) throw UsageError("emulator: a decoder is missing");
    const auto shapes = d.decoder->channels();
    if (shapes.size() != d.channels.size() || d.decoder->outputs().size() != d.outputs.size())
      throw UsageError("emulator: a decoder's channels or outputs do not fit");
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      if (d.channels[i] < 0 || d.channels[i] >= static_cast<Index>(parts.channels.size()))
        throw UsageError(text("emulator: there is no channel number ", d.channels[i]));
      if (parts.channels[static_cast<std::size_t>(d.channels[i])].transform->inputs() != shapes[i].width())
        throw UsageError(text("emulator: channel '", shapes[i].name, "' has the wrong width"));
    }
    std::vector<Index> widths;
    for (const Index o : d.outputs) {
      if (o < 0 || o >= static_cast<Index>(parts.outputs.size()))
        throw UsageError(text("emulator: there is no output number ", o));
      const OutputSpec& output = parts.outputs[static_cast<std::size_t>(o)];
      if (!made.insert(o).second)
        throw UsageError(text("emulator: the output '", output.name, "' has two decoders"));
      widths.push_back(output.width());
    }
    if (!d.decoder->fits(parts.space.size(), widths))
      throw UsageError(text("emulator: the decoder ", d.decoder->kind(),
                            " does not fit the parameters or the width of its outputs"));
  }
  if (made.size() != parts.outputs.size()) throw UsageError("emulator: an output has no decoder");
  for (const Channel& c : parts.channels)
    if (c.variance_scale.size() != c.basis->coefficients())
      throw UsageError(text("emulator: ", c.variance_scale.size(), " variance scales for the ",
                            c.basis->coefficients(), " coefficients of channel '", c.name, "'"));
  if (parts.guard.size() > 0 && parts.guard.inputs() != parts.input_map->outputs())
    throw UsageError(text("emulator: the domain guard's points have ", parts.guard.inputs(),
                          " values, the input map gives ", parts.input_map->outputs()));
  std::vector<Index> widths;
  for (const OutputSpec& o : parts.outputs) widths.push_back(o.width());
  check_calibration(parts.calibration, widths);
  parts_ = std::make_shared<const Parts>(std::move(parts));
}

const Axis& Emulator::axis_of(const OutputSpec& output) const {
  for (const Axis& a : axes())
    if (a.name == output.axis) return a;
  throw UsageError(text("emulator: output '", output.name, "' has no axis '", output.axis, "'"));
}

void Emulator::check_inputs(ConstMatrixRef X, Index first) const {
  if (X.cols() != space().size())
    throw DataError(text("the points have ", X.cols(), " values each, the emulator takes ", space().size(),
                         " parameters"));
  for (Index i = 0; i < X.rows(); ++i)
    for (Index k = 0; k < X.cols(); ++k) {
      if (!std::isfinite(X(i, k)))
        throw DataError(
            text("point ", first + i, ": ", space()[k].name, " = ", X(i, k), " is not a finite number"));
      if (space()[k].scale == Scale::log && !(X(i, k) > 0.0))
        throw DataError(text("point ", first + i, ": ", space()[k].name, " = ", X(i, k),
                             " must be positive (log scale)"));
    }
}

void Emulator::mean(ConstMatrixRef X, double* const* means, Workspace& workspace) const {
  check_inputs(X);
  evaluate(X, means, nullptr, workspace);
}

void Emulator::mean_and_std(ConstMatrixRef X, double* const* means, double* const* stds,
                            Workspace& workspace) const {
  check_variances();
  check_inputs(X);
  evaluate(X, means, stds, workspace);
}

void Emulator::evaluate(ConstMatrixRef X, double* const* means, double* const* stds,
                        Workspace& workspace) const {
  const Parts& p = *parts_;
  const Index d = p.input_map->outputs();
  const std::size_t n_channels = p.channels.size(), n_outputs = p.outputs.size();
  for (Index begin = 0; begin < X.rows(); begin += block_size) {
    const Workspace::Frame frame(workspace);
    const Index q = std::min(block_size, X.rows() - begin);
    double* u = workspace.take(q * d);
    for (Index i = 0; i < q; ++i) p.input_map->forward(X.row(begin + i).data(), u + i * d);
    const Eigen::Map<const Matrix> U(u, q, d);

    // Pointers into the workspace live in it as well: no container of our own.
    auto** coefficient = reinterpret_cast<double**>(workspace.take(static_cast<std::ptrdiff_t>(n_channels)));
    auto** variance = reinterpret_cast<double**>(workspace.take(static_cast<std::ptrdiff_t>(n_channels)));
    auto** latent = reinterpret_cast<double**>(workspace.take(static_cast<std::ptrdiff_t>(n_channels)));
    auto** row = reinterpret_cast<double**>(workspace.take(static_cast<std::ptrdiff_t>(n_channels)));
    Index widest = 0;
    for (std::size_t c = 0; c < n_channels; ++c) {
      const Channel& channel = p.channels[c];
      const Index r = channel.basis->coefficients();
      coefficient[c] = workspace.take(q * r);
      Eigen::Map<Matrix> mean_map(coefficient[c], q, r);
      if (stds) {
        variance[c] = workspace.take(q * r);
        Eigen::Map<Matrix> variance_map(variance[c], q, r);
        channel.mean_and_variance(U, mean_map, variance_map, workspace);
      } else {
        channel.predictor->mean(U, mean_map, workspace);
      }
      latent[c] = workspace.take(channel.basis->width());
      row[c] = workspace.take(channel.transform->inputs());
      widest = std::max({widest, channel.basis->width(), channel.transform->inputs()});
    }
    for (const OutputSpec& o : p.outputs) widest = std::max(widest, o.width());

    auto** local_row =
        reinterpret_cast<const double**>(workspace.take(static_cast<std::ptrdiff_t>(n_channels)));
    auto** out = reinterpret_cast<double**>(workspace.take(static_cast<std::ptrdiff_t>(n_outputs)));
    auto** tangent_out = reinterpret_cast<double**>(workspace.take(static_cast<std::ptrdiff_t>(n_outputs)));
    double *tangent_latent = nullptr, *tangent_row = nullptr;
    auto** local_latent =
        reinterpret_cast<const double**>(workspace.take(static_cast<std::ptrdiff_t>(n_channels)));
    auto** local_variance =
        reinterpret_cast<const double**>(workspace.take(static_cast<std::ptrdiff_t>(n_channels)));
    if (stds) {
      tangent_latent = workspace.take(widest);
      tangent_row = workspace.take(widest);
      // By place in a decoding, which may hold any of the outputs.
      for (std::size_t o = 0; o < n_outputs; ++o) tangent_out[o] = workspace.take(widest);
    }

    for (Index i = 0; i < q; ++i) {
      const double* x = X.row(begin + i).data();
      for (std::size_t c = 0; c < n_channels; ++c) {
        const Channel& channel = p.channels[c];
        channel.basis->reconstruct(coefficient[c] + i * channel.basis->coefficients(), latent[c]);
        channel.transform->inverse(latent[c], row[c]);
      }
      for (const Decoding& decoding : p.decodings) {
        for (std::size_t k = 0; k < decoding.channels.size(); ++k)
          local_row[k] = row[static_cast<std::size_t>(decoding.channels[k])];
        for (std::size_t k = 0; k < decoding.outputs.size(); ++k) {
          const auto o = static_cast<std::size_t>(decoding.outputs[k]);
          out[k] = means[o] + (begin + i) * p.outputs[o].width();
        }
        decoding.decoder->decode(x, local_row, out);
        for (std::size_t k = 0; k < decoding.outputs.size(); ++k)
          check_finite(out[k], p.outputs[static_cast<std::size_t>(decoding.outputs[k])], begin + i,
                       "prediction");
        if (!stds) continue;

        // Variance of an output bin: Σ over directions of their squares, plus what errs bin by bin.
        for (std::size_t k = 0; k < decoding.outputs.size(); ++k) {
          const auto o = static_cast<std::size_t>(decoding.outputs[k]);
          out[k] = stds[o] + (begin + i) * p.outputs[o].width();
          std::fill(out[k], out[k] + p.outputs[o].width(), 0.0);
        }
        for (std::size_t k = 0; k < decoding.channels.size(); ++k) {
          const auto c = static_cast<std::size_t>(decoding.channels[k]);
          local_latent[k] = latent[c];
          local_variance[k] = variance[c] + i * p.channels[c].basis->coefficients();
        }
        propagate({decoding, p, x, local_latent, local_row, local_variance},
                  {tangent_latent, tangent_row, tangent_out}, out, [&] {
                    for (std::size_t w = 0; w < decoding.outputs.size(); ++w) {
                      const Index width = p.outputs[static_cast<std::size_t>(decoding.outputs[w])].width();
                      for (Index j = 0; j < width; ++j) out[w][j] += tangent_out[w][j] * tangent_out[w][j];
                    }
                  });
        for (std::size_t k = 0; k < decoding.outputs.size(); ++k) {
          const OutputSpec& output = p.outputs[static_cast<std::size_t>(decoding.outputs[k])];
          for (Index j = 0; j < output.width(); ++j) out[k][j] = std::sqrt(out[k][j]);
          if (!p.calibration.outputs.empty()) {
            const Vector& scale = p.calibration.outputs[static_cast<std::size_t>(decoding.outputs[k])].scale;
            for (Index j = 0; j < output.width(); ++j) out[k][j] *= scale[j];
          }
          check_finite(out[k], output, begin + i, "standard deviation");
        }
      }
    }
  }
}

void Emulator::check_variances() const {
  if (has_std()) return;
  for (const Channel& c : channels())
    if (!c.has_variance())
      throw UsageError(text("this emulator gives no standard deviations: the regressor '",
                            c.predictor->kind(), "' of channel '", c.name, "' has none"));
}

std::vector<OutputCovariance> Emulator::covariance(const double* x, Workspace& workspace) const {
  check_variances();
  const Parts& p = *parts_;
  const Eigen::Map<const Matrix> point(x, 1, space().size());
  check_inputs(point);
  const Workspace::Frame frame(workspace);
  Matrix u(1, p.input_map->outputs());
  p.input_map->forward(x, u.data());
  std::vector<OutputCovariance> result;
  for (const Decoding& decoding : p.decodings) {
    OutputCovariance covariance;
    covariance.outputs = decoding.outputs;
    std::vector<Matrix> means, variances, latents, rows;
    std::vector<const double*> variance, latent, row;
    Index directions = 0, widest = 0;
    for (const Index c : decoding.channels) {
      const Channel& channel = p.channels[static_cast<std::size_t>(c)];
      const Index r = channel.basis->coefficients();
      Matrix &mean = means.emplace_back(1, r), &v = variances.emplace_back(1, r);
      channel.mean_and_variance(u, mean, v, workspace);
      Matrix &z = latents.emplace_back(1, channel.basis->width()),
             &y = rows.emplace_back(1, channel.transform->inputs());
      channel.basis->reconstruct(mean.data(), z.data());
      channel.transform->inverse(z.data(), y.data());
      if (!channel.basis->entrywise()) directions += r + channel.basis->residual_modes().rows();
      widest = std::max({widest, z.cols(), y.cols()});
    }
    for (std::size_t k = 0; k < means.size(); ++k) {
      variance.push_back(variances[k].data());
      latent.push_back(latents[k].data());
      row.push_back(rows[k].data());
    }
    std::vector<double*> diagonal, tangents;
    for (const Index o : decoding.outputs) {
      const Index width = p.outputs[static_cast<std::size_t>(o)].width();
      covariance.factors.emplace_back(directions, width);
      covariance.diagonal.push_back(Vector::Zero(width));
    }
    for (auto& v : covariance.diagonal) diagonal.push_back(v.data());
    std::vector<double> scratch(static_cast<std::size_t>(2 * widest));
    std::vector<Vector> last;
    for (const auto& f : covariance.factors) tangents.push_back(last.emplace_back(f.cols()).data());
    Index k = 0;
    propagate({decoding, p, x, latent.data(), row.data(), variance.data()},
              {scratch.data(), scratch.data() + widest, tangents.data()}, diagonal.data(), [&] {
                for (std::size_t w = 0; w < last.size(); ++w) covariance.factors[w].row(k) = last[w];
                ++k;
              });
    for (std::size_t w = 0; w < last.size() && !p.calibration.outputs.empty(); ++w) {
      const Vector& scale = p.calibration.outputs[static_cast<std::size_t>(decoding.outputs[w])].scale;
      covariance.factors[w] *= scale.asDiagonal();
      covariance.diagonal[w].array() *= scale.array().square();
    }
    for (std::size_t w = 0; w < last.size(); ++w)
      if (!covariance.factors[w].allFinite() || !covariance.diagonal[w].allFinite())
        throw NumericalError(
            text("the covariance of '", p.outputs[static_cast<std::size_t>(decoding.outputs[w])].name,
                 "' is not finite; the point is probably far outside of the training set (see the domain "
                 "score)"));
    result.push_back(std::move(covariance));
  }
  return result;
}

Emulator Emulator::restricted(const std::string& axis, const std::vector<Index>& bins) const {
  Parts parts = *parts_;
  const auto at =
      std::find_if(parts.axes.begin(), parts.axes.end(), [&](const Axis& a) { return a.name == axis; });
  if (at == parts.axes.end()) throw UsageError(text("emulator: there is no axis '", axis, "'"));
  if (bins.empty()) throw UsageError(text("emulator: no bins of axis '", axis, "' are asked for"));
  Vector values(static_cast<Index>(bins.size()));
  for (std::size_t j = 0; j < bins.size(); ++j) {
    if (bins[j] < 0 || bins[j] >= at->values.size())
      throw UsageError(text("emulator: bin ", bins[j], " of axis '", axis, "' is asked for, there are ",
                            at->values.size()));
    values[static_cast<Index>(j)] = at->values[bins[j]];
  }
  at->values = values;
  for (Decoding& d : parts.decodings) {
    const OutputSpec& first = parts.outputs[static_cast<std::size_t>(d.outputs.front())];
    if (first.axis != axis) continue;
    RestrictedDecoder r = d.decoder->restricted(bins);
    for (std::size_t k = 0; k < d.channels.size(); ++k) {
      if (r.channel_bins[k].empty()) continue;
      Channel& c = parts.channels[static_cast<std::size_t>(d.channels[k])];
      const std::vector<Index> entries =
          entries_of(r.channel_bins[k], c.transform->inputs(), d.decoder->channels()[k].complex);
      c.basis = c.basis->restricted(r.channel_bins[k]);
      c.transform = c.transform->restricted(entries);
    }
    d.decoder = r.decoder;
    for (const Index o : d.outputs) {
      OutputSpec& output = parts.outputs[static_cast<std::size_t>(o)];
      if (!parts.calibration.outputs.empty()) {
        Vector& scale = parts.calibration.outputs[static_cast<std::size_t>(o)].scale;
        const std::vector<Index> kept = entries_of(bins, output.width(), output.complex);
        Vector some(static_cast<Index>(kept.size()));
        for (std::size_t j = 0; j < kept.size(); ++j) some[static_cast<Index>(j)] = scale[kept[j]];
        scale = some;
      }
      output.size = static_cast<Index>(bins.size());
    }
  }
  return Emulator(std::move(parts));
}

double Emulator::domain_score(const double* x, Workspace& workspace) const {
  if (!space().contains(x)) return std::numeric_limits<double>::infinity();
  const Workspace::Frame frame(workspace);
  double* u = workspace.take(parts_->input_map->outputs());
  parts_->input_map->forward(x, u);
  return parts_->guard.score(u);
}

Prediction Emulator::predict(ConstMatrixRef X, bool with_std, int threads, Index first) const {
  if (with_std) check_variances();
  check_inputs(X, first);
  Prediction result;
  const Index q = X.rows();
  for (const OutputSpec& o : outputs()) {
    result.mean.emplace_back(q, o.width());
    if (with_std) result.std.emplace_back(q, o.width());
  }
  result.domain_score.resize(q);

  int workers = threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  workers = static_cast<int>(std::min<Index>(workers, (q + block_size - 1) / block_size));
  const auto work = [&](int worker) {
    Workspace workspace;
    std::vector<double*> means(outputs().size()), stds(outputs().size());
    const auto rows = [&](Index begin, Index count) {
      for (std::size_t o = 0; o < outputs().size(); ++o) {
        means[o] = result.mean[o].row(begin).data();
        if (with_std) stds[o] = result.std[o].row(begin).data();
      }
      evaluate(X.middleRows(begin, count), means.data(), with_std ? stds.data() : nullptr, workspace);
    };
    for (Index begin = worker * block_size; begin < q; begin += workers * block_size) {
      const Index count = std::min(block_size, q - begin);
      try {
        rows(begin, count);
      } catch (const NumericalError&) {
        // Its message counts from the block's first point: which one it is, is found out one by one.
        for (Index i = begin; i < begin + count; ++i) try {
            rows(i, 1);
          } catch (const NumericalError& e) {
            throw NumericalError(numbered(e.what(), first + i));
          }
        throw;
      }
      for (Index i = begin; i < begin + count; ++i)
        result.domain_score[i] = domain_score(X.row(i).data(), workspace);
    }
  };
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(std::max(workers, 1)));
  std::vector<std::thread> pool;
  const auto guarded = [&](int worker) {
    try {
      work(worker);
    } catch (...) {
      errors[static_cast<std::size_t>(worker)] = std::current_exception();
    }
  };
  pool.reserve(static_cast<std::size_t>(workers));
  int begun = 1;
  try {
    for (; begun < workers; ++begun) pool.emplace_back(guarded, begun);
  } catch (const std::system_error&) {  // the system gives no more threads: this one does their part
  }
  if (workers > 0) guarded(0);
  for (; begun < workers; ++begun) guarded(begun);
  for (auto& t : pool) t.join();
  for (const auto& e : errors)
    if (e) std::rethrow_exception(e);
  for (Index i = 0; i < q; ++i) result.inside_domain.push_back(result.domain_score[i] <= 1.0);
  return result;
}

}  // namespace ersatz
