#pragma once
// What a summary tells about a fitted polynomial.

#include "ersatz/regression/regressor.hpp"

namespace ersatz {

/// Facts "largest coefficients of output 0": "b1 3.2, b1^2 b3 -0.41, …", in raw units, those first whose term
/// moves the prediction most over the training points. Of the first four outputs.
void add_coefficient_facts(const Predictor& predictor, const TrainingData& data, FitSummary& summary);

}  // namespace ersatz
