#include "ersatz/design/design.hpp"

#include <algorithm>
#include <boost/random/sobol.hpp>
#include <cmath>
#include <limits>

#include "design/maximin.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

using detail::Levels;

constexpr Index most_maximin = 50000;  // some ten seconds

bool varies(const Parameter& p) { return p.upper > p.lower; }

[[noreturn]] void too_narrow() {
  throw NumericalError(
      "fewer than one point in a thousand meets the linear constraints: they may contradict each other");
}

Matrix sobol(const ParameterSpace& space, Index n, const RandomStream& random, const DesignOptions& options) {
  const Index d = space.size();
  if (d > 1000) throw UsageError(text("Sobol' sequences go up to 1000 parameters here, the space has ", d));
  boost::random::sobol engine(static_cast<std::size_t>(d));
  std::vector<std::uint64_t> shift(static_cast<std::size_t>(d), 0);
  if (options.digital_shift)
    for (std::size_t k = 0; k < shift.size(); ++k) {
      auto stream = random.split(k);
      shift[k] = stream();
    }
  if (options.skip > 0)
    engine.discard(static_cast<std::uintmax_t>(options.skip) * static_cast<std::uintmax_t>(d));
  Matrix X(n, d);
  Vector u(d);
  // Boost leaves out the origin; with a shift it is a point like any other.
  bool origin = options.digital_shift && options.skip == 0;
  for (Index i = 0, tries = 0; i < n; ++tries) {
    if (tries > 1000 * (n + 10)) too_narrow();
    for (Index k = 0; k < d; ++k) {
      const std::uint64_t bits = (origin ? 0 : engine()) ^ shift[static_cast<std::size_t>(k)];
      u[k] = static_cast<double>(bits >> 11) * 0x1.0p-53;
    }
    origin = false;
    space.from_unit(u.data(), X.row(i).data());
    if (space.fills_cube() || space.contains(X.row(i).data())) ++i;
  }
  return X;
}

