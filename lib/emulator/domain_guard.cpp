#include "ersatz/emulator/domain_guard.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels.hpp"

namespace ersatz {

DomainGuard::DomainGuard(const Matrix& points, double reach) : columns_(points.transpose()), reach_(reach) {}

double DomainGuard::score(const double* u, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Index n = columns_.cols();
  if (n == 0) return std::numeric_limits<double>::infinity();
  double* r2 = workspace.take(n);
  kernels::table().squared_distances(u, columns_.data(), n, columns_.rows(), r2);
  const double nearest = std::sqrt(*std::min_element(r2, r2 + n));
  if (reach_ > 0.0) return nearest / reach_;
  return nearest > 0.0 ? std::numeric_limits<double>::infinity() : 0.0;
}

void DomainGuard::save(const h5::Group& group) const {
  group.set("reach", reach_);
  group.write("points", Matrix(columns_.transpose()));
}

DomainGuard DomainGuard::load(const h5::Group& group) {
  return DomainGuard(group.read_matrix("points"), group.get_double("reach"));
}

DomainGuard fit_domain_guard(const Matrix& points) {
  const Index n = points.rows();
  const Matrix columns = points.transpose();
  Vector r2(n);
  double reach2 = 0.0;
  for (Index i = 0; i < n; ++i) {
    kernels::table().squared_distances(points.row(i).data(), columns.data(), n, columns.rows(), r2.data());
    double nearest = std::numeric_limits<double>::infinity();
    for (Index j = 0; j < n; ++j)
      if (r2[j] > 0.0) nearest = std::min(nearest, r2[j]);
    if (std::isfinite(nearest)) reach2 = std::max(reach2, nearest);
  }
  return DomainGuard(points, std::sqrt(reach2));
}

}  // namespace ersatz
