#include "ersatz/selection/search_space.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <sstream>

#include "emulator/toml_reader.hpp"
#include "ersatz/regression/regressor.hpp"
#include "ersatz/storage/hash.hpp"
#include "storage/text_file.hpp"

namespace ersatz {

struct SearchSpace::Tree {
  toml::table root;
  std::string where, hash;
};

namespace {

[[noreturn]] void fail(const std::string& where, const toml::node& node, const std::string& why) {
  throw UsageError(text(where, ", line ", static_cast<long>(node.source().begin.line), ": ", why));
}

const toml::table* open_table(const toml::node& node) {
  const toml::table* t = node.as_table();
  return t && (t->contains("choices") || t->contains("from") || t->contains("to")) ? t : nullptr;
}

double number_in(const toml::table& t, const char* key, const std::string& where, const std::string& name) {
  const toml::node* node = t.get(key);
  if (!node) fail(where, t, text("the range of '", name, "' lacks '", key, "'"));
  const auto value = node->value<double>();
  if (!node->is_number() || !value || !std::isfinite(*value))
    fail(where, *node, text("'", key, "' of the range of '", name, "' must be a finite number"));
  return *value;
}

SearchDimension dimension_of(const toml::table& t, const std::string& where, const std::string& name) {
  SearchDimension d;
  d.name = name;
  if (const toml::node* choices = t.get("choices")) {
    const toml::array* list = choices->as_array();
    if (!list || list->empty())
      fail(where, *choices, text("'choices' of '", name, "' must be a list with something in it"));
    for (const auto& [key, node] : t)
      if (key.str() != "choices")
        fail(where, node, text("unknown key '", key.str(), "' beside the choices of '", name, "'"));
    d.choices = static_cast<Index>(list->size());
    return d;
  }
  for (const auto& [key, node] : t) {
    const std::string_view k = key.str();
    if (k == "log" || k == "whole") {
      if (!node.is_boolean()) fail(where, node, text("'", k, "' of '", name, "' must be true or false"));
    } else if (k == "levels") {
      if (!node.is_integer() || *node.value<std::int64_t>() < 1 || *node.value<std::int64_t>() > 100000)
        fail(where, node, text("'levels' of '", name, "' must be a whole number from 1 to 100000"));
    } else if (k != "from" && k != "to") {
      fail(where, node,
           text("unknown key '", k, "' of the range of '", name, "'; known: from, to, log, whole, levels"));
    }
  }
  d.from = number_in(t, "from", where, name);
  d.to = number_in(t, "to", where, name);
  d.log = t["log"].value_or(false);
  d.whole = t["whole"].value_or(false);
  d.levels = static_cast<Index>(t["levels"].value_or(std::int64_t{5}));
  if (!(d.from < d.to))
    fail(where, t,
         text("the range of '", name, "' goes from ", d.from, " to ", d.to, "; expected from < to"));
  if (d.log && !(d.from > 0.0))
    fail(where, t,
         text("the range of '", name, "' is logarithmic and begins at ", d.from, "; expected more than 0"));
  if (d.whole && (d.from != std::floor(d.from) || d.to != std::floor(d.to)))
    fail(where, t, text("the range of '", name, "' is of whole numbers; so must its ends be"));
  return d;
}

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : text(path, ".", key);
}

/// All open values below, outer ones before those within their choices.
void collect(const toml::node& node, const std::string& path, const std::string& where,
             std::vector<SearchDimension>& found) {
  if (const toml::table* open = open_table(node)) {
    found.push_back(dimension_of(*open, where, path));
    if (const toml::array* choices = (*open)["choices"].as_array())
      for (std::size_t i = 0; i < choices->size(); ++i)
        collect(*choices->get(i), text(path, "<", i, ">"), where, found);
  } else if (const toml::table* table = node.as_table()) {
    for (const auto& [key, child] : *table) collect(child, joined(path, key.str()), where, found);
  } else if (const toml::array* array = node.as_array()) {
    for (std::size_t i = 0; i < array->size(); ++i)
      collect(*array->get(i), text(path, "[", i, "]"), where, found);
  }
}

double value_of(const SearchDimension& d, double u) {
  const double low = d.whole ? d.from - 0.5 : d.from, high = d.whole ? d.to + 0.5 : d.to;
  if (d.whole && d.log) {  // the logarithm, rounded: ends get half a share
    return std::round(std::exp(std::log(d.from) + u * std::log(d.to / d.from)));
  }
  const double x = d.log ? std::exp(std::log(low) + u * std::log(high / low)) : low + u * (high - low);
  return std::clamp(d.whole ? std::round(x) : x, d.from, d.to);
}

double unit_of(const SearchDimension& d, double value) {
  if (d.log) return std::log(value / d.from) / std::log(d.to / d.from);
  if (d.whole) return (value - d.from + 0.5) / (d.to - d.from + 1.0);
  return (value - d.from) / (d.to - d.from);
}

Index choice_of(const SearchDimension& d, double u) {
  return std::clamp<Index>(static_cast<Index>(u * static_cast<double>(d.choices)), 0, d.choices - 1);
}

std::string in_words(const toml::node& node) {
  std::ostringstream s;
  node.visit([&s](const auto& n) { s << n; });
  std::string line;
  for (const char c : s.str())
    if (c == '\n')
      line += ", ";
    else
      line += c;
  return line;
}

/// Puts values in the place of what is open.
struct Filling {
  const std::vector<SearchDimension>& dimensions;
  const Vector& unit;
  SearchSpace::Point& point;

