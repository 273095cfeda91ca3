#include "acquisition/prior_conditional.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "regression/gp/predictor.hpp"

namespace ersatz::acquisition {
namespace {

constexpr Index block = 256;

/// Correlations of one coefficient's process between some fixed points and any others.
class PriorCorrelation {
 public:
  /// Null where no input matters: every point is the same.
  static const gp::Correlation* of(const Latent& latent) {
    const auto* gp = dynamic_cast<const gp::GpPredictor*>(latent.predictor);
    if (!gp)
      throw UsageError(text("the acquisition mice needs exact Gaussian processes, not a ",
                            latent.predictor->kind(), " predictor; take largest-variance"));
    const gp::Output& o = gp->state().outputs[static_cast<std::size_t>(latent.coefficient)];
    return o.correlation < 0 ? nullptr : &gp->state().correlations[static_cast<std::size_t>(o.correlation)];
  }

  PriorCorrelation(const Latent& latent, ConstMatrixRef fixed)
      : gp_(dynamic_cast<const gp::GpPredictor&>(*latent.predictor)), correlation_(*of(latent)) {
    const Workspace::Frame frame(workspace_);
    const Index inputs = gp_.training().inputs;
    const double* u = gp_.scaled(fixed, workspace_);
    columns_ = Eigen::Map<const Matrix>(u, fixed.rows(), inputs).transpose();
    deviation_ = deviations(columns_);
  }

  /// X: q × d', result: q × fixed.
  void operator()(ConstMatrixRef X, MatrixRef result) {
    const Workspace::Frame frame(workspace_);
    const Index inputs = columns_.rows();
    const double* u = gp_.scaled(X, workspace_);
    const Vector own = deviations(Eigen::Map<const Matrix>(u, X.rows(), inputs).transpose());
    for (Index i = 0; i < X.rows(); ++i) {
      gp_.kernel().row(u + i * inputs, points_of(columns_), correlation_.coefficients.data(),
                       result.row(i).data(), workspace_);
      result.row(i).array() /= own[i] * deviation_.transpose().array();
    }
  }

 private:
  static gp::Points points_of(const Matrix& columns) {
    return {columns.data(), columns.cols(), columns.cols(), columns.rows()};
  }
  Vector deviations(const Matrix& columns) const {
    Vector variance(columns.cols());
    gp_.kernel().diagonal(points_of(columns), correlation_.coefficients.data(), variance.data());
    return variance.cwiseSqrt();
  }

  const gp::GpPredictor& gp_;
  const gp::Correlation& correlation_;
  Workspace workspace_;
  Matrix columns_;    ///< active × fixed
  Vector deviation_;  ///< of the fixed points
};

}  // namespace

Matrix prior_conditional(const std::vector<Latent>& latents, const Matrix& U, Index others, double nugget,
                         Executor& executor) {
  const Index q = U.rows(), m = std::min(others, q), count = static_cast<Index>(latents.size());
  Matrix result = Matrix::Ones(count, q);
  for (const Latent& l : latents) PriorCorrelation::of(l);  // throws
  executor.local().map(count, [&](Index k) {
    const Latent& l = latents[static_cast<std::size_t>(k)];
    if (!PriorCorrelation::of(l)) return Bytes();
    const SingleThreadedBlas single;
    PriorCorrelation correlation(l, U.topRows(m));
    Matrix R(m, m);
    correlation(U.topRows(m), R);
    R.diagonal().array() += nugget;
    const Eigen::LLT<Eigen::MatrixXd> llt{Eigen::MatrixXd(R)};
    if (llt.info() != Eigen::Success)
      throw NumericalError(text("the acquisition mice: the correlations of ", m,
                                " candidates cannot be factorised with nugget = ", nugget,
                                "; take a larger one"));
    // One of the others does not know itself: 1 / (R⁻¹)_ii is the variance of its noisy value.
    const Eigen::MatrixXd inverse = llt.solve(Eigen::MatrixXd::Identity(m, m));
    for (Index i = 0; i < m; ++i) result(k, i) = 1.0 / inverse(i, i) - nugget;
    for (Index begin = m; begin < q; begin += block) {
      const Index size = std::min(block, q - begin);
      Matrix rows(size, m);
      correlation(U.middleRows(begin, size), rows);
      Eigen::MatrixXd white = rows.transpose();
      llt.matrixL().solveInPlace(white);
      result.row(k).segment(begin, size) = 1.0 - white.colwise().squaredNorm().array();
    }
    // Differences of numbers near one: no less than the noise leaves at the very least.
    result.row(k) = result.row(k).cwiseMax(1e-12).cwiseMin(1.0);
    return Bytes();
  });
  return result;
}

}  // namespace ersatz::acquisition
