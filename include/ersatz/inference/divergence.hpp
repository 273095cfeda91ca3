#pragma once
// How far one density is from another.

#include "ersatz/inference/log_density.hpp"

namespace ersatz {

/// The Kullback-Leibler divergence of q from p in nats, E_p[ln p/q], of densities known up to constants, from
/// draws of p (n × size()): the mean of the difference of their logarithms plus the logarithm of the mean of
/// exp(minus that), which is the ratio of their constants. At least 0; at most about ln n can be told apart;
/// infinite where q is zero at a draw. Both densities are taken at the same draws, so that two that are alike
/// come out as such from few of them. Cost: 2 n evaluations. Throws UsageError where the sizes differ or
/// there are no draws.
double divergence(const LogDensity& p, const LogDensity& q, ConstMatrixRef draws);

}  // namespace ersatz
