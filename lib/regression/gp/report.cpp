#include "regression/gp/report.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/kernel_expression.hpp"

namespace ersatz::gp {
namespace {

using Role = Hyperparameter::Role;

/// "start 1 of 3 won, others 0.2 and 5 behind"
std::string starts_of(const Found& found) {
  std::string line = text("start ", found.winner + 1, " of ", found.reached.size(), " won");
  std::vector<double> behind;
  std::size_t lost = 0;
  for (std::size_t s = 0; s < found.reached.size(); ++s)
    if (static_cast<Index>(s) != found.winner) {
      if (std::isfinite(found.reached[s]))
        behind.push_back(std::max(found.reached[s] - found.value, 0.0));
      else
        ++lost;
    }
  for (std::size_t s = 0; s < behind.size(); ++s)
    line += (s == 0 ? ", others " : s + 1 == behind.size() ? " and " : ", ") + brief(behind[s], 3);
  if (!behind.empty()) line += " behind";
  if (lost) line += text(", ", lost, " without a value");
  return line;
}

std::string mean_of(const Group& group, const std::vector<std::string>& terms) {
  constexpr Index shown = 8;
  std::string line;
  for (Index j = 0; j < std::min(group.mean.size(), shown); ++j)
    line += text(j == 0 ? "" : ", ", brief(group.mean[j]), " ± ", brief(group.mean_deviation[j], 2),
                 j == 0 ? "" : " × " + terms[static_cast<std::size_t>(j)]);
  if (group.mean.size() > shown) line += text(", … (", group.mean.size(), " in all)");
  return line;
}

/// How often each end of the box was hit, in outputs.
struct Hits {
  std::vector<std::size_t> lower, upper;
};

Hits count_hits(const SearchOptions& box, const std::vector<Group>& groups,
                const std::vector<std::vector<double>>& parameters) {
  Hits hits{std::vector<std::size_t>(box.lower.size(), 0), std::vector<std::size_t>(box.lower.size(), 0)};
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (std::size_t p = 0; p < box.lower.size(); ++p) {
      // p = middle + half sin u is flat at its ends: the upper end of a length counts as reached nearby.
      if (parameters[g][p] < box.lower[p] + 1e-2) hits.lower[p] += groups[g].positions.size();
      if (parameters[g][p] > box.upper[p] - 0.1) hits.upper[p] += groups[g].positions.size();
    }
  return hits;
}

}  // namespace

std::string settings_of(const GpOptions& options, const std::string& size) {
  std::string line = options.kernel;
  if (!size.empty()) line += ", " + size;
  if (options.trend != 0)
    line += options.trend == Trend::zero ? ", no mean" : text(", mean of degree ", options.trend);
  if (options.noise) line += text(", noise ", brief(*options.noise));
  if (options.nugget)
    line += text(", nugget ", *options.nugget);
  else if (!options.noise || options.extra_noise)
    line += ", nugget estimated";
  if (const std::string priors = options.priors.text(); priors != "robust prior") line += ", " + priors;
  if (options.likelihood == Estimator::profile) line += ", profile likelihood";
  if (options.likelihood == Estimator::leave_one_out) line += ", leave-one-out probability";
  if (options.shared) line += ", shared correlation";
  return line;
}

std::string message_of(const std::string& settings, const ScaledData& data, const TrainingData& user) {
  const Index p = user.y.cols();
  return text("gp: ", settings, ", ", user.x.rows(), " points, ", data.dimension(), " inputs, ", p,
              p == 1 ? " output" : " outputs");
}

std::vector<std::string> active_names(const ScaledData& data, const TrainingData& user) {
  std::vector<std::string> names;
  for (const Index k : data.active)
    names.push_back(user.input_names.empty() ? text("input ", k)
                                             : user.input_names[static_cast<std::size_t>(k)]);
  return names;
}

std::string outputs_of(const std::vector<Index>& positions, const ScaledData& data) {
  const auto user = [&](Index position) { return data.varying[static_cast<std::size_t>(position)]; };
  if (positions.size() > 4) return text(user(positions.front()), " … ", user(positions.back()));
  std::string list;
  for (const Index position : positions) list += (list.empty() ? "" : " ") + text(user(position));
  return list;
}

void report_coverage(const Matrix& residual, const Matrix& deviation, const std::vector<Index>& outputs,
                     const std::string& note, FitSummary& summary) {
  double inside_one = 0.0, inside_two = 0.0, values = 0.0;
  for (const Index o : outputs)
    for (Index i = 0; i < residual.rows(); ++i) {
      const double z = std::abs(residual(i, o)) / deviation(i, o);
      inside_one += z < 1.0;
      inside_two += z < 1.959963984540054;
      values += 1.0;
    }
  summary.facts.push_back(
      {"leave-one-out coverage", text(brief(inside_one / values, 3), " within 1 deviation, ",
                                      brief(inside_two / values, 3), " within 95 %", note)});
}

void report_search(const GpOptions& options, const Kernel& kernel, const SearchOptions& box,
                   const ScaledData& data, const TrainingData& user, const std::vector<Group>& groups,
                   FitSummary& summary) {
  const Index p = user.y.cols();
  const auto names = active_names(data, user);
  const KernelInputs inputs = kernel_inputs(user, data);
  auto all = kernel.hyperparameters(user.x.rows());
  // A single kernel needs no name in front of its hyperparameters.
  if (std::all_of(all.begin(), all.end(), [&](const auto& h) { return h.part == all.front().part; }))
    for (auto& h : all) h.part.clear();
  const auto terms = Trend(data.x.cols(), options.trend).names(names);
  const bool known_noise = !groups.empty() && groups.front().found.process_variance > 0.0;
  const bool estimated_nugget = box.lower.size() > all.size() + (known_noise ? 1 : 0);

  std::size_t jittered = 0, stopped = 0;
  double jitter = 0.0;
  std::vector<std::vector<double>> parameters;
  for (const Group& group : groups) {
    const Found& f = group.found;
    const std::string which = outputs_of(group.positions, data);
    summary.facts.push_back(
        {"output " + which,
         text(describe(kernel, f.theta.data(), names, inputs.range), ", nugget ", brief(f.nugget),
              ", process deviation ", brief(group.process_deviation.front()),
              options.likelihood == Estimator::leave_one_out ? ", -log predictive probability "
                                                             : ", -log likelihood ",
              brief(f.value, 8), ", ", starts_of(f), ", ", f.evaluations, " evaluations")});
    if (group.mean.size() > 0) summary.facts.push_back({"mean of output " + which, mean_of(group, terms)});
    if (f.jitter > 0.0) jittered += group.positions.size();
    jitter = std::max(jitter, f.jitter);
    if (!f.converged) stopped += group.positions.size();
    parameters.push_back(f.theta);
    if (estimated_nugget) parameters.back().push_back(std::log(f.nugget));
    if (known_noise) parameters.back().push_back(std::log(f.process_variance));
  }

  if (jittered)
    summary.warnings.push_back(text("the covariance matrix of ", count_of(jittered, p),
                                    " was singular: jitter up to ", brief(jitter),
                                    " of the process variance was added; nugget = \"estimated\" avoids it"));
  if (stopped) {
    summary.converged = false;
    summary.warnings.push_back(text("the search for ", count_of(stopped, p),
                                    " stopped before its likelihood was flat; try a larger max_iterations (",
                                    options.max_iterations, ") or more starts (", options.starts, ")"));
  }

  const Hits hits = count_hits(box, groups, parameters);
  std::string shortest;
  std::size_t short_outputs = 0, noisy = 0;
  for (std::size_t i = 0; i < box.lower.size(); ++i) {
    const bool length = i < all.size() && all[i].role == Role::length;
    const bool nugget = estimated_nugget && i == all.size();
    const std::string name = nugget ? "nugget" : i < all.size() ? label(all[i], names) : "process variance";
    if (hits.lower[i])
      summary.facts.push_back(
          {"at its bound", text(name, " is at its smallest, ", brief(std::exp(box.lower[i])),
                                length ? " ranges" : "", ": ", count_of(hits.lower[i], p))});
    if (hits.upper[i])
      summary.facts.push_back(
          {"at its bound", text(name, " is at its largest, ", brief(std::exp(box.upper[i])),
                                length ? " ranges" : "", ": ", count_of(hits.upper[i], p))});
    if (length && hits.lower[i]) {
      short_outputs = std::max(short_outputs, hits.lower[i]);
      shortest += (shortest.empty() ? "" : ", ") + name;
    }
    if (nugget) noisy = hits.upper[i];
  }
  // An input along which every part of the kernel is flat, and that the mean does not have.
  for (std::size_t k = 0; k < names.size() && options.trend <= 0; ++k) {
    std::size_t inert = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      bool any = false, flat = true;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].role != Role::length || all[i].input != static_cast<Index>(k)) continue;
        any = true;
        flat = flat && parameters[g][i] > box.upper[i] - 0.1;
      }
      if (any && flat) inert += groups[g].positions.size();
    }
    if (inert) summary.facts.push_back({"does not matter", text(names[k], ": for ", count_of(inert, p))});
  }
  if (short_outputs)
    summary.warnings.push_back(text(shortest, ": at the smallest that is searched, for ",
                                    count_of(short_outputs, p),
                                    "; the outputs may vary faster than the points lie"));
  if (noisy)
    summary.warnings.push_back(text("the nugget of ", count_of(noisy, p),
                                    " is at its largest: the inputs explain little of the variance"));
}

}  // namespace ersatz::gp
