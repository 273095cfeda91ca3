#pragma once
// The covariance matrix of the data, factorised, and the mean's coefficients by generalised least squares.

#include "ersatz/regression/gp/kernel.hpp"
#include "ersatz/regression/gp/trend.hpp"
#include "regression/gp/covariance_matrix.hpp"
#include "regression/gp/team.hpp"

namespace ersatz::gp {

/// gram_lower and gram_contract of kernel.hpp, shared by a team: blocks of columns that depend on n only.
void gram_lower_blocked(const Kernel& kernel, const Points& points, const double* coefficients,
                        double* matrix, Team& team);
void gram_contract_blocked(const Kernel& kernel, const Points& points, const double* coefficients,
                           double* weights, double* gradient, Team& team);

/// R = K + (nugget + jitter × mean diagonal of K) I + diag(noise), its Cholesky factor L in the lower
/// triangle of r (n × n); above the diagonal nothing is touched. noise: n variances relative to the process
/// variance, or null. False: not positive definite in double precision. n³/3 flops.
bool factor(const Kernel& kernel, const Points& points, const double* coefficients, double nugget,
            double jitter, const double* noise, Eigen::MatrixXd& r, Team& team);

/// y = F beta + e, cov e = variance × R, for m outputs and q columns of F (q = 0: no mean).
struct LeastSquares {
  /// n × (m + q): first the residuals L⁻¹ (y - F beta), whose squares sum to (y - F beta)ᵀ R⁻¹ (y - F beta),
  /// then Z, orthonormal columns with L⁻¹ F = Z T.
  Eigen::MatrixXd work;
  Eigen::MatrixXd triangle;      ///< q × q: T, upper; Fᵀ R⁻¹ F = Tᵀ T
  Eigen::MatrixXd coefficients;  ///< q × m: beta
  Vector squares;                ///< m: the sums of squares

  auto residuals() const { return work.leftCols(squares.size()); }
  auto basis() const { return work.rightCols(triangle.cols()); }
  /// log det Fᵀ R⁻¹ F
  double log_information() const { return 2.0 * triangle.diagonal().array().log().sum(); }
};

/// From the factor of R. Orthogonalises twice, so nothing is squared that need not be. False: columns of F
/// depend on each other, an output is explained without residual, or numbers overflow. n²(m + q) flops.
bool solve_least_squares(const CovarianceMatrix& factor, const Eigen::MatrixXd& y, const Eigen::MatrixXd& f,
                         LeastSquares& result);

/// Throws DataError when the mean's coefficients cannot be told from the points: fewer points than
/// coefficients + 1, or terms that depend on each other there (it says which). f: trend.matrix(x).
void check_trend(const Trend& trend, const Eigen::MatrixXd& f, const std::vector<std::string>& input_names);

}  // namespace ersatz::gp
