#include "regression/knn_predictor.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "regression/loaders.hpp"

namespace ersatz {
namespace {

constexpr Index block_values = Index{1} << 16;  // distances of neighbours that a block of points keeps
constexpr Index largest_block = 4096;           // points

template <class Kind, std::size_t count>
Kind from_string(const Kind (&kinds)[count], std::string_view name, const char* what) {
  std::string known;
  for (const Kind kind : kinds) {
    if (name == to_string(kind)) return kind;
    known += (known.empty() ? "" : ", ") + std::string(to_string(kind));
  }
  throw UsageError(text("unknown ", what, " '", name, "'; known: ", known));
}

}  // namespace

std::string_view to_string(NeighbourWeights weights) {
  switch (weights) {
    case NeighbourWeights::uniform:
      return "uniform";
    case NeighbourWeights::inverse_distance:
      return "inverse-distance";
    case NeighbourWeights::kernel:
      return "kernel";
    case NeighbourWeights::local_linear:
      return "local-linear";
  }
  throw UsageError(text("neighbour weights: no kind ", static_cast<int>(weights)));
}

NeighbourWeights neighbour_weights_from_string(std::string_view name) {
  constexpr NeighbourWeights kinds[] = {NeighbourWeights::uniform, NeighbourWeights::inverse_distance,
                                        NeighbourWeights::kernel, NeighbourWeights::local_linear};
  return from_string(kinds, name, "neighbour weights");
}

std::string_view to_string(NeighbourMetric metric) {
  switch (metric) {
    case NeighbourMetric::euclidean:
      return "euclidean";
    case NeighbourMetric::manhattan:
      return "manhattan";
  }
  throw UsageError(text("neighbour metric: no kind ", static_cast<int>(metric)));
}

NeighbourMetric neighbour_metric_from_string(std::string_view name) {
  constexpr NeighbourMetric kinds[] = {NeighbourMetric::euclidean, NeighbourMetric::manhattan};
  return from_string(kinds, name, "neighbour metric");
}

Index knn_dimension(const Standardisation& inputs) { return std::max<Index>(inputs.varying(), 1); }

void knn_coordinates(const Standardisation& inputs, const Vector& scales, const double* x, double* z) {
  Index v = 0;
  for (Index k = 0; k < inputs.size(); ++k)
    if (inputs.varies(k)) z[v++] = (x[k] - inputs.centre[k]) * inputs.inverse_scale[k] * scales[k];
  if (v == 0) z[0] = 0.0;
}

KnnPredictor::KnnPredictor(KnnState state)
    : state_(std::move(state)),
      tree_(make_neighbour_tree(state_.points.data(), state_.points.rows(), state_.points.cols(),
                                state_.metric)) {}

void KnnPredictor::coordinates(const double* x, Index point, double* z) const {
  knn_coordinates(state_.inputs, state_.scales, x, z);
  for (Index a = 0; a < state_.points.cols(); ++a)
    if (!(std::abs(z[a]) < 1e150))
      throw NumericalError(text("predictor knn: point ", point,
                                " is too far from the training data for distances; check its units"));
}

// Room for n of each; distances squared where the metric's search has them so.
Neighbourhood KnnPredictor::inside_radius(const double* z, double* distances, double* rows) const {
  const Index n = state_.points.rows();
  Index size = std::min(state_.rule.wanted(state_.points.cols()), n);
  const double radius = state_.rule.radius;
  const double reach = state_.metric == NeighbourMetric::euclidean ? radius * radius : radius;
  tree_->nearest(z, size, distances, rows);
  if (distances[size - 1] <= reach) size = tree_->within(z, reach, distances, rows);
  return {state_.points.data(), state_.points.cols(), state_.metric, distances, rows, size};
}

void KnnPredictor::predict(ConstMatrixRef X, MatrixRef mean, MatrixRef* variance, Noise noise,
                           Workspace& workspace) const {
  check_points(*this, X, mean);
  const NeighbourRule& rule = state_.rule;
  const Index n = state_.points.rows(), v = state_.points.cols(), p = outputs();
  const bool euclidean = state_.metric == NeighbourMetric::euclidean;
  const bool wide = variance || rule.smooth();
  const Index size = rule.k == 0 ? n : std::min(wide ? rule.k + 1 : rule.k, n);
  const Index block = rule.k == 0 ? 1 : std::clamp<Index>(block_values / size, 1, largest_block);
  const KnnVariance& spread_to_variance = noise == Noise::latent ? state_.latent : state_.observed;

  const Workspace::Frame frame(workspace);
  const Index room = std::min(block, X.rows());
  double* Z = workspace.take(room * v);
  double* distances = workspace.take(room * size);
  double* rows = workspace.take(room * size);
  double* weights = workspace.take(rule.k == 0 ? n : rule.k);
  for (Index begin = 0; begin < X.rows(); begin += block) {
    const Index count = std::min(block, X.rows() - begin);
    for (Index at = 0; at < count; ++at)
      coordinates(X.data() + (begin + at) * X.outerStride(), begin + at, Z + at * v);
    if (rule.k > 0) tree_->nearest(Z, count, size, distances, rows, workspace);
    for (Index at = 0; at < count; ++at) {
      const double* z = Z + at * v;
      Neighbourhood near{state_.points.data(), v,   state_.metric, distances + at * size,
                         rows + at * size,     size};
      if (rule.k == 0) near = inside_radius(z, distances, rows);
      if (euclidean)
        for (Index l = 0; l < near.size; ++l) {
          double& r = distances[at * size + l];
          r = std::sqrt(r);
        }
      const NeighbourWindow window = neighbour_window(rule, near);
      neighbour_weights(rule, z, near, window, weights, workspace);
      double* out = mean.data() + (begin + at) * mean.outerStride();
      std::fill_n(out, p, 0.0);
      for (Index l = 0; l < window.used; ++l) {
        const double* y = state_.values.data() + near.row(l) * p;
        for (Index j = 0; j < p; ++j) out[j] += weights[l] * y[j];
      }
      for (Index j = 0; j < p; ++j) out[j] += state_.centre[j];
      if (!variance) continue;
      double* spread = variance->data() + (begin + at) * variance->outerStride();
      neighbour_spread(near, window.around, state_.values.data(), p, spread);
      for (Index j = 0; j < p; ++j)
        spread[j] = spread_to_variance.at(j, state_.typical_spread[j], spread[j],
                                          static_cast<double>(window.around), window.isolated);
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

void KnnPredictor::jacobian(const double* x, MatrixRef jacobian, Workspace& workspace) const {
  if (!has_jacobian())
    throw UsageError(
        text("predictor knn: predictions of k ", state_.rule.k, ", ", to_string(state_.rule.weights),
             " weights jump from place to place and have no Jacobian; kernel weights of k >= 2 and "
             "local-linear ones of k >= 3 have one"));
  check_derivatives(*this, x, jacobian);
  const Workspace::Frame frame(workspace);
  const Index n = state_.points.rows(), v = state_.points.cols(), p = outputs();
  const Index size = state_.rule.k == 0 ? n : std::min(state_.rule.k + 1, n);
  double* z = workspace.take(v);
  double* distances = workspace.take(size);
  double* rows = workspace.take(size);
  double* slopes = workspace.take(p * v);
  coordinates(x, 0, z);
  Neighbourhood near{state_.points.data(), v, state_.metric, distances, rows, size};
  if (state_.rule.k == 0)
    near = inside_radius(z, distances, rows);
  else
    tree_->nearest(z, size, distances, rows);
  if (state_.metric == NeighbourMetric::euclidean)
    for (Index l = 0; l < near.size; ++l) distances[l] = std::sqrt(distances[l]);
  neighbour_slopes(state_.rule, z, near, neighbour_window(state_.rule, near), state_.values.data(), p,
                   By::point, slopes, workspace);
  for (Index j = 0; j < p; ++j)
    for (Index k = 0, a = 0; k < inputs(); ++k)
      jacobian(j, k) = state_.inputs.varies(k)
                           ? slopes[j * v + a++] * state_.inputs.inverse_scale[k] * state_.scales[k]
                           : 0.0;
}

void KnnPredictor::save(const h5::Group& group) const {
  if (state_.rule.k > 0)
    group.set("k", static_cast<std::int64_t>(state_.rule.k));
  else
    group.set("radius", state_.rule.radius);
  group.set("weights", to_string(state_.rule.weights));
  group.set("metric", to_string(state_.metric));
  group.set("has_variance", static_cast<std::int64_t>(state_.has_variance));
  group.write("input_centre", state_.inputs.centre);
  group.write("input_inverse_scale", state_.inputs.inverse_scale);
  group.write("scales", state_.scales);
  group.write("points", ConstMatrixRef(state_.points));
  group.write("centre", state_.centre);
  group.write("values", ConstMatrixRef(state_.values));
  if (!state_.has_variance) return;
  group.write("typical_spread", state_.typical_spread);
  for (const auto& [name, variance] :
       {std::pair{"latent", &state_.latent}, std::pair{"observed", &state_.observed}}) {
    group.write(text(name, "_constant"), variance->constant);
    group.write(text(name, "_factor"), variance->factor);
    group.write(text(name, "_isolated"), variance->isolated);
  }
}

PredictorPtr load_knn_predictor(const h5::Group& group) {
  KnnState s;
  s.inputs.centre = group.read_vector("input_centre");
  s.inputs.inverse_scale = group.read_vector("input_inverse_scale", s.inputs.size());
  s.scales = group.read_vector("scales", s.inputs.size());
  s.points = group.read_matrix("points", -1, knn_dimension(s.inputs));
  s.values = group.read_matrix("values", s.points.rows());
  const Index p = s.values.cols();
  s.centre = group.read_vector("centre", p);
  if (group.has_attribute("radius")) {
    s.rule.k = 0;
    s.rule.radius = group.get_double("radius");
    if (!(s.rule.radius > 0.0))
      throw StorageError(text(group.where(), ": radius is ", s.rule.radius, ", expected more than 0"));
  } else {
    s.rule.k = static_cast<Index>(group.get_integer("k"));
    if (s.rule.k < 1 || s.rule.k > s.points.rows())
      throw StorageError(text(group.where(), ": k is ", s.rule.k, ", expected 1 to ", s.points.rows(),
                              " (the number of points)"));
  }
  if (!s.points.allFinite()) throw StorageError(text(group.where(), "/points: not all values are finite"));
  if (!s.scales.allFinite()) throw StorageError(text(group.where(), "/scales: not all values are finite"));
  try {
    s.rule.weights = neighbour_weights_from_string(group.get_string("weights"));
    s.metric = neighbour_metric_from_string(group.get_string("metric"));
  } catch (const UsageError& e) {
    throw StorageError(text(group.where(), ": ", e.what()));
  }
  s.has_variance = group.get_integer("has_variance") != 0;
  if (s.has_variance) {
    s.typical_spread = group.read_vector("typical_spread", p);
    for (const auto& [name, variance] :
         {std::pair{"latent", &s.latent}, std::pair{"observed", &s.observed}}) {
      variance->constant = group.read_vector(text(name, "_constant"), p);
      variance->factor = group.read_vector(text(name, "_factor"), p);
      variance->isolated = group.read_vector(text(name, "_isolated"), p);
    }
  }
  return std::make_shared<KnnPredictor>(std::move(s));
}

}  // namespace ersatz
