#pragma once
// What a campaign is for, when the whole space is not.

#include <limits>
#include <memory>

#include "ersatz/emulator/emulator.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {

struct FocusView {
  Matrix points;        ///< those that matter, all different: rows in the units of the space
  Matrix candidates{};  ///< those that a batch is chosen among, all different; no rows: `points`
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
  /// Whether views differ from round to round, so that their change is worth telling.
  virtual bool moves() const { return true; }
};

/// The rows that differ from all before them.
Matrix distinct_rows(const Matrix& rows);

/// Those points (rows in the units of the space), the same ones in every round: of more than are asked for, a
/// random choice. Half of the candidates are points of interest, as far as there are so many; the others are
/// spread over the whole space, as a run beside what matters may teach more. Throws DataError where there
/// are no points, or one lies outside of the space (naming its row).
std::shared_ptr<const Focus> points_of_interest(const Matrix& points, const ParameterSpace& space);

}  // namespace ersatz
