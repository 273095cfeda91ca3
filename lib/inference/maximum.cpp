#include "ersatz/inference/maximum.hpp"

#include <ceres/gradient_problem.h>
#include <ceres/gradient_problem_solver.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/factorisations.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

class Descent final : public ceres::FirstOrderFunction {
 public:
  Descent(const UnconstrainedDensity& density, Workspace& workspace)
      : density_(density), workspace_(workspace) {}
  int NumParameters() const override { return static_cast<int>(density_.size()); }
  bool Evaluate(const double* u, double* cost, double* gradient) const override {
    const UnconstrainedValue value = density_.evaluate(u, gradient, workspace_);
    if (!std::isfinite(value.log_density)) return false;
    *cost = -value.log_density;
    if (gradient)
      for (Index i = 0; i < density_.size(); ++i) gradient[i] = -gradient[i];
    if (*cost < best_cost) {
      best_cost = *cost;
      best = Eigen::Map<const Vector>(u, density_.size());
    }
    return true;
  }

  // The best point seen: Ceres gives nothing back when a line search fails.
  mutable double best_cost = std::numeric_limits<double>::infinity();
  mutable Vector best;

 private:
  const UnconstrainedDensity& density_;
  Workspace& workspace_;
};

Maximum at(const UnconstrainedDensity& density, const Vector& u, Workspace& workspace) {
  Maximum m;
  m.u = u;
  m.theta.resize(u.size());
  density.map().to_bounded(u.data(), m.theta.data());
  m.value = density.evaluate(u.data(), nullptr, workspace).parts;
  return m;
}

/// Empty `theta` where the density is zero at the start.
Maximum climb(const UnconstrainedDensity& density, const Vector& start, Index iterations,
              Workspace& workspace) {
  auto* descent = new Descent(density, workspace);
  const ceres::GradientProblem problem(descent);  // owns it
  ceres::GradientProblemSolver::Options options;
  options.line_search_direction_type = density.size() > 100 ? ceres::LBFGS : ceres::BFGS;
  options.line_search_type = ceres::WOLFE;
  options.max_num_iterations = static_cast<int>(iterations);
  options.function_tolerance = 1e-12;
  options.gradient_tolerance = 1e-6;
  options.parameter_tolerance = 1e-12;
  options.logging_type = ceres::SILENT;
  Maximum result;
  Vector u = start;
  Index done = 0;
  // A line search gives up where curvatures differ by many powers of ten; a fresh one goes on from there.
  for (double before = std::numeric_limits<double>::infinity(); done < iterations && !result.converged;) {
    options.max_num_iterations = static_cast<int>(iterations - done);
    ceres::GradientProblemSolver::Summary summary;
    ceres::Solve(options, problem, u.data(), &summary);
    if (descent->best.size() == 0) return result;
    done += std::max<Index>(static_cast<Index>(summary.iterations.size()) - 1, 1);
    result.converged = summary.termination_type == ceres::CONVERGENCE;
    u = descent->best;
    if (!(descent->best_cost < before - 1e-6)) break;
    before = descent->best_cost;
  }
  const bool converged = result.converged;
  result = at(density, u, workspace);
  result.converged = converged;
  result.iterations = done;
  return result;
}

/// The row at which the density is largest.
Vector highest(const LogDensity& density, ConstMatrixRef rows, Workspace& workspace) {
  Index best = 0;
  double height = -std::numeric_limits<double>::infinity();
  for (Index i = 0; i < rows.rows(); ++i) {
    const double value = density.evaluate(rows.row(i).data(), nullptr, workspace).sum();
    if (value > height) {
      best = i;
      height = value;
    }
  }
  return rows.row(best).transpose();
}

/// Where the density falls towards a bound, its maximum over u lies at infinity; the climb there ends on a
/// plateau, on which u is not determined to any use. Elsewhere the bound may be close and does not matter.
constexpr double plateau = 1e-3;

/// A factor F with F Fᵀ about the inverse of the curvature, no direction wider than 1 in u.
Matrix spread(const Matrix& curvature, Index d) {
  if (curvature.size() == 0 || !curvature.allFinite()) return 0.1 * Matrix::Identity(d, d);
  const SymmetricEigen eigen = symmetric_eigen(curvature);
  return eigen.vectors * eigen.values.cwiseMax(1.0).cwiseSqrt().cwiseInverse().asDiagonal();
}

