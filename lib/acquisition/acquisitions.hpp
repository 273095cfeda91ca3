#pragma once
// Those that the table in acquisition.cpp knows. Not installed.

#include "ersatz/acquisition/acquisition.hpp"

namespace ersatz::acquisition {

AcquisitionPtr make_largest_variance(const Settings& settings);
AcquisitionPtr make_integrated_variance(const Settings& settings);
AcquisitionPtr make_mice(const Settings& settings);
AcquisitionPtr make_committee(const Settings& settings);
AcquisitionPtr make_expected_improvement(const Settings& settings);
AcquisitionPtr make_residual(const Settings& settings);
AcquisitionPtr make_space_filling(const Settings& settings);
AcquisitionPtr make_random(const Settings& settings);

}  // namespace ersatz::acquisition
