#pragma once
// A posterior sample as a file; docs/file-formats.md describes it.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ersatz/inference/maximum.hpp"
#include "ersatz/inference/sampling.hpp"

namespace ersatz {

inline constexpr const char* chain_format = "ersatz-chain";
inline constexpr int chain_version = 1;

struct ChainFile {
  Chains chains;  ///< without samples where only the maximum was looked for
  bool complete = false;
  std::string end;  ///< how sampling ended: "finished", "converged", "stopped"; empty: it is under way
  /// What the draws depend on, as names and values: a run is resumed with the same alone.
  std::vector<std::pair<std::string, std::string>> identity;
  std::string model, data, configuration;  ///< files, and the text of the configuration
  std::optional<Maximum> maximum;
  LaplaceApproximation laplace;
  std::vector<std::string> warnings;
};

/// Replaces `path` in one step. Summaries are written with the samples where there are enough steps. Throws
/// StorageError(write).
void write_chain_file(const std::string& path, const ChainFile& file,
                      const std::vector<MarginalSummary>& summaries);
/// Throws StorageError for what is no chain file, is damaged or newer.
ChainFile read_chain_file(const std::string& path);

}  // namespace ersatz
