#include "regression/knn_predictor.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "regression/loaders.hpp"

namespace ersatz {
namespace {

constexpr double stabiliser = 1e-4;  // of the mean eigenvalue of the neighbours' covariance

Index row_of(const Neighbourhood& neighbours, Index i) { return static_cast<Index>(neighbours.rows[i]); }

void inverse_distance(const Neighbourhood& neighbours, Index k, double* weights) {
  const double nearest = neighbours.squared_distances[0];
  double sum = 0.0;
  for (Index i = 0; i < k; ++i) {
    const double r2 = neighbours.squared_distances[i];
    weights[i] = nearest > 0.0 ? std::sqrt(nearest / r2) : (r2 > 0.0 ? 0.0 : 1.0);
    sum += weights[i];
  }
  for (Index i = 0; i < k; ++i) weights[i] /= sum;
}

// Solves (L Lᵀ) x = x after the Cholesky factorisation of S (v × v, row major, lower part), in place.
void solve_positive(double* S, Index v, double* x) {
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
    double sum = x[j];
    for (Index l = 0; l < j; ++l) sum -= row[l] * x[l];
    x[j] = sum / row[j];
  }
  for (Index j = v - 1; j >= 0; --j) {
    double sum = x[j];
    for (Index l = j + 1; l < v; ++l) sum -= S[l * v + j] * x[l];
    x[j] = sum / S[j * v + j];
  }
}

void local_linear(const double* z, const Neighbourhood& neighbours, Index k, double* weights,
                  Workspace& workspace) {
  const Index v = neighbours.v;
  const double last = neighbours.squared_distances[neighbours.size - 1];
  const double bandwidth2 = neighbours.size > k ? last : 2.25 * last;
  double sum = 0.0;
  for (Index i = 0; i < k; ++i) {
    const double r = bandwidth2 > 0.0 ? std::sqrt(neighbours.squared_distances[i] / bandwidth2) : 0.0;
    const double c = 1.0 - r * r * r;
    weights[i] = c * c * c;
    sum += weights[i];
  }
  if (!(sum > 0.0)) {  // all neighbours equally far
    std::fill_n(weights, k, 1.0 / static_cast<double>(k));
    return;
  }
  for (Index i = 0; i < k; ++i) weights[i] /= sum;
  if (!(bandwidth2 > 0.0)) return;

  // Coordinates from z in bandwidths: the slope is asked for at their origin.
  const Workspace::Frame frame(workspace);
  const double bandwidth = std::sqrt(bandwidth2);
  double* u = workspace.take(k * v);
  double* centre = workspace.take(v);
  double* slope = workspace.take(v);
  double* S = workspace.take(v * v);
  std::fill_n(centre, v, 0.0);
  std::fill_n(S, v * v, 0.0);
  for (Index i = 0; i < k; ++i) {
    const double* point = neighbours.points + row_of(neighbours, i) * v;
    for (Index a = 0; a < v; ++a) {
      u[i * v + a] = (point[a] - z[a]) / bandwidth;
      centre[a] += weights[i] * u[i * v + a];
    }
  }
  double trace = 0.0;
  for (Index i = 0; i < k; ++i) {
    double* ui = u + i * v;
    for (Index a = 0; a < v; ++a) ui[a] -= centre[a];
    for (Index a = 0; a < v; ++a) {
      const double scaled = weights[i] * ui[a];
      for (Index b = 0; b <= a; ++b) S[a * v + b] += scaled * ui[b];
    }
  }
  for (Index a = 0; a < v; ++a) trace += S[a * v + a];
  if (!(trace > 1e-30)) return;
  const double lambda = stabiliser * trace / static_cast<double>(v);
  for (Index a = 0; a < v; ++a) {
    S[a * v + a] += lambda;
    slope[a] = -centre[a];
  }
  solve_positive(S, v, slope);
  for (Index i = 0; i < k; ++i) {
    double tilt = 0.0;
    for (Index a = 0; a < v; ++a) tilt += slope[a] * u[i * v + a];
    weights[i] *= 1.0 + tilt;
  }
}

}  // namespace

std::string_view to_string(NeighbourWeights weights) {
  switch (weights) {
    case NeighbourWeights::uniform:
      return "uniform";
    case NeighbourWeights::inverse_distance:
      return "inverse-distance";
    case NeighbourWeights::local_linear:
      return "local-linear";
  }
  throw UsageError(text("neighbour weights: no kind ", static_cast<int>(weights)));
}

NeighbourWeights neighbour_weights_from_string(std::string_view name) {
  for (const auto kind :
       {NeighbourWeights::uniform, NeighbourWeights::inverse_distance, NeighbourWeights::local_linear})
    if (name == to_string(kind)) return kind;
  throw UsageError(
      text("unknown neighbour weights '", name, "'; known: uniform, inverse-distance, local-linear"));
}

void neighbour_weights(NeighbourWeights kind, const double* z, const Neighbourhood& neighbours, Index k,
                       double* weights, Workspace& workspace) {
  switch (kind) {
    case NeighbourWeights::uniform:
      std::fill_n(weights, k, 1.0 / static_cast<double>(k));
      return;
    case NeighbourWeights::inverse_distance:
      inverse_distance(neighbours, k, weights);
      return;
    case NeighbourWeights::local_linear:
      local_linear(z, neighbours, k, weights, workspace);
      return;
  }
}

Index knn_dimension(const Standardisation& inputs) { return std::max<Index>(inputs.varying(), 1); }

