#pragma once
// What a campaign is for, when the whole space is not.

#include <limits>

#include "ersatz/emulator/emulator.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {

struct FocusView {
  Matrix points;  ///< those that matter, all different: rows in the units of the space
  /// What is different from what the emulator before said, from 0 (nothing) to infinity (all of it); NaN
  /// where there was none.
  double change = std::numeric_limits<double>::quiet_NaN();
};

/// Where an emulator has to be good: a posterior, a trajectory, a region of interest. Immutable.
class Focus {
 public:
  virtual ~Focus() = default;
  /// At most `count` points, as the emulator `now` sees it. `before`: the one that it took the place of; or
  /// null. Depends on these, the count and context.random alone.
  virtual FocusView look(const Emulator& now, const Emulator* before, Index count,
                         const FitContext& context) const = 0;
};

}  // namespace ersatz
