#pragma once
// What a learning campaign achieved, as one HTML file.

#include <string>
#include <vector>

#include "ersatz/campaign/learn.hpp"

namespace ersatz {

struct LearnReport {
  std::string title;        ///< the simulator
  std::string acquisition;  ///< its name
  std::string regressor;
  Index batch = 1;
  double tolerance = 0.0;   ///< 0: none
  std::string measured_on;  ///< "500 test runs", "cross-validation in 5 parts"
  std::string why;          ///< how it ended
  std::vector<LearnRound> history;
  std::vector<LearnCurve> curves;  ///< the same budget spent otherwise; may be empty
};

/// How the campaign compares with the same budget spent otherwise, for reports and terminals: "reaches with
/// 180 simulations what random points reach with 280 (error 0.01)", or that it does not pay.
std::string comparison_text(const std::vector<LearnRound>& history, const LearnCurve& curve);

/// Self-contained: style and drawings inline.
std::string render_html(const LearnReport& report);

}  // namespace ersatz
