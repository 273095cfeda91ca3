#pragma once
// What the table of loaders refers to.

#include "ersatz/regression/predictor.hpp"

namespace ersatz {

PredictorPtr load_polynomial_predictor(const h5::Group& group);
PredictorPtr load_knn_predictor(const h5::Group& group);
PredictorPtr load_forest_predictor(const h5::Group& group);
PredictorPtr load_inducing_predictor(const h5::Group& group);

}  // namespace ersatz
