#include "selection/search_proposal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "core/gaussian.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/design/design.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {
namespace {

constexpr Index drawn_everywhere = 1000, drawn_near_best = 500;

std::vector<double> key_of(const Vector& v) { return {v.data(), v.data() + v.size()}; }

Vector uniform(Index n, RandomStream& random) {
  Vector u(n);
  for (double& x : u) x = random.uniform();
  return u;
}

class Tried {
 public:
  explicit Tried(const std::vector<SearchTrial>& trials) {
    for (const SearchTrial& t : trials) points_.insert(key_of(t.unit));
  }
  bool has(const Vector& canonical) const { return points_.count(key_of(canonical)) > 0; }

 private:
  std::set<std::vector<double>> points_;
};

std::optional<Vector> random_point(const SearchSpace& space, const Tried& tried, RandomStream random) {
  for (int draw = 0; draw < 1000; ++draw) {
    const Vector canonical = space.at(uniform(space.size(), random)).canonical;
    if (!tried.has(canonical)) return canonical;
  }
  return std::nullopt;
}

/// Trials that fill the space before a Gaussian process says anything.
Index start_trials(const SearchSpace& space) { return std::max<Index>(5, 2 * space.size()); }

std::optional<Vector> start_point(const SearchSpace& space, const Tried& tried, Index trial,
                                  const RandomStream& random) {
  std::vector<Parameter> cube;
  for (Index k = 0; k < space.size(); ++k) cube.push_back({text("u", k), "", 0.0, 1.0});
  const Matrix design = shifted_sobol(ParameterSpace(cube), start_trials(space), random.split("start"));
  const Vector canonical = space.at(design.row(trial).transpose()).canonical;
  if (!tried.has(canonical)) return canonical;
  return random_point(space, tried, random.split("start").split(static_cast<std::uint64_t>(trial)));
}

/// Losses of the trials, smaller is better; those that failed are as bad as the worst.
Vector losses(const std::vector<SearchTrial>& trials, double sign, bool is_error) {
  Vector y(static_cast<Index>(trials.size()));
  double worst = -HUGE_VAL, smallest = HUGE_VAL;
  for (const SearchTrial& t : trials) {
    if (!std::isfinite(t.score)) continue;
    worst = std::max(worst, sign * t.score);
    smallest = std::min(smallest, t.score);
  }
  const bool logarithm = is_error && smallest > 0.0;
  for (Index i = 0; i < y.size(); ++i) {
    const double score = trials[static_cast<std::size_t>(i)].score;
    y[i] = std::isfinite(score) ? sign * score : worst;
    if (logarithm) y[i] = std::log(y[i]);
  }
  return y;
}

std::optional<Vector> most_promising(const SearchSpace& space, const Tried& tried,
                                     const std::vector<SearchTrial>& trials, double sign, bool is_error,
                                     const RandomStream& random) {
  TrainingData data;
  const Index n = static_cast<Index>(trials.size());
  data.y = losses(trials, sign, is_error);
  data.x.resize(n, space.features(trials.front().unit).size());
  for (Index i = 0; i < n; ++i)
    data.x.row(i) = space.features(trials[static_cast<std::size_t>(i)].unit).transpose();
  FitContext context;
  context.random = random.split("process").split(static_cast<std::uint64_t>(n));
  const Fit fit = make_regressor("gp", {{"kernel", std::string("matern52")}})->fit(data, context);

  Index best = 0;
  data.y.col(0).minCoeff(&best);
  const Vector& at_best = trials[static_cast<std::size_t>(best)].unit;
  RandomStream draws = random.split("candidates").split(static_cast<std::uint64_t>(n));
  std::vector<Vector> candidates;
  std::set<std::vector<double>> seen;
  for (Index c = 0; c < drawn_everywhere + drawn_near_best; ++c) {
    Vector u = uniform(space.size(), draws);
    if (c >= drawn_everywhere) {  // the best one with some coordinates moved, by a little or by a lot
      const double width = std::pow(10.0, -3.0 * draws.uniform());
      for (Index k = 0; k < u.size(); ++k) {
        const double moved = std::clamp(at_best[k] + width * (u[k] - 0.5), 0.0, 1.0);
        const bool choice = space.dimensions()[static_cast<std::size_t>(k)].choices > 0;
        u[k] = draws.uniform() < 0.5 ? at_best[k] : (choice ? u[k] : moved);
      }
    }
    const Vector canonical = space.at(u).canonical;
    if (!tried.has(canonical) && seen.insert(key_of(canonical)).second) candidates.push_back(canonical);
  }
  if (candidates.empty()) return std::nullopt;
  Matrix X(static_cast<Index>(candidates.size()), data.x.cols());
  for (Index i = 0; i < X.rows(); ++i)
    X.row(i) = space.features(candidates[static_cast<std::size_t>(i)]).transpose();
  Matrix mean(X.rows(), 1), variance(X.rows(), 1);
  Workspace workspace;
  fit.predictor->mean_and_variance(X, mean, variance, Noise::latent, workspace);
  Index chosen = 0;
  double largest = -1.0;
  for (Index i = 0; i < X.rows(); ++i) {
    const double gain = expected_improvement(data.y(best, 0), mean(i, 0), std::sqrt(variance(i, 0)));
    if (gain > largest) {
      largest = gain;
      chosen = i;
    }
  }
  return candidates[static_cast<std::size_t>(chosen)];
}

}  // namespace

std::optional<Vector> propose(const SearchSpace& space, SearchMethod method,
                              const std::vector<SearchTrial>& trials, double sign, bool is_error,
                              const RandomStream& random) {
  const Tried tried(trials);
  const auto n = static_cast<Index>(trials.size());
  if (method == SearchMethod::grid) {
    for (const Vector& point : space.grid())
      if (!tried.has(point)) return point;
    return std::nullopt;
  }
  const RandomStream own = random.split("random").split(static_cast<std::uint64_t>(n));
  if (method == SearchMethod::random) return random_point(space, tried, own);
  if (n < start_trials(space)) return start_point(space, tried, n, random);
  const bool any =
      std::any_of(trials.begin(), trials.end(), [](const SearchTrial& t) { return std::isfinite(t.score); });
  if (!any) return random_point(space, tried, own);
  try {
    return most_promising(space, tried, trials, sign, is_error, random);
  } catch (const NumericalError&) {  // a process that cannot be fitted proposes nothing
    return random_point(space, tried, own);
  }
}

Index proposals_without_scores(const SearchSpace& space, SearchMethod method,
                               const std::vector<SearchTrial>& trials) {
  if (method != SearchMethod::bayesian) return std::numeric_limits<Index>::max();
  return std::max<Index>(1, start_trials(space) - static_cast<Index>(trials.size()));
}

}  // namespace ersatz
