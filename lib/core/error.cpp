#include "ersatz/core/error.hpp"

#include <cstdio>

namespace ersatz {

std::string brief(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*g", digits, value);
  return buffer;
}

}  // namespace ersatz
