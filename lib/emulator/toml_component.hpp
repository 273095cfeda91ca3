#pragma once
// Components in TOML: "pod" or {name = "pod", tolerance = 1e-6}. Not installed.

#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

#include <string>
#include <string_view>

#include "ersatz/emulator/recipe.hpp"

namespace ersatz {

/// The component at `node`, which stands under `key`. Throws UsageError naming `where` and the line.
Component component_of(const toml::node& node, const std::string& where, std::string_view key);

}  // namespace ersatz
