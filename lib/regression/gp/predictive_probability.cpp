#include "ersatz/regression/gp/predictive_probability.hpp"

#include <algorithm>
#include <cmath>

#include "ersatz/core/blas.hpp"
#include "regression/gp/blocked.hpp"
#include "regression/gp/covariance_matrix.hpp"
#include "regression/gp/factor.hpp"

namespace ersatz::gp {
namespace {

constexpr double log_two_pi = 1.837877066409345483561;

/// The lower triangle of a, mirrored; in blocks that stay in cache.
void symmetrise(Eigen::MatrixXd& a) {
  constexpr Index block = 32;
  const Index n = a.rows();
  for (Index j = 0; j < n; j += block)
    for (Index i = j; i < n; i += block)
      for (Index jj = j; jj < std::min(j + block, n); ++jj)
        for (Index ii = std::max(i, jj + 1); ii < std::min(i + block, n); ++ii) a(jj, ii) = a(ii, jj);
}

}  // namespace

bool PredictiveProbability::criterion(CovarianceMatrix& matrix, LeastSquares& s,
                                      std::vector<double>& variance, double* value, double* slope) {
  auto& dense = static_cast<DenseCovariance&>(matrix);  // the constructor takes no other
  Eigen::MatrixXd& r = dense.matrix();
  Team& team = dense.team();
  const int n = static_cast<int>(points()), m = static_cast<int>(outputs()),
            q = static_cast<int>(mean_coefficients()), columns = m + q;
  const double one = 1.0, zero = 0.0;
  // r = Q, lower triangle. The columns of work become α, then R⁻¹ F T⁻¹.
  dense.solve(true, columns, s.work);
  invert_lower_blocked(r, team);
  const Vector plain = [&] {  // the diagonal of R⁻¹
    Vector d(n);
    for (Index j = 0; j < n; ++j) d[j] = r.col(j).tail(n - j).squaredNorm();
    return d;
  }();
  const Vector diagonal = plain - s.basis().rowwise().squaredNorm();
  // A point that alone determines a coefficient of the mean cannot be predicted from the others.
  if (!(diagonal.array() > 1e-12 * plain.array()).all()) return false;

  const double count = static_cast<double>(n);
  double sum = -static_cast<double>(m) * diagonal.array().log().sum(), by_variance = 0.0;
  for (Index o = 0; o < m; ++o) {
    double& v = variance[static_cast<std::size_t>(o)];
    const double scatter = (s.work.col(o).array().square() / diagonal.array()).sum();
    if (!variance_is_parameter()) v = scatter / count;
    if (!std::isfinite(v) || !(v > 0.0)) return false;
    sum += count * (log_two_pi + std::log(v)) + scatter / v;
    by_variance += count - scatter / v;
  }
  *value = 0.5 * sum;
  if (!slope) return true;
  *slope = 0.5 * by_variance;

  multiply_lower_blocked(r, team);
  update_lower_blocked(-1.0, s.basis(), q, 1.0, r, team);
  symmetrise(r);
  // G = Q diag(b) Q - Σ_o (c_o α_oᵀ + α_o c_oᵀ) / (2 variance_o), c_o = Q (α_o / diag Q),
  // b = m / (2 diag Q) + Σ_o α_o² / (2 variance_o diag Q²), from dQ = -Q dR Q.
  Vector b = 0.5 * m * diagonal.cwiseInverse();
  Eigen::MatrixXd scaled(n, m), c(n, m);
  for (Index o = 0; o < m; ++o) {
    s.work.col(o) /= std::sqrt(variance[static_cast<std::size_t>(o)]);
    scaled.col(o) = s.work.col(o).cwiseQuotient(diagonal);
    b += 0.5 * scaled.col(o).cwiseAbs2();
  }
  dsymm_("L", "L", &n, &m, &one, r.data(), &n, scaled.data(), &n, &zero, c.data(), &n);
  r.array().rowwise() *= b.cwiseSqrt().transpose().array();
  product_.resize(n, n);
  update_lower_blocked(1.0, r, n, 0.0, product_, team);
  const double minus_half = -0.5;
  dsyr2k_("L", "N", &n, &m, &minus_half, c.data(), &n, s.work.data(), &n, &one, product_.data(), &n);
  r.swap(product_);
  return true;
}

}  // namespace ersatz::gp
