// How large an emulator's errors are, on runs that it does not know.

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>

#include "campaign/learn_parts.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/train.hpp"
#include "ersatz/selection/folds.hpp"
#include "ersatz/selection/learning_curve.hpp"
#include "selection/quantile.hpp"

namespace ersatz::detail {

Vector squared_errors(const Emulator& emulator, const Archive& test, const Vector& weights,
                      Executor& executor) {
  constexpr Index block = 64;
  const Index n = test.size();
  Vector squared = Vector::Zero(n);
  executor.local().map((n + block - 1) / block, [&](Index task) {
    const Index begin = task * block, count = std::min(block, n - begin);
    Workspace workspace;
    std::vector<Matrix> means;
    std::vector<double*> rows;
    for (const OutputSpec& o : emulator.outputs()) means.emplace_back(count, o.width());
    for (Matrix& m : means) rows.push_back(m.data());
    emulator.mean(test.parameters.middleRows(begin, count), rows.data(), workspace);
    for (std::size_t o = 0; o < means.size(); ++o)
      squared.segment(begin, count) +=
          weights[static_cast<Index>(o)] *
          (means[o] - test.values[o].middleRows(begin, count)).rowwise().squaredNorm();
    return Bytes();
  });
  return squared;
}

Folds cross_validate(const Archive& runs, const Recipe& recipe, Index folds, const FitContext& context) {
  Folds result;
  result.squared = Vector::Zero(runs.size());
  const Vector weights = error_weights(runs);
  const auto splits = k_folds(runs.parameters, std::min(folds, runs.size()), context.random.split("folds"));
  for (std::size_t k = 0; k < splits.size(); ++k) {
    FitContext inner = context;
    inner.random = context.random.split(k);
    result.emulators.push_back(train_emulator(runs.subset(splits[k].train), recipe, inner).emulator);
    const Vector squared =
        squared_errors(result.emulators.back(), runs.subset(splits[k].test), weights, *context.executor);
    for (std::size_t i = 0; i < splits[k].test.size(); ++i)
      result.squared[splits[k].test[i]] = squared[static_cast<Index>(i)];
  }
  return result;
}

void summarise(const Vector& squared, double confidence, LearnRound& round) {
  const auto n = static_cast<double>(squared.size());
  const double mean = squared.mean();
  const double variance = n > 1.0 ? (squared.array() - mean).square().sum() / (n - 1.0) : 0.0;
  const double z = boost::math::quantile(boost::math::normal(), confidence);
  round.error = std::sqrt(mean);
  round.error_upper = std::sqrt(mean + std::max(z, 0.0) * std::sqrt(variance / n));
  const Vector errors = squared.cwiseSqrt();
  round.error_p95 = quantile({errors.data(), errors.data() + errors.size()}, 0.95);
}

double gain_of_shares(const std::vector<double>& shares) {
  double left = 1.0;  // of the mean squared error
  for (const double s : shares) left *= 1.0 - s;
  return 1.0 - std::pow(left, 0.5 / static_cast<double>(shares.size()));
}

double gain_of_errors(const std::vector<LearnRound>& rounds, Index batch) {
  constexpr std::size_t fewest = 5;
  std::vector<double> sizes, errors;
  for (const LearnRound& r : rounds) {
    if (!(r.error > 0.0)) continue;
    sizes.push_back(static_cast<double>(r.runs));
    errors.push_back(r.error);
  }
  if (sizes.size() < fewest) return std::numeric_limits<double>::quiet_NaN();
  const PowerLaw law = fit_power_law(sizes, errors);
  const double now = law.at(sizes.back()), then = law.at(sizes.back() + static_cast<double>(batch));
  return now > 0.0 ? 1.0 - std::pow(then / now, 1.0 / static_cast<double>(batch)) : 0.0;
}

}  // namespace ersatz::detail
