#include "acquisition/latent_posterior.hpp"

#include <algorithm>
#include <cmath>

#include "acquisition/variance_bound.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/core/executor.hpp"

namespace ersatz::acquisition {
namespace {

constexpr Index block = 256;

/// The emulator's state at one point, and room for tangents.
class Point {
 public:
  Point(const Emulator& emulator, const Vector& weights) : emulator_(emulator), weights_(weights) {
    for (const Channel& c : emulator.channels()) {
      latent_.emplace_back(c.basis->width());
      row_.emplace_back(c.transform->inputs());
    }
    for (const OutputSpec& o : emulator.outputs()) output_.emplace_back(o.width());
  }

  /// coefficients[c]: of channel c, at x. result: one number per coefficient of all channels, in order.
  void sensitivity(const double* x, const std::vector<const double*>& coefficients, double* result) {
    const auto& channels = emulator_.channels();
    std::vector<Index> first{0};
    for (std::size_t c = 0; c < channels.size(); ++c) {
      channels[c].basis->reconstruct(coefficients[c], latent_[c].data());
      channels[c].transform->inverse(latent_[c].data(), row_[c].data());
      first.push_back(first.back() + channels[c].basis->coefficients());
    }
    for (const Decoding& decoding : emulator_.decodings()) {
      std::vector<const double*> rows;
      std::vector<double*> tangents;
      for (const Index c : decoding.channels) rows.push_back(row_[static_cast<std::size_t>(c)].data());
      for (const Index o : decoding.outputs) tangents.push_back(output_[static_cast<std::size_t>(o)].data());
      for (std::size_t k = 0; k < decoding.channels.size(); ++k) {
        const auto c = static_cast<std::size_t>(decoding.channels[k]);
        const Channel& channel = channels[c];
        const Index count = channel.basis->coefficients();
        Vector unit = Vector::Zero(count), tangent(channel.basis->width()),
               of_row(channel.transform->inputs());
        for (Index m = 0; m < count; ++m) {
          unit[m] = 1.0;
          channel.basis->push(unit.data(), tangent.data());
          unit[m] = 0.0;
          channel.transform->push_inverse(latent_[c].data(), tangent.data(), of_row.data());
          decoding.decoder->push(x, rows.data(), static_cast<Index>(k), of_row.data(), tangents.data());
          double sum = 0.0;
          for (const Index o : decoding.outputs)
            sum += weights_[o] * output_[static_cast<std::size_t>(o)].squaredNorm();
          result[first[c] + m] = sum;
        }
      }
    }
  }

