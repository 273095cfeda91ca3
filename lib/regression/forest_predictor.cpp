#include "regression/forest_predictor.hpp"

#include "ersatz/core/error.hpp"
#include "regression/loaders.hpp"

namespace ersatz {
namespace {

template <class State, class Visit>
void each_variance(State& s, const Visit& visit) {
  visit("typical", s.typical);
  visit("latent_constant", s.latent_constant);
  visit("latent_factor", s.latent_factor);
  visit("observed_constant", s.observed_constant);
  visit("observed_factor", s.observed_factor);
}

}  // namespace

void ForestPredictor::mean(ConstMatrixRef X, MatrixRef mean, Workspace&) const {
  check_points(*this, X, mean);
  for (Index j = 0; j < outputs(); ++j) {  // a forest stays in the cache for all points
    const Trees& forest = state_.forests[static_cast<std::size_t>(j)];
    for (Index i = 0; i < X.rows(); ++i) {
      const double* x = X.data() + i * X.outerStride();
      double sum = 0.0;
      for (Index t = 0; t < forest.size(); ++t) sum += forest.leaf(t, x).value;
      mean(i, j) = state_.centre[j] + sum / static_cast<double>(forest.size());
    }
  }
  check_predictions(*this, mean);
}

void ForestPredictor::mean_and_variance(ConstMatrixRef X, MatrixRef mean, MatrixRef variance, Noise noise,
                                        Workspace& workspace) const {
  if (!state_.has_variance)
    throw UsageError(
        "predictor forest has no variance: it was fitted to a single point, or with so few trees that some "
        "point was in all samples; ask for the mean, or fit more trees");
  check_points(*this, X, variance);
  this->mean(X, mean, workspace);
  const bool latent = noise == Noise::latent;
  const Vector& constant = latent ? state_.latent_constant : state_.observed_constant;
  const Vector& factor = latent ? state_.latent_factor : state_.observed_factor;
  for (Index j = 0; j < outputs(); ++j) {
    const Trees& forest = state_.forests[static_cast<std::size_t>(j)];
    for (Index i = 0; i < X.rows(); ++i) {
      const double* x = X.data() + i * X.outerStride();
      const double average = mean(i, j) - state_.centre[j];
      double spread = 0.0;
      for (Index t = 0; t < forest.size(); ++t) {
        const double away = forest.leaf(t, x).value - average;
        spread += away * away;
      }
      variance(i, j) =
          constant[j] + factor[j] * (state_.typical[j] + spread / static_cast<double>(forest.size()));
    }
  }
  check_predictions(*this, variance);
}

void ForestPredictor::save(const h5::Group& group) const {
  group.set("inputs", static_cast<std::int64_t>(state_.inputs));
  group.set("has_variance", static_cast<std::int64_t>(state_.has_variance));
  group.write("centre", state_.centre);
  if (state_.has_variance)
    each_variance(state_, [&group](const char* name, const Vector& values) { group.write(name, values); });
  for (std::size_t j = 0; j < state_.forests.size(); ++j)
    state_.forests[j].save(group.create_group(text("output", j)));
}

PredictorPtr load_forest_predictor(const h5::Group& group) {
  ForestState s;
  s.inputs = static_cast<Index>(group.get_integer("inputs"));
  s.centre = group.read_vector("centre");
  s.has_variance = group.get_integer("has_variance") != 0;
  if (s.has_variance)
    each_variance(
        s, [&](const char* name, Vector& values) { values = group.read_vector(name, s.centre.size()); });
  for (Index j = 0; j < s.centre.size(); ++j)
    s.forests.push_back(Trees::load(group.group(text("output", j)), s.inputs));
  return std::make_shared<ForestPredictor>(std::move(s));
}

}  // namespace ersatz
