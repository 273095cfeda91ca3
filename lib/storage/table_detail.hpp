#pragma once
// The readers behind read_table. Not installed.

#include <string>

#include "ersatz/storage/table.hpp"

namespace ersatz::detail {

/// Where the rows of a table come from.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual Index rows() const = 0;
  virtual Table read(Index first, Index count) const = 0;
};

Table parse_text_table(std::string_view bytes, const std::string& where);
std::unique_ptr<RowSource> npy_rows(const std::string& path);

/// A number in any of the forms that C, Python and Fortran write (1, +1.5, 1e5, 1.D+05, nan, inf); false when
/// `token` is none. Too large gives infinity, too small gives zero.
bool parse_number(std::string_view token, double& value);

}  // namespace ersatz::detail
