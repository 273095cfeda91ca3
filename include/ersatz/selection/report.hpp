#pragma once
// Everything a report shows, and the report as one self-contained HTML file.

#include <string>
#include <utility>
#include <vector>

#include "ersatz/core/parameter_space.hpp"
#include "ersatz/emulator/model_info.hpp"
#include "ersatz/selection/comparison.hpp"
#include "ersatz/selection/validation.hpp"

namespace ersatz {

struct ReportData {
  std::string title;  ///< "supernova-6"
  std::string model_file;
  std::string created;  ///< ISO 8601
  std::string version;  ///< of the library
  std::string recipe;   ///< TOML
  std::string recipe_hash, data_hash;
  Index training_runs = 0;
  Index failed_runs = 0;
  double training_seconds = 0.0;
  double simulator_seconds = 0.0;  ///< per run, median; NaN where not known
  std::string provenance;          ///< of the training data
  ParameterSpace space;
  std::string decoder;
  std::vector<ChannelSummary> channels;
  Validation validation;
  std::vector<ComparisonRow> comparison;  ///< empty: not made
  std::vector<std::string> warnings;
};

/// One HTML file without references to anything outside of it: style, script (if any) and drawings (SVG)
/// inline.
std::string render_html(const ReportData& data);

}  // namespace ersatz
