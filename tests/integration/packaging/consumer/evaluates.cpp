// A program of others that links evaluation only.
#include <cstdio>

#include "ersatz/core/error.hpp"
#include "ersatz/core/parameter_space.hpp"

int main() {
  const ersatz::ParameterSpace space({{"q", "", 1.0, 4.0}, {"kT", "keV", 0.1, 10.0, ersatz::Scale::log}});
  ersatz::RandomStream random(1);
  const ersatz::Matrix points = space.sample(100, random);
  for (ersatz::Index i = 0; i < points.rows(); ++i)
    if (!space.contains(points.row(i).data())) return 1;
  try {
    space.index_of("mass");
  } catch (const ersatz::UsageError& error) {
    std::printf("as expected: %s\n", error.what());
    return 0;
  }
  return 1;
}
