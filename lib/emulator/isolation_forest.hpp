#pragma once
// How easily a point is cut off from the training points (F. T. Liu, K. M. Ting & Z.-H. Zhou, Isolation
// Forest, Proc. 8th IEEE Int. Conf. Data Mining (2008), 413). Not installed.

#include "ersatz/core/random.hpp"
#include "regression/trees.hpp"

namespace ersatz {

/// Trees that cut their sample of the points at random thresholds of random inputs until each is alone, or
/// the depth is log2 of the sample. Leaves hold the length of the path to them, with what is left to expect.
struct IsolationForest {
  Trees trees;
  double typical_path = 1.0;  ///< of as many points as a sample has

  /// 2^(-mean path / typical path), eq. 2: about 0.5 among the points, towards 1 where they are few.
  double score(const double* u) const;
};

struct FittedIsolation {
  IsolationForest forest;
  /// The largest score that one of the points has, by all trees or by those that were made without it.
  double largest = 0.0;
};

/// points: n × d, n >= 2, all different. 100 trees of min(64, n / 2) points each: half of the points, or
/// more, are new to a tree. Cost: n log n for the largest score, little else.
FittedIsolation fit_isolation_forest(const Matrix& points, const RandomStream& random);

}  // namespace ersatz
