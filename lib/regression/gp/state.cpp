#include "regression/gp/state.hpp"

namespace ersatz::gp {

GpState make_state(const std::string& kernel, const Trend& trend, const TrainingData& data,
                   const ScaledData& scaled) {
  GpState state;
  state.kernel = kernel;
  state.trend = trend.degree();
  static_cast<InputFrame&>(state) = scaled;
  state.points = scaled.x.transpose();
  state.outputs.resize(static_cast<std::size_t>(data.y.cols()));
  for (Index o = 0; o < data.y.cols(); ++o) state.outputs[static_cast<std::size_t>(o)].centre = data.y(0, o);
  state.trends = Matrix::Zero(data.y.cols(), trend.size());
  state.weights = Matrix::Zero(data.y.cols(), data.x.rows());
  return state;
}

void add_correlation(const Conditioned& conditioned, const ConditionOptions& options,
                     const ScaledData& scaled, const std::vector<Index>& positions, GpState& state) {
  Correlation r;
  r.hyperparameters = options.theta;
  r.coefficients = conditioned.coefficients;
  r.nugget = conditioned.nugget;
  r.jitter = conditioned.jitter;
  r.noise = conditioned.noise;
  r.panels = conditioned.panels;
  r.solved_trend = conditioned.solved_trend;
  r.trend_factor = conditioned.trend_factor;
  const double noise = r.nugget + (r.noise.size() > 0 ? r.noise.mean() : 0.0);
  for (std::size_t v = 0; v < positions.size(); ++v) {
    const auto row = static_cast<Index>(v), position = positions[v];
    const Index o = scaled.varying[static_cast<std::size_t>(position)];
    const double scale = scaled.scale[position];
    const double variance = conditioned.process_variance[row] * scale * scale;
    state.outputs[static_cast<std::size_t>(o)] = {static_cast<Index>(state.correlations.size()),
                                                  scaled.centre[position], scale, variance, variance * noise};
    state.trends.row(o) = conditioned.trend.row(row);
    state.weights.row(o) = conditioned.weights.row(row);
  }
  state.estimator = options.estimator;
  state.variance_given = options.process_variance.has_value();
  state.correlations.push_back(std::move(r));
}

}  // namespace ersatz::gp
