#include "ersatz/regression/gp/covariance_objective.hpp"

#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/likelihood.hpp"
#include "ersatz/regression/gp/predictive_probability.hpp"
#include "regression/gp/covariance_matrix.hpp"
#include "regression/gp/factor.hpp"

namespace ersatz::gp {
namespace {

Index count_parameters(const Kernel& kernel, const ObjectiveOptions& options) {
  return kernel.parameters() + (options.nugget ? 0 : 1) + (options.noise.size() > 0 ? 1 : 0);
}

}  // namespace

CovarianceObjective::CovarianceObjective(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y,
                                         const ObjectiveOptions& options,
                                         std::shared_ptr<CovarianceMatrix> matrix)
    : kernel_(std::move(kernel)),
      options_(options),
      n_(x.rows()),
      m_(y.cols()),
      parameters_(count_parameters(*kernel_, options)),
      prior_(options.priors, *kernel_, n_, options.nugget ? -1 : kernel_->parameters(),
             options.noise.size() > 0 ? parameters_ - 1 : -1),
      y_(y),
      r_(std::move(matrix)),
      coefficients_(static_cast<std::size_t>(kernel_->parameters())) {
  if (n_ < 2) throw UsageError(text("a likelihood needs at least 2 points, got ", n_));
  if (y.rows() != n_) throw UsageError(text("x has ", n_, " rows, y has ", y.rows()));
  if (options.noise.size() > 0 && options.noise.size() != n_)
    throw UsageError(text("x has ", n_, " rows, there are ", options.noise.size(), " noise variances"));
  const Trend trend(x.cols(), options.trend);
  f_ = trend.matrix(x);
  check_trend(trend, f_, {});
  if (!r_) r_ = std::make_shared<DenseCovariance>(x, options.threads);
}

bool CovarianceObjective::compute(const double* given, double* value, double* gradient) {
  const SingleThreadedBlas single;
  std::vector<double> parameters(given, given + parameters_);
  r_->settle(parameters.data(), parameters_);
  const Index count = kernel_->parameters();
  kernel_->prepare(parameters.data(), coefficients_.data());
  const double nugget =
      options_.nugget ? *options_.nugget : std::exp(parameters[static_cast<std::size_t>(count)]);
  const bool known_noise = variance_is_parameter();
  Vector noise;
  concentrated_.variance.assign(static_cast<std::size_t>(m_), 0.0);
  if (known_noise) {
    const double variance = std::exp(parameters.back());
    concentrated_.variance.assign(static_cast<std::size_t>(m_), variance);
    noise = options_.noise / variance;
  }
  LeastSquares squares;
  if (!r_->factor(*kernel_, coefficients_.data(), nugget, options_.jitter,
                  known_noise ? noise.data() : nullptr) ||
      !solve_least_squares(*r_, y_, f_, squares))
    return false;
  concentrated_.coefficients = squares.coefficients.transpose();
  double slope = 0.0;
  if (!criterion(*r_, squares, concentrated_.variance, value, gradient ? &slope : nullptr)) return false;

  if (gradient) {
    for (Index p = 0; p < parameters_; ++p) gradient[p] = 0.0;
    const double trace = r_->trace();
    if (!options_.nugget) gradient[count] = nugget * trace;
    if (known_noise) gradient[parameters_ - 1] = slope - r_->weighted_trace(noise);
    r_->shift_diagonal(options_.jitter * trace / static_cast<double>(n_));
    r_->contract(*kernel_, coefficients_.data(), gradient);
  }
  prior_.subtract(parameters.data(), value, gradient);
  r_->settle(value, 1);
  if (gradient) r_->settle(gradient, parameters_);
  return std::isfinite(*value);
}

std::unique_ptr<CovarianceObjective> make_objective(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y,
                                                    const ObjectiveOptions& options,
                                                    std::shared_ptr<CovarianceMatrix> matrix) {
  if (options.estimator == Estimator::leave_one_out) {
    if (matrix)
      throw UsageError("the leave-one-out likelihood needs its matrix in the memory of one process");
    return std::make_unique<PredictiveProbability>(std::move(kernel), x, y, options);
  }
  return std::make_unique<Likelihood>(std::move(kernel), x, y, options, std::move(matrix));
}

}  // namespace ersatz::gp
