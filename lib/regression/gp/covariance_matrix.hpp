#pragma once
// The n × n covariance matrix of the data, wherever its elements are: in the memory of this process, or
// spread over the ranks of several (parallel/). What is made of it is the same mathematics.

#include <functional>
#include <memory>

#include "ersatz/core/matrix.hpp"
#include "ersatz/regression/gp/kernel.hpp"
#include "regression/gp/team.hpp"

namespace ersatz::gp {

/// R = K + noise, in its place its Cholesky factor L, then R⁻¹ or L⁻¹. Vectors and n × k matrices that go in
/// and come out are whole; where ranks share the matrix, every rank makes the same calls with the same
/// numbers and gets the same bits. Only lower triangles mean anything.
class CovarianceMatrix {
 public:
  virtual ~CovarianceMatrix() = default;

  /// R = K + (nugget + jitter × mean diagonal of K) I + diag(noise) and its factor L. noise: n variances
  /// relative to the process variance, or null. False: not positive definite in double precision. n³/3 flops.
  virtual bool factor(const Kernel& kernel, const double* coefficients, double nugget, double jitter,
                      const double* noise) = 0;
  /// From L: log det R.
  virtual double log_determinant() const = 0;
  /// b = L⁻¹ b, or L⁻ᵀ b; the first k columns of the n rows.
  virtual void solve(bool transposed, Index k, Eigen::MatrixXd& b) const = 0;
  /// From L to R⁻¹, 2/3 n³ flops.
  virtual void invert() = 0;
  /// From L to L⁻¹, n³/3 flops; returns the diagonal of R⁻¹.
  virtual Vector invert_factor() = 0;

  /// this = alpha w wᵀ + beta this, of w its first k columns.
  virtual void update(double alpha, const Eigen::MatrixXd& w, Index k, double beta) = 0;
  virtual double trace() const = 0;
  /// Σ_i v_i this_ii
  virtual double weighted_trace(const Vector& v) const = 0;
  virtual void shift_diagonal(double by) = 0;
  /// gradient[p] += Σ_ij this_ij ∂K_ij/∂θ_p; the diagonal is halved on return.
  virtual void contract(const Kernel& kernel, const double* coefficients, double* gradient) = 0;

  /// L⁻¹ in the layout of lib/core/kernels.hpp, where it is in the memory of this process; else empty.
  virtual Vector panels() const { return {}; }
  /// Replaces numbers that all ranks have computed for themselves by those of one of them: ranks on machines
  /// of different kinds take the same decisions.
  virtual void settle(double* /*values*/, Index /*count*/) const {}
};

/// Makes the matrix for points x (n × d).
using MakeCovariance = std::function<std::shared_ptr<CovarianceMatrix>(ConstMatrixRef x)>;

/// In the memory of this process, worked on by a team of threads; bits do not depend on their number.
class DenseCovariance final : public CovarianceMatrix {
 public:
  explicit DenseCovariance(ConstMatrixRef x, Index threads = 1);

  bool factor(const Kernel& kernel, const double* coefficients, double nugget, double jitter,
              const double* noise) override;
  double log_determinant() const override;
  void solve(bool transposed, Index k, Eigen::MatrixXd& b) const override;
  void invert() override;
  Vector invert_factor() override;
  void update(double alpha, const Eigen::MatrixXd& w, Index k, double beta) override;
  double trace() const override { return r_.diagonal().sum(); }
  double weighted_trace(const Vector& v) const override { return r_.diagonal().dot(v); }
  void shift_diagonal(double by) override { r_.diagonal().array() += by; }
  void contract(const Kernel& kernel, const double* coefficients, double* gradient) override;
  Vector panels() const override;

  Eigen::MatrixXd& matrix() { return r_; }
  Team& team() const { return *team_; }

 private:
  Points points() const;

  Eigen::MatrixXd columns_;  // n × d
  Eigen::MatrixXd r_;        // n × n, lower triangle
  std::unique_ptr<Team> team_;
};

}  // namespace ersatz::gp
