#pragma once
// Reports to test and to look at. The physics is made up; scores are computed from the made-up rows.

#include "ersatz/selection/report.hpp"

namespace ersatz::samples {

ReportData supernova();  ///< real spectrum, 1000 bins, error bars, one channel, baselines
ReportData waveform();   ///< five complex modes of 2000 samples, a group, failed runs, warnings
ReportData scalar();     ///< one number, error bars too narrow, few runs
ReportData
neighbours();          ///< spectrum of 12 bins and an output that does not vary, no error bars, nothing known
ReportData many();     ///< 40 complex outputs of 20 000 samples: does the file stay small?
ReportData empty();    ///< nothing but a title
ReportData hostile();  ///< markup, broken UTF-8 and values that are not finite wherever a text or number fits

}  // namespace ersatz::samples
