#pragma once
// The Gaussian process with its full covariance matrix.

#include "ersatz/regression/gp/gp.hpp"
#include "regression/gp/covariance_matrix.hpp"
#include "regression/gp/state.hpp"

namespace ersatz::gp {

/// O(n³) for each evaluation of the likelihood, O(n²) memory.
RegressorPtr make_exact_gp(const GpOptions& options);

/// A fit with its matrices where `make` puts them (null: in the memory of this process). With `make`, the
/// state has no inverse factors: `factors` holds them, one L⁻¹ for each of its correlations, and every
/// output's search is one after the other, whatever the executor.
struct ExactFit {
  GpState state;
  std::vector<std::shared_ptr<CovarianceMatrix>> factors;
  FitSummary summary;
};
ExactFit fit_exact(const GpOptions& options, const TrainingData& data, const FitContext& context,
                   const MakeCovariance& make = nullptr);

}  // namespace ersatz::gp
