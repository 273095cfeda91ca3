#include "ersatz/regression/samples.hpp"

#include <Eigen/Cholesky>
#include <cmath>

#include "ersatz/core/error.hpp"

namespace ersatz {

Matrix draw_samples(const Predictor& predictor, ConstMatrixRef X, Index output, Index count, Noise noise,
                    RandomStream random) {
  if (!predictor.has_covariance())
    throw UsageError(text("samples: predictor ", predictor.kind(), " has no covariance between points"));
  if (output < 0 || output >= predictor.outputs())
    throw UsageError(text("samples: output ", output, " asked for, there are ", predictor.outputs()));
  if (count < 0) throw UsageError(text("samples: ", count, " asked for"));
  const Index q = X.rows();
  Workspace workspace;
  Matrix mean(q, predictor.outputs()), covariance(q, q);
  predictor.mean(X, mean, workspace);
  predictor.covariance(X, output, covariance, noise, workspace);
  Matrix draws(count, q);
  draws.rowwise() = mean.col(output).transpose();
  const double largest = q > 0 ? covariance.diagonal().maxCoeff() : 0.0;
  if (!(largest > 0.0)) return draws;

  covariance /= largest;
  Eigen::LLT<Eigen::MatrixXd> llt(covariance);
  for (double jitter = 1e-14; llt.info() != Eigen::Success; jitter *= 10.0) {
    if (jitter > 2e-6)
      throw NumericalError(text("samples: the covariance of ", q, " points is not positive definite"));
    Eigen::MatrixXd raised = covariance;
    raised.diagonal().array() += jitter;
    llt.compute(raised);
  }
  Matrix z(count, q);
  for (Index i = 0; i < z.size(); ++i) z.data()[i] = random.normal();
  draws.noalias() += std::sqrt(largest) * z * llt.matrixU();
  return draws;
}

}  // namespace ersatz
