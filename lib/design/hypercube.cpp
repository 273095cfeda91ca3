#include "design/hypercube.hpp"

#include <algorithm>
#include <cmath>

#include "design/maximin.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz::detail {
namespace {

/// How many to draw, so that about n meet the constraints.
Index enough(const ParameterSpace& space, Index n, const RandomStream& random) {
  if (space.fills_cube()) return n;
  const Index d = space.size();
  RandomStream trial = random.split("trial");
  constexpr Index trials = 20000;
  Index met = 0;
  Vector u(d), x(d);
  for (Index i = 0; i < trials; ++i) {
    for (Index k = 0; k < d; ++k) u[k] = trial.uniform();
    space.from_unit(u.data(), x.data());
    met += space.contains(x.data());
  }
  if (met < trials / 1000) too_narrow();
  return static_cast<Index>(static_cast<double>(n) * static_cast<double>(trials) / static_cast<double>(met)) +
         1;
}

/// Levels 0 … n-1 of a sliced hypercube, slice after slice: in each column the levels k t … k t + t - 1 go to
/// the t slices at random, so that each slice has one in each of the m = n / t intervals (Qian 2012, section
/// 2).
Levels sliced_levels(Index n, Index d, Index slices, const RandomStream& random) {
  const Index m = n / slices;
  Levels levels(n, d);
  for (Index k = 0; k < d; ++k) {
    RandomStream column = random.split(static_cast<std::uint64_t>(k));
    Eigen::MatrixXd of_slice(m, slices);
    for (Index interval = 0; interval < m; ++interval) {
      const auto order = column.permutation(slices);
      for (Index s = 0; s < slices; ++s)
        of_slice(interval, s) = static_cast<double>(interval * slices + order[static_cast<std::size_t>(s)]);
    }
    for (Index s = 0; s < slices; ++s) {
      const auto order = column.permutation(m);
      for (Index i = 0; i < m; ++i) levels(s * m + i, k) = of_slice(order[static_cast<std::size_t>(i)], s);
    }
  }
  return levels;
}

/// Levels among 0 … strata-1 of n new points, in each column n of those that hold no existing point; below
/// them the existing points, as levels that need not be whole numbers (the middle of a stratum is one).
Levels levels_around(const Matrix& existing, Index n, const RandomStream& random) {
  const Index d = existing.cols(), there = existing.rows(), strata = n + there;
  Levels levels(n + there, d);
  const auto count = static_cast<double>(strata);
  for (Index k = 0; k < d; ++k) {
    std::vector<bool> taken(static_cast<std::size_t>(strata), false);
    for (Index i = 0; i < there; ++i) {
      const double at = std::clamp(existing(i, k), 0.0, 1.0) * count;
      taken[static_cast<std::size_t>(std::min(at, count - 1.0))] = true;
      levels(n + i, k) = at - 0.5;
    }
    std::vector<double> free;
    for (Index s = 0; s < strata; ++s)
      if (!taken[static_cast<std::size_t>(s)]) free.push_back(static_cast<double>(s));
    RandomStream column = random.split(static_cast<std::uint64_t>(k));
    const auto order = column.permutation(static_cast<Index>(free.size()));
    for (Index i = 0; i < n; ++i)
      levels(i, k) = free[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])];
  }
  return levels;
}

}  // namespace

void too_narrow() {
  throw NumericalError(
      "fewer than one point in a thousand meets the linear constraints: they may contradict each other");
}

Matrix hypercube(const ParameterSpace& space, Index n, const RandomStream& random, bool maximin,
                 const DesignOptions& options) {
  const Index d = space.size(), there = options.existing.rows();
  std::vector<bool> counts, periodic;
  for (const auto& p : space.parameters()) {
    counts.push_back(p.upper > p.lower);
    periodic.push_back(p.scale == Scale::periodic);
  }
  for (const auto& b : space.balls()) periodic[static_cast<std::size_t>(b.members[2])] = true;  // the azimuth
  Matrix existing(there, d);
  for (Index i = 0; i < there; ++i) space.to_unit(options.existing.row(i).data(), existing.row(i).data());
  Index drawn = enough(space, n, random);
  for (std::uint64_t attempt = 0;; ++attempt) {
    const RandomStream stream = random.split(attempt), shuffle = stream.split("levels");
    Levels levels = there > 0            ? levels_around(existing, drawn, shuffle)
                    : options.slices > 1 ? sliced_levels(drawn, d, options.slices, shuffle)
                                         : random_levels(drawn, d, shuffle);
    if (maximin) spread(levels, drawn, counts, periodic, stream.split("spread"));
    RandomStream place = stream.split("place");
    Matrix X(drawn, d);
    Vector u(d);
    Index kept = 0;
    for (Index i = 0; i < drawn; ++i) {
      for (Index k = 0; k < d; ++k)
        u[k] = (levels(i, k) + (maximin ? 0.5 : place.uniform())) / static_cast<double>(drawn + there);
      space.from_unit(u.data(), X.row(kept).data());
      if (space.fills_cube() || space.contains(X.row(kept).data())) ++kept;
    }
    if (kept >= n) return X.topRows(n);
    if (drawn > 1000 * (n + 10)) too_narrow();
    const double more = 1.02 * static_cast<double>(drawn) * static_cast<double>(n) /
                        static_cast<double>(std::max<Index>(kept, 1));
    drawn = std::min(static_cast<Index>(more) + 1, 20 * drawn);
  }
}

}  // namespace ersatz::detail
