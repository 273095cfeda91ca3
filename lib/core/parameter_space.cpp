#include "ersatz/core/parameter_space.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {
constexpr double pi = 3.14159265358979323846;
}

std::string_view to_string(Scale scale) {
  switch (scale) {
    case Scale::linear:
      return "linear";
    case Scale::log:
      return "log";
    case Scale::periodic:
      return "periodic";
  }
  return "linear";
}

Scale scale_from_string(std::string_view name) {
  for (const Scale s : {Scale::linear, Scale::log, Scale::periodic})
    if (to_string(s) == name) return s;
  throw UsageError(text("unknown scale '", name, "'; known: linear, log, periodic"));
}

ParameterSpace::ParameterSpace(std::vector<Parameter> parameters, std::vector<BallConstraint> balls,
                               std::vector<LinearConstraint> linear)
    : parameters_(std::move(parameters)), balls_(std::move(balls)), linear_(std::move(linear)) {
  std::set<std::string> seen;
  for (const auto& p : parameters_) {
    if (p.name.empty()) throw UsageError("a parameter has no name");
    if (!seen.insert(p.name).second) throw UsageError(text("parameter '", p.name, "' appears twice"));
    if (!std::isfinite(p.lower) || !std::isfinite(p.upper))
      throw UsageError(
          text("parameter '", p.name, "': bounds must be finite, got ", p.lower, " to ", p.upper));
    if (!(p.lower <= p.upper))
      throw UsageError(
          text("parameter '", p.name, "': lower bound ", p.lower, " is above upper bound ", p.upper));
    if (p.scale == Scale::log && !(p.lower > 0.0))
      throw UsageError(text("parameter '", p.name, "': a log scale needs positive bounds, got ", p.lower));
  }
  std::set<Index> in_ball;
  for (const auto& b : balls_) {
    if (!(b.radius > 0.0) || !std::isfinite(b.radius))
      throw UsageError(text("ball constraint: the radius must be positive, got ", b.radius));
    for (const Index m : b.members) {
      if (m < 0 || m >= size()) throw UsageError(text("ball constraint: no parameter number ", m));
      if ((*this)[m].scale != Scale::linear)
        throw UsageError(text("ball constraint: parameter '", (*this)[m].name, "' must have a linear scale"));
      if (!in_ball.insert(m).second)
        throw UsageError(text("ball constraint: parameter '", (*this)[m].name, "' is in two balls"));
    }
  }
  for (const auto& l : linear_) {
    if (l.coefficients.size() != size())
      throw UsageError(
          text("linear constraint: ", l.coefficients.size(), " coefficients for ", size(), " parameters"));
    if (!l.coefficients.allFinite() || !std::isfinite(l.upper))
      throw UsageError("linear constraint: coefficients and bound must be finite");
  }
}

std::vector<std::string> ParameterSpace::names() const {
  std::vector<std::string> result;
  for (const auto& p : parameters_) result.push_back(p.name);
  return result;
}

Index ParameterSpace::index_of(std::string_view name) const {
  std::string known;
  for (Index i = 0; i < size(); ++i) {
    if ((*this)[i].name == name) return i;
    known += (i ? ", " : "") + (*this)[i].name;
  }
  throw UsageError(text("no parameter named '", name, "'; there are: ", known));
}

std::string ParameterSpace::why_outside(const double* x) const {
  for (Index i = 0; i < size(); ++i) {
    const auto& p = (*this)[i];
    const double slack = 1e-12 * std::max(p.upper - p.lower, std::abs(p.upper));
    if (!(x[i] >= p.lower - slack && x[i] <= p.upper + slack))
      return text(p.name, " = ", x[i], " is outside of ", p.lower, " to ", p.upper, p.unit.empty() ? "" : " ",
                  p.unit);
  }
  for (const auto& b : balls_) {
    const double r = std::hypot(x[b.members[0]], x[b.members[1]], x[b.members[2]]);
    if (!(r <= b.radius * (1.0 + 1e-12)))
      return text("the length of (", (*this)[b.members[0]].name, ", ", (*this)[b.members[1]].name, ", ",
                  (*this)[b.members[2]].name, ") is ", r, ", above ", b.radius);
  }
  for (const auto& l : linear_) {
    double sum = 0.0, magnitude = std::abs(l.upper);
    for (Index i = 0; i < size(); ++i) {
      sum += l.coefficients[i] * x[i];
      magnitude += std::abs(l.coefficients[i] * x[i]);
    }
    if (!(sum <= l.upper + 1e-12 * magnitude))
      return text("a linear constraint is violated: ", sum, " is above ", l.upper);
  }
  return {};
}

