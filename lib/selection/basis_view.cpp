#include "selection/basis_view.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

namespace ersatz {
namespace {

constexpr Index most_runs = 300, most_elements = 256, drawn = 3, most_bins = 4000;

/// The channels' rows, transformed as their bases take them, of some of the runs.
std::vector<Matrix> channel_rows(const Prepared& prepared, const Archive& archive) {
  const Index n = std::min(archive.size(), most_runs);
  std::vector<Matrix> rows(prepared.channels.size());
  for (const Decoding& decoding : prepared.decodings) {
    std::vector<Matrix> raw;
    for (const ChannelShape& shape : decoding.decoder->channels()) raw.emplace_back(n, shape.width());
    std::vector<double*> out(raw.size());
    std::vector<const double*> in(decoding.outputs.size());
    for (Index i = 0; i < n; ++i) {
      const Index run = i * archive.size() / n;
      for (std::size_t o = 0; o < in.size(); ++o)
        in[o] = archive.values[static_cast<std::size_t>(decoding.outputs[o])].row(run).data();
      for (std::size_t c = 0; c < raw.size(); ++c) out[c] = raw[c].row(i).data();
      decoding.decoder->encode(archive.parameters.row(run).data(), in.data(), out.data());
    }
    for (std::size_t c = 0; c < raw.size(); ++c) {
      const auto channel = static_cast<std::size_t>(decoding.channels[c]);
      rows[channel] = forward_rows(*prepared.channels[channel].transform, raw[c]);
    }
  }
  return rows;
}

/// Root mean square over the rows of what the first 0, step, 2 step … directions leave, relative to the rows.
/// Summed from the last direction on, which does not cancel. Rows that are not finite are left out.
Vector errors_by_rank(const Matrix& rows, const Vector& offset, const Matrix& directions, Index step) {
  Matrix z(rows.rows(), rows.cols());
  Index n = 0;
  for (Index i = 0; i < rows.rows(); ++i)
    if (rows.row(i).allFinite()) z.row(n++) = rows.row(i) - offset.transpose();
  if (n == 0) return {};
  const Matrix used = z.topRows(n);
  const double all = used.squaredNorm();
  const Matrix c = used * directions;
  double left = (used - c * directions.transpose()).squaredNorm();
  const Index ranks = directions.cols() / step;
  Vector errors(ranks + 1);
  for (Index r = ranks; r >= 0; --r) {
    errors[r] = all > 0.0 ? std::sqrt(left / all) : 0.0;
    if (r > 0) left += c.middleCols((r - 1) * step, step).squaredNorm();
  }
  return errors;
}

}  // namespace

std::vector<BasisView> basis_views(const Prepared& prepared, const Archive& archive, const Archive* others) {
  const Archive runs = archive.completed();
  std::vector<BasisView> views(prepared.channels.size());
  const std::vector<Matrix> own = channel_rows(prepared, runs);
  std::vector<Matrix> other;
  if (others) other = channel_rows(prepared, *others);
  for (const Decoding& decoding : prepared.decodings) {
    const std::vector<ChannelShape> shapes = decoding.decoder->channels();
    for (std::size_t k = 0; k < shapes.size(); ++k) {
      const auto channel = static_cast<std::size_t>(decoding.channels[k]);
      const PreparedChannel& p = prepared.channels[channel];
      if (p.elements == 0 || p.basis->entrywise()) continue;
      BasisView& view = views[channel];
      view.errors = p.basis->errors();
      const Index parts = shapes[k].complex ? 2 : 1;
      const bool binned = p.basis->width() == shapes[k].width();
      const Index size = p.basis->width() / parts;
      Vector places = Vector::LinSpaced(size, 0.0, static_cast<double>(size - 1));
      for (const Index o : decoding.outputs) {
        const OutputSpec& spec = prepared.outputs[static_cast<std::size_t>(o)];
        if (!binned || spec.size != size) continue;
        for (const Axis& axis : prepared.axes) {
          if (axis.name != spec.axis) continue;
          places = axis.values;
          view.axis = axis.name;
          view.axis_unit = axis.unit;
        }
        break;
      }
      const Matrix& elements = p.basis->elements();
      const Index count = std::min(elements.rows() / parts, most_elements);
      const Index thinned = (size + most_bins - 1) / most_bins, bins = (size + thinned - 1) / thinned;
      view.bins.resize(bins);
      view.elements.resize(std::min(count, drawn), bins);
      for (Index j = 0; j < bins; ++j) {
        view.bins[j] = places[j * thinned];
        for (Index e = 0; e < view.elements.rows(); ++e)
          view.elements(e, j) = elements(e * parts, j * thinned * parts);
      }
      const std::vector<Index>& nodes = p.basis->nodes();
      view.nodes.resize(static_cast<Index>(nodes.size()));
      for (std::size_t i = 0; i < nodes.size(); ++i) view.nodes[static_cast<Index>(i)] = places[nodes[i]];

      const Matrix some = elements.topRows(count * parts);
      const Eigen::HouseholderQR<Eigen::MatrixXd> qr(some.transpose());
      const Matrix directions =
          qr.householderQ() * Eigen::MatrixXd::Identity(some.cols(), std::min(some.rows(), some.cols()));
      Vector offset(p.basis->width());
      const Vector zero = Vector::Zero(p.basis->coefficients());
      p.basis->reconstruct(zero.data(), offset.data());
      view.training_error = errors_by_rank(own[channel], offset, directions, parts);
      if (others) view.validation_error = errors_by_rank(other[channel], offset, directions, parts);
      view.rank = Vector::LinSpaced(view.training_error.size(), 0.0,
                                    static_cast<double>(view.training_error.size() - 1));
      if (view.validation_error.size() != view.rank.size()) view.validation_error.resize(0);
    }
  }
  return views;
}

}  // namespace ersatz
