#pragma once
// All marginal distributions of one and two parameters. Not installed.

#include <string>
#include <vector>

#include "ersatz/inference/log_density.hpp"

namespace ersatz {

/// Histograms on the diagonal with the 68% interval, below it regions that hold 68% and 95% of the draws;
/// `maximum` (size() values) is marked. draws: n × size(). SVG within HTML, no wider than it has to be.
std::string corner_plot(const Matrix& draws, const std::vector<DensityParameter>& parameters,
                        const Vector& maximum);

}  // namespace ersatz
