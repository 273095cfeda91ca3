#pragma once
// Transforms of one row, for tests.

#include "ersatz/transform/transform.hpp"

namespace ersatz::testing {

inline Vector forward(const Transform& t, const Vector& y) {
  Vector z(t.outputs());
  t.forward(y.data(), z.data());
  return z;
}
inline Vector inverse(const Transform& t, const Vector& z) {
  Vector y(t.inputs());
  t.inverse(z.data(), y.data());
  return y;
}

}  // namespace ersatz::testing
