#pragma once
// A learning campaign as a TOML file; docs/learning.md describes it.

#include <string>
#include <vector>

#include "ersatz/campaign/learn.hpp"
#include "ersatz/simulators/command.hpp"

namespace ersatz {

struct LearnFile {
  std::string simulator;                        ///< one that ships; or
  CommandOptions command;                       ///< a command, its space read
  std::string archive, model, report, history;  ///< files to write; model and report may be empty
  std::string test;                             ///< archive of test runs; empty: as options say
  std::string posterior;                        ///< configuration of one to focus on; may be empty
  std::string interest;                         ///< points to focus on instead; may be empty
  std::vector<std::string> compare;             ///< "random", "space-filling"
  std::vector<std::string> inputs;              ///< the files that it names
  LearnOptions options;
};

/// Throws StorageError when the file, or one that it names, cannot be read; UsageError naming file, line and
/// key for what is missing, unknown or of the wrong type; DataError for a space that makes no sense.
LearnFile read_learn_file(const std::string& path);
LearnFile learn_file_from_toml(const std::string& toml, const std::string& where);

}  // namespace ersatz
