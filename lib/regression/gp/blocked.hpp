#pragma once
// Factor and inverse of a positive definite matrix in blocks that a team shares. The blocks depend on n only,
// so results have the same bits whatever the number of threads. All matrices: lower triangle, column major,
// n × n; above the diagonal nothing is touched.

#include "ersatz/core/matrix.hpp"
#include "regression/gp/team.hpp"

namespace ersatz::gp {

/// A = L Lᵀ in place. False: not positive definite. n³/3 flops.
bool factor_blocked(Eigen::MatrixXd& a, Team& team);
/// L⁻¹ in place of L. n³/3 flops.
void invert_lower_blocked(Eigen::MatrixXd& l, Team& team);
/// Mᵀ M in place of the lower triangle M: with M = L⁻¹, the inverse of L Lᵀ. n³/3 flops.
void multiply_lower_blocked(Eigen::MatrixXd& m, Team& team);

/// C = alpha W Wᵀ + beta C with the first k columns of W. n² k flops.
void update_lower_blocked(double alpha, const Eigen::MatrixXd& w, Index k, double beta, Eigen::MatrixXd& c,
                          Team& team);

}  // namespace ersatz::gp
