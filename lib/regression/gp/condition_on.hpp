#pragma once
// Conditioning with the matrix where the caller wants it.

#include "ersatz/regression/gp/conditioning.hpp"
#include "regression/gp/covariance_matrix.hpp"

namespace ersatz::gp {

/// As `condition`; r is the matrix of the points x, and holds L⁻¹ on return. `panels` of the result are r's,
/// empty where ranks share it.
Conditioned condition_on(CovarianceMatrix& r, const Kernel& kernel, const Trend& trend, ConstMatrixRef x,
                         ConstMatrixRef y, const ConditionOptions& options);

}  // namespace ersatz::gp
