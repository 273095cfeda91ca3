#include "regression/neighbour_weights.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

constexpr double stabiliser = 1e-4;  // of the diagonal of the neighbours' covariance
constexpr double beyond = 1.5;       // bandwidth over the last distance where no neighbour marks its end

void inverse_distance(const Neighbourhood& neighbours, Index used, double* weights) {
  const double nearest = neighbours.distances[0];
  double sum = 0.0;
  for (Index i = 0; i < used; ++i) {
    const double r = neighbours.distances[i];
    weights[i] = nearest > 0.0 ? nearest / r : (r > 0.0 ? 0.0 : 1.0);
    sum += weights[i];
  }
  for (Index i = 0; i < used; ++i) weights[i] /= sum;
}

// Tricube weights that are not yet divided by their sum, which is returned: 0 when all stand at the edge.
double tricube(const Neighbourhood& neighbours, const NeighbourWindow& window, double* weights) {
  double sum = 0.0;
  for (Index i = 0; i < window.used; ++i) {
    const double rho = window.bandwidth > 0.0 ? neighbours.distances[i] / window.bandwidth : 0.0;
    const double c = 1.0 - rho * rho * rho;
    weights[i] = c * c * c;
    sum += weights[i];
  }
  return sum;
}

// L of S = L Lᵀ (v × v, row major, lower part), in place.
void factorise(double* S, Index v) {
  for (Index j = 0; j < v; ++j) {
    double* row = S + j * v;
    for (Index i = 0; i < j; ++i) {
      double sum = row[i];
      for (Index l = 0; l < i; ++l) sum -= row[l] * S[i * v + l];
      row[i] = sum / S[i * v + i];
    }
    double diagonal = row[j];
    for (Index l = 0; l < j; ++l) diagonal -= row[l] * row[l];
    row[j] = std::sqrt(diagonal);
  }
}

// x = (L Lᵀ)⁻¹ x
void solve(const double* L, Index v, double* x) {
  for (Index j = 0; j < v; ++j) {
    double sum = x[j];
    for (Index l = 0; l < j; ++l) sum -= L[j * v + l] * x[l];
    x[j] = sum / L[j * v + j];
  }
  for (Index j = v - 1; j >= 0; --j) {
    double sum = x[j];
    for (Index l = j + 1; l < v; ++l) sum -= L[l * v + j] * x[l];
    x[j] = sum / L[j * v + j];
  }
}

// The weighted plane through the neighbours, in coordinates over the bandwidth.
struct Plane {
  double* u;      // used × v: neighbours less their weighted mean
  double* S;      // v × v: the factor of S + Λ
  double* slope;  // v: (S + Λ)⁻¹ (z - mean)
};

// weights: divided by their sum. False where the neighbours do not spread out; memory from the workspace.
bool fit_plane(const double* z, const Neighbourhood& neighbours, const NeighbourWindow& window,
               const double* weights, Plane& plane, Workspace& workspace) {
  if (!(window.bandwidth > 0.0)) return false;
  const Index v = neighbours.v, used = window.used;
  plane = {workspace.take(used * v), workspace.take(v * v), workspace.take(v)};
  double* mean = plane.slope;
  std::fill_n(mean, v, 0.0);
  std::fill_n(plane.S, v * v, 0.0);
  for (Index i = 0; i < used; ++i) {
    const double* point = neighbours.points + neighbours.row(i) * v;
    for (Index a = 0; a < v; ++a) {
      plane.u[i * v + a] = (point[a] - z[a]) / window.bandwidth;
      mean[a] += weights[i] * plane.u[i * v + a];
    }
  }
  for (Index i = 0; i < used; ++i) {
    double* ui = plane.u + i * v;
    for (Index a = 0; a < v; ++a) ui[a] -= mean[a];
    for (Index a = 0; a < v; ++a) {
      const double scaled = weights[i] * ui[a];
      for (Index b = 0; b <= a; ++b) plane.S[a * v + b] += scaled * ui[b];
    }
  }
  bool spread = false;
  for (Index a = 0; a < v; ++a) {
    double& diagonal = plane.S[a * v + a];
    const bool varies = diagonal > 1e-30;
    spread = spread || varies;
    diagonal = varies ? diagonal * (1.0 + stabiliser) : 1.0;  // flat: the slope is zero
    if (!varies)
      for (Index i = 0; i < used; ++i) plane.u[i * v + a] = 0.0;
    if (!varies)
      for (Index b = 0; b < v; ++b)
        if (b != a) plane.S[std::max(a, b) * v + std::min(a, b)] = 0.0;
    plane.slope[a] = varies ? -mean[a] : 0.0;
  }
  if (!spread) return false;
  factorise(plane.S, v);
  solve(plane.S, v, plane.slope);
  return true;
}

