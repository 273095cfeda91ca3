#pragma once
// Columns brought to mean 0 and standard deviation 1, so that no regressor depends on units.

#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// z = (x - centre) · inverse_scale, column by column. A column that does not vary has inverse_scale 0 and
/// gives z = 0 whatever x is. An immutable value once built.
struct Standardisation {
  Vector centre;         ///< d
  Vector inverse_scale;  ///< d; 1 over the standard deviation (divisor n)

  /// From the columns of a table, n × d, n >= 1. A column counts as constant when its range is below 4
  /// epsilon of its largest magnitude. Works for every finite double: no square overflows.
  static Standardisation of(ConstMatrixRef values);

  Index size() const { return centre.size(); }
  bool varies(Index k) const { return inverse_scale[k] > 0.0; }
  Index varying() const { return (inverse_scale.array() > 0.0).count(); }
  double scale(Index k) const { return varies(k) ? 1.0 / inverse_scale[k] : 0.0; }

  void apply(const double* x, double* z) const {
    for (Index k = 0; k < centre.size(); ++k) z[k] = (x[k] - centre[k]) * inverse_scale[k];
  }
  Matrix apply(ConstMatrixRef X) const;
};

}  // namespace ersatz
