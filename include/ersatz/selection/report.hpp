#pragma once
// Everything a report shows, and the report as one self-contained HTML file.

#include <string>
#include <utility>
#include <vector>

#include "ersatz/core/parameter_space.hpp"
#include "ersatz/selection/comparison.hpp"
#include "ersatz/selection/validation.hpp"

namespace ersatz {

/// One channel of the emulator: what it is made of.
struct ReportChannel {
  std::string name;
  std::string transform;          ///< "log, standardise"
  std::string basis;              ///< "pod, 23 elements"
  std::string regressor;          ///< "gp, matern52"
  Index coefficients = 0;         ///< real coefficients that regressors learn
  Index elements = 0;             ///< of the basis, the cut-off among the singular values; 0: no basis
  Vector singular_values;         ///< of all modes seen, descending
  double projection_error = 0.0;  ///< relative L2 error that the basis leaves on the training rows
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<std::string> warnings;
};

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
  std::vector<ReportChannel> channels;
  Validation validation;
  std::vector<ComparisonRow> comparison;  ///< empty: not made
  std::vector<std::string> warnings;
};

/// One HTML file without references to anything outside of it: style, script (if any) and drawings (SVG)
/// inline.
std::string render_html(const ReportData& data);

}  // namespace ersatz
