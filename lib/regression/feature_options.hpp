#pragma once
// Which polynomials of the inputs a regressor takes: what all polynomial regressors read from a recipe in the
// same way.

#include <string>

#include "ersatz/regression/polynomial_features.hpp"
#include "ersatz/regression/regressor.hpp"

namespace ersatz {

/// The settings `features` ("powers", "legendre", "hermite") and `q_norm`. Throws UsageError.
PolynomialFamily family_setting(const Settings& settings, const char* whose, PolynomialFamily fallback);
double q_norm_setting(const Settings& settings, const char* whose, double fallback);

/// How inputs reach the polynomials. Powers and Hermite: mean 0 and deviation 1 over the rows of x. Legendre:
/// [-1, 1] between the bounds of the data, or the range of the rows where there are none. Inputs that do not
/// vary have inverse_scale 0.
Standardisation feature_inputs(const TrainingData& data, PolynomialFamily family);

/// All features of a truncation over these inputs.
PolynomialFeatures features_of(const Standardisation& inputs, const Truncation& truncation,
                               PolynomialFamily family);

/// ", legendre, q_norm 0.5" for the settings line of a regressor; empty for powers of total degree.
std::string describe(PolynomialFamily family, double q_norm);

}  // namespace ersatz