 private:
  const Emulator& emulator_;
  const Vector& weights_;
  std::vector<Vector> latent_, row_, output_;
};

}  // namespace

std::vector<Latent> latents_of(const Emulator& emulator) {
  std::vector<Latent> list;
  for (std::size_t c = 0; c < emulator.channels().size(); ++c) {
    const Channel& channel = emulator.channels()[c];
    if (!channel.predictor->has_variance())
      throw UsageError(text("the regressor '", channel.predictor->kind(), "' of channel '", channel.name,
                            "' has no variance to choose by: take the acquisition committee or residual, or "
                            "a Gaussian process"));
    const Index count = channel.basis->coefficients();
    for (Index k = 0; k < count; ++k)
      list.push_back({static_cast<Index>(c), k, channel.predictor.get(), channel.variance_scale[k], 0.0});
  }
  return list;
}

Matrix mapped(const Emulator& emulator, ConstMatrixRef X, Executor& executor) {
  Matrix U(X.rows(), emulator.input_map().outputs());
  in_blocks(X.rows(), 4096, executor, [&](Index begin, Index count) {
    for (Index i = begin; i < begin + count; ++i)
      emulator.input_map().forward(X.row(i).data(), U.row(i).data());
  });
  return U;
}

Matrix stacked(std::initializer_list<Matrix> parts) {
  Index rows = 0;
  for (const Matrix& m : parts) rows += m.rows();
  Matrix all(rows, parts.begin()->cols());
  Index first = 0;
  for (const Matrix& m : parts) {
    if (m.rows() > 0) all.middleRows(first, m.rows()) = m;
    first += m.rows();
  }
  return all;
}

Matrix sensitivity(const Emulator& emulator, ConstMatrixRef X, ConstMatrixRef means, const Vector& weights,
                   Executor& executor) {
  Matrix result(X.rows(), means.cols());
  in_blocks(X.rows(), block, executor, [&](Index begin, Index count) {
    Point point(emulator, weights);
    std::vector<const double*> at(emulator.channels().size());
    for (Index i = begin; i < begin + count; ++i) {
      const double* coefficients = means.row(i).data();
      for (std::size_t c = 0; c < at.size(); ++c) {
        at[c] = coefficients;
        coefficients += emulator.channels()[c].basis->coefficients();
      }
      point.sensitivity(X.row(i).data(), at, result.row(i).data());
    }
  });
  return result;
}

LatentPosterior::LatentPosterior(const Emulator& emulator, Matrix U, Executor& executor, Index bounded)
    : emulator_(emulator), executor_(executor), U_(std::move(U)) {
  std::vector<Latent> all = latents_of(emulator);
  mean_.resize(U_.rows(), static_cast<Index>(all.size()));
  std::vector<Vector> variances;
  for (const Channel& channel : emulator.channels())
    if (bounding_points(*channel.predictor) == 0) bounded = 0;
  if (bounded > 0) {
    refined_.assign(static_cast<std::size_t>(U_.rows()), 1);
    std::fill_n(refined_.begin(), bounded, 0);
  }
  const Index rest = U_.rows() - bounded;
  Index first = 0;
  Workspace workspace;
  for (const Channel& channel : emulator.channels()) {
    const Index count = channel.basis->coefficients();
    Matrix mean(U_.rows(), count), variance(U_.rows(), count);
    if (bounded > 0)
      in_blocks(bounded, 1024, executor_, [&](Index begin, Index size) {
        Workspace own;
        mean_and_variance_bound(*channel.predictor, U_.middleRows(begin, size), mean.middleRows(begin, size),
                                variance.middleRows(begin, size), own);
      });
    if (rest > 0)
      mean_and_variance_in_parallel(*channel.predictor, U_.bottomRows(rest), mean.bottomRows(rest),
                                    variance.bottomRows(rest), Noise::latent, executor_);
    mean_.middleCols(first, count) = mean;
    Matrix one_mean(1, count), latent(1, count), observed(1, count);
    channel.predictor->mean_and_variance(U_.topRows(1), one_mean, latent, Noise::latent, workspace);
    channel.predictor->mean_and_variance(U_.topRows(1), one_mean, observed, Noise::observed, workspace);
    const std::vector<gp::Likeness> likenesses = gp::likenesses(*channel.predictor);
    for (Index k = 0; k < count; ++k) {
      Latent& l = all[static_cast<std::size_t>(first + k)];
      l.noise = l.scale * std::max(0.0, observed(0, k) - latent(0, k));
      const auto [like, ratio] = likenesses[static_cast<std::size_t>(k)];
      const Latent& head = all[static_cast<std::size_t>(first + like)];
      const double factor = ratio * l.scale / head.scale;
      // What was observed of one tells as much of the others only where their noise has the same share.
      if (like != k && std::abs(l.noise - factor * head.noise) <= 1e-9 * factor * head.noise) {
        members_.push_back({members_[static_cast<std::size_t>(first + like)].family, factor});
        continue;
      }
      members_.push_back({static_cast<Index>(latents_.size()), 1.0});
      latents_.push_back(l);
      variances.emplace_back(l.scale * variance.col(k).cwiseMax(0.0));
    }
    exact_ = exact_ && channel.predictor->has_covariance();
    first += count;
  }
  variance_.resize(static_cast<Index>(variances.size()), U_.rows());
  for (std::size_t k = 0; k < variances.size(); ++k)
    variance_.row(static_cast<Index>(k)) = variances[k].transpose();
}

Matrix LatentPosterior::weights_of_families(ConstMatrixRef weights) const {
  Matrix result = Matrix::Zero(static_cast<Index>(latents_.size()), weights.rows());
  for (std::size_t k = 0; k < members_.size(); ++k)
    result.row(members_[k].family) += members_[k].factor * weights.col(static_cast<Index>(k)).transpose();
  return result;
}

void LatentPosterior::refine(const std::vector<Index>& points) {
  const auto m = static_cast<Index>(points.size());
  Matrix U(m, U_.cols());
  for (Index i = 0; i < m; ++i) U.row(i) = U_.row(points[static_cast<std::size_t>(i)]);
  std::size_t k = 0;
  for (std::size_t c = 0; c < emulator_.channels().size(); ++c) {
    const Channel& channel = emulator_.channels()[c];
    const Index count = channel.basis->coefficients();
    Matrix mean(m, count), variance(m, count);
    mean_and_variance_in_parallel(*channel.predictor, U, mean, variance, Noise::latent, executor_);
    for (; k < latents_.size() && latents_[k].channel == static_cast<Index>(c); ++k) {
      const Latent& l = latents_[k];
      const auto row = static_cast<Index>(k);
      for (Index i = 0; i < m; ++i) {
        const Index p = points[static_cast<std::size_t>(i)];
        double v = l.scale * std::max(variance(i, l.coefficient), 0.0);
        for (const Matrix& u : explained_) v = std::max(v - u(row, p) * u(row, p), 0.0);
        variance_(row, p) = v;
      }
    }
  }
  for (const Index p : points) refined_[static_cast<std::size_t>(p)] = 1;
}

void LatentPosterior::observe(Index p) {
  Matrix u(variance_.rows(), U_.rows());
  for (Index k = 0; k < u.rows(); ++k) {
    const Latent& l = latents_[static_cast<std::size_t>(k)];
    const gp::CrossCovariance cross(*l.predictor, U_.row(p), l.coefficient);
    in_blocks(U_.rows(), 1024, executor_, [&](Index begin, Index count) {
      Workspace workspace;
      Matrix covariance(count, 1);
      cross(U_.middleRows(begin, count), covariance, workspace);
      u.row(k).segment(begin, count) = l.scale * covariance.col(0).transpose();
    });
    for (const Matrix& before : explained_) u.row(k) -= before(k, p) * before.row(k);
    // A point that is known to rounding explains nothing more.
    const double observed = variance_(k, p) + l.noise;
    if (observed > 1e-14 * variance_.row(k).maxCoeff())
      u.row(k) /= std::sqrt(observed);
    else
      u.row(k).setZero();
    variance_.row(k) = (variance_.row(k) - u.row(k).cwiseAbs2()).cwiseMax(0.0);
  }
  explained_.push_back(std::move(u));
}

}  // namespace ersatz::acquisition