// d log r / d z_a of a neighbour, or d log r / d log scale_a; r > 0.
double log_distance_slope(NeighbourMetric metric, By by, double difference, double r) {
  if (metric == NeighbourMetric::euclidean)
    return by == By::point ? difference / (r * r) : difference * difference / (r * r);
  if (by == By::log_scale) return std::abs(difference) / r;
  return difference > 0.0 ? 1.0 / r : (difference < 0.0 ? -1.0 / r : 0.0);
}

}  // namespace

NeighbourWindow neighbour_window(const NeighbourRule& rule, const Neighbourhood& neighbours) {
  const Index size = neighbours.size;
  const double* r = neighbours.distances;
  if (rule.k > 0) {
    const Index used = std::min(rule.k, size);
    const bool marked = size > used;
    const Index edge = marked ? used : used - 1;
    return {used, std::min(size, rule.k + 1), marked ? r[edge] : beyond * r[edge], edge, false};
  }
  const Index inside = std::upper_bound(r, r + size, rule.radius) - r;
  if (!rule.smooth()) return {std::max<Index>(inside, 1), std::max<Index>(inside, 1), 0.0, -1, inside == 0};
  const Index least = rule.least(neighbours.v);
  if (inside > least) return {inside, inside, rule.radius, -1, false};
  const Index used = std::min(least, size);
  const bool marked = size > used;
  const Index edge = marked ? used : used - 1;
  const double bandwidth = marked ? r[edge] : beyond * r[edge];
  if (bandwidth <= rule.radius) return {used, used, rule.radius, -1, false};
  return {used, std::min(size, used + 1), bandwidth, edge, inside == 0};
}

void neighbour_weights(const NeighbourRule& rule, const double* z, const Neighbourhood& neighbours,
                       const NeighbourWindow& window, double* weights, Workspace& workspace) {
  const Index used = window.used;
  if (rule.weights == NeighbourWeights::inverse_distance) return inverse_distance(neighbours, used, weights);
  const double sum = rule.smooth() ? tricube(neighbours, window, weights) : 0.0;
  if (!(sum > 0.0)) {  // uniform, or all neighbours equally far
    std::fill_n(weights, used, 1.0 / static_cast<double>(used));
    return;
  }
  for (Index i = 0; i < used; ++i) weights[i] /= sum;
  if (rule.weights == NeighbourWeights::kernel) return;
  const Workspace::Frame frame(workspace);
  const Index v = neighbours.v;
  Plane plane;
  if (!fit_plane(z, neighbours, window, weights, plane, workspace)) return;
  for (Index i = 0; i < used; ++i) {
    double tilt = 0.0;
    for (Index a = 0; a < v; ++a) tilt += plane.slope[a] * plane.u[i * v + a];
    weights[i] *= 1.0 + tilt;
  }
}

