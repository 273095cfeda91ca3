#pragma once
// What a search tries next. Not installed.

#include <optional>

#include "ersatz/selection/search.hpp"

namespace ersatz {

/// The next point, canonical: a function of space, method, stream and the trials so far alone. `sign`: 1
/// where smaller scores are better, -1 where larger ones are; `is_error`: scores are modelled by their
/// logarithm where they are positive. Empty: everything was tried (or nothing new was found in 1000 draws).
std::optional<Vector> propose(const SearchSpace& space, SearchMethod method,
                              const std::vector<SearchTrial>& trials, double sign, bool is_error,
                              const RandomStream& random);

/// How many of the next points depend on where the trials so far are, but not on their scores.
Index proposals_without_scores(const SearchSpace& space, SearchMethod method,
                               const std::vector<SearchTrial>& trials);

}  // namespace ersatz
