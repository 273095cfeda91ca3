#include "regression/gp/triangular.hpp"

#include <cstddef>

#include "ersatz/core/blas.hpp"

namespace ersatz::gp {
namespace {

constexpr int small = 64;

/// Column by column from the last: below the diagonal, column j of the inverse is minus the inverse of what
/// is right of it, times column j, over the diagonal.
void invert_small(int n, double* a, std::ptrdiff_t stride) {
  double product[small];
  for (int j = n - 1; j >= 0; --j) {
    double* column = a + j * stride;
    column[j] = 1.0 / column[j];
    for (int i = j + 1; i < n; ++i) product[i] = 0.0;
    for (int k = j + 1; k < n; ++k) {
      const double factor = column[k];
      const double* inverse = a + k * stride;
      for (int i = k; i < n; ++i) product[i] += inverse[i] * factor;
    }
    for (int i = j + 1; i < n; ++i) column[i] = -product[i] * column[j];
  }
}

}  // namespace

void invert_lower(int n, double* a, int stride) {
  if (n <= small) return invert_small(n, a, stride);
  // [A 0; B C]⁻¹ = [A⁻¹ 0; -C⁻¹ B A⁻¹ C⁻¹]
  const int top = (n / 2 + 7) / 8 * 8, bottom = n - top;
  double* b = a + top;
  double* c = a + top + static_cast<std::ptrdiff_t>(top) * stride;
  invert_lower(top, a, stride);
  invert_lower(bottom, c, stride);
  const double one = 1.0, minus_one = -1.0;
  dtrmm_("R", "L", "N", "N", &bottom, &top, &minus_one, a, &stride, b, &stride);
  dtrmm_("L", "L", "N", "N", &bottom, &top, &one, c, &stride, b, &stride);
}

}  // namespace ersatz::gp
