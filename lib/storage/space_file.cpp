#include "ersatz/storage/space_file.hpp"

#include <toml++/toml.h>

#include <initializer_list>

#include "ersatz/core/error.hpp"
#include "ersatz/storage/replace_file.hpp"
#include "storage/text_file.hpp"

namespace ersatz {
namespace {

// One table of the file, with messages that say where it stands.
class Section {
 public:
  Section(const toml::table& table, std::string file, std::string what)
      : table_(table), file_(std::move(file)), what_(std::move(what)) {}

  [[noreturn]] void fail(const std::string& why, const toml::node* at = nullptr) const {
    const auto line = at != nullptr ? at->source().begin.line : table_.source().begin.line;
    throw DataError(text(file_, ", line ", static_cast<std::uint64_t>(line), ": ", what_, ": ", why));
  }

  void check_keys(std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : table_) {
      bool found = false;
      std::string list;
      for (const auto k : known) {
        found = found || key.str() == k;
        list += (list.empty() ? "" : ", ") + std::string(k);
      }
      if (!found) fail(text("unknown key '", key.str(), "'; known: ", list), &value);
    }
  }

  const toml::node& required(std::string_view key) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) fail(text("'", key, "' is missing"));
    return *node;
  }

  double number(std::string_view key) const { return number(key, required(key)); }
  double number(std::string_view key, const toml::node& node) const {
    if (!node.is_number()) fail(text("'", key, "' must be a number"), &node);
    return *node.value<double>();
  }

  std::string word(std::string_view key) const { return word(key, required(key)); }
  std::string word(std::string_view key, const char* fallback) const {
    const toml::node* node = table_.get(key);
    return node == nullptr ? fallback : word(key, *node);
  }
  std::string word(std::string_view key, const toml::node& node) const {
    if (!node.is_string()) fail(text("'", key, "' must be a text in quotes"), &node);
    return **node.as_string();
  }

 private:
  const toml::table& table_;
  std::string file_, what_;
};

// The tables of an array such as [[parameter]].
std::vector<const toml::table*> tables(const toml::table& top, std::string_view key,
                                       const std::string& file) {
  std::vector<const toml::table*> result;
  const toml::node* node = top.get(key);
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  if (array == nullptr)
    throw DataError(text(file, ", line ", static_cast<std::uint64_t>(node->source().begin.line), ": write [[",
                         key, "]] with two brackets, once for each ", key));
  for (const auto& entry : *array) {
    if (!entry.is_table())
      throw DataError(text(file, ", line ", static_cast<std::uint64_t>(entry.source().begin.line), ": every ",
                           key, " must be a table [[", key, "]]"));
    result.push_back(entry.as_table());
  }
  return result;
}

Parameter read_parameter(const toml::table& table, const std::string& file) {
  const Section s(table, file, "parameter");
  s.check_keys({"name", "unit", "lower", "upper", "scale"});
  Parameter p;
  p.name = s.word("name");
  p.unit = s.word("unit", "");
  p.lower = s.number("lower");
  p.upper = s.number("upper");
  const std::string scale = s.word("scale", "linear");
  try {
    p.scale = scale_from_string(scale);
    (void)ParameterSpace({p});  // so that wrong bounds are reported with their line
  } catch (const UsageError& e) {
    s.fail(e.what(), table.get("scale") != nullptr && scale != "log" ? table.get("scale") : nullptr);
  }
  return p;
}

Index member_index(const Section& s, const std::vector<Parameter>& parameters, const std::string& name,
                   const toml::node& at) {
  std::string known;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].name == name) return static_cast<Index>(i);
    known += (i ? ", " : "") + parameters[i].name;
  }
  s.fail(text("no parameter named '", name, "'; there are: ", known), &at);
}

BallConstraint read_ball(const Section& s, const std::vector<Parameter>& parameters) {
  s.check_keys({"type", "members", "radius"});
  BallConstraint ball{};
  const toml::node& node = s.required("members");
  const toml::array* members = node.as_array();
  if (members == nullptr || members->size() != 3)
    s.fail("'members' must be a list of three parameter names", &node);
  for (std::size_t i = 0; i < 3; ++i)
    ball.members[i] = member_index(s, parameters, s.word("members", *members->get(i)), *members->get(i));
  ball.radius = s.number("radius");
  return ball;
}

