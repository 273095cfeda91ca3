#include "regression/gp/covariance_matrix.hpp"

#include "ersatz/core/blas.hpp"
#include "regression/gp/blocked.hpp"
#include "regression/gp/factor.hpp"
#include "regression/gp/panels.hpp"
#include "regression/gp/triangular.hpp"

namespace ersatz::gp {

DenseCovariance::DenseCovariance(ConstMatrixRef x, Index threads)
    : columns_(x), r_(Eigen::MatrixXd::Zero(x.rows(), x.rows())), team_(std::make_unique<Team>(threads)) {}

Points DenseCovariance::points() const {
  return {columns_.data(), columns_.rows(), columns_.rows(), columns_.cols()};
}

bool DenseCovariance::factor(const Kernel& kernel, const double* coefficients, double nugget, double jitter,
                             const double* noise) {
  return gp::factor(kernel, points(), coefficients, nugget, jitter, noise, r_, *team_);
}

double DenseCovariance::log_determinant() const { return 2.0 * r_.diagonal().array().log().sum(); }

void DenseCovariance::solve(bool transposed, Index k, Eigen::MatrixXd& b) const {
  const int n = static_cast<int>(r_.rows()), columns = static_cast<int>(k);
  const double one = 1.0;
  dtrsm_("L", "L", transposed ? "T" : "N", "N", &n, &columns, &one, r_.data(), &n, b.data(), &n);
}

void DenseCovariance::invert() {
  invert_lower_blocked(r_, *team_);
  multiply_lower_blocked(r_, *team_);  // L⁻ᵀ L⁻¹
}

Vector DenseCovariance::invert_factor() {
  const Index n = r_.rows();
  invert_lower(static_cast<int>(n), r_.data(), static_cast<int>(n));
  Vector diagonal(n);
  for (Index i = 0; i < n; ++i) diagonal[i] = r_.col(i).tail(n - i).squaredNorm();
  return diagonal;
}

void DenseCovariance::update(double alpha, const Eigen::MatrixXd& w, Index k, double beta) {
  update_lower_blocked(alpha, w, k, beta, r_, *team_);
}

void DenseCovariance::contract(const Kernel& kernel, const double* coefficients, double* gradient) {
  gram_contract_blocked(kernel, points(), coefficients, r_.data(), gradient, *team_);
}

Vector DenseCovariance::panels() const { return panels_of(r_); }

}  // namespace ersatz::gp