Matrix hypercube(const ParameterSpace& space, Index n, const RandomStream& random, bool maximin) {
  const Index d = space.size();
  std::vector<bool> counts, periodic;
  for (const auto& p : space.parameters()) {
    counts.push_back(varies(p));
    periodic.push_back(p.scale == Scale::periodic);
  }
  for (const auto& b : space.balls()) periodic[static_cast<std::size_t>(b.members[2])] = true;  // the azimuth
  // How many to draw, so that about n meet the constraints.
  Index drawn = n;
  if (!space.fills_cube()) {
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
    drawn =
        static_cast<Index>(static_cast<double>(n) * static_cast<double>(trials) / static_cast<double>(met)) +
        1;
  }
  for (std::uint64_t attempt = 0;; ++attempt) {
    const RandomStream stream = random.split(attempt);
    Levels levels = detail::random_levels(drawn, d, stream.split("levels"));
    if (maximin) detail::spread(levels, counts, periodic, stream.split("spread"));
    RandomStream place = stream.split("place");
    Matrix X(drawn, d);
    Vector u(d);
    Index kept = 0;
    for (Index i = 0; i < drawn; ++i) {
      for (Index k = 0; k < d; ++k)
        u[k] = (levels(i, k) + (maximin ? 0.5 : place.uniform())) / static_cast<double>(drawn);
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

// The grid with these numbers of levels, points outside of the constraints left out; stops beyond `most`.
Matrix grid_points(const ParameterSpace& space, const std::vector<Index>& levels, Index most) {
  const Index d = space.size();
  std::vector<bool> in_ball(static_cast<std::size_t>(d), false);
  for (const auto& b : space.balls())
    for (const Index m : b.members) in_ball[static_cast<std::size_t>(m)] = true;
  std::vector<double> points;
  std::vector<Index> at(static_cast<std::size_t>(d), 0);
  Vector u(d), x(d);
  Index kept = 0;
  for (bool more = true; more && kept <= most;) {
    for (Index k = 0; k < d; ++k) {
      const auto i = static_cast<std::size_t>(k);
      const double level = static_cast<double>(at[i]), count = static_cast<double>(levels[i]);
      if (in_ball[i])
        u[k] = (level + 0.5) / count;
      else if (space[k].scale == Scale::periodic)
        u[k] = level / count;
      else
        u[k] = levels[i] == 1 ? 0.5 : level / (count - 1.0);
    }
    space.from_unit(u.data(), x.data());
    if (space.fills_cube() || space.contains(x.data())) {
      points.insert(points.end(), x.begin(), x.end());
      ++kept;
    }
    more = false;
    for (std::size_t k = at.size(); k-- > 0 && !more;) {  // the last parameter runs fastest
      more = ++at[k] < levels[k];
      if (!more) at[k] = 0;
    }
  }
  return Eigen::Map<const Matrix>(points.data(), kept, d);
}

Matrix grid(const ParameterSpace& space, Index n) {
  std::vector<Index> levels(static_cast<std::size_t>(space.size()), 1);
  Matrix best(0, space.size());
  const auto product = [&] {
    double p = 1.0;
    for (const Index l : levels) p *= static_cast<double>(l);
    return p;
  };
  const bool constrained = !space.linear_constraints().empty();
  // One level more for one parameter after another, for as long as at most n points result.
  for (std::size_t k = 0, idle = 0;; k = (k + 1) % levels.size()) {
    if (product() > 1000.0 * static_cast<double>(n + 10)) {
      if (best.rows() == 0) too_narrow();
      return best;
    }
    Matrix points;
    const bool fits = constrained || product() <= static_cast<double>(n);
    if (fits) points = grid_points(space, levels, n);
    if (!fits || points.rows() > n) return best;
    if (points.rows() >= best.rows()) best = points;
    // The next parameter that can have more levels.
    idle = 0;
    while (idle < levels.size() && !varies(space[static_cast<Index>(k)])) {
      k = (k + 1) % levels.size();
      ++idle;
    }
    if (idle == levels.size()) return best;
    ++levels[k];
  }
}

}  // namespace

std::string_view to_string(DesignMethod method) {
  switch (method) {
    case DesignMethod::sobol:
      return "sobol";
    case DesignMethod::lhs:
      return "lhs";
    case DesignMethod::maximin:
      return "maximin";
    case DesignMethod::grid:
      return "grid";
  }
  return "sobol";
}

DesignMethod design_method_from_string(std::string_view name) {
  for (const auto m : {DesignMethod::sobol, DesignMethod::lhs, DesignMethod::maximin, DesignMethod::grid})
    if (to_string(m) == name) return m;
  throw UsageError(text("unknown design method '", name, "'; known: sobol, lhs, maximin, grid"));
}

Matrix make_design(DesignMethod method, const ParameterSpace& space, Index n, const RandomStream& random,
                   const DesignOptions& options) {
  if (n < 1) throw UsageError(text("a design needs at least one point, got ", n));
  if (space.size() == 0) throw UsageError("a design needs at least one parameter");
  if (options.skip < 0) throw UsageError(text("a design cannot skip ", options.skip, " points"));
  switch (method) {
    case DesignMethod::sobol:
      return sobol(space, n, random, options);
    case DesignMethod::lhs:
      return hypercube(space, n, random, false);
    case DesignMethod::maximin:
      if (n > most_maximin)
        throw UsageError(text("maximin compares every pair of points and goes up to ", most_maximin,
                              " points, got ", n, "; take sobol or lhs"));
      return hypercube(space, n, random, true);
    case DesignMethod::grid:
      return grid(space, n);
  }
  return {};
}

double smallest_distance(ConstMatrixRef X) {
  double smallest = std::numeric_limits<double>::infinity();
  for (Index i = 0; i < X.rows(); ++i)
    for (Index j = 0; j < i; ++j) smallest = std::min(smallest, (X.row(i) - X.row(j)).squaredNorm());
  return std::sqrt(smallest);
}

}  // namespace ersatz
