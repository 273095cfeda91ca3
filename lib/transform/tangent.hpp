#pragma once
// A number and its derivative along one direction: map formulas are written once and differentiated by it.

#include <cmath>

namespace ersatz {

struct Tangent {
  double value = 0.0;
  double change = 0.0;

  Tangent() = default;
  Tangent(double v) : value(v) {}
  Tangent(double v, double d) : value(v), change(d) {}
};

inline Tangent operator-(Tangent a) { return {-a.value, -a.change}; }
inline Tangent operator+(Tangent a, Tangent b) { return {a.value + b.value, a.change + b.change}; }
inline Tangent operator-(Tangent a, Tangent b) { return {a.value - b.value, a.change - b.change}; }
inline Tangent operator*(Tangent a, Tangent b) {
  return {a.value * b.value, a.change * b.value + a.value * b.change};
}
inline Tangent operator/(Tangent a, Tangent b) {
  const double quotient = a.value / b.value;
  return {quotient, (a.change - quotient * b.change) / b.value};
}
inline Tangent log(Tangent a) { return {std::log(a.value), a.change / a.value}; }
inline Tangent exp(Tangent a) { return {std::exp(a.value), std::exp(a.value) * a.change}; }
inline Tangent pow(Tangent a, double p) {
  return {std::pow(a.value, p), p * std::pow(a.value, p - 1.0) * a.change};
}
/// Derivative 0 at 0.
inline Tangent sqrt(Tangent a) {
  const double root = std::sqrt(a.value);
  return {root, root > 0.0 ? 0.5 * a.change / root : 0.0};
}

inline double value_of(double a) { return a; }
inline double value_of(Tangent a) { return a.value; }

}  // namespace ersatz