void knn_coordinates(const Standardisation& inputs, const double* x, double* z) {
  Index v = 0;
  for (Index k = 0; k < inputs.size(); ++k)
    if (inputs.varies(k)) z[v++] = (x[k] - inputs.centre[k]) * inputs.inverse_scale[k];
  if (v == 0) z[0] = 0.0;
}

KnnPredictor::KnnPredictor(KnnState state)
    : state_(std::move(state)),
      tree_(make_neighbour_tree(state_.points.data(), state_.points.rows(), state_.points.cols())) {}

void KnnPredictor::predict(ConstMatrixRef X, MatrixRef mean, MatrixRef* variance, Noise noise,
                           Workspace& workspace) const {
  check_points(*this, X, mean);
  const Workspace::Frame frame(workspace);
  const Index n = state_.points.rows(), v = state_.points.cols(), p = outputs(), k = state_.k;
  const bool wide = variance || state_.weights == NeighbourWeights::local_linear;
  const Index size = wide ? std::min(k + 1, n) : k;
  double* z = workspace.take(v);
  double* squared_distances = workspace.take(size);
  double* rows = workspace.take(size);
  double* weights = workspace.take(k);
  const Neighbourhood neighbours{state_.points.data(), v, squared_distances, rows, size};
  for (Index i = 0; i < X.rows(); ++i) {
    knn_coordinates(state_.inputs, X.data() + i * X.outerStride(), z);
    for (Index a = 0; a < v; ++a)
      if (!(std::abs(z[a]) < 1e150))
        throw NumericalError(text("predictor knn: point ", i,
                                  " is too far from the training data for distances; check its units"));
    tree_->nearest(z, size, squared_distances, rows);
    neighbour_weights(state_.weights, z, neighbours, k, weights, workspace);
    double* out = mean.data() + i * mean.outerStride();
    std::fill_n(out, p, 0.0);
    for (Index l = 0; l < k; ++l) {
      const double* y = state_.values.data() + row_of(neighbours, l) * p;
      for (Index j = 0; j < p; ++j) out[j] += weights[l] * y[j];
    }
    for (Index j = 0; j < p; ++j) out[j] += state_.centre[j];
    if (!variance) continue;
    const bool latent = noise == Noise::latent;
    const Vector& constant = latent ? state_.latent_constant : state_.observed_constant;
    const Vector& factor = latent ? state_.latent_factor : state_.observed_factor;
    double* spread = variance->data() + i * variance->outerStride();
    for (Index j = 0; j < p; ++j) {
      double average = 0.0, squares = 0.0;
      for (Index l = 0; l < size; ++l) average += state_.values(row_of(neighbours, l), j);
      average /= static_cast<double>(size);
      for (Index l = 0; l < size; ++l) {
        const double deviation = state_.values(row_of(neighbours, l), j) - average;
        squares += deviation * deviation;
      }
      spread[j] = constant[j] + factor[j] * squares / static_cast<double>(size);
    }
  }
  check_predictions(*this, mean);
  if (variance) check_predictions(*this, *variance);
}

void KnnPredictor::mean(ConstMatrixRef X, MatrixRef mean, Workspace& workspace) const {
  predict(X, mean, nullptr, Noise::latent, workspace);
}

void KnnPredictor::mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                                     Workspace& workspace) const {
  if (!state_.has_variance)
    throw UsageError("predictor knn has no variance: it was fitted to a single point; ask for the mean");
  check_points(*this, X, variance);
  predict(X, mean, &variance, noise, workspace);
}

void KnnPredictor::save(const h5::Group& group) const {
  group.set("k", static_cast<std::int64_t>(state_.k));
  group.set("weights", to_string(state_.weights));
  group.set("has_variance", static_cast<std::int64_t>(state_.has_variance));
  group.write("input_centre", state_.inputs.centre);
  group.write("input_inverse_scale", state_.inputs.inverse_scale);
  group.write("points", ConstMatrixRef(state_.points));
  group.write("centre", state_.centre);
  group.write("values", ConstMatrixRef(state_.values));
  if (!state_.has_variance) return;
  group.write("latent_constant", state_.latent_constant);
  group.write("latent_factor", state_.latent_factor);
  group.write("observed_constant", state_.observed_constant);
  group.write("observed_factor", state_.observed_factor);
}

PredictorPtr load_knn_predictor(const h5::Group& group) {
  KnnState s;
  s.inputs.centre = group.read_vector("input_centre");
  s.inputs.inverse_scale = group.read_vector("input_inverse_scale", s.inputs.size());
  s.points = group.read_matrix("points", -1, knn_dimension(s.inputs));
  s.values = group.read_matrix("values", s.points.rows());
  const Index p = s.values.cols();
  s.centre = group.read_vector("centre", p);
  s.k = static_cast<Index>(group.get_integer("k"));
  if (s.k < 1 || s.k > s.points.rows())
    throw StorageError(
        text(group.where(), ": k is ", s.k, ", expected 1 to ", s.points.rows(), " (the number of points)"));
  if (!s.points.allFinite()) throw StorageError(text(group.where(), "/points: not all values are finite"));
  try {
    s.weights = neighbour_weights_from_string(group.get_string("weights"));
  } catch (const UsageError& e) {
    throw StorageError(text(group.where(), ": ", e.what()));
  }
  s.has_variance = group.get_integer("has_variance") != 0;
  if (s.has_variance) {
    s.latent_constant = group.read_vector("latent_constant", p);
    s.latent_factor = group.read_vector("latent_factor", p);
    s.observed_constant = group.read_vector("observed_constant", p);
    s.observed_factor = group.read_vector("observed_factor", p);
  }
  return std::make_shared<KnnPredictor>(std::move(s));
}

}  // namespace ersatz
