#include "ersatz/emulator/contract.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

std::string or_none(const std::string& unit) { return unit.empty() ? "dimensionless" : "in " + unit; }

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

void compare_parameters(const ParameterSpace& current, const ParameterSpace& other,
                        std::vector<std::string>& found) {
  if (current.names() != other.names()) {
    found.push_back(
        text("the parameters are ", listed(other.names()), " instead of ", listed(current.names())));
    return;
  }
  for (Index k = 0; k < current.size(); ++k) {
    const Parameter &a = current[k], &b = other[k];
    if (a.unit != b.unit)
      found.push_back(text("parameter '", a.name, "' is ", or_none(b.unit), ", not ", or_none(a.unit)));
    if (a.scale != b.scale)
      found.push_back(
          text("parameter '", a.name, "' has a ", to_string(b.scale), " scale, not ", to_string(a.scale)));
    const double slack = 1e-9 * (a.upper - a.lower);
    if (b.lower > a.lower + slack || b.upper < a.upper - slack)
      found.push_back(text("parameter '", a.name, "' goes from ", b.lower, " to ", b.upper,
                           ", which does not hold ", a.lower, " to ", a.upper));
  }
  const auto same_ball = [](const BallConstraint& a, const BallConstraint& b) {
    return a.members == b.members && b.radius >= a.radius * (1.0 - 1e-9);
  };
  for (const BallConstraint& b : other.balls())
    if (std::none_of(current.balls().begin(), current.balls().end(),
                     [&](const BallConstraint& a) { return same_ball(a, b); }))
      found.push_back(text("'", other[b.members[0]].name, "' and two more are held in a ball of radius ",
                           b.radius, ", which is new or smaller"));
  const auto same_linear = [](const LinearConstraint& a, const LinearConstraint& b) {
    return a.coefficients == b.coefficients && b.upper >= a.upper;
  };
  for (const LinearConstraint& b : other.linear_constraints())
    if (std::none_of(current.linear_constraints().begin(), current.linear_constraints().end(),
                     [&](const LinearConstraint& a) { return same_linear(a, b); }))
      found.push_back(text("a linear constraint up to ", b.upper, " is new or narrower"));
}

void compare_output(const Emulator& current, const Emulator& other, std::size_t o,
                    std::vector<std::string>& found) {
  const OutputSpec& a = current.outputs()[o];
  if (o >= other.outputs().size()) {
    found.push_back(text("output '", a.name, "' is missing"));
    return;
  }
  const OutputSpec& b = other.outputs()[o];
  if (a.name != b.name) {
    found.push_back(text("output ", o, " is '", b.name, "', not '", a.name, "'"));
    return;
  }
  if (a.unit != b.unit)
    found.push_back(text("output '", a.name, "' is ", or_none(b.unit), ", not ", or_none(a.unit)));
  if (a.complex != b.complex)
    found.push_back(text("output '", a.name, "' is ", b.complex ? "complex, not real" : "real, not complex"));
  if (a.size != b.size) {
    found.push_back(text("output '", a.name, "' has ", b.size, " bins, not ", a.size));
    return;
  }
  const Axis &mine = current.axis_of(a), &theirs = other.axis_of(b);
  if (mine.name != theirs.name)
    found.push_back(text("output '", a.name, "' is on the axis '", theirs.name, "', not '", mine.name, "'"));
  if (mine.unit != theirs.unit)
    found.push_back(
        text("the axis of output '", a.name, "' is ", or_none(theirs.unit), ", not ", or_none(mine.unit)));
  const double largest = mine.values.size() > 0 ? mine.values.cwiseAbs().maxCoeff() : 0.0;
  for (Index j = 0; j < mine.values.size(); ++j)
    if (!(std::abs(mine.values[j] - theirs.values[j]) <= 1e-9 * largest)) {
      found.push_back(
          text("bin ", j, " of output '", a.name, "' is at ", theirs.values[j], ", not at ", mine.values[j]));
      break;
    }
}

}  // namespace

std::vector<std::string> incompatibilities(const Emulator& current, const Emulator& replacement) {
  std::vector<std::string> found;
  compare_parameters(current.space(), replacement.space(), found);
  for (std::size_t o = 0; o < current.outputs().size(); ++o) compare_output(current, replacement, o, found);
  if (current.has_std() && !replacement.has_std()) found.emplace_back("there are no standard deviations");
  return found;
}

Emulator open_emulator(const std::string& path, const Emulator& matching) {
  Emulator emulator = open_emulator(path);
  std::string all;
  for (const std::string& one : incompatibilities(matching, emulator)) all += (all.empty() ? "" : "; ") + one;
  if (!all.empty()) throw UsageError(text(path, ": cannot take the place of the model in use: ", all));
  return emulator;
}

}  // namespace ersatz
