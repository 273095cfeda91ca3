#pragma once
// Which recipes a search may try: a recipe in which some values are open.

#include <memory>
#include <string>
#include <vector>

#include "ersatz/core/matrix.hpp"
#include "ersatz/emulator/recipe.hpp"

namespace ersatz {

/// One open value.
struct SearchDimension {
  std::string name;   ///< where it stands: "regressor.alpha", "transform[0].floor"
  Index choices = 0;  ///< 0: a range
  double from = 0.0, to = 1.0;
  bool log = false;    ///< uniform in the logarithm
  bool whole = false;  ///< whole numbers, both ends included
  Index levels = 5;    ///< of a grid
};

/// A recipe in TOML where any value may be a table {choices = [a, b, …]}, of anything that could stand there,
/// or {from = 1e-8, to = 1, log = true, whole = false, levels = 5}, a number. What is open within a choice
/// counts only where that choice is taken. An immutable value.
class SearchSpace {
 public:
  /// Throws UsageError naming file, line and what was expected: bounds that are inverted, not finite or (log)
  /// not positive, choices that are empty, nothing open at all; also where a regressor, or a setting of one,
  /// is not known.
  SearchSpace(const std::string& toml, const std::string& where);
  static SearchSpace read(const std::string& path);  ///< StorageError: missing, unreadable

  const std::vector<SearchDimension>& dimensions() const { return dimensions_; }
  Index size() const { return static_cast<Index>(dimensions_.size()); }

  /// A point of the unit cube (a coordinate for each dimension) as a recipe. `canonical`: the same point with
  /// coordinates in the middle of what gives the same recipe, 1/2 where a dimension does not count.
  struct Point {
    Recipe recipe;
    Vector canonical;
    std::vector<std::pair<std::string, std::string>> values;  ///< of the dimensions that count
  };
  Point at(const Vector& unit) const;

  /// All combinations of choices and of the levels of ranges, each recipe once, in order.
  /// Throws UsageError where there are more than 100000 combinations.
  std::vector<Vector> grid() const;

  /// For distances between recipes: choices as indicators, ranges as they are.
  Vector features(const Vector& canonical) const;

  std::string hash() const;  ///< of the text

 private:
  struct Tree;
  std::shared_ptr<const Tree> tree_;
  std::vector<SearchDimension> dimensions_;
};

}  // namespace ersatz