  std::size_t index_of(const std::string& name) const {
    for (std::size_t k = 0; k < dimensions.size(); ++k)
      if (dimensions[k].name == name) return k;
    throw UsageError(text("search space: nothing is open at '", name, "'"));
  }

  using Insert = std::function<void(const toml::node&)>;

  void fill(const toml::node& node, const std::string& path, const Insert& insert) {
    if (const toml::table* open = open_table(node)) {
      const std::size_t k = index_of(path);
      const SearchDimension& d = dimensions[k];
      const double u = unit[static_cast<Index>(k)];
      double& canonical = point.canonical[static_cast<Index>(k)];
      if (d.choices > 0) {
        const Index c = choice_of(d, u);
        canonical = (static_cast<double>(c) + 0.5) / static_cast<double>(d.choices);
        const toml::node& chosen = *(*open)["choices"].as_array()->get(static_cast<std::size_t>(c));
        const std::size_t at = point.values.size();
        point.values.emplace_back(path, "");
        fill(chosen, text(path, "<", c, ">"), [&](const toml::node& value) {
          // What is open within it is told by itself.
          const toml::table* table = value.as_table();
          const toml::node* name = table ? table->get("name") : nullptr;
          point.values[at].second = name && point.values.size() > at + 1 ? in_words(*name) : in_words(value);
          insert(value);
        });
        return;
      }
      const double value = value_of(d, u);
      canonical = d.whole ? std::clamp(unit_of(d, value), 0.0, 1.0) : u;
      point.values.emplace_back(path, brief(value, 6));
      if (d.whole)
        insert(toml::value<std::int64_t>(static_cast<std::int64_t>(value)));
      else
        insert(toml::value<double>(value));
    } else if (const toml::table* table = node.as_table()) {
      toml::table filled;
      for (const auto& [key, child] : *table)
        fill(child, joined(path, key.str()),
             [&, k = key.str()](const toml::node& v) { filled.insert(k, v); });
      insert(filled);
    } else if (const toml::array* array = node.as_array()) {
      toml::array filled;
      for (std::size_t i = 0; i < array->size(); ++i)
        fill(*array->get(i), text(path, "[", i, "]"), [&](const toml::node& v) { filled.push_back(v); });
      insert(filled);
    } else {
      insert(node);
    }
  }
};

/// Unknown regressors and settings are errors before anything is computed.
void check_regressors(const Recipe& recipe) {
  make_regressor(recipe.channel.regressor.name, recipe.channel.regressor.settings);
  for (const auto& [name, c] : recipe.channels) make_regressor(c.regressor.name, c.regressor.settings);
}

}  // namespace

