#pragma once
// What a chain says, on the terminal and as JSON.

#include <string>
#include <vector>

#include "ersatz/core/parameter_space.hpp"
#include "ersatz/inference/chain_file.hpp"

namespace ersatz::driver {

/// A finished sample in numbers and words.
struct Inferred {
  std::vector<MarginalSummary> summaries;
  std::vector<EdgeShare> shares;   ///< of the emulator's box; zeros for other parameters
  std::vector<std::string> edges;  ///< leanings on the box, and draws outside of the domain, in words
};
Inferred conclude(const Chains& chains, const ParameterSpace& box);

void print_posterior(bool json, const std::string& path, const ChainFile& file, const Inferred& inferred);
void print_maximum(bool json, const std::string& path, const ChainFile& file);

}  // namespace ersatz::driver
