#include "emulator/isolation_forest.hpp"

#include <cmath>

namespace ersatz {

double IsolationForest::score(const double* u) const {
  double path = 0.0;
  for (Index t = 0; t < trees.size(); ++t) path += trees.leaf(t, u).value;
  return std::exp2(-path / static_cast<double>(trees.size()) / typical_path);
}

}  // namespace ersatz
