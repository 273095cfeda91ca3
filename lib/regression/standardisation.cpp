#include "ersatz/regression/standardisation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ersatz {

namespace {

constexpr Index width = 2048;  ///< columns at a time

// The moments of these columns stay in the cache while rows go by, in the order of the memory.
void standardise(ConstMatrixRef values, Index from, Standardisation& s) {
  using Row = Eigen::Array<double, 1, Eigen::Dynamic>;
  const Index n = values.rows(), d = std::min(width, values.cols() - from);
  const double count = static_cast<double>(n);
  const Row first = values.row(0).segment(from, d);
  Row low = first, high = first, sum = Row::Zero(d);
  for (Index i = 1; i < n; ++i) {
    const auto row = values.row(i).segment(from, d).array();
    low = low.min(row);
    high = high.max(row);
    sum += row - first;
  }
  Row half(d), centre(d);
  for (Index k = 0; k < d; ++k) {
    const double largest = std::max(std::abs(low[k]), std::abs(high[k]));
    half[k] = 0.5 * high[k] - 0.5 * low[k];
    const double middle = 0.5 * low[k] + 0.5 * high[k];
    s.centre[from + k] = n == 1 || low[k] == high[k] ? low[k] : middle;
    // Differences overflow where the range does: the middle then.
    const double mean = first[k] + sum[k] / count;
    const bool usable = std::isfinite(mean) && half[k] < 0.25 * std::numeric_limits<double>::max();
    centre[k] = usable ? std::clamp(mean, low[k], high[k]) : middle;
    if (half[k] <= 2.0 * std::numeric_limits<double>::epsilon() * largest ||
        half[k] < std::numeric_limits<double>::min())
      half[k] = 0.0;
  }
  // Moments of (x - centre) / half, which lies in [-2, 2]: nothing overflows, and the mean is all but zero.
  const Row inverse = (half > 0.0).select(half.inverse(), 0.0);
  const bool invertible = (half == 0.0 || inverse >= std::numeric_limits<double>::min()).all();
  Row mean = Row::Zero(d), squares = Row::Zero(d), z(d);
  for (Index i = 0; i < n; ++i) {
    const auto row = values.row(i).segment(from, d).array();
    if (invertible)
      z = (row - centre) * inverse;
    else
      z = (half > 0.0).select((row - centre) / half, 0.0);
    mean += z;
    squares += z * z;
  }
  mean /= count;
  for (Index k = 0; k < d; ++k) {
    if (half[k] == 0.0) continue;
    s.centre[from + k] = centre[k] + mean[k] * half[k];
    s.inverse_scale[from + k] = 1.0 / (std::sqrt(squares[k] / count - mean[k] * mean[k]) * half[k]);
  }
}

}  // namespace

Standardisation Standardisation::of(ConstMatrixRef values) {
  Standardisation s{Vector::Zero(values.cols()), Vector::Zero(values.cols())};
  for (Index from = 0; from < values.cols(); from += width) standardise(values, from, s);
  return s;
}

Matrix Standardisation::apply(ConstMatrixRef X) const {
  Matrix Z(X.rows(), X.cols());
  for (Index i = 0; i < X.rows(); ++i) apply(X.data() + i * X.outerStride(), Z.data() + i * Z.cols());
  return Z;
}

}  // namespace ersatz
