#pragma once
// Parameter spaces as TOML files:
//
//   [[parameter]]
//   name = "q"
//   unit = ""            # optional
//   lower = 1.0
//   upper = 4.0
//   scale = "linear"     # optional: linear, log, periodic
//
//   [[constraint]]
//   type = "ball"
//   members = ["chi1x", "chi1y", "chi1z"]
//   radius = 0.8
//
//   [[constraint]]
//   type = "linear"      # sum of coefficient times parameter <= upper
//   coefficients = {q = 1.0, chi1z = -2.0}
//   upper = 3.0

#include <string>
#include <string_view>

#include "ersatz/core/parameter_space.hpp"

namespace ersatz {

/// Throws StorageError when the file cannot be read, DataError naming file, line and key for anything that is
/// missing, unknown or of the wrong type.
ParameterSpace read_space(const std::string& path);
/// The same from text; `where` stands for the file in messages.
ParameterSpace space_from_toml(std::string_view toml, const std::string& where);

/// Reads back to the same bits.
std::string space_to_toml(const ParameterSpace& space);
/// Writes atomically.
void write_space(const std::string& path, const ParameterSpace& space);

}  // namespace ersatz
