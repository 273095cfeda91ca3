// The list of entrants of a comparison in TOML.

#include "emulator/toml_reader.hpp"
#include "ersatz/selection/compare.hpp"
#include "storage/text_file.hpp"

namespace ersatz {

std::vector<Contestant> contestants_of(const std::string& toml, const std::string& where) {
  const toml::table table = parse_toml(toml, where);
  const TomlReader read(table, where, {"entrants"});
  const toml::node* list = read.find("entrants");
  if (!list)
    read.fail(
        "there is no list 'entrants', as in: entrants = [\"mean\", {name = "
        "\"ridge\", degree = 4}, \"defaults\"]");
  const toml::array* entrants = list->as_array();
  if (!entrants || entrants->empty()) read.fail(*list, "'entrants' must be a list of regressors");
  std::vector<Contestant> contestants;
  bool defaults = false;
  for (const toml::node& node : *entrants) {
    const Component c = component_of(node, where, "entrants");
    if (c.name != "defaults") {
      try {
        make_regressor(c.name, c.settings);
      } catch (const UsageError& e) {
        read.fail(node, e.what());
      }
      contestants.push_back({c.name, c.settings});
      continue;
    }
    if (defaults || !c.settings.empty())
      read.fail(node, "'defaults' stands for the list of entrants without settings, and once");
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
