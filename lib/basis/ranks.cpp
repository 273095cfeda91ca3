#include "basis/ranks.hpp"

#include <algorithm>
#include <vector>

namespace ersatz {

void Ranks::gather(const double* mine, Index count, double* all) const { std::copy_n(mine, count, all); }

const Ranks& no_others() {
  static const Ranks alone;
  return alone;
}

RowShare::RowShare(Index count, const Ranks& all) : ranks(all), total(count) {
  if (ranks.alone()) return;
  const auto mine = static_cast<double>(count);
  std::vector<double> counts(static_cast<std::size_t>(ranks.size()));
  ranks.gather(&mine, 1, counts.data());
  total = 0;
  for (int r = 0; r < ranks.size(); ++r) {
    if (r == ranks.rank()) first = total;
    total += static_cast<Index>(counts[static_cast<std::size_t>(r)]);
  }
}

}  // namespace ersatz
