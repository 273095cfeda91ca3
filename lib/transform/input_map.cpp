#include "ersatz/transform/input_map.hpp"

#include <algorithm>
#include <cmath>

#include "core/named_table.hpp"
#include "ersatz/core/error.hpp"
#include "transform/column_maps.hpp"
#include "transform/diagonal.hpp"
#include "transform/periodic.hpp"

namespace ersatz {
namespace {

/// The columns of a row on its way, and the steps so far.
struct Columns {
  std::vector<Parameter> columns;
  const ParameterSpace* space;
  std::vector<TransformPtr> steps;
};

std::string known_columns(const Columns& c) {
  std::string known;
  for (const Parameter& p : c.columns) known += (known.empty() ? "" : ", ") + p.name;
  return known;
}

Index find_column(const Columns& c, const std::string& name, const std::string& whose) {
  for (std::size_t k = 0; k < c.columns.size(); ++k)
    if (c.columns[k].name == name) return static_cast<Index>(k);
  throw UsageError(text(whose, " needs '", name, "', which is not among the inputs at this step: ",
                        known_columns(c), "; check the name and the order of the maps"));
}

std::vector<Index> find_columns(const Columns& c, const std::vector<std::string>& names,
                                const std::string& whose) {
  std::vector<Index> found;
  for (const std::string& n : names) {
    found.push_back(find_column(c, n, whose));
    if (std::count(found.begin(), found.end(), found.back()) > 1)
      throw UsageError(text(whose, " is given '", n, "' twice"));
  }
  return found;
}

const Parameter& at(const Columns& c, Index k) { return c.columns[static_cast<std::size_t>(k)]; }

/// Puts the map to work, and its outputs in place of what it consumed.
template <class Map>
void append(Columns& c, Map map, const std::vector<Index>& used, std::vector<Parameter> outputs) {
  std::vector<Index> consumed(used.begin(), used.begin() + map.consumed());
  c.steps.push_back(on_columns(std::move(map), static_cast<Index>(c.columns.size()), used));
  std::sort(consumed.rbegin(), consumed.rend());
  for (const Index k : consumed) c.columns.erase(c.columns.begin() + k);
  for (Parameter& p : outputs) c.columns.push_back(std::move(p));
}

void take_logarithm(Columns& c, Index k, const std::string& whose) {
  const Parameter p = at(c, k);
  if (!(p.lower > 0.0))
    throw UsageError(text(whose, ": '", p.name, "' may be as low as ", brief(p.lower),
                          ", a logarithm needs a bound above 0"));
  append(c, LogarithmMap{}, {k},
         {{"log " + p.name, "", std::log(p.lower), std::log(p.upper), Scale::linear}});
}

void add_log(Columns& c, const Settings& settings, const std::string& whose) {
  settings.check_known(whose, {"parameters"});
  const auto names = settings.get("parameters", std::vector<std::string>{});
  if (names.empty()) throw UsageError(text(whose, ": setting 'parameters' must list those to take"));
  find_columns(c, names, whose);
  for (const std::string& n : names) take_logarithm(c, find_column(c, n, whose), whose);
}

void add_effective_spins(Columns& c, const Settings& settings, const std::string& whose) {
  settings.check_known(whose, {"spins", "mass_ratio"});
  std::vector<std::string> names = settings.get("spins", std::vector<std::string>{"chi1z", "chi2z"});
  if (names.size() != 2)
    throw UsageError(text(whose, ": setting 'spins' must name two parameters, got ", names.size()));
  names.push_back(settings.get("mass_ratio", "q"));
  const std::vector<Index> used = find_columns(c, names, whose);
  const Parameter first = at(c, used[0]), second = at(c, used[1]), q = at(c, used[2]);
  if (!(q.lower > 0.0))
    throw UsageError(text(whose, ": the mass ratio '", q.name, "' may be as low as ", brief(q.lower),
                          ", expected bounds above 0"));
  // chi_hat is linear in the spins with weights above 0, and those are monotonic in q: corners suffice.
  Parameter hat{"chi_hat", "", INFINITY, -INFINITY, Scale::linear};
  const TransformPtr alone = on_columns(EffectiveSpinsMap{}, 3, {0, 1, 2});
  for (const double ratio : {q.lower, q.upper}) {
    const std::array<double, 3> low{first.lower, second.lower, ratio}, high{first.upper, second.upper, ratio};
    std::array<double, 3> out{};  // q, chi_hat, chi_a
    alone->forward(low.data(), out.data());
    hat.lower = std::min(hat.lower, out[1]);
    alone->forward(high.data(), out.data());
    hat.upper = std::max(hat.upper, out[1]);
  }
  append(
      c, EffectiveSpinsMap{}, used,
      {hat,
       {"chi_a", "", 0.5 * (first.lower - second.upper), 0.5 * (first.upper - second.lower), Scale::linear}});
}

/// The longest vector of these two: by their bounds, and by the ball that both are in.
double longest(const Columns& c, Index x, Index y) {
  const auto reach = [&](Index k) { return std::max(std::abs(at(c, k).lower), std::abs(at(c, k).upper)); };
  double length = std::hypot(reach(x), reach(y));
  for (const BallConstraint& ball : c.space->balls()) {
    const auto holds = [&](Index k) {
      return std::any_of(ball.members.begin(), ball.members.end(),
                         [&](Index m) { return (*c.space)[m].name == at(c, k).name; });
    };
    if (holds(x) && holds(y)) length = std::min(length, ball.radius);
  }
  return length;
}

void add_polar(Columns& c, const Settings& settings, const std::string& whose) {
  settings.check_known(whose, {"parameters"});
  const auto names = settings.get("parameters", std::vector<std::string>{});
  if (names.size() != 2)
    throw UsageError(text(whose, ": setting 'parameters' must name x and y, got ", names.size(), " names"));
  const std::vector<Index> used = find_columns(c, names, whose);
  const std::string vector = names[0] + " " + names[1];
  append(c, PolarMap{}, used,
         {{"length " + vector, at(c, used[0]).unit, 0.0, longest(c, used[0], used[1]), Scale::linear},
          {"cos " + vector, "", -1.0, 1.0, Scale::linear},
          {"sin " + vector, "", -1.0, 1.0, Scale::linear}});
}

void add_rotational_symmetry(Columns& c, const Settings& settings, const std::string& whose) {
  settings.check_known(whose, in_plane_angle_settings());
  std::vector<std::string> names;
  for (const Parameter& p : c.columns) names.push_back(p.name);
  RotationalSymmetryMap map{in_plane_angle(settings, names, whose)};
  const std::array<Index, 4> spins = map.angle.spins;
  std::vector<Index> used(spins.begin(), spins.end());
  if (map.angle.mass_ratio >= 0) {
    used.push_back(map.angle.mass_ratio);
    if (std::count(spins.begin(), spins.end(), used.back()) > 0)
      throw UsageError(text(whose, ": '", at(c, used.back()).name, "' is both a spin and the mass ratio"));
  }
  map.angle.spins = {0, 1, 2, 3};
  map.angle.mass_ratio = used.size() == 5 ? 4 : -1;
  const double r1 = longest(c, spins[0], spins[1]), r2 = longest(c, spins[2], spins[3]);
  const bool second = map.second_is_free();
  const double across = second ? r2 : r1;
  append(c, map, used,
         {{at(c, spins[0]).name + " along", "", -r1, r1, Scale::linear},
          {at(c, spins[2]).name + " along", "", -r2, r2, Scale::linear},
          {at(c, spins[second ? 3 : 1]).name + " across", "", -across, across, Scale::linear}});
}

void add_exchange_symmetry(Columns& c, const Settings& settings, const std::string& whose) {
  settings.check_known(whose, {"first", "second"});
  std::vector<std::string> names = settings.get("first", std::vector<std::string>{});
  const auto others = settings.get("second", std::vector<std::string>{});
  if (names.empty() || names.size() != others.size())
    throw UsageError(text(whose,
                          ": settings 'first' and 'second' must list the same number of parameters, got ",
                          names.size(), " and ", others.size()));
  const std::size_t pairs = names.size();
  const ExchangeMap map{static_cast<Index>(pairs)};
  if (const std::string why = map.why_unusable(); !why.empty()) throw UsageError(why);
  names.insert(names.end(), others.begin(), others.end());
  const std::vector<Index> used = find_columns(c, names, whose);
  std::vector<Parameter> outputs;
  std::vector<std::array<double, 2>> difference;
  for (std::size_t i = 0; i < pairs; ++i) {
    const Parameter &a = at(c, used[i]), &b = at(c, used[pairs + i]);
    outputs.push_back({"mean " + a.name + " " + b.name, a.unit, 0.5 * (a.lower + b.lower),
                       0.5 * (a.upper + b.upper), Scale::linear});
    difference.push_back({0.5 * (a.lower - b.upper), 0.5 * (a.upper - b.lower)});
  }
  for (std::size_t i = 0; i < pairs; ++i)
    for (std::size_t j = i; j < pairs; ++j) {
      Parameter p{names[i] + "-" + others[i] + " × " + names[j] + "-" + others[j], "", INFINITY, -INFINITY,
                  Scale::linear};
      for (const double a : difference[i])
        for (const double b : difference[j]) {
          p.lower = std::min(p.lower, a * b);
          p.upper = std::max(p.upper, a * b);
        }
      if (i == j) p.lower = 0.0;
      outputs.push_back(p);
    }
  append(c, map, used, outputs);
}

/// Those of the settings that another map knows.
Settings only(const Settings& settings, const std::set<std::string>& keys) {
  Settings result;
  for (const auto& [key, value] : settings.values())
    if (keys.count(key) > 0) result.set(key, value);
  return result;
}

void add_aligned_spins(Columns& c, const Settings& settings, const std::string& whose) {
  add_effective_spins(c, settings, whose);
  take_logarithm(c, find_column(c, settings.get("mass_ratio", "q"), whose), whose);
}

void add_precessing_spins(Columns& c, const Settings& settings, const std::string& whose) {
  std::set<std::string> known = in_plane_angle_settings();
  known.insert({"symmetry", "aligned"});
  settings.check_known(whose, known);
  Settings aligned = only(settings, {"mass_ratio"});
  aligned.set("spins", settings.get("aligned", std::vector<std::string>{"chi1z", "chi2z"}));
  Settings turned = only(settings, in_plane_angle_settings());
  if (settings.get("symmetry", true)) {
    // q has to be there before its name is looked for among the in-plane angle's defaults.
    find_column(c, settings.get("mass_ratio", "q"), whose);
    add_rotational_symmetry(c, turned, whose);
  } else if (turned.has("spins") || turned.has("weights") || turned.has("mass_power")) {
    throw UsageError(
        text(whose, ": settings 'spins', 'weights' and 'mass_power' are the symmetry's, which is off"));
  }
  add_aligned_spins(c, aligned, whose);
}

struct Step {
  const char* name;
  void (*add)(Columns&, const Settings&, const std::string&);
};
constexpr Step steps_by_name[] = {
    {"log", add_log},
    {"effective-spins", add_effective_spins},
    {"polar", add_polar},
    {"rotational-symmetry", add_rotational_symmetry},
    {"exchange-symmetry", add_exchange_symmetry},
    {"aligned-spins", add_aligned_spins},
    {"precessing-spins", add_precessing_spins},
};

bool is_circle(const Parameter& p) { return p.scale == Scale::periodic && p.upper > p.lower; }

/// Names, units and bounds of all columns in the unit cube, and the steps that take them there.
InputMap scale_to_cube(std::vector<TransformPtr> steps, const std::vector<Parameter>& columns, Index width) {
  std::vector<DiagonalTransform::Entry> entries;
  std::vector<PeriodicTransform::Column> circles;
  std::vector<std::string> sines;
  InputMap map;
  std::vector<double> lower, upper, units;
  for (const Parameter& p : columns) {
    DiagonalTransform::Entry e;
    const double extent = p.upper - p.lower;
    double unit = extent > 0.0 ? extent : 1.0;
    if (is_circle(p)) {
      circles.push_back({static_cast<Index>(entries.size()), p.lower, extent});
      sines.push_back("sin " + p.name);
      unit = 1.0;
    } else if (p.scale == Scale::log) {
      e.function = DiagonalTransform::Function::log;
      e.argument = 0.0;
      e.shift = std::log(p.lower);
      e.scale = unit = extent > 0.0 ? std::log(p.upper / p.lower) : 1.0;
    } else {
      e.shift = p.lower;
      e.scale = unit;
    }
    entries.push_back(e);
    map.names.push_back(is_circle(p) ? "cos " + p.name : p.name);
    units.push_back(unit);
    lower.push_back(is_circle(p) ? -1.0 : 0.0);
    upper.push_back(extent > 0.0 ? 1.0 : 0.0);
  }
  const auto count = static_cast<Index>(columns.size());
  steps.push_back(std::make_shared<DiagonalTransform>(std::move(entries)));
  if (!circles.empty()) steps.push_back(std::make_shared<PeriodicTransform>(count, std::move(circles)));
  map.transform = chain(std::move(steps), width);
  map.names.insert(map.names.end(), sines.begin(), sines.end());
  lower.insert(lower.end(), sines.size(), -1.0);
  upper.insert(upper.end(), sines.size(), 1.0);
  units.insert(units.end(), sines.size(), 1.0);
  const auto vector = [](const std::vector<double>& v) {
    return Vector(Eigen::Map<const Vector>(v.data(), static_cast<Index>(v.size())));
  };
  map.units = vector(units);
  map.bounds = {vector(lower), vector(upper)};
  return map;
}

}  // namespace

InputMap fit_input_map(const ParameterSpace& space, const std::vector<InputStep>& steps) {
  Columns c{space.parameters(), &space, {}};
  for (const InputStep& step : steps)
    find_named(steps_by_name, step.name, "input map").add(c, step.settings, text("input map ", step.name));
  std::vector<std::string> names;
  for (const Parameter& p : c.columns) {
    if (std::count(names.begin(), names.end(), p.name) > 0)
      throw UsageError(text("the input maps give two inputs named '", p.name, "'"));
    names.push_back(p.name);
  }
  return scale_to_cube(std::move(c.steps), c.columns, space.size());
}

std::vector<std::string> input_step_names() { return names_in(steps_by_name); }

}  // namespace ersatz