bool ParameterSpace::contains(const double* x) const {
  for (Index i = 0; i < size(); ++i) {
    const auto& p = (*this)[i];
    const double slack = 1e-12 * std::max(p.upper - p.lower, std::abs(p.upper));
    if (!(x[i] >= p.lower - slack && x[i] <= p.upper + slack)) return false;
  }
  return (balls_.empty() && linear_.empty()) || why_outside(x).empty();
}

void ParameterSpace::from_unit(const double* u, double* x) const {
  for (Index i = 0; i < size(); ++i) {
    const auto& p = (*this)[i];
    x[i] = p.scale == Scale::log ? p.lower * std::pow(p.upper / p.lower, u[i])
                                 : p.lower + u[i] * (p.upper - p.lower);
    x[i] = std::clamp(x[i], p.lower, p.upper);
  }
  for (const auto& b : balls_) {
    const double r = b.radius * u[b.members[0]];
    const double c = 2.0 * u[b.members[1]] - 1.0;
    const double s = std::sqrt(std::max(0.0, 1.0 - c * c));
    const double phi = 2.0 * pi * u[b.members[2]];
    x[b.members[0]] = r * s * std::cos(phi);
    x[b.members[1]] = r * s * std::sin(phi);
    x[b.members[2]] = r * c;
  }
}

void ParameterSpace::to_unit(const double* x, double* u) const {
  for (Index i = 0; i < size(); ++i) {
    const auto& p = (*this)[i];
    if (p.upper == p.lower)
      u[i] = 0.5;
    else
      u[i] = p.scale == Scale::log ? std::log(x[i] / p.lower) / std::log(p.upper / p.lower)
                                   : (x[i] - p.lower) / (p.upper - p.lower);
  }
  for (const auto& b : balls_) {
    const double a = x[b.members[0]], e = x[b.members[1]], z = x[b.members[2]];
    const double r = std::hypot(a, e, z);
    u[b.members[0]] = r / b.radius;
    u[b.members[1]] = r > 0.0 ? 0.5 * (z / r + 1.0) : 0.5;
    const double phi = std::atan2(e, a) / (2.0 * pi);
    u[b.members[2]] = phi < 0.0 ? phi + 1.0 : phi;
  }
}

bool ParameterSpace::fills_cube() const {
  if (!linear_.empty()) return false;
  for (const auto& b : balls_)
    for (const Index m : b.members)
      if ((*this)[m].lower > -b.radius || (*this)[m].upper < b.radius) return false;
  return true;
}

Matrix ParameterSpace::sample(Index n, RandomStream& random) const {
  Matrix X(n, size());
  Vector u(size());
  const bool plain = fills_cube();
  for (Index i = 0, tries = 0; i < n; ++tries) {
    if (tries > 1000 * (n + 10))
      throw NumericalError(
          "fewer than one point in a thousand meets the constraints: they may contradict each other");
    for (Index k = 0; k < size(); ++k) u[k] = random.uniform();
    from_unit(u.data(), X.row(i).data());
    if (plain || contains(X.row(i).data())) ++i;
  }
  return X;
}

ParameterSpace space_of_data(ConstMatrixRef X, const std::vector<std::string>& names) {
  if (static_cast<Index>(names.size()) != X.cols())
    throw UsageError(text(names.size(), " names for ", X.cols(), " parameters"));
  if (X.rows() == 0) throw DataError("the range of the data cannot be taken: there are no rows");
  std::vector<Parameter> parameters;
  for (Index k = 0; k < X.cols(); ++k)
    parameters.push_back(
        {names[static_cast<std::size_t>(k)], "", X.col(k).minCoeff(), X.col(k).maxCoeff(), Scale::linear});
  return ParameterSpace(std::move(parameters));
}

}  // namespace ersatz