// With W = Σ w and the plane's slopes B = (S + Λ)⁻¹ Σ w u y / W, g = (S + Λ)⁻¹ (z - z̄), the prediction
// changes with a weight as
//   ∂y/∂w_i = ((1 + gᵀu_i) (y_i - ȳ - u_iᵀB) - λ Σ_a g_a B_a u_ia²) / W
// (g = B = 0 for kernel weights), and a weight as ∂w/∂t = -9 ρ³ (1 - ρ³)² ∂(log r - log h)/∂t.
void neighbour_slopes(const NeighbourRule& rule, const double* z, const Neighbourhood& neighbours,
                      const NeighbourWindow& window, const double* values, Index p, By by, double* slopes,
                      Workspace& workspace) {
  std::fill_n(slopes, p * neighbours.v, 0.0);
  const Workspace::Frame frame(workspace);
  const Index v = neighbours.v, used = window.used;
  double* weights = workspace.take(used);
  const double total = tricube(neighbours, window, weights);
  if (!(total > 0.0) || !(window.bandwidth > 0.0)) return;
  for (Index i = 0; i < used; ++i) weights[i] /= total;

  double* average = workspace.take(p);
  std::fill_n(average, p, 0.0);
  for (Index i = 0; i < used; ++i)
    for (Index j = 0; j < p; ++j) average[j] += weights[i] * values[neighbours.row(i) * p + j];
  Plane plane;
  const bool tilted = rule.weights == NeighbourWeights::local_linear &&
                      fit_plane(z, neighbours, window, weights, plane, workspace);
  double* B = workspace.take(p * v);
  if (tilted) {
    std::fill_n(B, p * v, 0.0);
    for (Index i = 0; i < used; ++i)
      for (Index j = 0; j < p; ++j) {
        const double y = weights[i] * (values[neighbours.row(i) * p + j] - average[j]);
        for (Index a = 0; a < v; ++a) B[j * v + a] += y * plane.u[i * v + a];
      }
    for (Index j = 0; j < p; ++j) solve(plane.S, v, B + j * v);
    if (by == By::point)
      for (Index t = 0; t < p * v; ++t) slopes[t] = B[t] / window.bandwidth;
  }

  double* edge = workspace.take(v);
  const auto log_slopes = [&](Index i, double* out) {
    const double* point = neighbours.points + neighbours.row(i) * v;
    const double r = neighbours.distances[i];
    for (Index a = 0; a < v; ++a)
      out[a] = r > 0.0 ? log_distance_slope(neighbours.metric, by, z[a] - point[a], r) : 0.0;
  };
  std::fill_n(edge, v, 0.0);
  if (window.edge >= 0) log_slopes(window.edge, edge);
  double* own = workspace.take(v);
  for (Index i = 0; i < used; ++i) {
    const double rho = neighbours.distances[i] / window.bandwidth, cube = rho * rho * rho, c = 1.0 - cube;
    const double steep = -9.0 * cube * c * c / total;
    if (steep == 0.0) continue;
    log_slopes(i, own);
    double tilt = 1.0;
    const double* ui = tilted ? plane.u + i * v : nullptr;
    if (tilted)
      for (Index a = 0; a < v; ++a) tilt += plane.slope[a] * ui[a];
    for (Index j = 0; j < p; ++j) {
      double residual = values[neighbours.row(i) * p + j] - average[j], shrunk = 0.0;
      if (tilted)
        for (Index a = 0; a < v; ++a) {
          residual -= ui[a] * B[j * v + a];
          shrunk += plane.slope[a] * B[j * v + a] * ui[a] * ui[a];
        }
      const double change = steep * (tilt * residual - stabiliser * shrunk);
      for (Index a = 0; a < v; ++a) slopes[j * v + a] += change * (own[a] - edge[a]);
    }
  }
}

void neighbour_spread(const Neighbourhood& neighbours, Index around, const double* values, Index p,
                      double* sums) {
  for (Index j = 0; j < p; ++j) {
    double average = 0.0;
    for (Index i = 0; i < around; ++i) average += values[neighbours.row(i) * p + j];
    average /= static_cast<double>(around);
    sums[j] = 0.0;
    for (Index i = 0; i < around; ++i) {
      const double deviation = values[neighbours.row(i) * p + j] - average;
      sums[j] += deviation * deviation;
    }
  }
}

}  // namespace ersatz
