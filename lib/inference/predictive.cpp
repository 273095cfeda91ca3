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
    const auto& nuisance = posterior.likelihood().nuisance();
    for (std::size_t i = 0; i < nuisance.size(); ++i)
      if (nuisance[i].name == "amplitude")
        amplitude_ = posterior.model().space().size() + static_cast<Index>(i);
    for (const OutputSpec& o : posterior.model().outputs()) {
      means.emplace_back(o.width());
      deviations.emplace_back(Vector::Zero(o.width()));
    }
    all_.resize(posterior.likelihood().size());
  }

  bool operator()(const double* theta) {
    posterior_.complete(theta, all_.data());
    std::vector<double*> mean_rows, deviation_rows;
    for (std::size_t o = 0; o < means.size(); ++o) {
      mean_rows.push_back(means[o].data());
      deviation_rows.push_back(deviations[o].data());
    }
    const Emulator* emulator = posterior_.model().emulator();
    if (emulator != nullptr && emulator->has_std()) {
      const Eigen::Map<const Matrix> x(all_.data(), 1, emulator->space().size());
      try {
        emulator->mean_and_std(x, mean_rows.data(), deviation_rows.data(), workspace_);
      } catch (const NumericalError&) {
        return false;
      }
    } else if (!posterior_.model().evaluate(all_.data(), mean_rows.data(), workspace_)) {
      return false;
    }
    if (amplitude_ >= 0)
      for (std::size_t o = 0; o < means.size(); ++o) {
        means[o] *= all_[amplitude_];
        deviations[o] *= std::abs(all_[amplitude_]);
      }
    return true;
  }

  std::vector<Vector> means, deviations;

 private:
  const Posterior& posterior_;
  Index amplitude_ = -1;
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
  DrawnRows predict(posterior);
  Index count = 0;
  for (Index i = 0; i < thetas.rows(); ++i) {
    if (!predict(thetas.row(i).data())) continue;
    for (const auto& list : lists)
      for (const Place& p : list) {
        predictions(count, p.value) = predict.means[p.output][p.entry];
        noisy(count, p.value) =
            predict.means[p.output][p.entry] + predict.deviations[p.output][p.entry] * random.normal();
      }
    ++count;
  }
  std::vector<PredictiveView> views;
  if (count < 2) return views;
  for (std::size_t l = 0; l < lists.size(); ++l) {
    auto& list = lists[l];
    if (list.empty()) continue;
    std::sort(list.begin(), list.end(), [](const Place& a, const Place& b) { return a.entry < b.entry; });
    const OutputSpec& spec = outputs[l / 2];
    PredictiveView view;
    view.name = spec.name + (spec.complex ? (l % 2 == 0 ? ", real part" : ", imaginary part") : "");
    view.unit = spec.unit;
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
      view.deviation[k] = observation.covariance.size() > 0 ? std::sqrt(observation.covariance(v, v))
                                                            : observation.deviations[v];
      const Vector column = noisy.col(v).head(count);
      const std::vector<double> values(column.begin(), column.end());
      view.median[k] = quantile(values, 0.5);
      view.lower68[k] = quantile(values, 0.158655253931457);
      view.upper68[k] = quantile(values, 0.841344746068543);
      view.lower95[k] = quantile(values, 0.025);
      view.upper95[k] = quantile(values, 0.975);
      const double mean = predictions.col(v).head(count).mean();
      const double variance = (column.array() - mean).square().sum() / static_cast<double>(count - 1);
      view.residual[k] = (view.data[k] - mean) /
                         std::sqrt(std::max(view.deviation[k] * view.deviation[k] + variance, 1e-300));
    }
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace ersatz
