#pragma once
// Matrix products of BLAS for real and complex rows alike.

#include "ersatz/core/blas.hpp"
#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// c (q × p) = a^H b, with a (m × q) and b (m × p): scalar products of the columns. All column
/// major without gaps, so that columns are rows of our matrices.
inline void inner_products(int m, int q, int p, const double* a, const double* b, double* c) {
  const double one = 1.0, zero = 0.0;
  dgemm_("T", "N", &q, &p, &m, &one, a, &m, b, &m, &zero, c, &q);
}
inline void inner_products(int m, int q, int p, const Complex* a, const Complex* b, Complex* c) {
  const Complex one = 1.0, zero = 0.0;
  zgemm_("C", "N", &q, &p, &m, &one, a, &m, b, &m, &zero, c, &q);
}

/// b (m × p) -= a (m × q) c (q × p)
inline void subtract_combinations(int m, int q, int p, const double* a, const double* c, double* b) {
  const double minus = -1.0, one = 1.0;
  dgemm_("N", "N", &m, &p, &q, &minus, a, &m, c, &q, &one, b, &m);
}
inline void subtract_combinations(int m, int q, int p, const Complex* a, const Complex* c, Complex* b) {
  const Complex minus = -1.0, one = 1.0;
  zgemm_("N", "N", &m, &p, &q, &minus, a, &m, c, &q, &one, b, &m);
}

/// a^H x of one column, and x -= factor a.
inline double inner_product(int m, const double* a, const double* x) {
  const double one = 1.0, zero = 0.0;
  const int column = 1;
  double result = 0.0;
  dgemv_("T", &m, &column, &one, a, &m, x, &column, &zero, &result, &column);
  return result;
}
inline Complex inner_product(int m, const Complex* a, const Complex* x) {
  const Complex one = 1.0, zero = 0.0;
  const int column = 1;
  Complex result = 0.0;
  zgemv_("C", &m, &column, &one, a, &m, x, &column, &zero, &result, &column);
  return result;
}
inline void subtract_multiple(int m, double factor, const double* a, double* x) {
  const double minus = -factor;
  const int step = 1;
  daxpy_(&m, &minus, a, &step, x, &step);
}
inline void subtract_multiple(int m, Complex factor, const Complex* a, Complex* x) {
  const Complex minus = -factor;
  const int step = 1;
  zaxpy_(&m, &minus, a, &step, x, &step);
}

}  // namespace ersatz
