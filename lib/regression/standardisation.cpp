#include "ersatz/regression/standardisation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ersatz {

Standardisation Standardisation::of(ConstMatrixRef values) {
  const Index n = values.rows();
  const double count = static_cast<double>(n);
  Standardisation s{Vector::Zero(values.cols()), Vector::Zero(values.cols())};
  for (Index k = 0; k < values.cols(); ++k) {
    double low = values(0, k), high = low;
    for (Index i = 1; i < n; ++i) {
      low = std::min(low, values(i, k));
      high = std::max(high, values(i, k));
    }
    const double largest = std::max(std::abs(low), std::abs(high));
    const double middle = 0.5 * low + 0.5 * high;
    const double half = 0.5 * high - 0.5 * low;
    s.centre[k] = n == 1 || low == high ? low : middle;
    if (half <= 2.0 * std::numeric_limits<double>::epsilon() * largest ||
        half < std::numeric_limits<double>::min())
      continue;
    // Moments of (x - middle) / half, which lies in [-1, 1]: nothing overflows, nothing cancels.
    double sum = 0.0, squares = 0.0;
    for (Index i = 0; i < n; ++i) sum += (values(i, k) - middle) / half;
    const double mean = sum / count;
    for (Index i = 0; i < n; ++i) {
      const double deviation = (values(i, k) - middle) / half - mean;
      squares += deviation * deviation;
    }
    s.centre[k] = middle + mean * half;
    s.inverse_scale[k] = 1.0 / (std::sqrt(squares / count) * half);
  }
  return s;
}

Matrix Standardisation::apply(ConstMatrixRef X) const {
  Matrix Z(X.rows(), X.cols());
  for (Index i = 0; i < X.rows(); ++i) apply(X.data() + i * X.outerStride(), Z.data() + i * Z.cols());
  return Z;
}

}  // namespace ersatz
