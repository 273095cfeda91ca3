#include "ersatz/selection/folds.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

/// The rows by group, groups in order of their first row.
std::vector<std::vector<Index>> groups_of(ConstMatrixRef parameters) {
  std::map<std::vector<double>, std::size_t> seen;
  std::vector<std::vector<Index>> groups;
  for (Index i = 0; i < parameters.rows(); ++i) {
    const std::vector<double> key(parameters.row(i).data(), parameters.row(i).data() + parameters.cols());
    const auto [it, fresh] = seen.try_emplace(key, groups.size());
    if (fresh) groups.emplace_back();
    groups[it->second].push_back(i);
  }
  return groups;
}

Split split_of(const std::vector<std::vector<Index>>& groups, const std::vector<Index>& order,
               std::size_t begin, std::size_t end) {
  Split split;
  for (std::size_t g = 0; g < order.size(); ++g) {
    auto& side = g >= begin && g < end ? split.test : split.train;
    const auto& rows = groups[static_cast<std::size_t>(order[g])];
    side.insert(side.end(), rows.begin(), rows.end());
  }
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.test.begin(), split.test.end());
  return split;
}

}  // namespace

Split random_split(ConstMatrixRef parameters, double fraction, RandomStream random) {
  const auto groups = groups_of(parameters);
  const auto out = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(groups.size())));
  if (out == 0 || out >= groups.size())
    throw UsageError(text("a test fraction of ", fraction, " of ", groups.size(),
                          " different points leaves nothing to test on or nothing to learn from"));
  const auto order = random.permutation(static_cast<Index>(groups.size()));
  return split_of(groups, order, 0, out);
}

std::vector<Split> k_folds(ConstMatrixRef parameters, Index k, RandomStream random) {
  const auto groups = groups_of(parameters);
  if (k < 2) throw UsageError(text("cross-validation needs at least 2 folds, got ", k));
  if (static_cast<Index>(groups.size()) < k)
    throw UsageError(text(k, " folds need at least ", k, " different points; there are ", groups.size()));
  const auto order = random.permutation(static_cast<Index>(groups.size()));
  std::vector<Split> splits;
  const std::size_t n = groups.size(), folds = static_cast<std::size_t>(k);
  for (std::size_t f = 0; f < folds; ++f)
    splits.push_back(split_of(groups, order, f * n / folds, (f + 1) * n / folds));
  return splits;
}

Repeats find_repeats(ConstMatrixRef parameters, double distance) {
  const Index n = parameters.rows(), d = parameters.cols();
  Repeats found;
  found.copies = n - static_cast<Index>(groups_of(parameters).size());
  if (n < 2 || d == 0) return found;
  Matrix u = parameters;
  Index sorted_by = 0;
  std::size_t most = 0;
  for (Index k = 0; k < d; ++k) {
    const double low = u.col(k).minCoeff(), range = u.col(k).maxCoeff() - low;
    if (range > 0.0) u.col(k) = ((u.col(k).array() - low) / range).matrix();
    const std::vector<double> column(u.col(k).begin(), u.col(k).end());
    const std::size_t values = std::set<double>(column.begin(), column.end()).size();
    if (values > most) {
      most = values;
      sorted_by = k;
    }
  }
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return u(a, sorted_by) < u(b, sorted_by); });
  std::map<Index, Index> earlier;  // row -> the first row before it that is close
  for (std::size_t i = 0; i < order.size(); ++i)
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      if (u(order[j], sorted_by) - u(order[i], sorted_by) > distance) break;
      const auto [a, b] = std::minmax(order[i], order[j]);
      if ((u.row(a) - u.row(b)).cwiseAbs().maxCoeff() > distance) continue;
      if ((parameters.row(a) - parameters.row(b)).cwiseAbs().maxCoeff() == 0.0) continue;
      const auto [at, fresh] = earlier.emplace(b, a);
      if (!fresh) at->second = std::min(at->second, a);
    }
  found.close = static_cast<Index>(earlier.size());
  if (!earlier.empty()) std::tie(found.row, found.earlier) = *earlier.begin();
  return found;
}

}  // namespace ersatz
