#pragma once
// The columns of a polynomial regression at the training points, standardised.

#include "ersatz/regression/polynomial_features.hpp"

namespace ersatz {

/// Standardised features, one row per training point.
struct FeatureRows {
  PolynomialFeatures features;  ///< those that vary, m
  Standardisation scaling;      ///< of the features, m
  Matrix rows;                  ///< n × m, each column of mean 0 and mean square 1
};
/// Features that do not vary over the rows of X are dropped. `standardised`: all features have mean 0 and
/// mean square 1 as they are. Cost: n m, a few passes.
FeatureRows make_feature_rows(const PolynomialFeatures& features, ConstMatrixRef X,
                              bool standardised = false);

/// The same, column major.
struct FeatureTable {
  PolynomialFeatures features;
  Standardisation scaling;
  Eigen::MatrixXd columns;  ///< n × m
};
FeatureTable make_feature_table(const PolynomialFeatures& features, ConstMatrixRef X);

/// A row-major table as a column-major one, in blocks that stay in the cache.
Eigen::MatrixXd column_major(ConstMatrixRef rows);

}  // namespace ersatz
