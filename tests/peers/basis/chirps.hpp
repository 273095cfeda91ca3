#pragma once
// Snapshots of benchmarks.

#include <cmath>

#include "ersatz/core/matrix.hpp"
#include "ersatz/core/random.hpp"

namespace peer {

/// Chirps with a bump, m complex bins each: three parameters, smooth, 265 elements to a squared error of
/// 1e-12. Rows begin … end - 1 of a sequence that never ends.
inline ersatz::Matrix chirps(ersatz::Index begin, ersatz::Index end, ersatz::Index m) {
  using ersatz::Index;
  ersatz::Matrix rows(end - begin, 2 * m);
  ersatz::RandomStream random(1);
  for (Index i = 0; i < end; ++i) {
    const double mass = 1.0 + random.uniform(), bend = random.uniform(), width = 0.1 + 0.2 * random.uniform();
    if (i < begin) continue;
    double* row = rows.row(i - begin).data();
    for (Index j = 0; j < m; ++j) {
      const double x = 0.05 + 0.95 * static_cast<double>(j) / static_cast<double>(m);
      const double phase = 12.0 * mass * std::pow(x, -5.0 / 3.0) * (1.0 + bend * x * x);
      const double amplitude = std::pow(x, -7.0 / 6.0) * (1.0 + 0.1 / (1.0 + std::pow((x - 0.6) / width, 2)));
      row[2 * j] = amplitude * std::cos(phase);
      row[2 * j + 1] = amplitude * std::sin(phase);
    }
  }
  return rows;
}

}  // namespace peer
