// Resilient steps (M. Riedmiller & H. Braun, A direct adaptive method for faster backpropagation learning:
// the RPROP algorithm, Proc. IEEE Int. Conf. on Neural Networks, 1993, 586-591). They use the gradient's
// signs only: the error has a kink wherever neighbours change places, which a line search would stumble over,
// and the path to the result does not depend on rounding. The derivative by the metric, as in K. Q.
// Weinberger & G. Tesauro, Metric learning for kernel regression, AISTATS 2007.
#include "regression/knn_lengths.hpp"

#include <algorithm>
#include <cmath>

#include "regression/knn_loo.hpp"

namespace ersatz {
namespace {

constexpr Index most_predicted = 1000;
constexpr int passes = 40, patience = 12;
constexpr double first_step = 0.3, smallest_step = 0.02, largest_step = 1.0;
constexpr double shortest_over_longest = 1e-3;

}  // namespace

Vector learn_scales(const Matrix& points, NeighbourMetric metric, const Matrix& values,
                    const std::vector<Index>& first, const std::vector<Index>& rows,
                    const NeighbourRule& rule, Executor& executor) {
  // The learning set on its own: points, values, repeats, and every so many of them to predict.
  const Index n = static_cast<Index>(rows.size()), v = points.cols();
  Matrix own(n, v), outputs(n, values.cols());
  std::vector<Index> position(first.size(), -1), own_first(rows.size()), predicted;
  for (Index i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(rows[static_cast<std::size_t>(i)]);
    own.row(i) = points.row(static_cast<Index>(row));
    outputs.row(i) = values.row(static_cast<Index>(row));
    Index& place = position[static_cast<std::size_t>(first[row])];
    if (place < 0) place = i;
    own_first[static_cast<std::size_t>(i)] = place;
  }
  if (std::all_of(own_first.begin(), own_first.end(), [](Index place) { return place == 0; }))
    return Vector::Ones(v);  // one place only: nothing to learn from
  const Index every = (n + most_predicted - 1) / most_predicted;
  for (Index i = 0; i < n; i += every) predicted.push_back(i);

  Vector log_scale = Vector::Zero(v), best = log_scale, step = Vector::Constant(v, first_step);
  Vector last = Vector::Zero(v), gradient;
  double least = INFINITY;
  int since = 0;
  Matrix scaled(n, v);
  for (int pass = 0; pass < passes; ++pass) {
    scaled = own * log_scale.array().exp().matrix().asDiagonal();
    const double error =
        LeaveOneOut(scaled, metric, outputs, own_first, predicted).error_gradient(rule, executor, gradient);
    if (error < least * (1.0 - 1e-6)) {
      least = error;
      best = log_scale;
      since = 0;
    } else if (++since == patience) {
      break;
    }
    for (Index a = 0; a < v; ++a) {
      const double turn = gradient[a] * last[a];
      if (turn > 0.0) step[a] = std::min(1.2 * step[a], largest_step);
      if (turn < 0.0) step[a] = std::max(0.5 * step[a], smallest_step);
      last[a] = turn < 0.0 ? 0.0 : gradient[a];
      if (gradient[a] > 0.0) log_scale[a] -= step[a];
      if (gradient[a] < 0.0) log_scale[a] += step[a];
    }
    log_scale.array() -= log_scale.maxCoeff();  // only ratios matter
    log_scale = log_scale.cwiseMax(std::log(shortest_over_longest));
  }
  return best.array().exp();
}

}  // namespace ersatz