/// Differences of gradients for given steps; false where a neighbour has density zero.
bool differences(const UnconstrainedDensity& density, const Vector& u, const Vector& steps, Matrix& result,
                 Workspace& workspace) {
  const Index d = u.size();
  result.resize(d, d);
  Vector up(d), down(d);
  for (Index i = 0; i < d; ++i) {
    Vector moved = u;
    moved[i] = u[i] + steps[i];
    if (!std::isfinite(density.evaluate(moved.data(), up.data(), workspace).log_density)) return false;
    moved[i] = u[i] - steps[i];
    if (!std::isfinite(density.evaluate(moved.data(), down.data(), workspace).log_density)) return false;
    result.row(i) = (down - up) / (2.0 * steps[i]);
  }
  result = (0.5 * (result + result.transpose())).eval();
  return true;
}

}  // namespace

Matrix curvature(const UnconstrainedDensity& density, const Vector& u, Workspace& workspace) {
  Matrix result;
  const bool noisy = !density.density().has_gradient();  // gradients are differences themselves
  Vector steps = (noisy ? 1e-3 : 1e-5) * u.cwiseAbs().cwiseMax(1.0);
  if (!differences(density, u, steps, result, workspace)) return {};
  for (Index i = 0; i < u.size(); ++i)
    if (result(i, i) > 0.0) steps[i] = (noisy ? 0.2 : 0.01) / std::sqrt(std::max(result(i, i), 1e-2));
  if (!differences(density, u, steps, result, workspace)) return {};
  return result;
}

std::vector<Maximum> find_maxima(const LogDensity& density, const Matrix& starts,
                                 const MaximumOptions& options, Executor& executor) {
  const UnconstrainedDensity target(density, options.with_jacobian);
  const Index d = target.size();
  if (starts.cols() != d)
    throw UsageError(text("starts of ", starts.cols(), " values for a density over ", d));
  const Index group = options.draws_per_climb;
  if (group < 1) throw UsageError(text("climbs from the highest of ", group, " draws"));
  const auto results = executor.map((starts.rows() + group - 1) / group, [&](Index i) {
    Workspace workspace;
    const Vector theta =
        highest(density, starts.middleRows(i * group, std::min(group, starts.rows() - i * group)), workspace);
    Vector u(d);
    target.map().to_unbounded(theta.data(), u.data());
    const Maximum m = climb(target, u, options.iterations, workspace);
    std::vector<double> numbers(m.u.begin(), m.u.end());
    numbers.push_back(m.converged ? 1.0 : 0.0);
    numbers.push_back(static_cast<double>(m.iterations));
    return to_bytes(m.u.size() == 0 ? std::vector<double>() : numbers);
  });
  Workspace workspace;
  std::vector<Maximum> ends;
  for (const Bytes& bytes : results) {
    const std::vector<double> numbers = doubles_from_bytes(bytes);
    if (numbers.empty()) continue;
    Maximum m = at(target, Eigen::Map<const Vector>(numbers.data(), d), workspace);
    m.converged = numbers[static_cast<std::size_t>(d)] != 0.0;
    m.iterations = static_cast<Index>(numbers[static_cast<std::size_t>(d) + 1]);
    ends.push_back(std::move(m));
  }
  if (ends.empty())
    throw NumericalError(text("the posterior is zero at all of the ", starts.rows(),
                              " points tried: prior, data and domain leave nothing between them"));
  const auto height = [&](const Maximum& m) {
    return m.value.sum() + (options.with_jacobian ? target.map().log_jacobian(m.u.data(), nullptr) : 0.0);
  };
  std::stable_sort(ends.begin(), ends.end(),
                   [&](const Maximum& a, const Maximum& b) { return height(a) > height(b); });
  std::vector<Maximum> maxima;
  std::vector<Matrix> curvatures;
  for (Maximum& m : ends) {
    bool known = false;
    for (std::size_t k = 0; k < maxima.size() && !known; ++k) {
      const Vector apart = m.u - maxima[k].u;
      known = curvatures[k].size() > 0 ? apart.dot(curvatures[k] * apart) < 9.0
                                       : apart.cwiseAbs().maxCoeff() < 0.05;
    }
    if (known) continue;
    curvatures.push_back(curvature(target, m.u, workspace));
    maxima.push_back(std::move(m));
  }
  return maxima;
}

