#pragma once
// Named settings of a regressor, transform or basis, as they stand in a recipe.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ersatz/core/matrix.hpp"

namespace ersatz {

using SettingValue = std::variant<bool, double, std::string, std::vector<double>, std::vector<std::string>>;

/// Key to value, with typed access. A key that nobody asked for is a mistake of the user's: `finish` reports
/// it.
class Settings {
 public:
  Settings() = default;
  Settings(std::initializer_list<std::pair<const std::string, SettingValue>> values) : values_(values) {}

  void set(const std::string& key, SettingValue value) { values_[key] = std::move(value); }
  bool has(std::string_view key) const { return values_.count(std::string(key)) > 0; }
  bool empty() const { return values_.empty(); }
  const std::map<std::string, SettingValue>& values() const { return values_; }

  /// The value, or the default where the key is missing. Throws UsageError when the type differs.
  bool get(std::string_view key, bool fallback) const;
  double get(std::string_view key, double fallback) const;
  Index get(std::string_view key, Index fallback) const;  ///< a whole number, else UsageError
  std::string get(std::string_view key, const char* fallback) const;
  std::vector<double> get(std::string_view key, const std::vector<double>& fallback) const;
  std::vector<std::string> get(std::string_view key, const std::vector<std::string>& fallback) const;

  /// Throws UsageError when a key is not among `known`; `whose` begins the message ("regressor gp").
  void check_known(std::string_view whose, const std::set<std::string>& known) const;

 private:
  std::map<std::string, SettingValue> values_;
};

}  // namespace ersatz
