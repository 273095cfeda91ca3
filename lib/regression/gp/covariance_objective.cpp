#include "ersatz/regression/gp/covariance_objective.hpp"

#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "ersatz/regression/gp/likelihood.hpp"
#include "ersatz/regression/gp/predictive_probability.hpp"
#include "regression/gp/factor.hpp"

namespace ersatz::gp {
namespace {

Index count_parameters(const Kernel& kernel, const ObjectiveOptions& options) {
  return kernel.parameters() + (options.nugget ? 0 : 1) + (options.noise.size() > 0 ? 1 : 0);
}

}  // namespace

CovarianceObjective::CovarianceObjective(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y,
                                         const ObjectiveOptions& options)
    : kernel_(std::move(kernel)),
      options_(options),
      n_(x.rows()),
      d_(x.cols()),
      m_(y.cols()),
      parameters_(count_parameters(*kernel_, options)),
      prior_(options.priors, *kernel_, n_, options.nugget ? -1 : kernel_->parameters(),
             options.noise.size() > 0 ? parameters_ - 1 : -1),
      columns_(x.size()),
      y_(y),
      r_(n_, n_),
      coefficients_(static_cast<std::size_t>(kernel_->parameters())),
      team_(std::make_shared<Team>(options.threads)) {
  if (n_ < 2) throw UsageError(text("a likelihood needs at least 2 points, got ", n_));
  if (y.rows() != n_) throw UsageError(text("x has ", n_, " rows, y has ", y.rows()));
  if (options.noise.size() > 0 && options.noise.size() != n_)
    throw UsageError(text("x has ", n_, " rows, there are ", options.noise.size(), " noise variances"));
  const Trend trend(d_, options.trend);
  f_ = trend.matrix(x);
  check_trend(trend, f_, {});
  Eigen::Map<Eigen::MatrixXd>(columns_.data(), n_, d_) = x;
  r_.setZero();
}

bool CovarianceObjective::compute(const double* parameters, double* value, double* gradient) {
  const SingleThreadedBlas single;
  const Points points{columns_.data(), n_, n_, d_};
  const Index count = kernel_->parameters();
  kernel_->prepare(parameters, coefficients_.data());
  const double nugget = options_.nugget ? *options_.nugget : std::exp(parameters[count]);
  const bool known_noise = variance_is_parameter();
  Vector noise;
  concentrated_.variance.assign(static_cast<std::size_t>(m_), 0.0);
  if (known_noise) {
    const double variance = std::exp(parameters[parameters_ - 1]);
    concentrated_.variance.assign(static_cast<std::size_t>(m_), variance);
    noise = options_.noise / variance;
  }
  LeastSquares squares;
  if (!factor(*kernel_, points, coefficients_.data(), nugget, options_.jitter,
              known_noise ? noise.data() : nullptr, r_, *team_) ||
      !solve_least_squares(r_, y_, f_, squares))
    return false;
  concentrated_.coefficients = squares.coefficients.transpose();
  double slope = 0.0;
  if (!criterion(*team_, r_, squares, concentrated_.variance, value, gradient ? &slope : nullptr))
    return false;

  if (gradient) {
    for (Index p = 0; p < parameters_; ++p) gradient[p] = 0.0;
    const double trace = r_.diagonal().sum();
    if (!options_.nugget) gradient[count] = nugget * trace;
    if (known_noise) gradient[parameters_ - 1] = slope - r_.diagonal().dot(noise);
    r_.diagonal().array() += options_.jitter * trace / static_cast<double>(n_);
    gram_contract_blocked(*kernel_, points, coefficients_.data(), r_.data(), gradient, *team_);
  }
  prior_.subtract(parameters, value, gradient);
  return std::isfinite(*value);
}

std::unique_ptr<CovarianceObjective> make_objective(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y,
                                                    const ObjectiveOptions& options) {
  if (options.estimator == Estimator::leave_one_out)
    return std::make_unique<PredictiveProbability>(std::move(kernel), x, y, options);
  return std::make_unique<Likelihood>(std::move(kernel), x, y, options);
}

}  // namespace ersatz::gp
