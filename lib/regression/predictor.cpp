#include "ersatz/regression/predictor.hpp"

#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {

void Predictor::mean_and_variance(ConstMatrixRef, MatrixRef, MatrixRef, Noise, Workspace&) const {
  throw UsageError(text("predictor ", kind(), " has no variance; ask for the mean alone"));
}

void Predictor::covariance(ConstMatrixRef, Index, MatrixRef, Noise, Workspace&) const {
  throw UsageError(text("predictor ", kind(), " has no covariance between points"));
}

void Predictor::jacobian(const double*, MatrixRef, Workspace&) const {
  throw UsageError(text("predictor ", kind(), " has no Jacobian"));
}

void Predictor::variance_gradient(const double*, MatrixRef, Workspace&) const {
  throw UsageError(text("predictor ", kind(), " has no gradient of the variance"));
}

void check_points(const Predictor& predictor, ConstMatrixRef X, const MatrixRef& result) {
  if (X.cols() != predictor.inputs())
    throw UsageError(text("predictor ", predictor.kind(), ": points have ", X.cols(), " inputs, expected ",
                          predictor.inputs()));
  if (result.rows() != X.rows() || result.cols() != predictor.outputs())
    throw UsageError(text("predictor ", predictor.kind(), ": room for ", result.rows(), " x ", result.cols(),
                          " results, expected ", X.rows(), " x ", predictor.outputs()));
  for (Index i = 0; i < X.rows(); ++i)
    for (Index k = 0; k < X.cols(); ++k)
      if (!std::isfinite(X(i, k)))
        throw DataError(text("predictor ", predictor.kind(), ": point ", i, ", input ", k, " is ", X(i, k),
                             ", expected a finite number"));
}

void check_predictions(const Predictor& predictor, const MatrixRef& result) {
  for (Index i = 0; i < result.rows(); ++i)
    for (Index j = 0; j < result.cols(); ++j)
      if (!std::isfinite(result(i, j)))
        throw NumericalError(text("predictor ", predictor.kind(), ": the prediction of output ", j,
                                  " at point ", i, " is ", result(i, j),
                                  "; the point is too far from the training data, check its units"));
}

void save_predictor(const h5::Group& group, const Predictor& predictor) {
  group.set("kind", predictor.kind());
  predictor.save(group);
}

}  // namespace ersatz
