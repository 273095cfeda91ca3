#pragma once
// Pieces of HTML: tables that turn into cards on a phone, figures with captions, the style sheet.

#include <string>
#include <utility>
#include <vector>

#include "selection/report_verdict.hpp"

namespace ersatz::report {

/// A table. Texts are plain and escaped on writing; cells are markup.
struct Table {
  struct Column {
    std::string title;
    std::string hint;  ///< what it means, shown on hover
    bool numeric = true;
  };
  struct Row {
    std::vector<std::string> cells;  ///< HTML
    bool highlight = false;
  };
  std::string caption;   ///< for screen readers
  bool compact = false;  ///< few narrow columns: no wider than it has to be, and a table on a phone as well
  std::vector<Column> columns;
  std::vector<Row> rows;
};
std::string to_html(const Table& table);

/// Names and values, values as HTML.
std::string definition_list(const std::vector<std::pair<std::string, std::string>>& facts);

/// A drawing under its title and a line that says what to look for (plain text).
std::string figure(const std::string& title, const std::string& caption, const std::string& svg);

/// The mark of a level: a sign and a word for screen readers, in the level's colour.
std::string mark(Level level);
std::string name_of(Level level);  ///< "good", "care", "poor", "unknown"

extern const char* const kStyle;

}  // namespace ersatz::report
