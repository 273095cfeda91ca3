#pragma once
// The options of `validate`, `compare` and `report` that say what a mismatch is.

#include <string>

#include "common.hpp"
#include "ersatz/selection/mismatch.hpp"

namespace ersatz::driver {

struct MismatchFlags {
  std::string noise = "flat", band, taper, maximise = "time-phase", direction;
  double total_mass = 0.0;

  void add_to(CLI::App& app);
  /// Throws UsageError, and what reading a noise curve throws.
  MismatchOptions options() const;
  /// Whether any of them was given.
  bool given() const;
};

/// Numbers between colons, at least `least` and at most `most`: "20:512". Throws UsageError naming `flag`.
std::vector<double> numbers_between_colons(const std::string& text, const std::string& flag,
                                           std::size_t least, std::size_t most);

}  // namespace ersatz::driver
