#include "emulator/toml_reader.hpp"

#include <algorithm>
#include <cmath>

namespace ersatz {

toml::table parse_toml(const std::string& source, const std::string& where) {
  try {
    return toml::parse(source);
  } catch (const toml::parse_error& e) {
    throw UsageError(text(where, ", line ", static_cast<long>(e.source().begin.line), ": ", e.description()));
  }
}

TomlReader::TomlReader(const toml::table& table, std::string where, const std::vector<const char*>& known)
    : table_(table), where_(std::move(where)) {
  for (const auto& [key, node] : table_) {
    const std::string_view k = key.str();
    if (std::find(known.begin(), known.end(), k) != known.end()) continue;
    std::string list;
    for (const char* name : known) list += (list.empty() ? "" : ", ") + std::string(name);
    fail(node, text("unknown key '", k, "'; known: ", list));
  }
}

void TomlReader::fail(const toml::node& node, const std::string& why) const {
  throw UsageError(text(where_, ", line ", static_cast<long>(node.source().begin.line), ": ", why));
}
void TomlReader::fail(const std::string& why) const { throw UsageError(text(where_, ": ", why)); }

void TomlReader::word(const char* key, std::string& value) const {
  const toml::node* node = find(key);
  if (!node) return;
  if (!node->is_string()) fail(*node, text("'", key, "' must be a text in quotes"));
  value = node->as_string()->get();
}

void TomlReader::number(const char* key, double& value) const {
  const toml::node* node = find(key);
  if (!node) return;
  if (!node->is_number() || !std::isfinite(*node->value<double>()))
    fail(*node, text("'", key, "' must be a finite number"));
  value = *node->value<double>();
}

void TomlReader::positive(const char* key, double& value) const {
  number(key, value);
  if (has(key) && !(value > 0.0)) fail(*find(key), text("'", key, "' must be positive"));
}

void TomlReader::count(const char* key, Index& value) const {
  const toml::node* node = find(key);
  if (!node) return;
  if (!node->is_integer() || node->as_integer()->get() < 0 || node->as_integer()->get() > 1000000000)
    fail(*node, text("'", key, "' must be a whole number from 0"));
  value = static_cast<Index>(node->as_integer()->get());
}

void TomlReader::truth(const char* key, bool& value) const {
  const toml::node* node = find(key);
  if (!node) return;
  if (!node->is_boolean()) fail(*node, text("'", key, "' must be true or false"));
  value = node->as_boolean()->get();
}

void TomlReader::words(const char* key, std::vector<std::string>& values) const {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::array* list = node->as_array();
  if (!list) fail(*node, text("'", key, "' must be a list of texts"));
  for (const auto& e : *list) {
    if (!e.is_string()) fail(e, text("'", key, "' must be a list of texts"));
    values.push_back(e.as_string()->get());
  }
}

void TomlReader::word_or_words(const char* key, std::vector<std::string>& values) const {
  const toml::node* node = find(key);
  if (!node) return;
  if (node->is_string())
    values = {node->as_string()->get()};
  else if (node->is_array())
    words(key, values);
  else
    fail(*node, text("'", key, "' must be a text or a list of texts"));
}

void TomlReader::component(const char* key, Component& value) const {
  if (const toml::node* node = find(key)) value = component_of(*node, where_, key);
}

}  // namespace ersatz
