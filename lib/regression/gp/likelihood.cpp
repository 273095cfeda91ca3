#include "ersatz/regression/gp/likelihood.hpp"

#include <cmath>

#include "ersatz/core/blas.hpp"
#include "ersatz/core/error.hpp"
#include "regression/gp/triangular.hpp"

namespace ersatz::gp {
namespace {

constexpr double two_pi = 6.283185307179586476925;
const double one = 1.0, minus_one = -1.0;

/// R = K + (nugget + jitter × mean diagonal) I, lower triangle, and its Cholesky factor in place.
bool factor(const Kernel& kernel, const Points& points, const double* coefficients, double nugget,
            double jitter, Eigen::MatrixXd& r, Workspace& workspace) {
  gram_lower(kernel, points, coefficients, r.data(), workspace);
  const double mean_diagonal = r.diagonal().mean();
  r.diagonal().array() += nugget + jitter * mean_diagonal;
  const int n = static_cast<int>(points.size);
  int info = 0;
  dpotrf_("L", &n, r.data(), &n, &info);
  return info == 0;
}

/// From the factor and rhs = [y, 1]: work = L⁻¹ [y, 1], then the residuals e = L⁻¹ (y - mean) in the first m
/// columns. Variances are |e|² over the degrees of freedom: a sum of squares, never negative.
bool concentrate(const Eigen::MatrixXd& r, const Eigen::MatrixXd& rhs, Estimator estimator,
                 Eigen::MatrixXd& work, Concentrated& out, double& information) {
  const int n = static_cast<int>(r.rows()), columns = static_cast<int>(rhs.cols());
  const Index m = rhs.cols() - 1;
  work = rhs;
  dtrsm_("L", "L", "N", "N", &n, &columns, &one, r.data(), &n, work.data(), &n);
  const auto u = work.col(m);
  information = u.squaredNorm();
  out.mean.resize(static_cast<std::size_t>(m));
  out.variance.resize(static_cast<std::size_t>(m));
  const double freedom = static_cast<double>(estimator == Estimator::restricted ? n - 1 : n);
  bool usable = std::isfinite(information) && information > 0.0;
  for (Index o = 0; o < m; ++o) {
    const double mean = u.dot(work.col(o)) / information;
    work.col(o) -= mean * u;
    const double variance = work.col(o).squaredNorm() / freedom;
    out.mean[static_cast<std::size_t>(o)] = mean;
    out.variance[static_cast<std::size_t>(o)] = variance;
    usable = usable && std::isfinite(variance) && variance > 0.0;
  }
  return usable;
}

Eigen::MatrixXd with_ones(ConstMatrixRef y) {
  Eigen::MatrixXd rhs(y.rows(), y.cols() + 1);
  rhs.leftCols(y.cols()) = y;
  rhs.col(y.cols()).setOnes();
  return rhs;
}

}  // namespace

Likelihood::Likelihood(KernelPtr kernel, ConstMatrixRef x, ConstMatrixRef y, const LikelihoodOptions& options)
    : kernel_(std::move(kernel)),
      options_(options),
      n_(x.rows()),
      d_(x.cols()),
      m_(y.cols()),
      columns_(x.size()),
      rhs_(with_ones(y)),
      r_(n_, n_),
      work_(n_, m_ + 1),
      hyperparameters_(kernel_->hyperparameters(n_)),
      coefficients_(static_cast<std::size_t>(kernel_->parameters())) {
  if (n_ < 2) throw UsageError(text("a likelihood needs at least 2 points, got ", n_));
  if (y.rows() != n_) throw UsageError(text("x has ", n_, " rows, y has ", y.rows()));
  Eigen::Map<Eigen::MatrixXd>(columns_.data(), n_, d_) = x;
  r_.setZero();
}

bool Likelihood::compute(const double* parameters, double* value, double* gradient) {
  const Points points{columns_.data(), n_, n_, d_};
  const Index count = kernel_->parameters();
  kernel_->prepare(parameters, coefficients_.data());
  const double nugget = options_.nugget ? *options_.nugget : std::exp(parameters[count]);
  if (!factor(*kernel_, points, coefficients_.data(), nugget, options_.jitter, r_, workspace_)) return false;

  const double log_determinant = 2.0 * r_.diagonal().array().log().sum();
  double information = 0.0;
  if (!concentrate(r_, rhs_, options_.estimator, work_, concentrated_, information)) return false;
  const bool restricted = options_.estimator == Estimator::restricted;
  const double freedom = static_cast<double>(restricted ? n_ - 1 : n_), m = static_cast<double>(m_);
  double sum = m * log_determinant;
  for (const double variance : concentrated_.variance)
    sum += freedom * (1.0 + std::log(two_pi) + std::log(variance));
  if (restricted) sum += m * std::log(information);
  *value = 0.5 * sum;

  if (gradient) {
    // d(value) = ½ Σ_ij W_ij dR_ij, W = m R⁻¹ - Σ_o α_o α_oᵀ / variance_o (- m s sᵀ / information, mean
    // integrated out), α_o = R⁻¹ (y_o - mean_o), s = R⁻¹ 1.
    for (Index o = 0; o < m_; ++o)
      work_.col(o) /= std::sqrt(concentrated_.variance[static_cast<std::size_t>(o)]);
    work_.col(m_) *= std::sqrt(m / information);
    const int n = static_cast<int>(n_), k = static_cast<int>(restricted ? m_ + 1 : m_);
    dtrsm_("L", "L", "T", "N", &n, &k, &one, r_.data(), &n, work_.data(), &n);
    int info = 0;
    invert_lower(n, r_.data(), n);
    dlauum_("L", &n, r_.data(), &n, &info);  // L⁻ᵀ L⁻¹
    dsyrk_("L", "N", &n, &k, &minus_one, work_.data(), &n, &m, r_.data(), &n);
    const double trace = r_.diagonal().sum();
    for (Index p = 0; p < this->parameters(); ++p) gradient[p] = 0.0;
    gram_contract(*kernel_, points, coefficients_.data(), r_.data(), gradient, workspace_);
    for (Index p = 0; p < count; ++p) gradient[p] *= 0.5;
    if (!options_.nugget) gradient[count] = 0.5 * nugget * trace;
  }
  add_prior(parameters, nugget, value, gradient);
  return std::isfinite(*value);
}

void Likelihood::add_prior(const double* theta, double nugget, double* value, double* gradient) const {
  if (options_.prior == Prior::none) return;
  double lengths = 0.0;
  for (const auto& h : hyperparameters_) lengths += h.role == Hyperparameter::Role::length ? 1.0 : 0.0;
  if (lengths == 0.0) return;
  const double spacing = std::pow(static_cast<double>(n_), -1.0 / static_cast<double>(d_));
  const double a = 0.2, b = spacing * (a + static_cast<double>(d_));
  double t = options_.nugget ? 0.0 : nugget;
  for (std::size_t p = 0; p < hyperparameters_.size(); ++p)
    if (hyperparameters_[p].role == Hyperparameter::Role::length) t += spacing * std::exp(-theta[p]);
  *value -= a * std::log(t) - b * t;
  if (!gradient) return;
  const double slope = a / t - b;
  for (std::size_t p = 0; p < hyperparameters_.size(); ++p)
    if (hyperparameters_[p].role == Hyperparameter::Role::length)
      gradient[p] += slope * spacing * std::exp(-theta[p]);
  if (!options_.nugget) gradient[kernel_->parameters()] -= slope * nugget;
}

}  // namespace ersatz::gp
