#pragma once
// The parts of a report, top to bottom, each as HTML. A part without anything to say is empty.

#include <string>

#include "ersatz/selection/report.hpp"

namespace ersatz::report {

std::string verdict_section(const ReportData& data);   ///< the verdict and its tiles
std::string warnings_section(const ReportData& data);  ///< of the model and of its channels
std::string scores_section(const ReportData& data);
/// Pictures per output. Where they would take more than `budget` bytes, the best outputs go without.
std::string outputs_section(const ReportData& data, std::size_t budget);
std::string baselines_section(const ReportData& data);
std::string cost_section(const ReportData& data);
std::string training_section(const ReportData& data);

}  // namespace ersatz::report
