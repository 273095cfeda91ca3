#include "ersatz/transform/input_map.hpp"

#include <cmath>

#include "transform/diagonal.hpp"
#include "transform/periodic.hpp"

namespace ersatz {

TransformPtr fit_input_map(const ParameterSpace& space) {
  std::vector<DiagonalTransform::Entry> entries;
  std::vector<PeriodicTransform::Column> circles;
  for (Index k = 0; k < space.size(); ++k) {
    const Parameter& p = space[k];
    DiagonalTransform::Entry e;
    const double width = p.upper - p.lower;
    if (p.scale == Scale::periodic && width > 0.0) {
      circles.push_back({k, p.lower, width});
    } else if (p.scale == Scale::log) {
      e.function = DiagonalTransform::Function::log;
      e.argument = 0.0;
      e.shift = std::log(p.lower);
      e.scale = width > 0.0 ? std::log(p.upper / p.lower) : 1.0;
    } else {
      e.shift = p.lower;
      e.scale = width > 0.0 ? width : 1.0;
    }
    entries.push_back(e);
  }
  std::vector<TransformPtr> steps{std::make_shared<DiagonalTransform>(std::move(entries))};
  if (!circles.empty())
    steps.push_back(std::make_shared<PeriodicTransform>(space.size(), std::move(circles)));
  return chain(std::move(steps), space.size());
}

std::vector<std::string> mapped_names(const ParameterSpace& space) {
  std::vector<std::string> names, sines;
  for (const Parameter& p : space.parameters()) {
    const bool circle = p.scale == Scale::periodic && p.upper > p.lower;
    names.push_back(circle ? "cos " + p.name : p.name);
    if (circle) sines.push_back("sin " + p.name);
  }
  names.insert(names.end(), sines.begin(), sines.end());
  return names;
}

MappedBounds mapped_bounds(const ParameterSpace& space) {
  std::vector<double> lower, upper;
  Index circles = 0;
  for (const Parameter& p : space.parameters()) {
    const bool circle = p.scale == Scale::periodic && p.upper > p.lower;
    circles += circle;
    lower.push_back(circle ? -1.0 : 0.0);
    upper.push_back(p.upper > p.lower ? 1.0 : 0.0);
  }
  lower.insert(lower.end(), static_cast<std::size_t>(circles), -1.0);
  upper.insert(upper.end(), static_cast<std::size_t>(circles), 1.0);
  const auto size = static_cast<Index>(lower.size());
  return {Eigen::Map<const Vector>(lower.data(), size), Eigen::Map<const Vector>(upper.data(), size)};
}

Vector mapped_units(const ParameterSpace& space) {
  Vector units = Vector::Ones(static_cast<Index>(mapped_names(space).size()));
  for (Index k = 0; k < space.size(); ++k) {
    const Parameter& p = space[k];
    if (!(p.upper > p.lower) || p.scale == Scale::periodic) continue;
    units[k] = p.scale == Scale::log ? std::log(p.upper / p.lower) : p.upper - p.lower;
  }
  return units;
}

}  // namespace ersatz
