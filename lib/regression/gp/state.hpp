#pragma once
// From conditioning, in internal units, to the state of a predictor, in the user's.

#include "ersatz/regression/gp/conditioning.hpp"
#include "regression/gp/predictor.hpp"
#include "regression/gp/scaled_data.hpp"

namespace ersatz::gp {

/// All but the correlations: every output is predicted as its mean, with variance 0.
GpState make_state(const std::string& kernel, const Trend& trend, const TrainingData& data,
                   const ScaledData& scaled);

/// Puts in one correlation, for the outputs at `positions` among the varying ones: those that `conditioned`
/// holds, in this order.
void add_correlation(const Conditioned& conditioned, const ConditionOptions& options,
                     const ScaledData& scaled, const std::vector<Index>& positions, GpState& state);

}  // namespace ersatz::gp
