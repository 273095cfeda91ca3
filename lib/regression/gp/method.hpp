#pragma once
// Which way of fitting a Gaussian process suits a number of points.

#include "ersatz/regression/gp/gp.hpp"

namespace ersatz::gp {

/// The options with what they imply filled in. Throws UsageError on those that make no sense.
GpOptions checked(const GpOptions& options);

/// The regressor that options.method names; for "auto" one that chooses by the number of points when it sees
/// the data, and says so in the summary. Throws UsageError naming the methods there are.
RegressorPtr make_gp_by_method(const GpOptions& options);

}  // namespace ersatz::gp