SearchSpace::SearchSpace(const std::string& source, const std::string& where) {
  auto tree = std::make_shared<Tree>();
  tree->root = parse_toml(source, where);
  tree->where = where;
  tree->hash = hash_text(source);
  collect(tree->root, "", where, dimensions_);
  if (dimensions_.empty())
    throw UsageError(text(where,
                          ": nothing is open; put {choices = [a, b]} or {from = a, to = b} in the place "
                          "of the values to search over"));
  for (const SearchDimension& d : dimensions_)
    if (d.name == "test_fraction")
      throw UsageError(
          text(where, ": 'test_fraction' cannot be searched over: it says who is never looked at"));
  tree_ = std::move(tree);
  // Each choice and both ends of each range once, under each choice of the others' first level.
  for (Index k = 0; k < size(); ++k) {
    const SearchDimension& d = dimensions_[static_cast<std::size_t>(k)];
    const Index steps = std::max<Index>(d.choices, 2);
    for (Index s = 0; s < steps; ++s) {
      Vector unit = Vector::Zero(size());
      // What stands within choices is reached by taking them.
      for (Index o = 0; o < k; ++o) {
        const SearchDimension& outer = dimensions_[static_cast<std::size_t>(o)];
        if (outer.choices == 0 || d.name.rfind(outer.name + "<", 0) != 0) continue;
        const auto choice = std::stoll(d.name.substr(outer.name.size() + 1));
        unit[o] = (static_cast<double>(choice) + 0.5) / static_cast<double>(outer.choices);
      }
      unit[k] = d.choices > 0 ? (static_cast<double>(s) + 0.5) / static_cast<double>(d.choices)
                              : static_cast<double>(s);
      try {
        check_regressors(at(unit).recipe);
      } catch (const UsageError& e) {
        const std::string message = e.what();
        throw UsageError(message.rfind(where, 0) == 0 ? message : text(where, ": ", message));
      }
    }
  }
}

SearchSpace SearchSpace::read(const std::string& path) { return {read_whole_file(path), path}; }

SearchSpace::Point SearchSpace::at(const Vector& unit) const {
  if (unit.size() != size())
    throw UsageError(text("search space: a point has ", unit.size(), " coordinates, expected ", size()));
  Point point;
  point.canonical = Vector::Constant(size(), 0.5);
  toml::table filled;
  Filling filling{dimensions_, unit, point};
  for (const auto& [key, child] : tree_->root)
    filling.fill(child, std::string(key.str()),
                 [&, k = key.str()](const toml::node& v) { filled.insert(k, v); });
  std::ostringstream s;
  s << filled << "\n";
  point.recipe = recipe_from_toml(s.str(), tree_->where + " (filled in)");
  return point;
}

std::vector<Vector> SearchSpace::grid() const {
  double combinations = 1.0;
  std::vector<Index> levels;
  for (const SearchDimension& d : dimensions_) {
    Index n = d.choices > 0 ? d.choices : d.levels;
    if (d.whole && d.choices == 0) n = std::min(n, static_cast<Index>(d.to - d.from) + 1);
    levels.push_back(n);
    combinations *= static_cast<double>(n);
  }
  if (combinations > 100000.0)
    throw UsageError(
        text(tree_->where, ": a grid has ", combinations,
             " combinations, more than 100000; give ranges fewer 'levels', or search at random"));
  std::vector<Vector> points;
  std::set<std::vector<double>> seen;
  std::vector<Index> digit(levels.size(), 0);
  for (Index count = 0; count < static_cast<Index>(combinations); ++count) {
    Vector unit(size());
    for (Index k = 0; k < size(); ++k) {
      const auto i = static_cast<std::size_t>(k);
      const auto n = static_cast<double>(levels[i]), at = static_cast<double>(digit[i]);
      unit[k] = dimensions_[i].choices > 0 ? (at + 0.5) / n : (n > 1.0 ? at / (n - 1.0) : 0.5);
    }
    const Vector canonical = this->at(unit).canonical;
    if (seen.emplace(canonical.data(), canonical.data() + canonical.size()).second)
      points.push_back(canonical);
    for (std::size_t k = levels.size(); k-- > 0;) {
      if (++digit[k] < levels[k]) break;
      digit[k] = 0;
    }
  }
  return points;
}

Vector SearchSpace::features(const Vector& canonical) const {
  std::vector<double> f;
  for (Index k = 0; k < size(); ++k) {
    const SearchDimension& d = dimensions_[static_cast<std::size_t>(k)];
    if (d.choices == 0) {
      f.push_back(canonical[k]);
      continue;
    }
    for (Index c = 0; c < d.choices; ++c) f.push_back(choice_of(d, canonical[k]) == c ? 1.0 : 0.0);
  }
  return Eigen::Map<const Vector>(f.data(), static_cast<Index>(f.size()));
}

std::string SearchSpace::hash() const { return tree_->hash; }

}  // namespace ersatz
