#pragma once
// Data: values of some bins of some outputs, and the covariance of their errors.

#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

struct Observation {
  /// Entries of an output's row that were observed; a complex bin j is the entries 2j and 2j + 1.
  struct Part {
    std::string output;
    std::vector<Index> entries;
  };
  std::vector<Part> parts;
  Vector values;      ///< m: of all parts, one after the other
  Vector deviations;  ///< m: of independent errors; or
  Matrix covariance;  ///< m × m; one of the two is empty

  Index size() const { return values.size(); }
};

}  // namespace ersatz
