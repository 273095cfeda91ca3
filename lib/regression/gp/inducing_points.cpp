#include "regression/gp/inducing_points.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernels.hpp"

namespace ersatz::gp {

Matrix greedy_points(const Kernel& kernel, const double* theta, ConstMatrixRef x, Index count,
                     double tolerance) {
  const Index n = x.rows(), d = x.cols(), most = std::min(count, n);
  const auto& table = kernels::table();
  const Eigen::MatrixXd columns = x;
  const Points points{columns.data(), n, n, d};
  std::vector<double> coefficients(static_cast<std::size_t>(kernel.parameters())),
      at(static_cast<std::size_t>(most));
  kernel.prepare(theta, coefficients.data());
  Workspace workspace;
  Vector left(n);
  kernel.diagonal(points, coefficients.data(), left.data());
  const double least = tolerance * left.mean();
  Matrix factor(most, n);  // row t: column t of the Cholesky factor
  std::vector<Index> chosen;
  std::vector<double> z(static_cast<std::size_t>(d));
  for (Index t = 0; t < most; ++t) {
    Index pivot = 0;
    const double largest = left.maxCoeff(&pivot);
    if (t > 0 && largest <= least) break;
    chosen.push_back(pivot);
    points.gather(pivot, z.data());
    double* row = factor.row(t).data();
    kernel.row(z.data(), points, coefficients.data(), row, workspace);
    for (Index s = 0; s < t; ++s) at[static_cast<std::size_t>(s)] = -factor(s, pivot);
    table.add_rows(at.data(), factor.data(), t, n, row);
    const double scale = 1.0 / std::sqrt(std::max(largest, least));
    for (Index i = 0; i < n; ++i) {
      row[i] *= scale;
      left[i] -= row[i] * row[i];
    }
    left[pivot] = 0.0;
  }
  Matrix z_all(static_cast<Index>(chosen.size()), d);
  for (std::size_t j = 0; j < chosen.size(); ++j) z_all.row(static_cast<Index>(j)) = x.row(chosen[j]);
  return z_all;
}

}  // namespace ersatz::gp
