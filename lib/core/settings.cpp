#include "ersatz/core/settings.hpp"

#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {
namespace {

template <class T>
const T* find(const std::map<std::string, SettingValue>& values, std::string_view key, const char* expected) {
  const auto it = values.find(std::string(key));
  if (it == values.end()) return nullptr;
  if (const T* v = std::get_if<T>(&it->second)) return v;
  throw UsageError(text("setting '", key, "' must be ", expected));
}

}  // namespace

bool Settings::get(std::string_view key, bool fallback) const {
  const bool* v = find<bool>(values_, key, "true or false");
  return v ? *v : fallback;
}

double Settings::get(std::string_view key, double fallback) const {
  const double* v = find<double>(values_, key, "a number");
  return v ? *v : fallback;
}

Index Settings::get(std::string_view key, Index fallback) const {
  const double* v = find<double>(values_, key, "a whole number");
  if (!v) return fallback;
  if (*v != std::floor(*v) || std::abs(*v) > 9e15)
    throw UsageError(text("setting '", key, "' must be a whole number, got ", *v));
  return static_cast<Index>(*v);
}

std::string Settings::get(std::string_view key, const char* fallback) const {
  const std::string* v = find<std::string>(values_, key, "a text");
  return v ? *v : std::string(fallback);
}

std::vector<double> Settings::get(std::string_view key, const std::vector<double>& fallback) const {
  const auto it = values_.find(std::string(key));
  if (it != values_.end())
    if (const double* single = std::get_if<double>(&it->second)) return {*single};
  const auto* v = find<std::vector<double>>(values_, key, "a list of numbers");
  return v ? *v : fallback;
}

std::vector<std::string> Settings::get(std::string_view key, const std::vector<std::string>& fallback) const {
  const auto it = values_.find(std::string(key));
  if (it != values_.end()) {
    if (const auto* single = std::get_if<std::string>(&it->second)) return {*single};
    // An empty list has no element type of its own.
    if (const auto* numbers = std::get_if<std::vector<double>>(&it->second); numbers && numbers->empty())
      return {};
  }
  const auto* v = find<std::vector<std::string>>(values_, key, "a list of texts");
  return v ? *v : fallback;
}

void Settings::check_known(std::string_view whose, const std::set<std::string>& known) const {
  for (const auto& [key, value] : values_) {
    if (known.count(key)) continue;
    std::string list;
    for (const auto& k : known) list += (list.empty() ? "" : ", ") + k;
    throw UsageError(text(whose, ": unknown setting '", key, "'; known: ", list.empty() ? "none" : list));
  }
}

}  // namespace ersatz
