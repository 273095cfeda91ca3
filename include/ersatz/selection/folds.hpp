#pragma once
// Who is learnt from and who is tested on.

#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/random.hpp"

namespace ersatz {

struct Split {
  std::vector<Index> train, test;  ///< row numbers, ascending
};

/// Sets round(fraction · groups) of the rows aside at random. Rows with the same parameters (repeated runs of
/// one point) are a group and stay together: a copy of a training point is no test. Throws UsageError if
/// either side would be empty.
Split random_split(ConstMatrixRef parameters, double fraction, RandomStream random);

/// K folds, each row tested once, groups as above. Throws UsageError if there are fewer groups than folds.
std::vector<Split> k_folds(ConstMatrixRef parameters, Index k, RandomStream random);

/// What could leak from one side of a split to the other.
struct Repeats {
  Index copies = 0;  ///< rows whose parameters an earlier row has, to the last bit: they stay together
  Index close = 0;   ///< rows as near as `distance` to an earlier one that is no copy: a split may part them
  Index row = -1, earlier = -1;  ///< the first such pair
};

/// Distances are the largest over parameters, each in ranges of the data. Cost: a sort, and the pairs that
/// are near in the parameter with the most values.
Repeats find_repeats(ConstMatrixRef parameters, double distance = 1e-6);

}  // namespace ersatz
