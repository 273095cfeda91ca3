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

std::vector<ObservedRun> observed_runs(const std::vector<ObservedEntry>& entries) {
  std::vector<ObservedRun> runs;
  for (const ObservedEntry& e : entries) {
    const bool next =
        !runs.empty() && runs.back().output == e.output && runs.back().entry + runs.back().count == e.entry;
    if (next)
      ++runs.back().count;
    else
      runs.push_back({e.output, e.entry, runs.empty() ? 0 : runs.back().first + runs.back().count, 1});
  }
  return runs;
}

namespace {

std::vector<double*> rows_of(const ForwardModel& model, Workspace& workspace) {
  std::vector<double*> rows;
  for (const OutputSpec& o : model.outputs()) rows.push_back(workspace.take(o.width()));
  return rows;
}

void pick(const std::vector<ObservedRun>& runs, const std::vector<double*>& rows, Vector& values) {
  values.resize(runs.empty() ? 0 : runs.back().first + runs.back().count);
  for (const ObservedRun& r : runs) std::copy_n(rows[r.output] + r.entry, r.count, values.data() + r.first);
}

}  // namespace

bool evaluate_entries(const ForwardModel& model, const std::vector<ObservedRun>& runs, const double* x,
                      Vector& mean, Workspace& workspace) {
  const Workspace::Frame frame(workspace);
  const std::vector<double*> means = rows_of(model, workspace);
  if (!model.evaluate(x, means.data(), workspace)) return false;
  pick(runs, means, mean);
  return true;
}

bool evaluate_entries(const ForwardModel& model, const std::vector<ObservedRun>& runs, const double* x,
                      Vector& mean, const std::function<const double*()>& weigh, double* gradient,
                      Workspace& workspace) {
  const Workspace::Frame frame(workspace);
  const std::vector<double*> means = rows_of(model, workspace);
  const auto weigh_rows = [&](double* const* weights) {
    pick(runs, means, mean);
    const double* by_mean = weigh();
    if (!by_mean) return false;
    for (std::size_t o = 0; o < means.size(); ++o)
      std::fill(weights[o], weights[o] + model.outputs()[o].width(), 0.0);
    for (const ObservedRun& r : runs)
      for (Index j = 0; j < r.count; ++j) weights[r.output][r.entry + j] += by_mean[r.first + j];
    return true;
  };
  return model.evaluate_backwards(x, means.data(), weigh_rows, gradient, workspace);
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
