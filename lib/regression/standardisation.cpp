#include "ersatz/regression/standardisation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ersatz {

Standardisation Standardisation::of(ConstMatrixRef values) {
  const Index n = values.rows(), d = values.cols();
  Standardisation s{Vector::Zero(d), Vector::Zero(d)};
  // Row by row, as the values stand in memory: a pass for the ranges, and one for the moments.
  Eigen::RowVectorXd low = values.row(0), high = low;
  for (Index i = 1; i < n; ++i) {
    low = low.cwiseMin(values.row(i));
    high = high.cwiseMax(values.row(i));
  }
  Eigen::RowVectorXd middle = 0.5 * low + 0.5 * high, inverse_half = Eigen::RowVectorXd::Zero(d);
  for (Index k = 0; k < d; ++k) {
    const double largest = std::max(std::abs(low[k]), std::abs(high[k]));
    const double half = 0.5 * high[k] - 0.5 * low[k];
    s.centre[k] = n == 1 || low[k] == high[k] ? low[k] : middle[k];
    if (half > 2.0 * std::numeric_limits<double>::epsilon() * largest &&
        half >= std::numeric_limits<double>::min())
      inverse_half[k] = 1.0 / half;
  }
  // Moments of (x - middle) / half, which lies in [-1, 1]: nothing overflows, nothing cancels. Blocks of rows
  // stay in the cache, and their moments are joined (Chan, Golub & LeVeque 1983).
  const Index block = std::clamp<Index>(Index{16384} / std::max<Index>(d, 1), 8, 1024);
  Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(d), squares = mean, block_mean(d), block_squares(d),
                     z(d);
  for (Index from = 0; from < n; from += block) {
    const Index to = std::min(from + block, n);
    block_mean.setZero();
    for (Index i = from; i < to; ++i) block_mean += (values.row(i) - middle).cwiseProduct(inverse_half);
    block_mean /= static_cast<double>(to - from);
    block_squares.setZero();
    for (Index i = from; i < to; ++i) {
      z = (values.row(i) - middle).cwiseProduct(inverse_half) - block_mean;
      block_squares += z.cwiseProduct(z);
    }
    const double before = static_cast<double>(from), now = static_cast<double>(to - from), all = before + now;
    z = block_mean - mean;
    squares += block_squares + z.cwiseProduct(z) * (before * now / all);
    mean += z * (now / all);
  }
  for (Index k = 0; k < d; ++k) {
    if (inverse_half[k] == 0.0) continue;
    const double half = 0.5 * high[k] - 0.5 * low[k];
    s.centre[k] = middle[k] + mean[k] * half;
    s.inverse_scale[k] = 1.0 / (std::sqrt(squares[k] / static_cast<double>(n)) * half);
  }
  return s;
}

Matrix Standardisation::apply(ConstMatrixRef X) const {
  Matrix Z(X.rows(), X.cols());
  for (Index i = 0; i < X.rows(); ++i) apply(X.data() + i * X.outerStride(), Z.data() + i * Z.cols());
  return Z;
}

}  // namespace ersatz
