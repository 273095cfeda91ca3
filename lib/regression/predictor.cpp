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

void Predictor::record(const double* x, double* mean, double* variance, double*, Workspace& workspace) const {
  const Eigen::Map<const Matrix> point(x, 1, inputs());
  Eigen::Map<Matrix> mean_row(mean, 1, outputs());
  if (!variance) return this->mean(point, mean_row, workspace);
  Eigen::Map<Matrix> variance_row(variance, 1, outputs());
  mean_and_variance(point, mean_row, variance_row, Noise::latent, workspace);
}

void Predictor::pull(const double* x, const double*, const double* by_mean, const double* by_variance,
                     double* gradient, Workspace& workspace) const {
  const Workspace::Frame frame(workspace);
  const Index p = outputs(), d = inputs();
  Eigen::Map<Matrix> slopes(workspace.take(p * d), p, d);
  Eigen::Map<Vector> sum(gradient, d);
  jacobian(x, slopes, workspace);
  sum.noalias() = slopes.transpose() * Eigen::Map<const Vector>(by_mean, p);
  if (!by_variance) return;
  variance_gradient(x, slopes, workspace);
  sum.noalias() += slopes.transpose() * Eigen::Map<const Vector>(by_variance, p);
}

namespace {

void check_inputs(const Predictor& predictor, ConstMatrixRef X) {
  if (X.cols() != predictor.inputs())
    throw UsageError(text("predictor ", predictor.kind(), ": points have ", X.cols(), " inputs, expected ",
                          predictor.inputs()));
}

void check_finite(const Predictor& predictor, ConstMatrixRef X) {
  for (Index i = 0; i < X.rows(); ++i)
    for (Index k = 0; k < X.cols(); ++k)
      if (!std::isfinite(X(i, k)))
        throw DataError(text("predictor ", predictor.kind(), ": point ", i, ", input ", k, " is ", X(i, k),
                             ", expected a finite number"));
}

void check_room(const Predictor& predictor, const char* what, const MatrixRef& result, Index rows,
                Index cols) {
  if (result.rows() != rows || result.cols() != cols)
    throw UsageError(text("predictor ", predictor.kind(), ": room for ", result.rows(), " x ", result.cols(),
                          what, ", expected ", rows, " x ", cols));
}

}  // namespace

void check_points(const Predictor& predictor, ConstMatrixRef X) {
  check_inputs(predictor, X);
  check_finite(predictor, X);
}

void check_points(const Predictor& predictor, ConstMatrixRef X, const MatrixRef& result) {
  check_inputs(predictor, X);
  check_room(predictor, " results", result, X.rows(), predictor.outputs());
  check_finite(predictor, X);
}

void check_covariance(const Predictor& predictor, ConstMatrixRef X, Index output, const MatrixRef& result) {
  check_inputs(predictor, X);
  if (output < 0 || output >= predictor.outputs())
    throw UsageError(text("predictor ", predictor.kind(), ": output ", output, " asked for, there are ",
                          predictor.outputs()));
  check_room(predictor, " covariances", result, X.rows(), X.rows());
  check_finite(predictor, X);
}

void check_derivatives(const Predictor& predictor, const double* x, const MatrixRef& result) {
  check_room(predictor, " derivatives (outputs x inputs)", result, predictor.outputs(), predictor.inputs());
  check_finite(predictor, Eigen::Map<const Matrix>(x, 1, predictor.inputs()));
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
