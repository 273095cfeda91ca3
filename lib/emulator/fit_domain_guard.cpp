#include <algorithm>
#include <cmath>
#include <numeric>

#include "emulator/isolation_forest.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/emulator/domain_guard.hpp"
#include "regression/neighbour_tree.hpp"
#include "regression/training_data.hpp"

namespace ersatz {
namespace {

constexpr Index fewest_for_a_forest = 16, fewest_for_a_reach = 30;
constexpr double tolerated = 3.0;     ///< errors beyond the reach, over the root mean square of all
constexpr double significant = 3.09;  ///< standard deviations: 0.001, one-sided

Matrix some_rows(const Matrix& m, const std::vector<Index>& rows) {
  Matrix some(static_cast<Index>(rows.size()), m.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) some.row(static_cast<Index>(i)) = m.row(rows[i]);
  return some;
}

Matrix distinct_rows(const Matrix& points) {
  std::vector<Index> distinct;
  if (points.cols() > 0) {
    const std::vector<Index> first = first_of_equal_rows(points);
    for (Index i = 0; i < points.rows(); ++i)
      if (first[static_cast<std::size_t>(i)] == i) distinct.push_back(i);
  }
  return some_rows(points, distinct);
}

/// Ranks from 0 on; equal values share the mean of theirs.
Vector ranks(const Vector& values) {
  std::vector<Index> order(static_cast<std::size_t>(values.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return values[a] < values[b]; });
  Vector rank(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) rank[order[i]] = 0.5 * static_cast<double>(begin + end - 1);
  }
  return rank;
}

/// Spearman's; 0 where one of the two does not vary.
double rank_correlation(const Vector& a, const Vector& b) {
  const Vector x = ranks(a).array() - 0.5 * static_cast<double>(a.size() - 1);
  const Vector y = ranks(b).array() - 0.5 * static_cast<double>(a.size() - 1);
  const double scale = x.norm() * y.norm();
  return scale > 0.0 ? x.dot(y) / scale : 0.0;
}

struct Bin {
  double error;  ///< mean
  double runs;
  double farthest;
};

/// Neighbouring bins that fall are pooled until none does: the rising function nearest to the data (M. Ayer
/// et al., Ann. Math. Statist. 26 (1955), 641).
std::vector<Bin> isotonic(const std::vector<Bin>& bins) {
  std::vector<Bin> rising;
  for (Bin bin : bins) {
    while (!rising.empty() && rising.back().error >= bin.error) {
      const Bin& last = rising.back();
      const double runs = last.runs + bin.runs;
      bin.error = (last.error * last.runs + bin.error * bin.runs) / runs;
      bin.runs = runs;
      rising.pop_back();
    }
    rising.push_back(bin);
  }
  return rising;
}

std::vector<Bin> by_distance(const Vector& distance, const Vector& error) {
  const Index n = distance.size(), count = n / std::max<Index>(5, (n + 39) / 40);
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return distance[a] < distance[b]; });
  std::vector<Bin> bins;
  for (Index b = 0; b < count; ++b) {
    Bin bin{0.0, 0.0, 0.0};
    for (Index i = b * n / count; i < (b + 1) * n / count; ++i) {
      const Index run = order[static_cast<std::size_t>(i)];
      bin.error += error[run];
      bin.runs += 1.0;
      bin.farthest = distance[run];
    }
    bin.error /= bin.runs;
    bins.push_back(bin);
  }
  return bins;
}

}  // namespace

DomainGuard fit_domain_guard(const Matrix& points, const RandomStream& random) {
  const Matrix places = distinct_rows(points);
  double spacing2 = 0.0;
  if (places.rows() > 1) {
    const auto tree = make_neighbour_tree(places.data(), places.rows(), places.cols());
    double squared[2], rows[2];
    for (Index i = 0; i < places.rows(); ++i) {
      tree->nearest(places.row(i).data(), 2, squared, rows);
      spacing2 = std::max(spacing2, squared[1]);
    }
  }
  DomainGuard guard(points, std::sqrt(spacing2));
  if (places.rows() >= fewest_for_a_forest) {
    FittedIsolation fitted = fit_isolation_forest(places, random);
    guard.isolation_limit_ = fitted.largest;
    guard.forest_ = std::make_shared<const IsolationForest>(std::move(fitted.forest));
  }
  return guard;
}

