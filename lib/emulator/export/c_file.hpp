#pragma once
// A C file in the making: tables, functions, and the library's snippets that they call.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz::c {

/// A static C function: source text that stands before those that need it.
struct Snippet {
  const char* name;
  std::vector<std::string_view> needs;  ///< snippets before it in the table
  const char* text;
};
/// In the order in which they stand in a file.
const std::vector<Snippet>& snippets();

class CFile {
 public:
  explicit CFile(bool with_std) : with_std_(with_std) {}
  bool with_std() const { return with_std_; }

  /// A name that is not taken: "stem", "stem2", …
  std::string name(const std::string& stem);

  /// Constants, and the name under which they stand; "0" (a null pointer) for none. Tables of the same
  /// numbers are written once. Throws NumericalError on a number that is not finite.
  std::string table(const std::string& stem, const double* values, Index n);
  std::string table(const std::string& stem, const Vector& values);
  std::string table(const std::string& stem, const Matrix& values);
  std::string integers(const std::string& stem, const std::vector<Index>& values);

  /// The snippet, and all that it needs, will be there.
  void use(std::string_view snippet);
  void function(const std::string& source) { code_ += source + "\n"; }

  /// Snippets, tables and functions so far.
  std::string source() const;

 private:
  bool with_std_;
  std::map<std::string, int> names_;
  std::map<std::string, std::string> tables_;  ///< bytes -> name
  std::set<std::string_view> used_;
  std::string code_;
};

/// A finite number in C, to the last bit.
std::string literal(double value);
/// A C string literal of ASCII characters; others as octal escapes.
std::string quoted(std::string_view words);

}  // namespace ersatz::c
