#include "emulator/export/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "emulator/export/parts.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/kernel.hpp"
#include "regression/gp/kernel_parser.hpp"
#include "regression/gp/kernel_table.hpp"

namespace ersatz::c {
namespace {

using gp::Argument;
using gp::Node;

struct Function {
  const char* kernel;
  const char* function;
};
/// One line per kernel; a constant is written as it is.
constexpr Function functions[] = {
    {"squared-exponential", "squared_exponential"},
    {"matern12", "matern12"},
    {"matern32", "matern32"},
    {"matern52", "matern52"},
    {"matern12-product", "matern12_product"},
    {"matern32-product", "matern32_product"},
    {"matern52-product", "matern52_product"},
    {"power-exponential", "power_exponential"},
    {"rational-quadratic", "rational_quadratic"},
    {"periodic", "periodic_kernel"},
    {"linear", "linear_kernel"},
};

/// A named kernel or, where kernel is null, the weight of a term: where its coefficients come from.
struct Part {
  gp::KernelPtr kernel;
  std::vector<double> fixed;  ///< logarithms of its hyperparameters
  std::vector<Index> source;  ///< which of the whole kernel's, -1: fixed
};

/// Walks through an expression in the order of its hyperparameters.
class Walk {
 public:
  Walk(CFile& file, Index inputs, const std::string& whose) : file_(file), inputs_(inputs), whose_(whose) {}

  /// The value in C; empty: noise, not a kernel.
  std::string value(const Node& node) {
    switch (node.kind) {
      case Node::Kind::name:
        return named(node);
      case Node::Kind::sum:
        return sum(node);
      case Node::Kind::product:
        return product(node);
      case Node::Kind::number:
        break;
    }
    return {};
  }
  std::vector<Part> parts() { return std::move(parts_); }

 private:
  std::string product(const Node& node) {
    std::string all;
    for (const Node& child : node.children)
      if (const std::string factor = value(child); !factor.empty())
        all += (all.empty() ? "" : " * ") + factor;
    return all;
  }

  /// The product of a term's numbers, 0 where it has none.
  static double number_of(const Node& term) {
    double number = 0.0;
    if (term.kind == Node::Kind::product)
      for (const Node& child : term.children)
        if (child.kind == Node::Kind::number) number = (number > 0.0 ? number : 1.0) * child.number;
    return number;
  }

  /// A term counts by its number over that of the first, or by a variance that was estimated.
  std::string sum(const Node& node) {
    std::string all;
    double first = 0.0;
    for (const Node& term : node.children) {
      const std::string kernel = value(term);
      if (kernel.empty()) continue;
      const double number = number_of(term);
      if (all.empty()) {
        all = kernel;
        first = number > 0.0 ? number : 1.0;
      } else if (number > 0.0) {
        all += text(" + ", literal(number / first), " * ", kernel);
      } else {
        parts_.push_back({nullptr, {0.0}, {next_++}});
        all += text(" + c[", room_++, "] * ", kernel);
      }
    }
    return "(" + all + ")";
  }

  std::string named(const Node& node) {
    if (node.name == "white") return {};
    const auto selection = selection_of(node);
    const auto count = static_cast<Index>(selection.size());
    const gp::KernelPtr kernel = gp::make_named_kernel(node.name, count);
    Part part{kernel, {}, {}};
    const auto hyperparameters = kernel->hyperparameters(2);
    for (std::size_t p = 0; p < hyperparameters.size(); ++p) place(node, hyperparameters, p, part);
    if (node.name == "constant") return "1.0";
    const auto* const found = std::find_if(std::begin(functions), std::end(functions),
                                           [&](const Function& f) { return node.name == f.kernel; });
    if (found == std::end(functions)) no_source(whose_, "kernel", node.name);
    file_.use(found->function);
    std::vector<Index> all(static_cast<std::size_t>(inputs_));
    std::iota(all.begin(), all.end(), Index{0});
    const std::string in = selection == all ? "0" : file_.integers("kernel_inputs", selection);
    const std::string call = text(found->function, "(a, b, c + ", room_, ", ", in, ", ", count, ")");
    room_ += kernel->parameters();
    parts_.push_back(std::move(part));
    return call;
  }

  std::vector<Index> selection_of(const Node& node) const {
    std::vector<Index> selection;
    for (const Argument& argument : node.arguments)
      if (argument.name == "inputs")
        for (const auto& item : argument.values) selection.push_back(static_cast<Index>(item.number));
    if (selection.empty()) {
      selection.resize(static_cast<std::size_t>(inputs_));
      std::iota(selection.begin(), selection.end(), Index{0});
    }
    return selection;
  }

  /// Hyperparameter p of a named kernel: fixed, the same as an earlier one of its name, or the next free one.
  void place(const Node& node, const std::vector<gp::Hyperparameter>& all, std::size_t p, Part& part) {
    const std::string& name = all[p].name;
    std::vector<std::size_t> mine;
    for (std::size_t q = 0; q < all.size(); ++q)
      if (all[q].name == name) mine.push_back(q);
    part.fixed.push_back(0.0);
    for (const Argument& argument : node.arguments) {
      if (argument.name != name) continue;
      if (argument.values.front().word == "shared") {
        part.source.push_back(p == mine.front() ? next_++ : part.source[mine.front()]);
        return;
      }
      const auto at = static_cast<std::size_t>(std::find(mine.begin(), mine.end(), p) - mine.begin());
      part.fixed.back() = std::log(argument.values[argument.values.size() > 1 ? at : 0].number);
      part.source.push_back(-1);
      return;
    }
    part.source.push_back(next_++);
  }

  CFile& file_;
  Index inputs_;
  const std::string& whose_;
  std::vector<Part> parts_;
  Index next_ = 0;  ///< of the whole kernel's hyperparameters
  Index room_ = 0;  ///< coefficients so far
};

std::vector<double> coefficients_of(const std::vector<Part>& parts, const double* theta) {
  std::vector<double> all;
  for (const Part& part : parts) {
    std::vector<double> own = part.fixed;
    for (std::size_t p = 0; p < own.size(); ++p)
      if (part.source[p] >= 0) own[p] = theta[part.source[p]];
    std::vector<double> made(own.size());
    if (part.kernel)
      part.kernel->prepare(own.data(), made.data());
    else
      made[0] = std::exp(own[0]);
    all.insert(all.end(), made.begin(), made.end());
  }
  return all;
}

}  // namespace

KernelCode export_kernel(CFile& file, const std::string& expression, Index inputs, const std::string& whose) {
  Walk walk(file, inputs, whose);
  const std::string value = walk.value(gp::parse_kernel(expression));
  const std::string name = file.name("kernel");
  file.function(
      text("static double ", name,
           "(const double *a, const double *b, const double *c)\n{\n  (void)a;\n  (void)b;\n  (void)c;\n"
           "  return ",
           value, ";\n}\n"));
  const auto parts = walk.parts();
  return {name, [parts](const double* theta) { return coefficients_of(parts, theta); }};
}

}  // namespace ersatz::c
