#pragma once
// Matrices on their way from one process to another.

#include <vector>

#include "basis/dense.hpp"

namespace ersatz::pod {

template <class T>
void pack_rows(const dense::Rows<T>& rows, std::vector<double>& to) {
  const auto* values = reinterpret_cast<const double*>(rows.data());
  to.push_back(static_cast<double>(rows.rows()));
  to.push_back(static_cast<double>(rows.cols()));
  to.insert(to.end(), values, values + rows.size() * (dense::is_complex<T> ? 2 : 1));
}

/// Takes them from `next`, which then points behind them.
template <class T>
dense::Rows<T> unpack_rows(const double*& next) {
  const auto rows = static_cast<Index>(*next++), cols = static_cast<Index>(*next++);
  dense::Rows<T> result(rows, cols);
  const Index count = result.size() * (dense::is_complex<T> ? 2 : 1);
  std::copy_n(next, count, reinterpret_cast<double*>(result.data()));
  next += count;
  return result;
}

}  // namespace ersatz::pod
