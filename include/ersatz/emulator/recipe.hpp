#pragma once
// The whole pipeline as a value.

#include <map>
#include <string>
#include <vector>

#include "ersatz/core/settings.hpp"

namespace ersatz {

/// A named part with its settings: {name = "pod", tolerance = 1e-6}.
struct Component {
  std::string name;
  Settings settings;
};

struct ChannelRecipe {
  /// "auto": log where all values are positive and spread over more than a factor of 3, then center; for rows
  /// of up to 8 values, standardise.
  std::vector<Component> transforms{{"auto", {}}};
  Component basis{"auto", {}};  ///< "auto": none for rows of up to 8 values, else pod
  Component regressor{"gp", {}};
};

/// Outputs that one decoder makes together.
struct GroupRecipe {
  std::vector<std::string> outputs;  ///< in the decoder's order
  Component decoder;
};

/// Read from and written to TOML; docs/recipes.md describes it.
struct Recipe {
  std::vector<Component> inputs;  ///< maps of the parameters, applied first to last; see fit_input_map
  Component decoder{"auto", {}};
  ChannelRecipe channel;                      ///< for all channels …
  std::map<std::string, Component> decoders;  ///< … but these outputs' decoders,
  std::map<std::string, GroupRecipe> groups;  ///< … those of several outputs together, by their own name,
  std::map<std::string, ChannelRecipe> channels;  ///< … and these channels
  double test_fraction = 0.2;  ///< set aside to score; the final model is then trained on all runs

  /// Whether error bars are held against runs left out: "none", "split", "cross-validation"; see
  /// selection/calibrate.hpp.
  Component calibration{"none", {}};

  const ChannelRecipe& for_channel(const std::string& name) const;
  const Component& decoder_for(const std::string& output) const;
};

/// Throws UsageError naming file, line and what was expected. `where` names the source in messages.
Recipe recipe_from_toml(const std::string& toml, const std::string& where);
Recipe read_recipe(const std::string& path);  ///< StorageError: missing, a folder, unreadable
std::string to_toml(const Recipe& recipe);

}  // namespace ersatz
