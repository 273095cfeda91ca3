#include "ersatz/emulator/domain_guard.hpp"

#include <cmath>

#include "emulator/isolation_forest.hpp"
#include "ersatz/core/error.hpp"
#include "regression/neighbour_tree.hpp"

namespace ersatz {

struct DomainGuard::Points {
  Matrix values;  // n × d'
  std::unique_ptr<const NeighbourTree> tree;
};

DomainGuard::DomainGuard(Matrix points, double reach) : reach_(reach), spacing_(reach) {
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

double DomainGuard::distance(const double* u) const {
  if (!points_) return std::numeric_limits<double>::infinity();
  if (!points_->tree) return 0.0;
  double squared = 0.0, row = 0.0;
  points_->tree->nearest(u, 1, &squared, &row);
  return std::sqrt(squared);
}

double DomainGuard::isolation(const double* u) const {
  return forest_ ? forest_->score(u) : std::numeric_limits<double>::quiet_NaN();
}

double DomainGuard::score(const double* u) const {
  const double r = distance(u);
  if (!(reach_ > 0.0)) return r > 0.0 ? std::numeric_limits<double>::infinity() : 0.0;
  if (r > reach_ || !forest_) return r / reach_;
  const double isolation = forest_->score(u);
  return isolation > isolation_limit_ ? isolation / isolation_limit_ : r / reach_;
}

DomainGuard DomainGuard::with_reach(double reach, std::string reason) const {
  DomainGuard other = *this;
  other.reach_ = reach;
  other.reason_ = std::move(reason);
  return other;
}

std::string in_words(const DomainGuard& guard) {
  if (guard.reason().empty()) return {};
  return text("1 is a distance of ", brief(guard.reach(), 3), ", ", guard.reason());
}

void DomainGuard::save(const h5::Group& group) const {
  group.set("reach", reach_);
  group.set("spacing", spacing_);
  group.set("reason", reason_);
  group.write("points", points_ ? points_->values : Matrix());
  if (!forest_) return;
  const h5::Group isolation = group.create_group("isolation");
  isolation.set("limit", isolation_limit_);
  isolation.set("typical_path", forest_->typical_path);
  forest_->trees.save(isolation);
}

DomainGuard DomainGuard::load(const h5::Group& group) {
  DomainGuard guard(group.read_matrix("points"), group.get_double("reach"));
  if (group.has_attribute("spacing")) guard.spacing_ = group.get_double("spacing");
  if (group.has_attribute("reason")) guard.reason_ = group.get_string("reason");
  if (!group.has("isolation")) return guard;
  const h5::Group isolation = group.group("isolation");
  IsolationForest forest{Trees::load(isolation, guard.inputs()), isolation.get_double("typical_path")};
  guard.isolation_limit_ = isolation.get_double("limit");
  if (!(forest.typical_path > 0.0) || !(guard.isolation_limit_ > 0.0))
    throw StorageError(text(isolation.where(), ": typical_path is ", forest.typical_path, " and limit ",
                            guard.isolation_limit_, ", expected numbers above 0"));
  guard.forest_ = std::make_shared<const IsolationForest>(std::move(forest));
  return guard;
}

}  // namespace ersatz
