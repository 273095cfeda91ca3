// The list of entrants of a comparison in TOML.

#include "emulator/toml_component.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/selection/compare.hpp"
#include "storage/text_file.hpp"

namespace ersatz {
namespace {

std::string place(const std::string& where, const toml::node& node) {
  return text(where, ", line ", static_cast<long>(node.source().begin.line), ": ");
}

}  // namespace

std::vector<Contestant> contestants_of(const std::string& toml, const std::string& where) {
  toml::table table;
  try {
    table = toml::parse(toml);
  } catch (const toml::parse_error& e) {
    throw UsageError(text(where, ", line ", static_cast<long>(e.source().begin.line), ": ", e.description()));
  }
  for (const auto& [key, node] : table)
    if (key.str() != "entrants")
      throw UsageError(text(place(where, node), "unknown key '", key.str(), "'; known: entrants"));
  const toml::node* list = table.get("entrants");
  if (!list)
    throw UsageError(text(where,
                          ": there is no list 'entrants', as in: entrants = [\"mean\", {name = "
                          "\"ridge\", degree = 4}, \"defaults\"]"));
  const toml::array* entrants = list->as_array();
  if (!entrants || entrants->empty())
    throw UsageError(text(place(where, *list), "'entrants' must be a list of regressors"));
  std::vector<Contestant> contestants;
  bool defaults = false;
  for (const toml::node& node : *entrants) {
    const Component c = component_of(node, where, "entrants");
    if (c.name != "defaults") {
      try {
        make_regressor(c.name, c.settings);
      } catch (const UsageError& e) {
        throw UsageError(place(where, node) + e.what());
      }
      contestants.push_back({c.name, c.settings});
      continue;
    }
    if (defaults || !c.settings.empty())
      throw UsageError(
          text(place(where, node), "'defaults' stands for the list of entrants without settings, and once"));
    defaults = true;
    const std::vector<Contestant> known = default_contestants();
    contestants.insert(contestants.end(), known.begin(), known.end());
  }
  return contestants;
}

std::vector<Contestant> read_contestants(const std::string& path) {
  return contestants_of(read_whole_file(path), path);
}

}  // namespace ersatz
