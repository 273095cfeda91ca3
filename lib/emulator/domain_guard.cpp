#include "ersatz/emulator/domain_guard.hpp"

#include <cmath>
#include <limits>

#include "regression/neighbour_tree.hpp"

namespace ersatz {

struct DomainGuard::Points {
  Matrix values;  // n × d'
  std::unique_ptr<const NeighbourTree> tree;
};

DomainGuard::DomainGuard(Matrix points, double reach) : reach_(reach) {
  if (points.rows() == 0) return;
  auto state = std::make_shared<Points>();
  state->values = std::move(points);
  const Matrix& x = state->values;
  if (x.cols() > 0) state->tree = make_neighbour_tree(x.data(), x.rows(), x.cols());
  points_ = std::move(state);
}

Index DomainGuard::size() const { return points_ ? points_->values.rows() : 0; }
Index DomainGuard::inputs() const { return points_ ? points_->values.cols() : 0; }
Matrix DomainGuard::points() const { return points_ ? points_->values : Matrix(); }

double DomainGuard::score(const double* u) const {
  if (!points_) return std::numeric_limits<double>::infinity();
  double squared = points_->tree ? std::numeric_limits<double>::infinity() : 0.0, row = 0.0;
  if (points_->tree) points_->tree->nearest(u, 1, &squared, &row);
  if (reach_ > 0.0) return std::sqrt(squared) / reach_;
  return squared > 0.0 ? std::numeric_limits<double>::infinity() : 0.0;
}

void DomainGuard::save(const h5::Group& group) const {
  group.set("reach", reach_);
  group.write("points", points_ ? points_->values : Matrix());
}

DomainGuard DomainGuard::load(const h5::Group& group) {
  return DomainGuard(group.read_matrix("points"), group.get_double("reach"));
}

}  // namespace ersatz
