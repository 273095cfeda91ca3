#pragma once
// Random forest: the average of many regression trees, each grown on a bootstrap sample.

#include "ersatz/regression/regressor.hpp"

namespace ersatz {

struct ForestOptions {
  Index trees = 100;
  Index leaf = 1;       ///< fewest points of the sample (with repetition) in a leaf
  double inputs = 1.0;  ///< share of the inputs that each split may choose from, drawn anew
};

/// L. Breiman, Random Forests, Machine Learning 45 (2001), 5; with all inputs at each split it is bagging
/// (Breiman 1996). One forest per output. XGBoost (Chen & Guestrin 2016) grows the trees, at most 24 levels
/// deep, by exact greedy splits of the squared error, on ranks of the inputs, so that units do not matter;
/// bootstrap samples, thresholds (half way between neighbours) and leaves (means of the sample) are our own,
/// in double precision. Points that repeat another one exactly are drawn together.
///
/// Residuals of points left out are those of the trees whose sample does not hold them (out of bag), in the
/// place of leave-one-out. Variance: c_j (s̄²_j + s²_j(x)) with the variance s² over trees, its mean s̄² over
/// the training points, by trees that do not know them, and c_j such that the mean variance there is the mean
/// square residual. Latent: the known noise's mean variance is taken off in c_j. None where a point was in
/// every sample (few trees). No Jacobian: predictions are steps.
///
/// Cost: fit trees × n log n × inputs for each output, outputs being tasks of the executor; prediction trees
/// × depth for each output; memory and file 24 bytes × about 1.3 n / leaf nodes × trees × outputs.
///
/// Throws UsageError where forest_is_built() is false.
RegressorPtr make_forest_regressor(const ForestOptions& options);
/// trees, leaf, inputs
RegressorPtr make_forest_regressor(const Settings& settings);

/// Whether this library was built with XGBoost. Without it forests cannot be grown; models that have some
/// open and predict all the same.
bool forest_is_built();

}  // namespace ersatz