LinearConstraint read_linear(const Section& s, const std::vector<Parameter>& parameters) {
  s.check_keys({"type", "coefficients", "upper"});
  LinearConstraint linear{Vector::Zero(static_cast<Index>(parameters.size())), s.number("upper")};
  const toml::node& node = s.required("coefficients");
  const toml::table* coefficients = node.as_table();
  if (coefficients == nullptr || coefficients->empty())
    s.fail("'coefficients' must be a table such as {a = 1.0, b = -2.0}", &node);
  for (const auto& [key, value] : *coefficients)
    linear.coefficients[member_index(s, parameters, std::string(key.str()), value)] =
        s.number(key.str(), value);
  return linear;
}

std::string quoted(std::string_view s) {
  std::string result = "\"";
  for (const char c : s) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (u < 0x20 || u == 0x7f) {
      constexpr char digits[] = "0123456789ABCDEF";
      result += "\\u00";
      result += digits[u >> 4];
      result += digits[u & 15];
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string number_text(double value) {
  std::string s = text(value);
  if (s.find_first_of(".en") == std::string::npos) s += ".0";
  return s;
}

}  // namespace

ParameterSpace space_from_toml(std::string_view toml, const std::string& where) {
  toml::table top;
  try {
    top = toml::parse(toml);
  } catch (const toml::parse_error& e) {
    throw DataError(text(where, ", line ", static_cast<std::uint64_t>(e.source().begin.line), ", column ",
                         static_cast<std::uint64_t>(e.source().begin.column), ": ", e.description()));
  }
  Section(top, where, "parameter space").check_keys({"parameter", "constraint"});
  std::vector<Parameter> parameters;
  for (const auto* table : tables(top, "parameter", where)) {
    parameters.push_back(read_parameter(*table, where));
    for (std::size_t i = 0; i + 1 < parameters.size(); ++i)
      if (parameters[i].name == parameters.back().name)
        Section(*table, where, "parameter").fail(text("'", parameters[i].name, "' appears twice"));
  }
  if (parameters.empty())
    throw DataError(text(where, ": there are no parameters; write [[parameter]] with name, lower and upper"));
  std::vector<BallConstraint> balls;
  std::vector<LinearConstraint> linear;
  for (const auto* table : tables(top, "constraint", where)) {
    const Section s(*table, where, "constraint");
    const std::string type = s.word("type");
    if (type == "ball")
      balls.push_back(read_ball(s, parameters));
    else if (type == "linear")
      linear.push_back(read_linear(s, parameters));
    else
      s.fail(text("unknown type '", type, "'; known: ball, linear"), table->get("type"));
  }
  try {
    return ParameterSpace(std::move(parameters), std::move(balls), std::move(linear));
  } catch (const UsageError& e) {
    throw DataError(text(where, ": ", e.what()));
  }
}

ParameterSpace read_space(const std::string& path) { return space_from_toml(read_whole_file(path), path); }

std::string space_to_toml(const ParameterSpace& space) {
  std::string out;
  for (const auto& p : space.parameters()) {
    out += "[[parameter]]\nname = " + quoted(p.name) + "\n";
    if (!p.unit.empty()) out += "unit = " + quoted(p.unit) + "\n";
    out += "lower = " + number_text(p.lower) + "\nupper = " + number_text(p.upper) + "\n";
    out += "scale = " + quoted(to_string(p.scale)) + "\n\n";
  }
  for (const auto& b : space.balls()) {
    out += "[[constraint]]\ntype = \"ball\"\nmembers = [";
    for (std::size_t i = 0; i < 3; ++i) out += (i ? ", " : "") + quoted(space[b.members[i]].name);
    out += "]\nradius = " + number_text(b.radius) + "\n\n";
  }
  for (const auto& l : space.linear_constraints()) {
    out += "[[constraint]]\ntype = \"linear\"\ncoefficients = {";
    for (Index i = 0; i < space.size(); ++i)
      out += (i ? ", " : "") + quoted(space[i].name) + " = " + number_text(l.coefficients[i]);
    out += "}\nupper = " + number_text(l.upper) + "\n\n";
  }
  if (out.size() >= 2) out.pop_back();
  return out;
}

void write_space(const std::string& path, const ParameterSpace& space) {
  replace_file(path, space_to_toml(space));
}

}  // namespace ersatz
