#pragma once
// The search for the hyperparameters of one correlation, and what it found.

#include <vector>

#include "ersatz/core/executor.hpp"
#include "ersatz/regression/gp/gp.hpp"
#include "regression/gp/box.hpp"

namespace ersatz::gp {

/// The result of one task; travels as bytes.
struct Found {
  std::vector<double> theta;  ///< the kernel's, logarithms
  double nugget = 0.0, jitter = 0.0;
  double process_variance = 0.0;  ///< where noise is known, in the unit of the objective's outputs; else 0
  double value = 0.0;             ///< minus log likelihood
  std::vector<double> reached;    ///< by each start
  Index winner = 0, iterations = 0, evaluations = 0;
  bool converged = false, usable = false;

  Bytes bytes() const;
  static Found from(const Bytes& bytes);
};

/// Searches within the box; where no start gives a usable covariance matrix, again with jitter of 1e-10, then
/// ten times as much, up to 1e-4. `matrix`: where to work instead of in the memory of this process.
Found find_hyperparameters(const KernelPtr& kernel, ConstMatrixRef x, ConstMatrixRef y,
                           const ObjectiveOptions& options, const SearchOptions& box,
                           const RandomStream& random, std::shared_ptr<CovarianceMatrix> matrix = nullptr);

}  // namespace ersatz::gp
