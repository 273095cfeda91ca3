#include "inference/observed_entries.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {

std::vector<ObservedEntry> observed_entries(const Observation& observation,
                                            const std::vector<OutputSpec>& outputs) {
  std::vector<ObservedEntry> entries;
  for (const Observation::Part& part : observation.parts) {
    const auto at = std::find_if(outputs.begin(), outputs.end(),
                                 [&](const OutputSpec& o) { return o.name == part.output; });
    if (at == outputs.end()) {
      std::string known;
      for (const OutputSpec& o : outputs) known += (known.empty() ? "" : ", ") + o.name;
      throw UsageError(text("likelihood: there is no output '", part.output, "'; there are: ", known));
    }
    for (const Index e : part.entries) {
      if (e < 0 || e >= at->width())
        throw UsageError(
            text("likelihood: entry ", e, " of output '", part.output, "', which has ", at->width()));
      entries.push_back({static_cast<std::size_t>(at - outputs.begin()), e});
    }
  }
  return entries;
}

bool evaluate_entries(const ForwardModel& model, const std::vector<ObservedEntry>& entries, const double* x,
                      Vector& mean, Matrix* jacobian, Workspace& workspace) {
  const Workspace::Frame frame(workspace);
  const Index d = model.space().size();
  std::vector<double*> means, jacobians;
  for (const OutputSpec& o : model.outputs()) {
    means.push_back(workspace.take(o.width()));
    if (jacobian) jacobians.push_back(workspace.take(o.width() * d));
  }
  if (!model.evaluate(x, means.data(), jacobian ? jacobians.data() : nullptr, workspace)) return false;
  mean.resize(static_cast<Index>(entries.size()));
  if (jacobian) jacobian->resize(mean.size(), d);
  for (Index j = 0; j < mean.size(); ++j) {
    const ObservedEntry& e = entries[static_cast<std::size_t>(j)];
    mean[j] = means[e.output][e.entry];
    if (jacobian) jacobian->row(j) = Eigen::Map<const Vector>(jacobians[e.output] + e.entry * d, d);
  }
  return true;
}

DifferencePoints difference_points(const Parameter& parameter, double value) {
  constexpr double step = 1e-3;
  if (parameter.scale == Scale::log) {
    const double factor = std::exp(step * std::log(parameter.upper / parameter.lower));
    return {value / factor, value * factor};
  }
  const double h = step * (parameter.upper - parameter.lower);
  return {value - h, value + h};
}

}  // namespace ersatz
