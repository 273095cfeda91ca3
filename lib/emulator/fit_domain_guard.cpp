#include <algorithm>
#include <cmath>

#include "ersatz/emulator/domain_guard.hpp"
#include "regression/neighbour_tree.hpp"
#include "regression/training_data.hpp"

namespace ersatz {

DomainGuard fit_domain_guard(const Matrix& points) {
  const Index d = points.cols();
  std::vector<Index> distinct;
  if (d > 0) {
    const std::vector<Index> first = first_of_equal_rows(points);
    for (Index i = 0; i < points.rows(); ++i)
      if (first[static_cast<std::size_t>(i)] == i) distinct.push_back(i);
  }
  const auto n = static_cast<Index>(distinct.size());
  double reach2 = 0.0;
  if (n > 1) {
    Matrix places(n, d);
    for (Index i = 0; i < n; ++i) places.row(i) = points.row(distinct[static_cast<std::size_t>(i)]);
    const auto tree = make_neighbour_tree(places.data(), n, d);
    double squared[2], rows[2];
    for (Index i = 0; i < n; ++i) {
      tree->nearest(places.row(i).data(), 2, squared, rows);
      reach2 = std::max(reach2, squared[1]);
    }
  }
  return DomainGuard(points, std::sqrt(reach2));
}

}  // namespace ersatz
