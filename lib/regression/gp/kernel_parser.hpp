#pragma once
// From the text of a kernel expression to its tree.

#include <string>
#include <vector>

namespace ersatz::gp {

/// A number or a word among an argument's values.
struct Item {
  bool is_number = false;
  double number = 0.0;
  std::string word;
  std::size_t position = 0;
};

struct Argument {
  std::string name;
  std::vector<Item> values;  ///< at least one
  std::size_t position = 0;
};

struct Node {
  enum class Kind { name, number, sum, product } kind = Kind::name;
  std::string name;
  double number = 0.0;
  std::vector<Argument> arguments;
  std::vector<Node> children;  ///< two or more, of sums and products
  std::size_t position = 0;    ///< of its first character
};

/// Throws UsageError: the expression, the position (from 1) and `what`.
[[noreturn]] void fail_at(const std::string& expression, std::size_t position, const std::string& what);

/// The grammar of kernel_expression.hpp. Throws UsageError.
Node parse_kernel(const std::string& expression);

}  // namespace ersatz::gp
