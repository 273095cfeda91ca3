#include "ersatz/regression/gp/kernel_expression.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ersatz/core/error.hpp"
#include "regression/gp/kernel_parser.hpp"
#include "regression/gp/kernel_table.hpp"
#include "regression/gp/part.hpp"

namespace ersatz::gp {
namespace {

std::string list(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

/// Makes the kernel of a tree. Without inputs it only checks: each named kernel is made on as many inputs as
/// it lists (one, if it lists none) and thrown away.
class Builder {
 public:
  Builder(const std::string& expression, const KernelInputs* inputs)
      : expression_(expression), inputs_(inputs) {}

  KernelPtr all() {
    KernelPtr kernel = build(parse_kernel(expression_), true);
    if (!kernel) fail(0, "white is noise alone; add a kernel to it");
    return kernel;
  }
  bool white() const { return white_; }

 private:
  [[noreturn]] void fail(std::size_t position, const std::string& what) const {
    fail_at(expression_, position, what);
  }

  Index inputs() const { return inputs_ ? static_cast<Index>(inputs_->active.size()) : 1; }

  /// Null for white.
  KernelPtr build(const Node& node, bool outermost) {
    switch (node.kind) {
      case Node::Kind::name:
        return named(node, outermost);
      case Node::Kind::number:
        fail(node.position, "a number weighs a kernel that stands in a sum: a + 0.1 * b");
      case Node::Kind::sum:
        return terms(node, outermost);
      case Node::Kind::product:
        break;
    }
    for (const Node& child : node.children)
      if (child.kind == Node::Kind::number)
        fail(child.position,
             "a number weighs a term of a sum against the others; here is nothing to weigh against (the "
             "process "
             "variance is estimated)");
    return factors(node);
  }

  KernelPtr factors(const Node& product) {
    KernelPtr all;
    for (const Node& child : product.children) {
      if (child.kind == Node::Kind::number) continue;
      KernelPtr kernel = build(child, false);
      all = all ? all * kernel : kernel;
    }
    return all;
  }

  /// The product of a term's numbers, 0 where it has none.
  double weight(const Node& term) const {
    double product = 0.0;
    std::size_t numbers = 0;
    if (term.kind == Node::Kind::product)
      for (const Node& child : term.children)
        if (child.kind == Node::Kind::number) {
          product = (numbers++ ? product : 1.0) * child.number;
          if (!(child.number > 0.0) || !(product > 0.0) || !std::isfinite(product))
            fail(child.position,
                 text("the weight of a term is ", brief(child.number), ", expected a number above 0"));
        }
    if (numbers && numbers == term.children.size())
      fail(term.position, "a term of numbers alone; name a kernel");
    return product;
  }

  KernelPtr terms(const Node& node, bool outermost) {
    KernelPtr all;
    double first = 0.0;
    bool weighed = false;
    std::size_t first_position = 0;
    for (const Node& term : node.children) {
      const double own = weight(term);
      if (own > 0.0)
        for (const Node& child : term.children)
          if (child.kind == Node::Kind::name && child.name == "white")
            fail(term.position,
                 "white takes no number; the setting nugget fixes the noise variance, relative to the "
                 "process variance");
      KernelPtr kernel = own > 0.0 ? factors(term) : build(term, outermost);
      if (!kernel) continue;
      if (!all) {
        all = kernel;
        first = own;
        first_position = term.position;
        continue;
      }
      weighed = weighed || own > 0.0;
      all = own > 0.0 ? sum(all, kernel, own / (first > 0.0 ? first : 1.0)) : all + kernel;
    }
    if (first > 0.0 && !weighed)
      fail(
          first_position,
          "the number weighs the first term against the others, and none of them has a number: leave it out");
    return all;
  }

  KernelPtr named(const Node& node, bool outermost) {
    if (node.name == "white") {
      if (!node.arguments.empty()) fail(node.arguments.front().position, "white takes no arguments");
      if (!outermost)
        fail(node.position, "white is noise, not a kernel: it may stand only as a term of the outermost sum");
      if (white_) fail(node.position, "white is there twice");
      white_ = true;
      return nullptr;
    }
    const Argument* chosen = nullptr;
    for (std::size_t a = 0; a < node.arguments.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b)
        if (node.arguments[a].name == node.arguments[b].name)
          fail(node.arguments[a].position, text("\"", node.arguments[a].name, "\" is there twice"));
      if (node.arguments[a].name == "inputs") chosen = &node.arguments[a];
    }
    const auto known = named_kernels();
    if (std::find(known.begin(), known.end(), node.name) == known.end())
      fail(node.position, text("\"", node.name, "\" is not a kernel; known are ", list(known),
                               ", white, and what this program registers"));
    std::vector<Index> selection;
    if (chosen) {
      selection = select(*chosen);
    } else {
      selection.resize(static_cast<std::size_t>(inputs()));
      std::iota(selection.begin(), selection.end(), Index{0});
    }
    // A registered kernel may refuse a number of inputs: not to be asked before it is known.
    if (!inputs_ && !chosen && is_registered_kernel(node.name)) return make_named_kernel("constant", 1);
    const KernelPtr kernel = make_named_kernel(node.name, static_cast<Index>(selection.size()));
    const std::vector<Fate> fates = decide(node, *kernel, selection, chosen != nullptr);
    return inputs_ ? make_part(kernel, inputs(), selection, fates) : make_named_kernel("constant", 1);
  }

  std::vector<Index> select(const Argument& argument) const {
    std::vector<Index> selection;
    for (std::size_t v = 0; v < argument.values.size(); ++v) {
      const Item& item = argument.values[v];
      for (std::size_t u = 0; u < v; ++u)
        if (argument.values[u].is_number == item.is_number && argument.values[u].number == item.number &&
            argument.values[u].word == item.word)
          fail(item.position, "this input is there twice");
      if (item.is_number &&
          (item.number < 0.0 || item.number != std::floor(item.number) || item.number > 1e9))
        fail(item.position, text("input ", brief(item.number), ", expected a name or a number 0, 1, 2, …"));
      selection.push_back(inputs_ ? position_of(item) : static_cast<Index>(v));
    }
    for (std::size_t v = 0; v < selection.size(); ++v)
      if (std::find(selection.begin(), selection.begin() + static_cast<std::ptrdiff_t>(v), selection[v]) !=
          selection.begin() + static_cast<std::ptrdiff_t>(v))
        fail(argument.values[v].position, "this input is there twice");
    return selection;
  }

  /// Among the active inputs.
  Index position_of(const Item& item) const {
    Index input = static_cast<Index>(item.number);
    if (!item.is_number) {
      if (inputs_->names.empty())
        fail(item.position, text("\"", item.word, "\": the inputs have no names here, give numbers from 0"));
      const auto found = std::find(inputs_->names.begin(), inputs_->names.end(), item.word);
      if (found == inputs_->names.end())
        fail(item.position, text("\"", item.word, "\" is not an input; there are ", list(inputs_->names)));
      input = found - inputs_->names.begin();
    }
    if (input >= inputs_->count)
      fail(item.position, text("input ", input, " does not exist; there are ", inputs_->count, ", from 0"));
    const auto found = std::find(inputs_->active.begin(), inputs_->active.end(), input);
    if (found == inputs_->active.end())
      throw DataError(
          text("kernel \"", expression_, "\": input ", item.is_number ? text(input) : item.word,
               " does not vary in the data, so nothing can be learnt about it; leave its kernel out"));
    return found - inputs_->active.begin();
  }

  std::vector<Fate> decide(const Node& node, const Kernel& kernel, const std::vector<Index>& selection,
                           bool inputs_listed) const {
    const auto hyperparameters = kernel.hyperparameters(2);
    std::vector<Fate> fates(hyperparameters.size());
    std::vector<std::string> names = {"inputs"};
    for (const auto& h : hyperparameters)
      if (std::find(names.begin(), names.end(), h.name) == names.end()) names.push_back(h.name);
    for (const Argument& argument : node.arguments) {
      if (argument.name == "inputs") continue;
      if (std::find(names.begin(), names.end(), argument.name) == names.end())
        fail(argument.position,
             text(node.name, " has no argument \"", argument.name, "\"; it has ", list(names)));
      std::vector<std::size_t> mine;
      for (std::size_t p = 0; p < hyperparameters.size(); ++p)
        if (hyperparameters[p].name == argument.name) mine.push_back(p);
      const bool shared = argument.values.size() == 1 && argument.values[0].word == "shared";
      for (const Item& item : argument.values)
        if (!shared && (!item.is_number || !(item.number > 0.0) || !std::isfinite(item.number)))
          fail(item.position, text(item.is_number ? brief(item.number) : "\"" + item.word + "\"",
                                   ", expected a number above 0 or shared"));
        else if (node.name == "power-exponential" && argument.name == "power" && item.number > 2.0)
          fail(item.position,
               text("a power of ", brief(item.number), " gives no covariance; the largest is 2"));
      const std::size_t given = argument.values.size();
      if (!shared && given > 1 && given != mine.size() && (inputs_ || inputs_listed))
        fail(argument.position, text(argument.name, " has ", given, " values, expected 1 or ", mine.size()));
      if (!inputs_) continue;
      for (std::size_t v = 0; v < mine.size(); ++v) {
        const Hyperparameter& h = hyperparameters[mine[v]];
        Fate& fate = fates[mine[v]];
        if (shared) {
          if (mine.size() > 1) fate.kind = Fate::Kind::shared;
          continue;
        }
        fate.kind = Fate::Kind::fixed;
        fate.value = argument.values[given > 1 ? v : 0].number;
        if (h.scaled && h.input >= 0)
          fate.value /= inputs_->range[selection[static_cast<std::size_t>(h.input)]];
      }
    }
    return fates;
  }

  const std::string& expression_;
  const KernelInputs* inputs_;
  bool white_ = false;
};

}  // namespace

KernelRequest check_kernel(const std::string& expression) {
  Builder builder(expression, nullptr);
  builder.all();
  return {builder.white()};
}

KernelPtr make_kernel(const std::string& expression, const KernelInputs& inputs) {
  return Builder(expression, &inputs).all();
}

KernelPtr make_kernel(const std::string& expression, Index inputs) {
  KernelInputs numbered;
  numbered.count = inputs;
  for (Index k = 0; k < inputs; ++k) numbered.active.push_back(k);
  numbered.range = Vector::Ones(inputs);
  return make_kernel(expression, numbered);
}

std::string label(const Hyperparameter& parameter, const std::vector<std::string>& names) {
  if (parameter.role == Hyperparameter::Role::variance) return "relative variance of " + parameter.part;
  std::string of;
  if (parameter.input >= 0)
    of = " of " +
         (names.empty() ? text("input ", parameter.input) : names[static_cast<std::size_t>(parameter.input)]);
  return parameter.name + of + (parameter.part.empty() ? "" : " in " + parameter.part);
}

std::string describe(const Kernel& kernel, const double* theta, const std::vector<std::string>& names,
                     ConstVectorRef range) {
  const auto all = kernel.hyperparameters(2);
  const auto value = [&](std::size_t p) {
    return brief(std::exp(theta[p]) * (all[p].scaled && all[p].input >= 0 ? range[all[p].input] : 1.0));
  };
  const bool several = kernel.expression().find_first_of("*+") != std::string::npos;
  std::string line;
  for (std::size_t p = 0; p < all.size();) {
    const Hyperparameter& h = all[p];
    std::size_t end = p + 1;
    if (h.role == Hyperparameter::Role::variance) {
      line += text(line.empty() ? "" : "; ", label(h), " ", value(p));
    } else {
      while (end < all.size() && all[end].part == h.part && all[end].name == h.name) ++end;
      const bool goes_on =
          p > 0 && all[p - 1].part == h.part && all[p - 1].role != Hyperparameter::Role::variance;
      line += goes_on ? ", " : line.empty() ? "" : "; ";
      if (several && !goes_on) line += h.part + ": ";
      if (h.input < 0 || static_cast<Index>(end - p) == kernel.inputs()) {
        line += h.name + (end - p > 1 ? "s" : "");
        for (std::size_t q = p; q < end; ++q) line += " " + value(q);
      } else {
        for (std::size_t q = p; q < end; ++q) {
          const Index k = all[q].input;
          const std::string of = names.empty() ? text("input ", k) : names[static_cast<std::size_t>(k)];
          line += text(q > p ? ", " : "", h.name, " of ", of, " ", value(q));
        }
      }
    }
    p = end;
  }
  return line.empty() ? "no hyperparameters to find" : line;
}

}  // namespace ersatz::gp
