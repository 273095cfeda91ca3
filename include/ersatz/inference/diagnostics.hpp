#pragma once
// Whether chains have converged, and what their draws are worth.

#include "ersatz/core/matrix.hpp"

namespace ersatz {

/// Rank-normalised split R-hat: the larger of those for the ranks and for the ranks of the distances from the
/// median (Vehtari, Gelman, Simpson, Carpenter & Bürkner, Bayesian Anal. 16, 667, 2021, Eqs. 1 to 4, 14).
/// draws: chains × steps, at least four steps. NaN where all draws are equal. O(N log N) for N draws, as all
/// here.
double r_hat(ConstMatrixRef draws);

/// Effective sample sizes of the same paper: in the bulk (of the ranks), in the tails (the smaller of those
/// of the quantiles 5% and 95%). Split chains, Geyer's initial monotone sequence. NaN where all are equal,
/// and for chains of fewer than ten steps.
double bulk_effective_size(ConstMatrixRef draws);
double tail_effective_size(ConstMatrixRef draws);

/// Integrated autocorrelation time in steps, of the chains' mean autocorrelation; summed up to the first lag
/// of at least five times the sum so far (Sokal 1997; as emcee does, Foreman-Mackey et al. 2013). An estimate
/// from fewer than 50 such times is too short, and
/// of draws that alternate much too short. NaN where a chain never moves.
double autocorrelation_time(ConstMatrixRef draws);

/// What a table shows of one parameter. Intervals are central ones.
struct MarginalSummary {
  double mean, deviation, median;
  double lower68, upper68, lower95, upper95;
  double r_hat, bulk_size, tail_size, autocorrelation;
};
MarginalSummary summarise(ConstMatrixRef draws);

/// How many digits of a value to show: three beyond the one where its deviation begins; six without a
/// deviation.
int significant_digits(double value, double deviation);

}  // namespace ersatz
