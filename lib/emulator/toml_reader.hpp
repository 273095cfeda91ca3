#pragma once
// Tables of TOML files, read key by key, with messages that say where. Not installed.

#include <string>
#include <vector>

#include "emulator/toml_component.hpp"
#include "ersatz/core/error.hpp"

namespace ersatz {

/// Throws UsageError naming `where` and the line.
toml::table parse_toml(const std::string& source, const std::string& where);

/// One table; values of keys that are not there are left alone. Throws UsageError naming the file (`where`),
/// the line and the key. The table has to outlive it.
class TomlReader {
 public:
  /// Refuses keys that are not `known`.
  TomlReader(const toml::table& table, std::string where, const std::vector<const char*>& known);

  [[noreturn]] void fail(const toml::node& node, const std::string& why) const;
  [[noreturn]] void fail(const std::string& why) const;  ///< of the file

  bool has(const char* key) const { return table_.contains(key); }
  const toml::node* find(const char* key) const { return table_.get(key); }
  /// Calls `read` with the node of a key that is there; what it throws is told with its line.
  template <class Read>
  void with(const char* key, const Read& read) const {
    const toml::node* node = find(key);
    if (!node) return;
    try {
      read(*node);
    } catch (const UsageError& e) {
      const std::string what = e.what();
      if (what.rfind(where_ + ", line ", 0) == 0) throw;
      fail(*node, what);
    }
  }
  void word(const char* key, std::string& value) const;
  void number(const char* key, double& value) const;  ///< finite
  void positive(const char* key, double& value) const;
  void count(const char* key, Index& value) const;  ///< a whole number from 0
  void truth(const char* key, bool& value) const;
  void words(const char* key, std::vector<std::string>& values) const;          ///< a list of texts
  void word_or_words(const char* key, std::vector<std::string>& values) const;  ///< or one
  void component(const char* key, Component& value) const;

 private:
  const toml::table& table_;
  std::string where_;
};

}  // namespace ersatz
