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

}  // namespace ersatz
