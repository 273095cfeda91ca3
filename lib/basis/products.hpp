#pragma once
// Matrix products of BLAS for real and complex rows alike.

#include <algorithm>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// Rows to leave free behind a matrix of this many columns that LAPACK works on: OpenBLAS 0.3.21's zgemv_n
/// for AVX2 reads some elements behind the last one, which may be where memory ends.
inline Index spare_rows(Index columns) { return 5 + 16 / std::max<Index>(columns, 1); }

// Overloads by type, so that what calls them is written once. Column major, as Fortran has it.

inline void gemm(const char* ta, const char* tb, int m, int n, int k, double alpha, const double* a, int lda,
                 const double* b, int ldb, double beta, double* c, int ldc) {
  dgemm_(ta, tb, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
}
inline void gemm(const char* ta, const char* tb, int m, int n, int k, double alpha, const Complex* a, int lda,
                 const Complex* b, int ldb, double beta, Complex* c, int ldc) {
  const Complex za = alpha, zb = beta;
  zgemm_(ta, tb, &m, &n, &k, &za, a, &lda, b, &ldb, &zb, c, &ldc);
}

/// c (q × p) = a^H b, with a (m × q) and b (m × p): scalar products of the columns. All column
/// major without gaps, so that columns are rows of our matrices.
template <class T>
void inner_products(int m, int q, int p, const T* a, const T* b, T* c) {
  gemm("C", "N", q, p, m, 1.0, a, m, b, m, 0.0, c, q);
}

/// b (m × p) -= a (m × q) c (q × p)
template <class T>
void subtract_combinations(int m, int q, int p, const T* a, const T* c, T* b) {
  gemm("N", "N", m, p, q, -1.0, a, m, c, q, 1.0, b, m);
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

/// b (m) -= a (m × q, columns `stride` apart) c (q)
inline void subtract_combination(int m, int q, int stride, const double* a, const double* c, double* b) {
  const double minus = -1.0, one = 1.0;
  const int step = 1;
  dgemv_("N", &m, &q, &minus, a, &stride, c, &step, &one, b, &step);
}
inline void subtract_combination(int m, int q, int stride, const Complex* a, const Complex* c, Complex* b) {
  const Complex minus = -1.0, one = 1.0;
  const int step = 1;
  zgemv_("N", &m, &q, &minus, a, &stride, c, &step, &one, b, &step);
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