LaplaceApproximation laplace_approximation(const LogDensity& density, const Maximum& maximum,
                                           Workspace& workspace) {
  const UnconstrainedDensity target(density, false);
  LaplaceApproximation result;
  const Index d = target.size();
  Matrix precision = curvature(target, maximum.u, workspace);
  if (precision.size() == 0) {
    result.why_not = "the posterior is zero next to the maximum";
    return result;
  }
  for (Index i = 0; i < d; ++i) {
    const DensityParameter& p = density.parameters()[static_cast<std::size_t>(i)];
    // Next to a bound that is the only one, too: then the room on the other side is infinite.
    const double below = maximum.theta[i] - p.lower, above = p.upper - maximum.theta[i];
    if (precision(i, i) < plateau && std::min(below, above) < 1e-2 * (below + above)) {
      result.why_not =
          text("the maximum stands at the bound ", below < above ? p.lower : p.upper, " of '", p.name, "'");
      return result;
    }
  }
  if (!cholesky(precision)) {
    result.why_not =
        "the curvature at the maximum is not positive definite (some direction is not constrained)";
    return result;
  }
  // At a stationary point curvatures transform with the slopes alone.
  Vector slopes(d);
  target.map().slopes(maximum.u.data(), slopes.data());
  Matrix root = slopes.asDiagonal();  // L⁻¹ times the slopes
  solve_lower(precision, root);
  result.covariance = root.transpose() * root;
  for (Index i = 0; i < d; ++i) {
    const DensityParameter& p = density.parameters()[static_cast<std::size_t>(i)];
    if (std::sqrt(result.covariance(i, i)) <= p.upper - p.lower) continue;
    result.covariance.resize(0, 0);
    result.why_not = text("'", p.name, "' is not constrained between its bounds");
    return result;
  }
  return result;
}

Matrix starting_points(const LogDensity& density, const std::vector<Maximum>& maxima, Index n,
                       const RandomStream& random) {
  const UnconstrainedDensity target(density);
  const Index d = target.size();
  Workspace workspace;
  struct Centre {
    Vector u;
    Matrix spread;
    double height;
  };
  std::vector<Centre> centres;
  for (const Maximum& m : maxima) {
    if (m.value.sum() < maxima[0].value.sum() - 10.0) continue;
    // The density over u has its own maximum, a bounded one even where that over theta stands on a bound.
    Vector from = m.u;
    const auto height = [&] { return target.evaluate(from.data(), nullptr, workspace).log_density; };
    double best = height();
    for (Index i = 0; i < d; ++i) {
      const DensityParameter& p = density.parameters()[static_cast<std::size_t>(i)];
      if (!std::isfinite(p.upper - p.lower) || std::abs(m.u[i]) <= 8.0) continue;
      from[i] = std::clamp(m.u[i], -8.0, 8.0);
      if (const double moved = height(); moved > best)
        best = moved;
      else
        from[i] = m.u[i];  // not on the bound: that is how small the parameter is
    }
    Maximum top = climb(target, from, 50, workspace);
    if (top.u.size() == 0) top = m;
    centres.push_back({top.u, spread(curvature(target, top.u, workspace), d),
                       target.evaluate(top.u.data(), nullptr, workspace).log_density});
  }
  Matrix points(n, d);
  for (Index k = 0; k < n; ++k) {
    RandomStream stream = random.split(static_cast<std::uint64_t>(k));
    const Centre& centre = centres[static_cast<std::size_t>(k) % centres.size()];
    Vector z(d);
    for (double& v : z) v = stream.normal();
    Vector u = centre.u;
    for (double reach = 2.0; reach > 1e-8; reach *= 0.5) {
      u = centre.u + reach * (centre.spread * z);
      // Four times the fall of the normal approximation, and some: beyond that lie other hills and islands.
      const double lowest = centre.height - 10.0 - 2.0 * reach * reach * z.squaredNorm();
      if (target.evaluate(u.data(), nullptr, workspace).log_density >= lowest) break;
      u = centre.u;
    }
    Vector theta(d);
    target.map().to_bounded(u.data(), theta.data());
    points.row(k) = theta;
  }
  return points;
}

}  // namespace ersatz
