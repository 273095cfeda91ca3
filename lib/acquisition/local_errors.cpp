#include "acquisition/local_errors.hpp"

#include <algorithm>
#include <cmath>

#include "acquisition/latent_posterior.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/diagnostics.hpp"

namespace ersatz::acquisition {
namespace {

constexpr Index fewest_neighbours = 10;  ///< and two per input
constexpr double prior_runs = 1.0;       ///< runs of mean error that are added to every neighbourhood

gp::LeftOut left_out(const Latent& latent) {
  try {
    return gp::leave_one_out(*latent.predictor, latent.coefficient);
  } catch (const UsageError& e) {
    throw UsageError(text("an acquisition with local = true looks at leave-one-out residuals: ", e.what(),
                          "; leave local out, or take the acquisition residual"));
  }
}

}  // namespace

LocalErrors::LocalErrors(const Knowledge& knowledge, Executor& executor)
    : runs_(mapped(knowledge.emulator, knowledge.runs.parameters, executor)) {
  const Emulator& emulator = knowledge.emulator;
  const std::vector<Latent> latents = latents_of(emulator);
  const Index n = runs_.rows(), count = static_cast<Index>(latents.size());
  Matrix residual(count, n), variance(count, n);
  executor.local().map(count, [&](Index k) {
    const Latent& l = latents[static_cast<std::size_t>(k)];
    const gp::LeftOut left = left_out(l);
    if (left.residual.size() != n)
      throw UsageError(text("the emulator was learnt from ", left.residual.size(), " runs, not from these ",
                            n, ": there are no local errors to choose by"));
    residual.row(k) = left.residual.cwiseAbs2().transpose();
    variance.row(k) = l.scale * left.deviation.cwiseAbs2().transpose();
    return Bytes();
  });
  Matrix mean(n, count);
  Index first = 0;
  for (const Channel& channel : emulator.channels()) {
    Matrix part(n, channel.basis->coefficients());
    mean_in_parallel(*channel.predictor, runs_, part, executor);
    mean.middleCols(first, part.cols()) = part;
    first += part.cols();
  }
  const Matrix weights =
      sensitivity(emulator, knowledge.runs.parameters, mean, knowledge.weights, executor).transpose();
  const Vector found = residual.cwiseProduct(weights).colwise().sum().transpose();
  const Vector expected = variance.cwiseProduct(weights).colwise().sum().transpose();
  ratio_ = (expected.array() > 0.0).select(found.cwiseQuotient(expected), 0.0);
  const double all = ratio_.mean();
  if (all > 0.0)
    ratio_ /= all;
  else
    ratio_.setOnes();
}

Vector LocalErrors::factors(ConstMatrixRef U, Executor& executor) const {
  const Index n = runs_.rows(), near = std::min(n - 1, std::max(fewest_neighbours, 2 * runs_.cols()));
  Vector factor = Vector::Ones(U.rows());
  if (near < 1) return factor;
  in_blocks(U.rows(), 512, executor, [&](Index begin, Index count) {
    std::vector<std::pair<double, Index>> nearest(static_cast<std::size_t>(n));
    for (Index i = begin; i < begin + count; ++i) {
      for (Index j = 0; j < n; ++j)
        nearest[static_cast<std::size_t>(j)] = {(U.row(i) - runs_.row(j)).squaredNorm(), j};
      std::nth_element(nearest.begin(), nearest.begin() + near, nearest.end());
      const double reach = nearest[static_cast<std::size_t>(near)].first;
      double sum = prior_runs, weight = prior_runs;
      // In one order, whatever nth_element left: the same bits everywhere.
      std::sort(nearest.begin(), nearest.begin() + near);
      for (Index m = 0; m < near && reach > 0.0; ++m) {
        const auto& [squared, run] = nearest[static_cast<std::size_t>(m)];
        sum += (1.0 - squared / reach) * ratio_[run];
        weight += 1.0 - squared / reach;
      }
      factor[i] = sum / weight;
    }
  });
  return factor;
}

}  // namespace ersatz::acquisition
