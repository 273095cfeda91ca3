// Decompositions of rows that are spread over ranks.

#include <algorithm>

#include "basis/pod_pack.hpp"
#include "basis/pod_rows.hpp"

namespace ersatz::pod {

template <class T>
dense::Svd<T> svd(const Ranks& ranks, RowsView<T> here) {
  if (ranks.alone()) return dense::svd<T>(here);
  const auto packed = [](const Rows<T>& rows) {
    std::vector<double> all;
    pack_rows<T>(rows, all);
    return to_bytes(all);
  };
  const auto unpacked = [](const Bytes& bytes) {
    const std::vector<double> all = doubles_from_bytes(bytes);
    const double* next = all.data();
    return unpack_rows<T>(next);
  };
  Bytes mine;
  ranks.together([&] { mine = packed(dense::triangle<T>(here)); });
  const Rows<T> triangle =
      unpacked(ranks.combine(std::move(mine), [&](const Bytes& lower, const Bytes& upper) {
        const Rows<T> a = unpacked(lower), b = unpacked(upper);
        Rows<T> both(a.rows() + b.rows(), a.cols());
        both.topRows(a.rows()) = a;
        both.bottomRows(b.rows()) = b;
        return packed(dense::triangle<T>(both));
      }));
  dense::Svd<T> result;
  ranks.together([&] { result = dense::svd<T>(triangle); });
  // Processors may differ in the last bit, and what follows must not.
  ranks.broadcast(result.values.data(), result.values.size(), 0);
  ranks.broadcast(reinterpret_cast<double*>(result.rows.data()),
                  result.rows.size() * (dense::is_complex<T> ? 2 : 1), 0);
  return result;
}
template dense::Svd<double> svd<double>(const Ranks&, RowsView<double>);
template dense::Svd<Complex> svd<Complex>(const Ranks&, RowsView<Complex>);

}  // namespace ersatz::pod
