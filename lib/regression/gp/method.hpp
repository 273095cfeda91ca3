#pragma once
// Which way of fitting a Gaussian process suits a number of points.

#include <string>

#include "ersatz/regression/gp/gp.hpp"

namespace ersatz::gp {

/// "auto", "exact", "vecchia". Throws UsageError naming them.
Method method_from_string(const std::string& name);

/// The largest n that `automatic` leaves to the exact process.
constexpr Index largest_exact = 2000;

/// The regressor of options.method; for `automatic` one that chooses when it sees the data, and says so in the
/// summary.
RegressorPtr make_gp_by_method(const GpOptions& options);

}  // namespace ersatz::gp
