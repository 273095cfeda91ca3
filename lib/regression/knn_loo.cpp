#include "regression/knn_loo.hpp"

#include <algorithm>
#include <cmath>

namespace ersatz {
namespace {

constexpr Index chunk = 64;  // points per task; part of the result's order of summation

}  // namespace

LeaveOneOut::LeaveOneOut(const Matrix& points, NeighbourMetric metric, const Matrix& values,
                         const std::vector<Index>& first, const std::vector<Index>& rows)
    : points_(points),
      metric_(metric),
      values_(values),
      first_(first),
      rows_(rows),
      tree_(make_neighbour_tree(points.data(), points.rows(), points.cols(), metric)) {
  std::vector<Index> copies(first_.size(), 0);
  for (const Index f : first_) most_copies_ = std::max(most_copies_, ++copies[static_cast<std::size_t>(f)]);
}

Index LeaveOneOut::tasks() const { return (static_cast<Index>(rows_.size()) + chunk - 1) / chunk; }

// visit(position among the rows, row, neighbours without the point and its repeats, workspace)
template <class Visit>
void LeaveOneOut::visit(Index task, const std::vector<NeighbourRule>& rules, const Visit& visit) const {
  const Index n = points_.rows(), v = points_.cols();
  Index wanted = 1;
  double radius = -1.0;
  for (const NeighbourRule& rule : rules) {
    wanted = std::max(wanted, rule.wanted(v));
    if (rule.k == 0) radius = std::max(radius, rule.radius);
  }
  const Index begin = task * chunk, size = std::min(chunk, static_cast<Index>(rows_.size()) - begin);
  const Index ask = std::min(wanted + most_copies_, n);
  Workspace workspace;
  double* z = workspace.take(size * v);
  double* distances = workspace.take(std::max(size * ask, n));
  double* rows = workspace.take(std::max(size * ask, n));
  for (Index at = 0; at < size; ++at)
    std::copy_n(points_.data() + rows_[static_cast<std::size_t>(begin + at)] * v, v, z + at * v);
  const bool euclidean = metric_ == NeighbourMetric::euclidean;
  if (radius < 0.0) tree_->nearest(z, size, ask, distances, rows, workspace);
  for (Index at = 0; at < size; ++at) {
    const Workspace::Frame frame(workspace);
    const Index row = rows_[static_cast<std::size_t>(begin + at)];
    double* r = distances + (radius < 0.0 ? at * ask : 0);
    double* found = rows + (radius < 0.0 ? at * ask : 0);
    Index most = ask;
    if (radius >= 0.0) {
      tree_->nearest(z + at * v, ask, r, found);
      const double reach = euclidean ? radius * radius : radius;
      if (r[ask - 1] <= reach) most = tree_->within(z + at * v, reach, r, found);
    }
    Index kept = 0;
    for (Index l = 0; l < most; ++l) {
      if (first_[static_cast<std::size_t>(found[l])] == first_[static_cast<std::size_t>(row)]) continue;
      r[kept] = euclidean ? std::sqrt(r[l]) : r[l];
      found[kept++] = found[l];
    }
    visit(begin + at, row, Neighbourhood{points_.data(), v, metric_, r, found, kept}, workspace);
  }
}

void LeaveOneOut::residual(Index row, const NeighbourRule& rule, const Neighbourhood& neighbours,
                           const NeighbourWindow& window, double* residual, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Index p = values_.cols();
  double* weights = workspace.take(window.used);
  neighbour_weights(rule, points_.data() + row * points_.cols(), neighbours, window, weights, workspace);
  for (Index j = 0; j < p; ++j) residual[j] = values_(row, j);
  for (Index l = 0; l < window.used; ++l) {
    const double* y = values_.data() + neighbours.row(l) * p;
    for (Index j = 0; j < p; ++j) residual[j] -= weights[l] * y[j];
  }
}

std::vector<double> LeaveOneOut::errors(const std::vector<NeighbourRule>& rules, Executor& executor) const {
  const auto parts = executor.map(tasks(), [&](Index task) {
    std::vector<double> sums(rules.size(), 0.0), e(static_cast<std::size_t>(values_.cols()));
    visit(task, rules, [&](Index, Index row, const Neighbourhood& neighbours, Workspace& workspace) {
      for (std::size_t s = 0; s < rules.size(); ++s) {
        residual(row, rules[s], neighbours, neighbour_window(rules[s], neighbours), e.data(), workspace);
        for (const double value : e) sums[s] += value * value;
      }
    });
    return to_bytes(sums);
  });
  std::vector<double> total(rules.size(), 0.0);
  for (const Bytes& part : parts) {
    const auto sums = doubles_from_bytes(part);
    for (std::size_t s = 0; s < sums.size(); ++s) total[s] += sums[s];
  }
  for (double& t : total) t /= static_cast<double>(rows_.size());
  return total;
}

LeaveOneOut::Outcome LeaveOneOut::outcome(const NeighbourRule& rule, Executor& executor) const {
  const Index p = values_.cols(), width = 2 * p + 2, count = static_cast<Index>(rows_.size());
  const auto parts = executor.map(tasks(), [&](Index task) {
    std::vector<double> values;
    std::vector<double> line(static_cast<std::size_t>(width));
    visit(task, {rule}, [&](Index, Index row, const Neighbourhood& neighbours, Workspace& workspace) {
      const NeighbourWindow window = neighbour_window(rule, neighbours);
      residual(row, rule, neighbours, window, line.data(), workspace);
      neighbour_spread(neighbours, window.around, values_.data(), p, line.data() + p);
      line[static_cast<std::size_t>(2 * p)] = static_cast<double>(window.around);
      line[static_cast<std::size_t>(2 * p + 1)] = window.isolated ? 1.0 : 0.0;
      values.insert(values.end(), line.begin(), line.end());
    });
    return to_bytes(values);
  });
  Outcome outcome{Matrix(count, p), Matrix(count, p), Vector(count), Vector(count)};
  for (Index task = 0; task < tasks(); ++task) {
    const auto values = doubles_from_bytes(parts[static_cast<std::size_t>(task)]);
    const Index size = static_cast<Index>(values.size()) / width, at = task * chunk;
    const Eigen::Map<const Matrix> all(values.data(), size, width);
    outcome.residuals.middleRows(at, size) = all.leftCols(p);
    outcome.spreads.middleRows(at, size) = all.middleCols(p, p);
    outcome.around.segment(at, size) = all.col(2 * p);
    outcome.isolated.segment(at, size) = all.col(2 * p + 1);
  }
  return outcome;
}

double LeaveOneOut::error_gradient(const NeighbourRule& rule, Executor& executor, Vector& gradient) const {
  const Index p = values_.cols(), v = points_.cols();
  const auto parts = executor.map(tasks(), [&](Index task) {
    std::vector<double> sums(static_cast<std::size_t>(v + 1), 0.0), e(static_cast<std::size_t>(p)),
        slopes(static_cast<std::size_t>(p * v));
    visit(task, {rule}, [&](Index, Index row, const Neighbourhood& neighbours, Workspace& workspace) {
      const NeighbourWindow window = neighbour_window(rule, neighbours);
      residual(row, rule, neighbours, window, e.data(), workspace);
      neighbour_slopes(rule, points_.data() + row * v, neighbours, window, values_.data(), p, By::log_scale,
                       slopes.data(), workspace);
      for (Index j = 0; j < p; ++j) {
        const double r = e[static_cast<std::size_t>(j)];
        sums[static_cast<std::size_t>(v)] += r * r;
        for (Index a = 0; a < v; ++a)
          sums[static_cast<std::size_t>(a)] -= 2.0 * r * slopes[static_cast<std::size_t>(j * v + a)];
      }
    });
    return to_bytes(sums);
  });
  Vector total = Vector::Zero(v + 1);
  for (const Bytes& part : parts) {
    const auto sums = doubles_from_bytes(part);
    total += Eigen::Map<const Vector>(sums.data(), v + 1);
  }
  total /= static_cast<double>(rows_.size());
  gradient = total.head(v);
  return total[v];
}

}  // namespace ersatz
