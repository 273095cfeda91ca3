#pragma once
// Simulations that somebody else has run, as an archive.

#include <string>

#include "ersatz/core/progress.hpp"
#include "ersatz/storage/archive.hpp"

namespace ersatz {

struct ImportOptions {
  std::string parameters;       ///< table (see read_table), n × d
  std::string outputs;          ///< table, n × m, real or complex
  std::string axis;             ///< table of m numbers in one column or row; empty: 0 … m-1
  std::string name = "output";  ///< of the output
  std::string unit;             ///< of the output
  std::string space;            ///< TOML file; empty: names from the table, bounds from its range
  std::string rows;             ///< see select_rows
  std::string provenance;
  Progress* progress = nullptr;  ///< told how many points lie outside of the space
};

/// All runs are marked done. Throws what the readers throw; DataError when the tables do not fit together.
Archive import_archive(const ImportOptions& options);

}  // namespace ersatz
