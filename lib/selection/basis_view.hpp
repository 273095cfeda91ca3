#pragma once
// What a report shows of bases.

#include <vector>

#include "ersatz/emulator/train.hpp"

namespace ersatz {

/// One per channel of what was prepared from `runs`: elements, nodes, and the error against the rank for
/// `runs` and, where there are any, for `others`, over at most 300 runs each. Empty for channels without a
/// basis. O(elements² · width + runs · elements · width).
std::vector<BasisView> basis_views(const Prepared& prepared, const Archive& runs, const Archive* others);

}  // namespace ersatz
