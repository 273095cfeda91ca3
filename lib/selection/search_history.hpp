#pragma once
// The history of a search: one JSON object a line, appended. Not installed.

#include <string>
#include <utility>
#include <vector>

#include "ersatz/selection/search.hpp"

namespace ersatz {

/// What makes two searches the same, as names and values.
using SearchIdentity = std::vector<std::pair<std::string, std::string>>;

/// A trial as its line of the file, without the end of it; and back.
std::string to_line(const SearchTrial& trial);
SearchTrial trial_of(const std::string& line);

class SearchHistory {
 public:
  /// Opens or begins the file. What a killed process left of a line is dropped. Throws UsageError where the
  /// file is there and `resume` is not set, and where it is of another search, naming what differs;
  /// StorageError where it cannot be read or written, or a line before the last makes no sense.
  SearchHistory(const std::string& path, bool resume, const SearchIdentity& identity);

  const std::vector<SearchTrial>& trials() const { return trials_; }
  /// Scores of the outer folds so far, of searches with so many trials.
  std::vector<double> nested(Index trials) const;
  void append(const SearchTrial& trial);
  void append_nested(double score, Index trials);

 private:
  void write(const std::string& line);

  std::string path_;
  std::vector<SearchTrial> trials_;
  std::vector<std::pair<Index, double>> nested_;
};

}  // namespace ersatz
