#pragma once
// Tables of things that a recipe or a user calls by name: entries with a member `name`.

#include <string>
#include <string_view>
#include <vector>

#include "ersatz/core/error.hpp"

namespace ersatz {

template <class Table>
std::vector<std::string> names_in(const Table& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

/// Throws UsageError naming the known ones; `what` is the kind of thing ("transform").
template <class Table>
const auto& find_named(const Table& table, std::string_view name, std::string_view what) {
  std::string known;
  for (const auto& entry : table) {
    if (name == entry.name) return entry;
    known += text(known.empty() ? "" : ", ", entry.name);
  }
  throw UsageError(text("unknown ", what, " '", name, "'; known: ", known));
}

}  // namespace ersatz
