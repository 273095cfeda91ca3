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

/// c (q, one every `step`) = a^H x, with a (m × q, columns `stride` apart).
inline void inner_products_of_one(int m, int q, int stride, const double* a, const double* x, double* c,
                                  int step) {
  const double one = 1.0, zero = 0.0;
  const int next = 1;
  dgemv_("T", &m, &q, &one, a, &stride, x, &next, &zero, c, &step);
}
inline void inner_products_of_one(int m, int q, int stride, const Complex* a, const Complex* x, Complex* c,
                                  int step) {
  const Complex one = 1.0, zero = 0.0;
  const int next = 1;
  zgemv_("C", &m, &q, &one, a, &stride, x, &next, &zero, c, &step);
}

/// b (m) -= a (m × q) c (q)
inline void subtract_combination(int m, int q, const double* a, const double* c, double* b) {
  const double minus = -1.0, one = 1.0;
  const int step = 1;
  dgemv_("N", &m, &q, &minus, a, &m, c, &step, &one, b, &step);
}
inline void subtract_combination(int m, int q, const Complex* a, const Complex* c, Complex* b) {
  const Complex minus = -1.0, one = 1.0;
  const int step = 1;
  zgemv_("N", &m, &q, &minus, a, &m, c, &step, &one, b, &step);
}

/// x -= factor a
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
