#pragma once
// What the programs here share: tables of plain doubles, and a clock.

#include <chrono>
#include <fstream>
#include <string>

#include "ersatz/core/error.hpp"
#include "ersatz/core/matrix.hpp"

namespace peer {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Rows of `columns` doubles, as NumPy's tofile leaves them.
inline ersatz::Matrix read(const char* path, ersatz::Index columns) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  const auto bytes = static_cast<ersatz::Index>(in.tellg());
  ersatz::Matrix values(bytes / 8 / columns, columns);
  in.seekg(0);
  in.read(reinterpret_cast<char*>(values.data()), bytes);
  if (!in || values.size() * 8 != bytes)
    throw ersatz::DataError(ersatz::text(path, ": not rows of ", columns, " doubles"));
  return values;
}

}  // namespace peer
