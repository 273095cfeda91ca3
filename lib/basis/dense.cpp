#include "basis/dense.hpp"

#include <algorithm>
#include <vector>

#include "basis/products.hpp"
#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::dense {
namespace {

void check(const char* routine, int info) {
  if (info != 0)
    throw NumericalError(text("LAPACK's ", routine, " failed on the snapshots (info ", info, ")"));
}

template <class T>
using Factor = void (*)(const int*, const int*, T*, const int*, T*, T*, const int*, int*);

/// Calls a factorisation twice: for the size of its work space, and to do it.
template <class T>
void factor(const char* name, Factor<T> routine, int m, int n, T* a, int lda, T* tau) {
  int info = 0, lwork = -1;
  T size{};
  routine(&m, &n, a, &lda, tau, &size, &lwork, &info);
  check(name, info);
  lwork = static_cast<int>(std::real(size));
  std::vector<T> work(static_cast<std::size_t>(lwork));
  routine(&m, &n, a, &lda, tau, work.data(), &lwork, &info);
  check(name, info);
}

void qr(int m, int n, double* a, double* tau) { factor<double>("dgeqrf", dgeqrf_, m, n, a, m, tau); }
void qr(int m, int n, Complex* a, Complex* tau) { factor<Complex>("zgeqrf", zgeqrf_, m, n, a, m, tau); }
void lq(int m, int n, double* a, double* tau) { factor<double>("dgelqf", dgelqf_, m, n, a, m, tau); }
void lq(int m, int n, Complex* a, Complex* tau) { factor<Complex>("zgelqf", zgelqf_, m, n, a, m, tau); }

void make_q(int m, int n, double* a, const double* tau) {
  int info = 0, lwork = 64 * n;
  std::vector<double> work(static_cast<std::size_t>(lwork));
  dorgqr_(&m, &n, &n, a, &m, tau, work.data(), &lwork, &info);
  check("dorgqr", info);
}
void make_q(int m, int n, Complex* a, const Complex* tau) {
  int info = 0, lwork = 64 * n;
  std::vector<Complex> work(static_cast<std::size_t>(lwork));
  zungqr_(&m, &n, &n, a, &m, tau, work.data(), &lwork, &info);
  check("zungqr", info);
}

template <class M>
int rows_of(const M& a) {
  return static_cast<int>(a.rows());
}
template <class M>
int cols_of(const M& a) {
  return static_cast<int>(a.cols());
}
template <class M>
int stride_of(const M& a) {
  return static_cast<int>(std::max<Index>(a.outerStride(), 1));
}

}  // namespace

// A row-major matrix is, to Fortran, its transpose: all products are of transposes.

template <class T>
void coefficients(RowsView<T> a, RowsView<T> e, RowsTarget<T> c) {
  if (c.size() == 0) return;
  gemm("C", "N", rows_of(e), rows_of(a), cols_of(a), 1.0, e.data(), stride_of(e), a.data(), stride_of(a), 0.0,
       c.data(), stride_of(c));
}

template <class T>
void add_product(double scale, RowsView<T> c, RowsView<T> e, RowsTarget<T> y) {
  if (c.size() == 0 || y.size() == 0) return;
  gemm("N", "N", cols_of(y), rows_of(y), cols_of(c), scale, e.data(), stride_of(e), c.data(), stride_of(c),
       1.0, y.data(), stride_of(y));
}

template <class T>
void combine(RowsView<T> p, RowsView<T> a, RowsTarget<T> y) {
  if (y.size() == 0) return;
  gemm("N", "C", cols_of(a), cols_of(p), rows_of(a), 1.0, a.data(), stride_of(a), p.data(), stride_of(p), 1.0,
       y.data(), stride_of(y));
}

template <class T>
Rows<T> triangle(RowsView<T> c) {
  const Index k = c.cols(), block = std::max<Index>(2 * k, 256);
  Rows<T> g(0, k);
  for (Index first = 0; first < c.rows(); first += block) {
    const Index count = std::min(block, c.rows() - first);
    const Index n = g.rows() + count;
    Rows<T> stack = Rows<T>::Zero(n + spare_rows(k), k);
    stack.topRows(g.rows()) = g;
    stack.middleRows(g.rows(), count) = c.middleRows(first, count);
    // The transpose is L Q, and L in Fortran's order is the upper triangle wanted, row by row.
    const Index p = std::min(n, k);
    std::vector<T> tau(static_cast<std::size_t>(std::max<Index>(p, 1)));
    if (p > 0) lq(static_cast<int>(k), static_cast<int>(n), stack.data(), tau.data());
    g = stack.topRows(p);
    for (Index i = 1; i < p; ++i) g.row(i).head(std::min(i, k)).setZero();
  }
  return g;
}

template <class T>
Rows<T> orthonormal_beside(const Rows<T>& e, const Rows<T>& y) {
  if (y.rows() == 0) return y;
  const Index n = e.rows() + y.rows();
  Rows<T> stack = Rows<T>::Zero(n + spare_rows(y.cols()), y.cols());
  stack.topRows(e.rows()) = e;
  stack.middleRows(e.rows(), y.rows()) = y;
  std::vector<T> tau(static_cast<std::size_t>(n));
  qr(cols_of(stack), static_cast<int>(n), stack.data(), tau.data());
  make_q(cols_of(stack), static_cast<int>(n), stack.data(), tau.data());
  return stack.middleRows(e.rows(), y.rows());
}

template <class T>
Svd<T> svd(RowsView<T> a) {
  Svd<T> result;
  if (a.size() == 0) return {Vector(), Rows<T>(0, a.cols())};
  const auto doubles = [](const auto& x) {
    constexpr Index unit = is_complex<T> ? 2 : 1;
    return Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>(reinterpret_cast<const double*>(x.data()),
                                                             x.rows(), unit * x.cols(),
                                                             Eigen::OuterStride<>(unit * x.outerStride()));
  };
  // Only the right singular vectors are wanted: those of the triangle are the same.
  SingularVectors found;
  if (2 * a.rows() > 3 * a.cols()) {
    const Rows<T> g = triangle<T>(a);
    found = right_singular_vectors(doubles(g), is_complex<T>);
  } else {
    found = right_singular_vectors(doubles(a), is_complex<T>);
  }
  result.values = std::move(found.values);
  result.rows =
      view<T>(found.vectors.data(), found.vectors.rows(), found.vectors.cols(), found.vectors.cols());
  return result;
}

#define ERSATZ_DENSE(T)                                                          \
  template void coefficients<T>(RowsView<T>, RowsView<T>, RowsTarget<T>);        \
  template void add_product<T>(double, RowsView<T>, RowsView<T>, RowsTarget<T>); \
  template void combine<T>(RowsView<T>, RowsView<T>, RowsTarget<T>);             \
  template Rows<T> triangle<T>(RowsView<T>);                                     \
  template Rows<T> orthonormal_beside<T>(const Rows<T>&, const Rows<T>&);        \
  template Svd<T> svd<T>(RowsView<T>);
ERSATZ_DENSE(double)
ERSATZ_DENSE(Complex)

}  // namespace ersatz::dense
