#include "ersatz/design/design.hpp"

#include <algorithm>
#include <boost/random/sobol.hpp>
#include <cmath>
#include <limits>

#include "design/hypercube.hpp"
#include "design/maximin.hpp"
#include "design/scramble.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr Index most_maximin = 50000;  // some ten seconds

bool varies(const Parameter& p) { return p.upper > p.lower; }

/// How a coordinate's digits are randomised.
struct Randomisation {
  bool shift = false, nested = false;
  std::uint64_t key = 0;

  std::uint64_t operator()(std::uint64_t bits) const {
    if (nested) return detail::owen_scrambled(bits, key);
    return shift ? bits ^ key : bits;
  }
};

Matrix sobol(const ParameterSpace& space, Index n, const RandomStream& random, const DesignOptions& options) {
  const Index d = space.size(), there = options.existing.rows();
  if (d > 1000) throw UsageError(text("Sobol' sequences go up to 1000 parameters here, the space has ", d));
  boost::random::sobol engine(static_cast<std::size_t>(d));
  std::vector<Randomisation> randomised(static_cast<std::size_t>(d));
  for (std::size_t k = 0; k < randomised.size(); ++k) {
    auto stream = random.split(k);
    randomised[k] = {options.digital_shift, options.owen_scrambling, stream()};
  }
  Matrix X(n + there, d);
  Vector u(d);
  // Boost leaves out the origin; randomised it is a point like any other.
  const bool from_origin = options.digital_shift || options.owen_scrambling;
  bool origin = from_origin && options.skip == 0;
  if (const Index left_out = options.skip - (from_origin ? 1 : 0); left_out > 0)
    engine.discard(static_cast<std::uintmax_t>(left_out) * static_cast<std::uintmax_t>(d));
  for (Index i = 0, tries = 0; i < X.rows(); ++tries) {
    if (tries > 1000 * (X.rows() + 10)) detail::too_narrow();
    for (Index k = 0; k < d; ++k) {
      const std::uint64_t bits = randomised[static_cast<std::size_t>(k)](origin ? 0 : engine());
      u[k] = static_cast<double>(bits >> 11) * 0x1.0p-53;
    }
    origin = false;
    space.from_unit(u.data(), X.row(i).data());
    if (space.fills_cube() || space.contains(X.row(i).data())) ++i;
  }
  for (Index i = 0; i < there; ++i)
    for (Index k = 0; k < d; ++k)
      if (!(std::abs(X(i, k) - options.existing(i, k)) <= 1e-9 * (space[k].upper - space[k].lower)))
        throw UsageError(text("the existing points are not the beginning of this Sobol' sequence: point ", i,
                              " has ", space[k].name, " = ", options.existing(i, k), ", the sequence ",
                              X(i, k),
                              ". It has to be continued with the seed and the scrambling that it was begun "
                              "with; maximin and lhs fill the gaps between any points"));
  return X.bottomRows(n);
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
      if (best.rows() == 0) detail::too_narrow();
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

void check(DesignMethod method, const ParameterSpace& space, Index n, const DesignOptions& o) {
  const bool sobol = method == DesignMethod::sobol;
  if (o.skip < 0) throw UsageError(text("a design cannot skip ", o.skip, " points"));
  if (!sobol && (o.skip > 0 || o.owen_scrambling))
    throw UsageError(text("only the sobol sequence can be ",
                          o.skip > 0 ? "continued by skipping" : "scrambled", ", ", to_string(method),
                          " cannot"));
  if (o.digital_shift && o.owen_scrambling) throw UsageError("a sequence is shifted or scrambled, not both");
  if (o.slices < 1) throw UsageError(text("a design cannot have ", o.slices, " slices"));
  if (o.slices > 1) {
    if (method != DesignMethod::lhs)
      throw UsageError(text("only lhs designs have slices, ", to_string(method),
                            " has none; a sobol sequence is continued instead (skip, existing points)"));
    if (n % o.slices != 0)
      throw UsageError(text(n, " points cannot be divided into ", o.slices, " slices of one size"));
    if (!space.fills_cube())
      throw UsageError(
          "slices are Latin hypercubes, which constraints would cut; continue a sobol design "
          "instead (skip, existing points)");
  }
  const Matrix& there = o.existing;
  if (there.rows() == 0) return;
  if (method == DesignMethod::grid)
    throw UsageError("a grid does not go around existing points; take maximin, lhs or sobol");
  if (o.slices > 1) throw UsageError("slices are made at once: they do not go around existing points");
  if (o.skip > 0) throw UsageError("existing points say where a design goes on: nothing is to be skipped");
  if (there.cols() != space.size())
    throw UsageError(
        text("existing points have ", there.cols(), " values each, the space has ", space.size()));
  for (Index i = 0; i < there.rows(); ++i)
    if (!space.contains(there.row(i).data()))
      throw DataError(
          text("existing point ", i, " is outside of the space: ", space.why_outside(there.row(i).data())));
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
  check(method, space, n, options);
  switch (method) {
    case DesignMethod::sobol:
      return sobol(space, n, random, options);
    case DesignMethod::lhs:
      return detail::hypercube(space, n, random, false, options);
    case DesignMethod::maximin:
      if (n + options.existing.rows() > most_maximin)
        throw UsageError(text("maximin compares every pair of points and goes up to ", most_maximin,
                              " points, got ", n + options.existing.rows(), "; take sobol or lhs"));
      return detail::hypercube(space, n, random, true, options);
    case DesignMethod::grid:
      return grid(space, n);
  }
  return {};
}

Matrix shifted_sobol(const ParameterSpace& space, Index n, const RandomStream& random) {
  DesignOptions shifted;
  shifted.digital_shift = true;
  return make_design(DesignMethod::sobol, space, n, random, shifted);
}

double smallest_distance(ConstMatrixRef X) {
  double smallest = std::numeric_limits<double>::infinity();
  for (Index i = 0; i < X.rows(); ++i)
    for (Index j = 0; j < i; ++j) smallest = std::min(smallest, (X.row(i) - X.row(j)).squaredNorm());
  return std::sqrt(smallest);
}

}  // namespace ersatz
