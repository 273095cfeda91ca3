#pragma once
// Neighbours found by sorting all points: what the searches are held against.

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "ersatz/regression/knn.hpp"
#include "ersatz/regression/standardisation.hpp"
#include "unit/regression/problems.hpp"

namespace ersatz::problems {

struct Neighbours {
  std::vector<double> distances, rows;  ///< squared for the Euclidean metric
};

inline Neighbours brute(const Matrix& points, const double* z, Index count, Index without = -1,
                        NeighbourMetric metric = NeighbourMetric::euclidean) {
  std::vector<std::pair<double, Index>> all;
  for (Index i = 0; i < points.rows(); ++i) {
    if (i == without) continue;
    double r = 0.0;
    for (Index k = 0; k < points.cols(); ++k) {
      const double h = std::abs(z[k] - points(i, k));
      r += metric == NeighbourMetric::euclidean ? h * h : h;
    }
    all.emplace_back(r, i);
  }
  std::sort(all.begin(), all.end());
  Neighbours found;
  for (Index l = 0; l < std::min<Index>(count, static_cast<Index>(all.size())); ++l) {
    found.distances.push_back(all[static_cast<std::size_t>(l)].first);
    found.rows.push_back(static_cast<double>(all[static_cast<std::size_t>(l)].second));
  }
  return found;
}

}  // namespace ersatz::problems
