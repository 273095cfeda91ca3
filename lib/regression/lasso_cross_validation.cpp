#include "regression/lasso_cross_validation.hpp"

#include <algorithm>
#include <cmath>

namespace ersatz {

std::vector<LassoGroup> lasso_groups(Index outputs, bool shared) {
  if (shared) return {{0, outputs}};
  std::vector<LassoGroup> groups;
  for (Index j = 0; j < outputs; ++j) groups.push_back({j, 1});
  return groups;
}

std::vector<double> lasso_alphas(const LassoProblem& problem, const LassoOptions& options) {
  std::vector<double> alphas = options.alphas;
  const double top = largest_alpha(problem, options.l1_ratio);
  if (alphas.empty() && top > 0.0) {
    const double steps = static_cast<double>(std::max<Index>(options.path_length - 1, 1));
    for (Index a = 0; a < options.path_length; ++a)
      alphas.push_back(top * std::pow(options.path_ratio, static_cast<double>(a) / steps));
  }
  if (alphas.empty()) alphas.push_back(1.0);
  std::sort(alphas.begin(), alphas.end(), std::greater<>());
  alphas.erase(std::unique(alphas.begin(), alphas.end()), alphas.end());
  return alphas;
}

std::size_t LassoCurve::minimum() const {
  std::size_t best = 0;
  for (std::size_t a = 1; a < alphas.size(); ++a)
    if (error[static_cast<Index>(a)] < error[static_cast<Index>(best)] * (1.0 - 1e-10)) best = a;
  return best;
}

std::size_t LassoCurve::one_standard_error() const {
  const auto best = static_cast<Index>(minimum());
  std::size_t a = 0;
  while (error[static_cast<Index>(a)] > error[best] + standard_error[best]) ++a;
  return a;
}

std::vector<LassoCurve> cross_validate(const LassoSums& sums, const std::vector<LassoGroup>& groups,
                                       const std::vector<std::vector<double>>& alphas,
                                       const LassoControl& control, Executor& executor) {
  const Index folds = sums.blocks().blocks();
  // A task gives the squares of each output at each alpha, summed over the fold, then how many fits stayed
  // open.
  const auto results = executor.map(static_cast<Index>(groups.size()) * folds, [&](Index task) {
    const std::size_t g = static_cast<std::size_t>(task / folds);
    const Index q = groups[g].count;
    const LassoPart part(sums, task % folds, groups[g].first, q);
    LassoState state = start(part.problem());
    std::vector<std::vector<double>> betas;  // of the working set as it was: it only grows
    double unconverged = 0.0;
    for (const double alpha : alphas[g]) {
      descend(part.problem(), alpha, control, state);
      unconverged += state.converged ? 0.0 : 1.0;
      std::vector<double> beta;
      for (Index c = 0; c < q; ++c)
        for (const Index j : state.working.features) beta.push_back(state.beta(j, c));
      betas.push_back(std::move(beta));
    }
    const std::vector<Index>& used = state.working.features;
    const Index count = static_cast<Index>(betas.size());
    Eigen::MatrixXd coefficients = Eigen::MatrixXd::Zero(static_cast<Index>(used.size()), count * q);
    for (Index a = 0; a < count; ++a) {
      const auto& beta = betas[static_cast<std::size_t>(a)];
      const Index k = static_cast<Index>(beta.size()) / q;
      for (Index c = 0; c < q && k > 0; ++c)
        coefficients.col(a * q + c).head(k) = Eigen::Map<const Vector>(beta.data() + c * k, k);
    }
    const Eigen::MatrixXd errors = part.held_out_errors(used, coefficients);
    std::vector<double> squares(static_cast<std::size_t>(count * q) + 1, unconverged);
    for (Index a = 0; a < count * q; ++a) squares[static_cast<std::size_t>(a)] = errors.col(a).squaredNorm();
    return to_bytes(squares);
  });

  const double n = static_cast<double>(sums.rows().rows());
  std::vector<LassoCurve> curves;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const Index q = groups[g].count, count = static_cast<Index>(alphas[g].size());
    LassoCurve curve;
    curve.alphas = alphas[g];
    curve.output_error = Matrix::Zero(count, q);
    Matrix fold_error = Matrix::Zero(count, folds);
    Vector weight(folds);
    for (Index f = 0; f < folds; ++f) {
      const auto squares =
          doubles_from_bytes(results[g * static_cast<std::size_t>(folds) + static_cast<std::size_t>(f)]);
      const auto& begin = sums.blocks().begin;
      const double points =
          static_cast<double>(begin[static_cast<std::size_t>(f) + 1] - begin[static_cast<std::size_t>(f)]);
      weight[f] = points / n;
      for (Index a = 0; a < count; ++a)
        for (Index c = 0; c < q; ++c) {
          const double square = squares[static_cast<std::size_t>(a * q + c)];
          curve.output_error(a, c) += square / n;
          fold_error(a, f) += square / (points * static_cast<double>(q));
        }
      curve.unconverged += squares.back();
    }
    curve.error = fold_error * weight;
    curve.standard_error.resize(count);
    for (Index a = 0; a < count; ++a) {
      const double spread =
          (fold_error.row(a).transpose().array() - curve.error[a]).square().matrix().dot(weight);
      curve.standard_error[a] = std::sqrt(spread / static_cast<double>(std::max<Index>(folds - 1, 1)));
    }
    curves.push_back(std::move(curve));
  }
  return curves;
}

}  // namespace ersatz
