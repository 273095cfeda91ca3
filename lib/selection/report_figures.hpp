#pragma once
// The pictures of a report. Each returns HTML (a figure with title and caption), or a sentence in its place
// where there is nothing to draw.

#include <string>

#include "ersatz/selection/report.hpp"

namespace ersatz::report {

/// What the pictures of one output share.
struct Canvas {
  std::string id;         ///< prefix of ids on the page
  double thinning = 1.0;  ///< width of the columns that lines are thinned to, in units of the drawing
};

/// Error, predicted error and spread of the simulations per bin, on a log scale.
std::string error_over_axis(const OutputDiagnostics& d, const Canvas& canvas);
std::string predicted_against_true(const OutputDiagnostics& d, const Canvas& canvas);
/// Truth and prediction with residual; complex outputs by real part and amplitude. `which`: "Worst".
std::string held_out_case(const OutputDiagnostics& d, const HeldOutCase& c, const std::string& which,
                          const ParameterSpace& space, const Canvas& canvas);
/// The run of a waveform with the largest mismatch: real part of its largest mode (whose diagnostics are
/// `d`), whole and near its end.
std::string worst_waveform(const GroupScores& group, const OutputDiagnostics& d, const ParameterSpace& space,
                           const Canvas& canvas);
/// How many runs have which error (log scale), median and 95% marked.
std::string error_histogram(const Vector& errors, const std::string& title, const std::string& label,
                            const std::string& id);
std::string calibration_curve(const OutputDiagnostics& d, const Canvas& canvas);
std::string pit_histogram(const OutputDiagnostics& d, const Canvas& canvas);
/// Coverage of 68% and 95% intervals in each bin; empty where there are no error bars or only one bin.
std::string coverage_over_axis(const OutputDiagnostics& d, const Canvas& canvas);
/// A table of errors in intervals of the domain score; empty where all runs are in one of them. `runs`:
/// Validation::domain_runs.
std::string error_by_domain_score(const OutputDiagnostics& d, const Vector& runs, const std::string& rule);

/// The first elements of the basis over the axis, with its nodes; empty where they were not kept.
std::string basis_elements(const ChannelSummary& channel, const std::string& id);
/// The error that is left against the number of elements, of runs learnt from and of runs set aside.
std::string basis_errors(const ChannelSummary& channel, const std::string& id);
std::string singular_values(const ChannelSummary& channel, const std::string& id);
std::string cost(const ReportData& data);
std::string baselines(const std::vector<ComparisonRow>& rows);

/// "q = 3.21, chi1z = 0.4"; empty where lengths disagree.
std::string parameters_of(const HeldOutCase& c, const ParameterSpace& space);

}  // namespace ersatz::report
