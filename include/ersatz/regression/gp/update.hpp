#pragma once
// A fitted Gaussian process that gets to know further points, its hyperparameters as they are.

#include "ersatz/regression/predictor.hpp"

namespace ersatz::gp {

/// A new predictor with the points X (k × d) and values Y (k × p) appended in order; the old one stays as it
/// is. Equal, to rounding, to conditioning on all points with the same hyperparameters and the same scaling:
/// the mean's coefficients, and the process variance where it was estimated, are those of all points. O(n²)
/// for each point and correlation: one new row of the inverse Cholesky factor. For a few points; after many,
/// fit anew, for the hyperparameters' sake.
///
/// noise_std: known standard deviations of Y (k × p), where the predictor was fitted with such ones, else
/// empty. Throws UsageError when the predictor is no exact Gaussian process or shapes do not fit, DataError
/// on values that are not finite or an output that was constant and is no longer, NumericalError naming the
/// point that makes the covariance matrix singular (without noise: one that repeats another).
PredictorPtr append(const Predictor& predictor, ConstMatrixRef X, ConstMatrixRef Y,
                    const Matrix& noise_std = {});

}  // namespace ersatz::gp
