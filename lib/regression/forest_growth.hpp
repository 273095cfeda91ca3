#pragma once
// How the trees of a forest are grown: the one place that knows XGBoost. Not installed.

#include "ersatz/core/random.hpp"
#include "ersatz/regression/forest.hpp"

namespace ersatz {

/// The questions of a tree: node by node the input asked for, the rank below which a point goes left, and the
/// two children; input -1: a leaf. The root is the first.
struct GrownNode {
  Index input, left, right;
  double below;
};
using GrownTree = std::vector<GrownNode>;

/// One tree for each column of weights (n × trees: how often a sample holds each point) that predicts y from
/// ranks (n × v, whole numbers below 2^23). Throws NumericalError with XGBoost's own message.
std::vector<GrownTree> grow_trees(const Matrix& ranks, const Vector& y, const Matrix& weights,
                                  const ForestOptions& options, const RandomStream& random);

}  // namespace ersatz
