#pragma once
// Dense linear algebra on rows, real or complex, by BLAS and LAPACK. T is double or Complex. Elements are
// orthonormal rows e: a row a is Σ c_k e_k with c_k = Σ_j conj(e_kj) a_j.

#include <type_traits>

#include "basis/svd.hpp"
#include "ersatz/core/matrix.hpp"

namespace ersatz::dense {

template <class T>
using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using RowsView = Eigen::Ref<const Rows<T>, 0, Eigen::OuterStride<>>;
template <class T>
using RowsTarget = Eigen::Ref<Rows<T>, 0, Eigen::OuterStride<>>;
template <class T>
constexpr bool is_complex = std::is_same_v<T, Complex>;

/// c = a eᴴ: n × k from n × m and k × m.
template <class T>
void coefficients(RowsView<T> a, RowsView<T> e, RowsTarget<T> c);
/// y += scale c e: n × m from n × k and k × m.
template <class T>
void add_product(double scale, RowsView<T> c, RowsView<T> e, RowsTarget<T> y);
/// y += pᴴ a: l × m from n × l and n × m.
template <class T>
void combine(RowsView<T> p, RowsView<T> a, RowsTarget<T> y);

/// The triangular G (min(n, k) × k) with Gᴴ G = cᴴ c, by Householder reflections of blocks of rows.
template <class T>
Rows<T> triangle(RowsView<T> c);

/// Orthonormal rows, orthogonal to those of `e` as well, whose span holds what of `y` is not in e's; where
/// that is of fewer dimensions than y has rows, any directions complete them. Rows of e and y together: at
/// most m.
template <class T>
Rows<T> orthonormal_beside(const Rows<T>& e, const Rows<T>& y);

template <class T>
struct Svd {
  Vector values;  ///< descending
  Rows<T> rows;   ///< right singular vectors vᴴ, one per row: a ≈ Σ (a · v) vᴴ
};
/// Throws NumericalError if LAPACK fails.
template <class T>
Svd<T> svd(RowsView<T> a);

/// The rows of a double matrix as rows of T.
template <class T>
Eigen::Map<const Rows<T>, 0, Eigen::OuterStride<>> view(const double* data, Index rows, Index width,
                                                        Index stride) {
  constexpr Index unit = is_complex<T> ? 2 : 1;
  return {reinterpret_cast<const T*>(data), rows, width / unit, Eigen::OuterStride<>(stride / unit)};
}
/// Rows of T as doubles, complex interleaved.
template <class T>
Matrix to_doubles(const Rows<T>& a) {
  return Eigen::Map<const Matrix>(reinterpret_cast<const double*>(a.data()), a.rows(),
                                  a.cols() * (is_complex<T> ? 2 : 1));
}

}  // namespace ersatz::dense
