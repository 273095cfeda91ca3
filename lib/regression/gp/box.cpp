#include "regression/gp/box.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"
#include "regression/gp/scaled_data.hpp"

namespace ersatz::gp {

std::optional<double> nugget_to_search(const GpOptions& options, const TrainingData& data, bool known_noise,
                                       FitSummary& summary) {
  std::optional<double> nugget = options.nugget;
  if (known_noise && !nugget && !options.extra_noise) nugget = 0.0;
  const Duplicates duplicates = find_duplicates(data.x, data.y);
  if (duplicates.count == 0) return nugget;
  std::string warning = text(duplicates.count, duplicates.count == 1 ? " point repeats" : " points repeat",
                             " the inputs of another (rows ", duplicates.first, " and ", duplicates.second,
                             duplicates.conflicting ? ", with different outputs)" : ")");
  if (nugget && *nugget == 0.0 && !known_noise) {
    nugget.reset();
    warning += "; no function interpolates them all: the nugget is estimated instead of 0";
  }
  summary.warnings.push_back(warning);
  return nugget;
}

SearchOptions search_box(const GpOptions& options, const Kernel& kernel, Index n, bool estimate_nugget,
                         bool estimate_variance) {
  SearchOptions box;
  box.starts = options.starts;
  box.max_iterations = options.max_iterations;
  const auto add = [&](double lower, double upper, double start, double random_lower, double random_upper) {
    const auto inside = [&](double v) { return std::log(std::clamp(v, lower, upper)); };
    box.lower.push_back(std::log(lower));
    box.upper.push_back(std::log(upper));
    box.start.push_back(inside(start));
    box.random_lower.push_back(inside(random_lower));
    box.random_upper.push_back(inside(random_upper));
  };
  for (const Hyperparameter& h : kernel.hyperparameters(n)) {
    const bool length = h.role == Hyperparameter::Role::length;
    const double lower = length && options.bounds ? options.bounds->first : h.lower;
    const double upper = length && options.bounds ? options.bounds->second : h.upper;
    add(lower, upper, h.start, h.start / 4.0, h.start * 6.0);
  }
  if (estimate_nugget) add(smallest_nugget, largest_nugget, 1e-6, 1e-10, 1e-2);
  if (estimate_variance) add(smallest_variance, largest_variance, 1.0, 0.2, 5.0);
  return box;
}

}  // namespace ersatz::gp
