#pragma once
// One matrix of snapshots, which every rank makes, cut into rows of the ranks in several ways.

#include <numeric>
#include <string>
#include <vector>

#include "ersatz/parallel/communicator.hpp"

namespace ersatz::testing {

enum class Layout {
  even,    ///< as part_of
  uneven,  ///< rank r has about r + 1 times as many as rank 0
  hollow,  ///< the first rank and every third after it have none (alone: all)
  last     ///< the last rank has all
};
constexpr Layout layouts[] = {Layout::even, Layout::uneven, Layout::hollow, Layout::last};
inline const char* name_of(Layout layout) {
  constexpr const char* names[] = {"even", "uneven", "hollow", "last"};
  return names[static_cast<int>(layout)];
}

inline Part share_of(Index rows, const Communicator& comm, Layout layout) {
  std::vector<Index> weights(static_cast<std::size_t>(comm.size()), 1);
  for (std::size_t r = 0; r < weights.size(); ++r) {
    if (layout == Layout::uneven) weights[r] = static_cast<Index>(r) + 1;
    if (layout == Layout::hollow && r % 3 == 0 && comm.size() > 1) weights[r] = 0;
    if (layout == Layout::last) weights[r] = r + 1 == weights.size() ? 1 : 0;
  }
  if (layout == Layout::even) return part_of(rows, comm.rank(), comm.size());
  const Index total = std::accumulate(weights.begin(), weights.end(), Index{0});
  const auto me = weights.begin() + comm.rank();
  const Index before = std::accumulate(weights.begin(), me, Index{0});
  return {rows * before / total, rows * (before + *me) / total};
}

inline Matrix rows_of(const Matrix& all, const Communicator& comm, Layout layout) {
  const Part part = share_of(all.rows(), comm, layout);
  return all.middleRows(part.begin, part.size());
}

/// What went wrong, whatever it was; with the type of the error where it is E.
template <class E, class F>
std::string told(F&& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("another type of error: ") + e.what();
  }
  return "nothing";
}

/// Whether every rank has these bits.
inline bool same_everywhere(const Communicator& comm, const Matrix& m) {
  const Bytes mine(reinterpret_cast<const char*>(m.data()),
                   static_cast<std::size_t>(m.size()) * sizeof(double));
  for (const Bytes& other : comm.all_gather(mine))
    if (other != mine) return false;
  return true;
}

}  // namespace ersatz::testing
