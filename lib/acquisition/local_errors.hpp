#pragma once
// Where an emulator is worse than its variances say, and where better. Not installed.

#include "ersatz/acquisition/acquisition.hpp"
#include "ersatz/core/executor.hpp"

namespace ersatz::acquisition {

/// The variance of a stationary Gaussian process does not see where a function is rough; the runs do. Each
/// has the ratio of its squared leave-one-out residual to the variance of it (Dubrule 1983; all coefficients
/// together, weighted by what they do to the outputs). Around a point the ratio is the mean of the nearest
/// runs', with weights that fall to zero at the first that is not among them.
class LocalErrors {
 public:
  /// Throws UsageError where a channel's predictor is no exact Gaussian process. Cost: n² flops for each
  /// coefficient and the sensitivities of n points.
  LocalErrors(const Knowledge& knowledge, Executor& executor);

  /// q of them, positive, for U (q × d', mapped): the ratio around each point over that of all runs. Cost: q
  /// n d' flops, shared out.
  Vector factors(ConstMatrixRef U, Executor& executor) const;

 private:
  Matrix runs_;   ///< n × d', mapped
  Vector ratio_;  ///< n, of mean one
};

}  // namespace ersatz::acquisition