Vector left_out_distances(const Matrix& points, const std::vector<Index>& groups) {
  const Index n = points.rows();
  Vector distance = Vector::Constant(n, std::nan(""));
  if (points.cols() == 0) return distance;
  double squared[2], rows[2];
  if (groups.empty()) {
    const std::vector<Index> first = first_of_equal_rows(points);
    std::vector<Index> repeats(first.size(), 0);
    for (const Index f : first) ++repeats[static_cast<std::size_t>(f)];
    const Matrix places = distinct_rows(points);
    if (places.rows() < 2) return distance;
    const auto tree = make_neighbour_tree(places.data(), places.rows(), places.cols());
    for (Index i = 0; i < n; ++i) {
      if (repeats[static_cast<std::size_t>(first[static_cast<std::size_t>(i)])] > 1) continue;
      tree->nearest(points.row(i).data(), 2, squared, rows);
      distance[i] = std::sqrt(squared[1]);
    }
    return distance;
  }
  const Index count = *std::max_element(groups.begin(), groups.end()) + 1;
  for (Index g = 0; g < count; ++g) {
    std::vector<Index> others;
    for (Index i = 0; i < n; ++i)
      if (groups[static_cast<std::size_t>(i)] != g) others.push_back(i);
    if (others.empty()) return distance;
    const Matrix rest = some_rows(points, others);
    const auto tree = make_neighbour_tree(rest.data(), rest.rows(), rest.cols());
    for (Index i = 0; i < n; ++i) {
      if (groups[static_cast<std::size_t>(i)] != g) continue;
      tree->nearest(points.row(i).data(), 1, squared, rows);
      distance[i] = std::sqrt(squared[0]);
    }
  }
  return distance;
}

DomainGuard cross_validated(const DomainGuard& guard, const Vector& distance, const Vector& error) {
  std::vector<Index> known;
  for (Index i = 0; i < distance.size(); ++i)
    if (std::isfinite(distance[i]) && std::isfinite(error[i])) known.push_back(i);
  const auto n = static_cast<Index>(known.size());
  const std::string unchanged = "the largest distance between neighbours of the training set: ";
  if (n < fewest_for_a_reach)
    return guard.with_reach(guard.spacing(), text(unchanged, n, " runs left out are too few to tell more (",
                                                  fewest_for_a_reach, " are needed)"));
  Vector r(n), e(n);
  for (Index i = 0; i < n; ++i) {
    r[i] = distance[known[static_cast<std::size_t>(i)]];
    e[i] = error[known[static_cast<std::size_t>(i)]];
  }
  const double correlation = rank_correlation(r, e);
  if (correlation * std::sqrt(static_cast<double>(n - 1)) < significant)
    return guard.with_reach(
        guard.spacing(),
        text(unchanged, "the error of ", n, " runs left out does not rise with distance (rank correlation ",
             brief(correlation, 2), ")"));
  const std::vector<Bin> rising = isotonic(by_distance(r, e));
  const double acceptable = tolerated * tolerated * e.mean();
  double reach = 0.0;
  for (const Bin& bin : rising)
    if (bin.error <= acceptable) reach = bin.farthest;
  if (rising.back().error <= acceptable || reach >= guard.spacing())
    return guard.with_reach(
        guard.spacing(),
        text(unchanged, "runs left out that far err by ", brief(std::sqrt(rising.back().error / e.mean()), 2),
             " times the root mean square of all, which is tolerated up to ", tolerated));
  double beyond = 0.0, runs = 0.0;
  for (Index i = 0; i < n; ++i) {
    if (!(r[i] > reach)) continue;
    beyond += e[i];
    runs += 1.0;
  }
  return guard.with_reach(
      reach,
      text("cross-validation: ", runs, " of ", n, " runs left out were farther from the others, and err by ",
           brief(std::sqrt(beyond / runs / e.mean()), 2), " times the root mean square of all"));
}

}  // namespace ersatz
