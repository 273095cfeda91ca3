#pragma once
// Those that the table in acquisition.cpp knows. Not installed.

#include "ersatz/acquisition/acquisition.hpp"

namespace ersatz::acquisition {

AcquisitionPtr make_largest_variance(const Settings& settings);
AcquisitionPtr make_integrated_variance(const Settings& settings);
AcquisitionPtr make_committee(const Settings& settings);
AcquisitionPtr make_expected_improvement(const Settings& settings);
AcquisitionPtr make_residual(const Settings& settings);
AcquisitionPtr make_space_filling(const Settings& settings);
AcquisitionPtr make_random(const Settings& settings);

/// The expected amount by which a normal variable of this mean and deviation falls short of `best`; Jones,
/// Schonlau & Welch, J. Global Optim. 13, 455 (1998), Eq. 15. deviation 0: what is certain.
double expected_improvement(double best, double mean, double deviation);

}  // namespace ersatz::acquisition
