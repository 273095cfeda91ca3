#include "ersatz/inference/predictive.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "selection/quantile.hpp"

namespace ersatz {
namespace {

/// Predictions of all outputs at one draw; false where there is none.
class DrawnRows {
 public:
  explicit DrawnRows(const Posterior& posterior) : posterior_(posterior) {
    for (const OutputSpec& o : posterior.model().outputs()) {
      means.emplace_back(o.width());
      deviations.emplace_back(Vector::Zero(o.width()));
    }
    all_.resize(posterior.likelihood().size());
  }

  bool operator()(const double* theta) {
    posterior_.complete(theta, all_.data());
    scales = posterior_.likelihood().scales(all_.data(), workspace_);
    std::vector<double*> mean_rows, deviation_rows;
    for (std::size_t o = 0; o < means.size(); ++o) {
      mean_rows.push_back(means[o].data());
      deviation_rows.push_back(deviations[o].data());
    }
    const Emulator* emulator = posterior_.model().emulator();
    if (emulator != nullptr && emulator->has_std() && scales.emulator > 0.0) {
      const Eigen::Map<const Matrix> x(all_.data(), 1, emulator->space().size());
      try {
        emulator->mean_and_std(x, mean_rows.data(), deviation_rows.data(), workspace_);
      } catch (const NumericalError&) {
        return false;
      }
    } else if (!posterior_.model().evaluate(all_.data(), mean_rows.data(), workspace_)) {
      return false;
    }
    for (std::size_t o = 0; o < means.size(); ++o) {
      means[o] *= scales.amplitude;
      deviations[o] *= scales.emulator;
    }
    return true;
  }

  std::vector<Vector> means, deviations;  ///< deviations: of the emulator's error
  LikelihoodScales scales;

 private:
  const Posterior& posterior_;
  Vector all_;
  Workspace workspace_;
};

struct Place {
  std::size_t output;
  Index entry;  ///< of the output's row
  Index value;  ///< of the observation
};

}  // namespace

std::vector<PredictiveView> posterior_predictive(const Posterior& posterior, const Observation& observation,
                                                 const Matrix& thetas, RandomStream random) {
  const auto& outputs = posterior.model().outputs();
  const Vector variances = observation.covariance.size() > 0 ? Vector(observation.covariance.diagonal())
                                                             : Vector(observation.deviations.cwiseAbs2());
  if (variances.size() != observation.size())
    throw UsageError("posterior_predictive: the data have no errors to compare the predictions with");
  // A list of places for each part of an output that is real.
  std::vector<std::vector<Place>> lists(2 * outputs.size());
  Index value = 0;
  for (const Observation::Part& part : observation.parts) {
    const auto found = std::find_if(outputs.begin(), outputs.end(),
                                    [&](const OutputSpec& o) { return o.name == part.output; });
    const auto o = static_cast<std::size_t>(found - outputs.begin());
    for (const Index entry : part.entries)
      lists[2 * o + (found->complex ? static_cast<std::size_t>(entry % 2) : 0)].push_back(
          {o, entry, value++});
  }
  Matrix predictions(thetas.rows(), observation.size()), noisy(thetas.rows(), observation.size());
  Vector emulator_variances = Vector::Zero(observation.size());
  double scaled = 0.0, jitter = 0.0;  // sums over the draws
  bool emulator_error = false;
  DrawnRows predict(posterior);
  Index count = 0;
  for (Index i = 0; i < thetas.rows(); ++i) {
    if (!predict(thetas.row(i).data())) continue;
    for (const auto& list : lists)
      for (const Place& p : list) {
        const double mean = predict.means[p.output][p.entry], error = predict.deviations[p.output][p.entry];
        predictions(count, p.value) = mean;
        noisy(count, p.value) = mean + error * random.normal();
        emulator_variances[p.value] += error * error;
        emulator_error = emulator_error || error > 0.0;
      }
    scaled += predict.scales.error_scale * predict.scales.error_scale;
    jitter += predict.scales.jitter * predict.scales.jitter;
    ++count;
  }
  std::vector<PredictiveView> views;
  if (count < 2) return views;
  const auto draws = static_cast<double>(count);
  for (std::size_t l = 0; l < lists.size(); ++l) {
    auto& list = lists[l];
    if (list.empty()) continue;
    std::sort(list.begin(), list.end(), [](const Place& a, const Place& b) { return a.entry < b.entry; });
    const OutputSpec& spec = outputs[l / 2];
    PredictiveView view;
    view.name = spec.name + (spec.complex ? (l % 2 == 0 ? ", real part" : ", imaginary part") : "");
    view.unit = spec.unit;
    view.emulator_error = emulator_error;
    const auto n = static_cast<Index>(list.size());
    for (Vector* v : {&view.at, &view.data, &view.deviation, &view.median, &view.lower68, &view.upper68,
                      &view.lower95, &view.upper95, &view.residual})
      v->resize(n);
    for (const Axis& axis : posterior.model().axes())
      if (axis.name == spec.axis) {
        view.axis = axis.name;
        view.axis_unit = axis.unit;
        for (Index k = 0; k < n; ++k) {
          const Index entry = list[static_cast<std::size_t>(k)].entry;
          view.at[k] = axis.values[spec.complex ? entry / 2 : entry];
        }
      }
    for (Index k = 0; k < n; ++k) {
      const Index v = list[static_cast<std::size_t>(k)].value;
      view.data[k] = observation.values[v];
      const double noise = (scaled * variances[v] + jitter) / draws;
      view.deviation[k] = std::sqrt(noise);
      const Vector column = noisy.col(v).head(count);
      const std::vector<double> values(column.begin(), column.end());
      view.median[k] = quantile(values, 0.5);
      view.lower68[k] = quantile(values, 0.158655253931457);
      view.upper68[k] = quantile(values, 0.841344746068543);
      view.lower95[k] = quantile(values, 0.025);
      view.upper95[k] = quantile(values, 0.975);
      const double mean = predictions.col(v).head(count).mean();
      const double variance = (predictions.col(v).head(count).array() - mean).square().sum() / (draws - 1.0) +
                              emulator_variances[v] / draws;
      view.residual[k] = (view.data[k] - mean) / std::sqrt(std::max(noise + variance, 1e-300));
    }
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace ersatz
