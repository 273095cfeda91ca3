#pragma once
// Random snapshots whose norms differ.

#include <Eigen/Dense>
#include <cmath>

#include "ersatz/core/matrix.hpp"
#include "unit/basis/snapshots.hpp"

namespace ersatz::testing {

/// Random rows, n × m (complex interleaved), in directions that matter less by `ratio` from one to the next.
inline Matrix combinations(Index n, Index m, double ratio, bool complex, std::uint64_t seed) {
  const Index bins = complex ? m / 2 : m, k = std::min(n, bins);
  Vector s(k);
  for (Index i = 0; i < k; ++i) s[i] = std::pow(ratio, static_cast<double>(i));
  if (!complex) {
    const Eigen::MatrixXd right = random_matrix(bins, k, seed + 100);
    const Eigen::MatrixXd q = Eigen::HouseholderQR<Eigen::MatrixXd>(right).householderQ();
    return random_matrix(n, k, seed) * s.asDiagonal() * q.leftCols(k).transpose();
  }
  const Eigen::MatrixXcd left = deinterleaved(random_matrix(n, 2 * k, seed)),
                         right = deinterleaved(random_matrix(bins, 2 * k, seed + 100));
  const Eigen::MatrixXcd q = Eigen::HouseholderQR<Eigen::MatrixXcd>(right).householderQ();
  return interleaved(ComplexMatrix(left * s.asDiagonal() * q.leftCols(k).adjoint()));
}

}  // namespace ersatz::testing
