#pragma once
// What the scores mean, in plain words. The thresholds are printed in the report, so that readers can
// disagree.

#include <string>
#include <vector>

#include "ersatz/selection/report.hpp"

namespace ersatz::report {

enum class Level { good, care, poor, unknown };

enum class Calibration { none, calibrated, narrow, wide, misshapen };

/// From the coverages: calibrated when 68% bars hold 55 to 85% of the truth and 95% bars hold 88 to 99.5%.
/// `none` where there are no error bars (or nothing that varies).
Calibration calibration_of(const OutputScores& scores);
std::string to_string(Calibration calibration);  ///< "calibrated", "too narrow", …

/// From the share of the variation that is left over: nrmse up to 0.2 good, up to 0.5 care, beyond poor;
/// unknown where the truth does not vary.
Level accuracy_of(const OutputScores& scores);

/// One tile of the header.
struct Finding {
  Level level;
  std::string label;   ///< "Accuracy"
  std::string value;   ///< "0.21%"
  std::string detail;  ///< a sentence
};

struct Verdict {
  Level level;
  std::string headline;  ///< "Trustworthy inside its domain"
  std::string sentence;
  std::vector<Finding> findings;
};

Verdict judge(const ReportData& data);

/// Simulator seconds over seconds of one prediction; NaN where either is not known.
double speed_up(const ReportData& data);

/// The rules that `judge` follows, for the foot of the page.
std::string rules();

}  // namespace ersatz::report
