#pragma once
// What was inferred, as one HTML file.

#include <string>
#include <utility>
#include <vector>

#include "ersatz/inference/maximum.hpp"
#include "ersatz/inference/predictive.hpp"
#include "ersatz/inference/sampling.hpp"

namespace ersatz {

struct InferReport {
  std::string title;                                       ///< the data
  std::vector<std::pair<std::string, std::string>> facts;  ///< what was done with what: names and texts
  std::vector<std::string> priors;                         ///< of each parameter
  Chains chains;
  std::vector<MarginalSummary> summaries;
  std::vector<std::string> edges;     ///< leanings on the edge of the training domain, in words
  std::vector<std::string> warnings;  ///< of the sample
  std::vector<EdgeShare> shares;      ///< of each parameter
  Maximum maximum;
  LaplaceApproximation laplace;
  std::vector<PredictiveView> predictive;
};

/// Self-contained: style and drawings inline. Corner plot of at most ten parameters.
std::string render_html(const InferReport& report);

}  // namespace ersatz
