#include "ersatz/transform/in_plane_angle.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

/// z of the header, and its two parts.
struct Weighted {
  Complex spin1, spin2, total;
  double mass1, mass2;
};

Weighted weighted(const InPlaneAngle& a, const double* x) {
  const auto spin = [&](std::size_t k) { return x[a.spins[k]]; };
  const double q = a.mass_ratio >= 0 ? x[a.mass_ratio] : 1.0;
  Weighted w;
  w.mass1 = q / (1.0 + q);
  w.mass2 = 1.0 / (1.0 + q);
  w.spin1 = a.weights[0] * std::pow(w.mass1, a.mass_power) * Complex(spin(0), spin(1));
  w.spin2 = a.weights[1] * std::pow(w.mass2, a.mass_power) * Complex(spin(2), spin(3));
  w.total = w.spin1 + w.spin2;
  return w;
}

/// Below, z is rounding and has no direction.
constexpr double nothing = 1e-14;

}  // namespace

Complex InPlaneAngle::direction(const double* x) const {
  const Complex z = weighted(*this, x).total;
  const double length = std::abs(z);
  return length > nothing ? z / length : Complex(1.0, 0.0);
}

double InPlaneAngle::angle(const double* x) const {
  const Complex z = weighted(*this, x).total;
  return std::abs(z) > nothing ? std::arg(z) : 0.0;
}

double InPlaneAngle::push(const double* x, const double* dx) const {
  const Weighted w = weighted(*this, x);
  if (!(std::abs(w.total) > nothing)) return 0.0;
  const auto change = [&](std::size_t k) { return dx[spins[k]]; };
  Complex dz = weights[0] * std::pow(w.mass1, mass_power) * Complex(change(0), change(1)) +
               weights[1] * std::pow(w.mass2, mass_power) * Complex(change(2), change(3));
  // d log m1 / dq = m2 / q = m2^2 / m1, d log m2 / dq = -m2.
  if (mass_ratio >= 0)
    dz += mass_power * dx[mass_ratio] * w.mass2 * (w.spin1 * (w.mass2 / w.mass1) - w.spin2);
  return (std::conj(w.total) * dz).imag() / std::norm(w.total);
}

void InPlaneAngle::save(const h5::Group& group) const {
  group.write("spins", std::vector<std::int64_t>(spins.begin(), spins.end()));
  group.set("mass_ratio", static_cast<std::int64_t>(mass_ratio));
  group.write("weights", Vector((Vector(2) << weights[0], weights[1]).finished()));
  group.set("mass_power", mass_power);
}

InPlaneAngle InPlaneAngle::load(const h5::Group& group) {
  InPlaneAngle a;
  const auto spins = group.read_integers("spins", 4);
  std::copy(spins.begin(), spins.end(), a.spins.begin());
  a.mass_ratio = group.get_integer("mass_ratio");
  const Vector weights = group.read_vector("weights", 2);
  a.weights = {weights[0], weights[1]};
  a.mass_power = group.get_double("mass_power");
  return a;
}

bool InPlaneAngle::fits(Index parameters) const {
  return mass_ratio >= -1 && mass_ratio < parameters &&
         std::all_of(spins.begin(), spins.end(), [&](Index k) { return k >= 0 && k < parameters; });
}

InPlaneAngle in_plane_angle(const Settings& settings, const std::vector<std::string>& parameters,
                            const std::string& whose) {
  std::string known;
  for (const std::string& p : parameters) known += (known.empty() ? "" : ", ") + p;
  const auto find = [&](const std::string& name, const char* setting) {
    const auto it = std::find(parameters.begin(), parameters.end(), name);
    if (it == parameters.end())
      throw UsageError(text(whose, ": setting '", setting, "' names '", name,
                            "', which is not among the parameters (", known, ")"));
    return static_cast<Index>(it - parameters.begin());
  };
  InPlaneAngle a;
  const std::vector<std::string> spins =
      settings.get("spins", std::vector<std::string>{"chi1x", "chi1y", "chi2x", "chi2y"});
  if (spins.size() != 4)
    throw UsageError(text(whose,
                          ": setting 'spins' must name four parameters (x and y of the first spin, "
                          "then of the second), got ",
                          spins.size()));
  for (std::size_t k = 0; k < 4; ++k) a.spins[k] = find(spins[k], "spins");
  for (std::size_t k = 0; k < 4; ++k)
    if (std::count(a.spins.begin(), a.spins.end(), a.spins[k]) > 1)
      throw UsageError(text(whose, ": setting 'spins' names '", spins[k], "' more than once"));
  if (settings.has("mass_ratio"))
    a.mass_ratio = find(settings.get("mass_ratio", ""), "mass_ratio");
  else if (std::find(parameters.begin(), parameters.end(), "q") != parameters.end())
    a.mass_ratio = find("q", "mass_ratio");
  const std::vector<double> weights = settings.get("weights", std::vector<double>{1.0, 1.0});
  if (weights.size() != 2 || !std::isfinite(weights[0]) || !std::isfinite(weights[1]) ||
      (weights[0] == 0.0 && weights[1] == 0.0))
    throw UsageError(text(whose, ": setting 'weights' must be two finite numbers, not both zero"));
  a.weights = {weights[0], weights[1]};
  a.mass_power = settings.get("mass_power", 2.0);
  if (!std::isfinite(a.mass_power))
    throw UsageError(text(whose, ": setting 'mass_power' must be a finite number"));
  return a;
}

const std::set<std::string>& in_plane_angle_settings() {
  static const std::set<std::string> keys{"spins", "mass_ratio", "weights", "mass_power"};
  return keys;
}

}  // namespace ersatz
