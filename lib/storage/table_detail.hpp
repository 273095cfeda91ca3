#pragma once
// The readers behind read_table. Not installed.

#include <string>

#include "ersatz/storage/table.hpp"

namespace ersatz::detail {

Table parse_text_table(std::string_view bytes, const std::string& where);
Table read_npy(const std::string& path);
Table read_hdf5_table(const std::string& path, const std::string& dataset);

/// A number in any of the forms that C, Python and Fortran write (1, +1.5, 1e5, 1.D+05, nan, inf); false when
/// `token` is none. Too large gives infinity, too small gives zero.
bool parse_number(std::string_view token, double& value);

}  // namespace ersatz::detail
