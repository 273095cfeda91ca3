#pragma once
// What a simulation puts out: named series on named axes.

#include <string>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// The coordinate that an output is sampled on.
struct Axis {
  std::string name;
  std::string unit;
  Vector values;  ///< m
};

/// One named output. Complex rows have `size` complex entries, kept as 2 × size interleaved doubles.
struct OutputSpec {
  std::string name;
  std::string unit;
  std::string axis;  ///< name of an Axis
  Index size = 0;    ///< number of bins, equal to the axis' length
  bool complex = false;

  Index width() const { return complex ? 2 * size : size; }  ///< doubles per row
};

}  // namespace ersatz
